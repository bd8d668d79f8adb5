"""One message: whatever a client sends and whatever a process does, there is one stated answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jackfield.messages import NotUtf8
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.observe.metrics import Meter
from tests.server.conftest import Build, Clock, RouteOf, Writer, ask, connection, error

# what comes back


@pytest.mark.parametrize(
    ("code", "replies"),
    [
        ("@process(reply='message')\ndef say(text: str) -> str:\n    return text", [{"message": "Привет 🤝"}]),
        ("@process\ndef say(text: str) -> str:\n    return text", [{"result": "Привет 🤝"}]),
        ("@process\nasync def say(text: str) -> dict[str, int]:\n    return {'длина': len(text)}", [{"длина": 8}]),
        ("@process(blocking=True)\ndef say(text: str) -> str:\n    return text", [{"result": "Привет 🤝"}]),
        ("@process\ndef say(text: str) -> None:\n    return None", []),
        ("@process\ndef say(text: str):\n    yield 1\n    yield None\n    yield 2", [{"result": 1}, {"result": 2}]),
        ("@process\nasync def say(text: str):\n    yield {'a': 1}\n    yield 'б'", [{"a": 1}, {"result": "б"}]),
        ("@process(blocking=True)\ndef say(text: str):\n    yield 1\n    yield 2", [{"result": 1}, {"result": 2}]),
    ],
)
async def test_every_kind_of_process_answers(
    dispatcher: Dispatcher, route_of: RouteOf, code: str, replies: list[dict[str, Any]]
) -> None:
    route = route_of(code)
    assert await ask(dispatcher, route, {"text": "Привет 🤝"}) == replies
    stream = route.process.kind in ("generator", "async_generator")
    done = [{"$id": "я-1", "$done": True}] if stream or not replies else []
    frames = await ask(dispatcher, route, {"text": "Привет 🤝", "$id": "я-1"})
    assert frames == [reply | {"$id": "я-1"} for reply in replies] + done


@pytest.mark.parametrize(
    "data", ["no JSON", "{}", '{"tekst": 1}', '{"code": 5, "size": "x"}', "[1]", '{"code": "' + "x" * 70_000 + '"}']
)
async def test_an_error_shows_a_message_that_fits_though_nobody_wrote_one(
    dispatcher: Dispatcher, route_of: RouteOf, data: str
) -> None:
    head = "from msgspec import Meta\nfrom typing import Annotated\n"
    head += "Code = Annotated[str, Meta(pattern='^[A-Z]{3}-[0-9]{4}$')]"
    route = route_of(f"{head}\n@process\ndef say(code: Code, size: int) -> str:\n    return code")
    shown = (await error(dispatcher, route, data))["example"]
    assert shown == {"code": "AAA-0000", "size": 1}
    assert await ask(dispatcher, route, shown) == [{"result": "AAA-0000"}]


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_what_fails_while_it_is_decoded_is_answered_under_its_own_id(
    dispatcher: Dispatcher, route_of: RouteOf, kind: str
) -> None:
    code = "@dataclasses.dataclass\nclass Thing:\n    def __post_init__(self): raise Reject('own', 'нет')\n"
    route = route_of(f"{code}@process\n{kind} say(thing: Thing) -> None: ...")
    given = {"error": {"code": "own", "message": "нет"}}
    assert await ask(dispatcher, route, {"thing": {}, "$id": 2}) == [given | {"$id": 2}]
    task, writer = asyncio.current_task(), Writer(message_id=1)  # of the message before
    assert task is not None
    frame = await dispatcher.in_task(route, {}, Meter())(connection(), b'{"thing": {}}', task, writer)
    assert frame is not None
    assert json.loads(frame) == given


async def test_connection_and_path_parameters_are_given(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    code = (
        "@process\ndef say(room: str, n: int, caller: Connection) -> Any:\n    return [caller.identity.login, room, n]"
    )
    route = route_of(code, url='"/ws/{room}"')
    assert await ask(dispatcher, route, {"n": 3}, room="зал") == [{"result": ["аня", "зал", 3]}]
    assert "room" in (await error(dispatcher, route, {"n": 3, "room": "other"}))["details"][0]["problem"]


@pytest.mark.parametrize("message_id", ["", "x" * 128, "🤝" * 128, 0, -7, 2**70, "NaN", "\x00"])
async def test_an_id_comes_back_as_it_was(dispatcher: Dispatcher, route_of: RouteOf, message_id: str | int) -> None:
    route = route_of("@process\ndef say(text: str) -> str:\n    return text")
    assert await ask(dispatcher, route, {"$id": message_id, "text": "a"}) == [{"result": "a", "$id": message_id}]
    (frame,) = await ask(dispatcher, route, {"$id": message_id, "tekst": "a"})
    assert frame["$id"] == message_id
    (frame,) = await ask(dispatcher, route, '{"text": NaN, "$id": ' + json.dumps(message_id) + "}")
    assert frame["$id"] == message_id, "the message could be parsed loosely, so its id is known"


@pytest.mark.parametrize("message_id", ["x" * 129, 1.5, True, [], {}])
async def test_a_bad_id_is_a_fault_and_is_not_echoed(
    dispatcher: Dispatcher, route_of: RouteOf, message_id: object
) -> None:
    route = route_of("@process\ndef say(text: str) -> str:\n    return text")
    (frame,) = await ask(dispatcher, route, {"$id": message_id, "text": "a"})
    assert "$id" not in frame
    assert [fault["path"] for fault in frame["error"]["details"]] == ["/$id"]


@pytest.mark.parametrize("message_id", ["NaN", '"\\ud800"', "Infinity"])
async def test_an_id_that_json_cannot_carry_is_not_echoed(
    dispatcher: Dispatcher, route_of: RouteOf, message_id: str
) -> None:
    route = route_of("@process\ndef say(text: str) -> str:\n    return text")
    (frame,) = await ask(dispatcher, route, f'{{"$id": {message_id}, "text": "a"}}')
    assert "$id" not in frame
    assert frame["error"]["code"] == "invalid_message"


# bad messages

TALK = """
class Colour(enum.Enum):
    red = "red"
    blue = "blue"

@process
def say(text: str, n: int = 0, share: float = 0.0, at: datetime.datetime | None = None,
        colour: Colour = Colour.red, tags: list[str] = [], more: dict[str, Any] = {}) -> int:
    return n
"""


@pytest.mark.shows("MS-2")
@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        ("", "", "empty"),
        ("  \n", "", "empty"),
        ("nope", "", "not JSON"),
        ("{'text': 1}", "", "double quotes"),
        ('{"text": "a"', "", "not JSON"),
        ('{"text": "a"} x', "", "follows the end"),
        ('{"text": "a"}\x00', "", "follows the end"),
        ("\x00", "", "not JSON"),
        ('\ufeff{"text": "a"}', "", "byte order mark"),
        ('{"text": "a\x00b"}', "", "control character"),
        ("[]", "", "JSON object"),
        ("null", "", "JSON object"),
        ('"text"', "", "JSON object"),
        ("7", "", "JSON object"),
        (b'{"text": "a"}', "", "text frame"),
        (b"", "", "text frame"),
        ("{}", "/text", "missing"),
        ('{"text": 5}', "/text", "must be a text"),
        ('{"text": null}', "/text", "not null"),
        ('{"txt": "a"}', "/txt", 'did you mean "text"'),
        ('{"text": "a", "__proto__": {}}', "/__proto__", "unknown key"),
        ('{"text": "a", "$done": true}', "/$done", "unknown key"),
        ('{"text": NaN}', "/text", "NaN is not a JSON number"),
        ('{"text": "a", "share": NaN}', "/share", "NaN is not a JSON number"),
        ('{"text": "a", "share": -Infinity}', "/share", "-Infinity is not a JSON number"),
        ('{"text": "a", "share": 1e400}', "/share", "larger"),
        ('{"text": "a", "n": 1e400}', "/n", "larger"),
        ('{"text": "a", "n": 1.0}', "/n", "whole number"),
        ('{"text": "a", "n": 1.5}', "/n", "whole number"),
        ('{"text": "a", "n": true}', "/n", "whole number"),
        ('{"text": "a", "n": "1"}', "/n", "whole number"),
        ('{"text": "a", "n": ' + "9" * 4301 + "}", "", "number in it is too long"),
        ('{"text": "\\ud800"}', "/text", "surrogate"),
        ('{"text": "a", "tags": ["б", "\\udc00"]}', "/tags/1", "surrogate"),
        ('{"text": "a", "\\ud800": 1}', "/?", "surrogate"),
        ('{"text": "a", "tags": ["б", 5]}', "/tags/1", "must be a text"),
        ('{"text": "a", "colour": "green"}', "/colour", 'one of "red"'),
        ('{"text": "a", "at": "вчера"}', "/at", ""),
        ('{"text": "a", "at": "2026-02-30T00:00:00Z"}', "/at", ""),
        ('{"text": 5, "text": "a"}', "/text", ""),
        ('{"text": "a", "more": ' + '{"a":' * 64 + "1" + "}" * 64 + "}", "", "nested more than 64"),
        ("[" * 2_000, "", "nested more than 64"),
        ("[" * 60_000, "", "nested more than 64"),
    ],
)
async def test_a_message_that_cannot_be_taken_is_reported_with_its_place(
    dispatcher: Dispatcher, route_of: RouteOf, data: str | bytes, path: str, words: str
) -> None:
    example = '    examples: [{name: one, steps: [{send: {text: "Привет"}}]}]\n'
    found = await error(dispatcher, route_of(TALK, example), data)
    assert found["code"] == "invalid_message"
    assert found["example"] == {"text": "Привет"}
    reported = {fault["path"]: fault["problem"] for fault in found["details"]}
    assert words in reported[path], reported


@pytest.mark.shows("MS-2")
@pytest.mark.parametrize(
    "data",
    [
        '{"text": "a", "n": 18446744073709551616}',
        '{"text": "a", "n": -9223372036854775809}',
        '{"text": "\\u0000"}',
        '{"text": "\\ud83e\\udd1d"}',
        '{"text": "a", "text": "b"}',  # two of one key: the last counts, as everywhere in Python and JavaScript
        '{"text": "a", "more": {"__proto__": {"x": 1}, "constructor": null}}',
        '{"text": "a", "more": ' + '{"a":' * 62 + "1" + "}" * 62 + "}",
        '{"text": "' + "[" * 10_000 + '"}',
        '{"text": "a", "share": 1}',
        '{"text": "a", "at": "2026-07-01T12:00:00Z"}',
    ],
)
async def test_odd_messages_that_are_fine(dispatcher: Dispatcher, route_of: RouteOf, data: str) -> None:
    (frame,) = await ask(dispatcher, route_of(TALK), data)
    assert "result" in frame


async def test_all_faults_are_reported_at_once(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    found = await error(dispatcher, route_of(TALK), {"txt": 1, "n": "x", "tags": [1, 2]})
    assert {fault["path"] for fault in found["details"]} == {"/txt", "/text", "/n", "/tags/0", "/tags/1"}


async def test_the_limit_counts_bytes(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    route = route_of("@process\ndef say(t: str) -> int:\n    return len(t)", "    limits: {message: 100}\n")
    fits = json.dumps({"t": "ж" * 46}, ensure_ascii=False)
    assert len(fits.encode()) == 101
    assert await ask(dispatcher, route, fits[:-2].replace(" ", "") + '"}') == [{"result": 46}]
    found = await error(dispatcher, route, fits)
    assert found["code"] == "message_too_long"
    assert "101 bytes, and `limits.message` of this endpoint is 100" in found["message"]


async def test_input_narrows_what_the_signature_takes(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    more = "    input: {properties: {text: {maxLength: 3}, n: {maximum: 10}}}\n"
    route = route_of("@process\ndef say(text: str, n: int = 0) -> int:\n    return n", more)
    assert await ask(dispatcher, route, {"text": "абв", "$id": 1}) == [{"result": 0, "$id": 1}]
    (frame,) = await ask(dispatcher, route, {"text": "абвг", "n": 2**70, "$id": 1})
    assert frame["$id"] == 1
    reported = {fault["path"]: fault["problem"] for fault in frame["error"]["details"]}
    assert reported == {"/text": "must have at most 3 characters, has 4", "/n": "must be at most 10"}


async def test_what_only_the_struct_refuses_is_reported_at_a_place_that_exists(
    dispatcher: Dispatcher, route_of: RouteOf
) -> None:
    code = """
@process
def say(items: list[dict[str, decimal.Decimal]], dotted: Annotated[list[float], Key("a.b/c")] = []) -> int:
    return 1
"""
    route = route_of(code)
    found = await error(dispatcher, route, '{"items": [{"x.y": 1}], "a.b/c": [1, ' + "1" * 400 + "]}")
    assert [fault["path"] for fault in found["details"]] == ["/a.b~1c/1"]


# what processes do

FAILURES = {
    "nan": "return float('nan')",
    "infinity in a list": "return {'a': [1, float('-inf')]}",
    "surrogate": "return 'a\\ud800'",
    "surrogate in a key": "return {'\\ud800': 1}",
    "set": "return {1, 2}",
    "number as a key": "return {1: 2}",
    "bytes as a key": "return {b'a': 2}",
    "own key error": "return {'error': 1}",
    "own key event": "return {'event': 'x'}",
    "own key": "return {'$id': 1}",
    "cyclic": "a = []; a.append(a); return a",
    "cyclic object": "a = {}; a['a'] = a; return a",
    "10 MB": "return 'x' * 10_000_000",
    "coroutine": "return asyncio.Event()",
    "function": "return len",
    "exception": "raise RuntimeError('секрет')",
    "base exception": "class Mine(BaseException): pass\n    raise Mine('секрет')",
    "SystemExit": "raise SystemExit(3)",
    "sys.exit": "import sys; sys.exit('секрет')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "CancelledError": "raise asyncio.CancelledError",
    "GeneratorExit": "raise GeneratorExit",
    "a reject that hides its code": "class Mine(Reject): code = property(lambda s: exit(1), lambda s, v: None)\n"
    "    raise Mine('mine')",
    "a reply that exits": "class Odd(dict): items = __iter__ = keys = lambda self: exit(1)\n    return Odd(a=1)",
    "StopIteration": "raise StopIteration(5)",
    "StopAsyncIteration": "raise StopAsyncIteration(5)",
    "own TimeoutError": "raise TimeoutError('секрет')",
    "recursion": "return say(caller)",
    "own code in a reject": "raise Reject('busy')",
    "reject with a set": "raise Reject('mine', 'text', what={1})",
    "reject with a cycle": "a = []; a.append(a); raise Reject('mine', 'text', what=a)",
    "reject with nan": "raise Reject('mine', 'text', what=float('nan'))",
    "event without a name": "caller.send({'a': 1}) or caller._outbox.send_event(5) if False else 1/0",
}
KINDS = {
    "sync": "@process\ndef say(caller: Connection) -> Any:\n    {}",
    "async": "@process\nasync def say(caller: Connection) -> Any:\n    {}",
    "blocking": "@process(blocking=True)\ndef say(caller: Connection) -> Any:\n    {}",
    "generator": "@process\ndef say(caller: Connection):\n    {}",
    "async_generator": "@process\nasync def say(caller: Connection):\n    {}",
}


def body(kind: str, statement: str) -> str:
    """`statement` inside a process of this kind; what a generator would return it yields."""
    if kind == "async":
        statement = statement.replace("return say(caller)", "return await say(caller)")
    if "generator" in kind:
        loop = "async for x in say(caller): yield x" if kind == "async_generator" else "yield from say(caller)"
        statement = statement.replace("return say(caller)", loop).replace("return ", "yield ")
        statement = statement if "yield" in statement else f"{statement}\n    yield"
    return KINDS[kind].format(statement)


@pytest.mark.shows("MS-4")
@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_a_process_does_there_is_one_stated_answer(
    dispatcher: Dispatcher, build_table: Build, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    names = {f"f{number}": name for number, name in enumerate(FAILURES)}
    code = "\n\n".join(body(kind, FAILURES[names[f]]).replace("say(", f"{f}(") for f in names)
    table = build_table("\n".join(f"  {f}: {{url: /ws/{f}, process: p.{f}}}" for f in names), code)
    for function, name in names.items():
        caplog.clear()
        frames = await ask(dispatcher, table.routes[function], {"$id": name})
        assert [frame["$id"] for frame in frames] == [name], (name, frames)
        found = frames[0]["error"]
        assert found["code"] == "process_failed", (name, found)
        assert set(found) == {"code", "message", "incident"}, name
        assert "секрет" not in json.dumps(found, ensure_ascii=False)
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert found["incident"] in record.getMessage()
        assert record.exc_info, "the stack is in the log"


@pytest.mark.shows("MS-4")
@pytest.mark.parametrize("kind", KINDS)
async def test_an_exception_that_hides_what_it_is_is_answered_all_the_same(
    dispatcher: Dispatcher, route_of: RouteOf, kind: str
) -> None:
    """Whatever is asked of it calls sys.exit, which would leave the step that reads the message."""
    evil = (
        "def out(*_): raise SystemExit\n"
        "class Mask(Exception): __class__ = __traceback__ = __notes__ = property(out); __str__ = __repr__ = out\n"
    )
    assert (await error(dispatcher, route_of(evil + body(kind, "raise Mask")), {}))["code"] == "process_failed"


async def test_where_a_reply_cannot_be_sent_stands_in_the_log(
    dispatcher: Dispatcher, route_of: RouteOf, caplog: pytest.LogCaptureFixture
) -> None:
    route = route_of("@process\ndef say() -> Any:\n    return {'a': [1, {'b': float('nan')}]}")
    await ask(dispatcher, route, {})
    assert "/a/1/b: nan is not a JSON number" in caplog.text


async def test_a_process_may_reject_with_a_code_of_its_own(
    dispatcher: Dispatcher, route_of: RouteOf, caplog: pytest.LogCaptureFixture
) -> None:
    code = "@process\ndef say() -> None:\n    raise Reject('out_of_stock', 'Нет 🍎', left=0, items=['яблоко'])"
    route = route_of(code)
    (frame,) = await ask(dispatcher, route, {"$id": 1})
    assert frame == {
        "$id": 1,
        "error": {"code": "out_of_stock", "message": "Нет 🍎", "left": 0, "items": ["яблоко"]},
    }
    assert caplog.records == [], "the client's affair, not ours"


async def test_a_generator_that_fails_has_replied_before_and_is_not_done(
    dispatcher: Dispatcher, route_of: RouteOf
) -> None:
    route = route_of("@process\nasync def say():\n    yield 1\n    raise Reject('over')")
    frames = await ask(dispatcher, route, {"$id": 1})
    assert frames == [{"result": 1, "$id": 1}, {"error": {"code": "over", "message": "over"}, "$id": 1}]


async def test_replies_are_checked_where_that_is_asked_for(
    route_of: RouteOf, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    route = route_of("@process\ndef say(n: int) -> dict[str, int]:\n    return {'n': 'five' if n > 4 else n}")
    checking, trusting = Dispatcher(check_replies=True, clock=clock), Dispatcher(clock=clock)
    try:
        assert await ask(trusting, route, {"n": 5}) == [{"n": "five"}]
        assert await ask(checking, route, {"n": 4}) == [{"n": 4}]
        assert (await error(checking, route, {"n": 5}))["code"] == "process_failed"
        assert "the reply is not what the annotation says" in caplog.text
    finally:
        checking.close()
        trusting.close()


async def test_a_limit_of_a_few_bytes_holds(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    route = route_of("@process\ndef say(text: str) -> None:\n    pass", "    limits: {message: 20}\n")
    assert await ask(dispatcher, route, {"text": "12345678"}) == []
    assert (await error(dispatcher, route, {"text": "123456789"}))["code"] == "message_too_long"


HINTS = [
    "str",
    "int",
    "list[str]",
    "str | None",
    "Literal['да', 'нет']",
    "dict[str, str]",
    "Any",
    "msgspec.Raw",
    "uuid.UUID",
]


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize(
    "text",
    [
        b'{"text": "\xff"}',
        b'{"text": ["\xd0"]}',
        b'{"text": {"a\xff": "b"}}',
        b'{"text": {"a": "\xed\xa0\x80"}}',
        b'{"te\xffxt": "a"}',
        b'{"more": "\xff", "text": "a"}',
        b'{"$id": "\xff", "text": "a"}',
        b'{"text": "a"} \xff',
        b"\xff",
        b'{"text": "' + b"x" * 70_000 + b'\xff"}',
        b'{"text": ' + b"[" * 70 + b'"\xff"' + b"]" * 70 + b"}",
    ],
)
async def test_what_is_not_utf8_is_reported_as_such(route_of: RouteOf, clock: Clock, hint: str, text: bytes) -> None:
    route = route_of(f"@process\ndef say(text: {hint}) -> None:\n    pass")
    dispatcher = Dispatcher(threads=1, clock=clock)
    in_place = dispatcher.in_place(route, {}, Meter())
    assert in_place is not None
    with pytest.raises(NotUtf8):
        in_place(connection(), text, 0.0)
    dispatcher.close()


LONG_REPLIES = {
    "in place": "@process\ndef say(n: int) -> str:\n    return 'x' * n",
    "a coroutine": "@process\nasync def say(n: int) -> str:\n    return 'x' * n",
    "a thread": "@process(blocking=True)\ndef say(n: int) -> str:\n    return 'x' * n",
    "a step of a generator": "@process\ndef say(n: int):\n    yield 'x' * n",
    "a Reject": "@process\ndef say(n: int) -> str:\n    if n > 4000: raise Reject('no', 'x' * n)\n    return 'x' * n",
}


@pytest.mark.shows("MS-4")
@pytest.mark.parametrize("kind", LONG_REPLIES)
async def test_no_reply_is_larger_than_what_may_wait_for_a_client(
    dispatcher: Dispatcher, route_of: RouteOf, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    route = route_of(LONG_REPLIES[kind], "    limits: {queue: 4KiB}\n")
    (fits,) = await ask(dispatcher, route, {"n": 4_000})
    assert fits == {"result": "x" * 4_000}
    assert (await error(dispatcher, route, {"n": 4_096}))["code"] == "process_failed"
    assert "4,096" in caplog.text
