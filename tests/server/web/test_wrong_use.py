"""What a process hands over that cannot be sent: told in the process, and the connection goes on or ends for real."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.server.connection.dispatch import Dispatcher
from tests.server.conftest import OpenServed, RouteOf, ask, error
from tests.server.served import Caller

CODE = """
class Number:
    def __init__(self, give): self.give = give
    def __index__(self): return self.give()

class Whole(int):
    def __eq__(self, other): raise RuntimeError("eq")
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __index__ = __int__ = __eq__
    __hash__ = int.__hash__

class Text(str):
    def encode(self, *args): raise RuntimeError("encode")
    __len__ = __str__ = encode

class Codes(enum.IntEnum):
    BYE = 4001

CLOSES = {
    "float": (1000.0,), "other float": (4000.5,), "nan": (float("nan"),), "bool": (True,), "text": ("4000",),
    "nothing": (None,), "negative": (-1,), "zero": (0,), "below": (999,), "ours": (1012,), "no code": (1005,),
    "above": (5000,), "huge": (10**6000,), "hugely negative": (-(10**6000),), "a class": (int,), "list": ([4000],),
    "no number": (Number(lambda: "4000"),), "raises": (Number(lambda: 1 // 0),), "decimal": (decimal.Decimal(4000),),
    "reason of bytes": (4000, b"bye"), "reason of None": (4000, None), "reason of a number": (4000, 5),
    "long": (4000, "x" * 124), "long in bytes": (4000, "ж" * 62), "half a pair": (4000, "\\ud83d"),
    "long of a class": (4000, Text("ж" * 62)),
}
FINE = {
    "plain": (4000, "пока 🍎"), "default": (), "a class of ints": (Whole(4001),), "an enum": (Codes.BYE,),
    "numpy": (Number(lambda: 4001),), "a class of texts": (4000, Text("пока")), "nul": (4000, "a\\x00b"),
    "just fits": (4000, "x" * 123), "last": (4999,), "first": (3000,),
}
SEEN: dict[str, type] = {}

def close(name, caller):
    try:
        caller.close(*({**CLOSES, **FINE}[name]))
    except BaseException as exc:
        SEEN[name] = type(exc)
        raise

@process
def names() -> Any:
    return [list(CLOSES), list(FINE)]

@process
def sync(name: str, caller: Connection) -> None:
    close(name, caller)

@process(blocking=True)
def thread(name: str, caller: Connection) -> None:
    close(name, caller)

@process
async def stream(name: str, caller: Connection):
    close(name, caller)
    yield None
"""
KINDS = ("sync", "thread", "stream")
ENDPOINTS = "".join(f"  {name}: {{url: /ws/{name}, process: p.{name}, auth: public}}\n" for name in ("names", *KINDS))


async def opened(open_served: OpenServed, endpoint: str) -> tuple[Caller, dict[str, type], list[str], list[str]]:
    """A client of `endpoint`, what the processes saw, and the names of what is wrong and of what is fine."""
    served = await open_served(ENDPOINTS, CODE)
    seen = served.gateway.live.generation.table.routes["sync"].process.function.__globals__["SEEN"]
    naming = served.call("/ws/names")
    await naming.accepted()
    wrong, fine = (await naming.ask({}))["result"]
    await naming.leave()
    caller = served.call(f"/ws/{endpoint}")
    await caller.accepted()
    return caller, seen, wrong, fine


@pytest.mark.parametrize("kind", KINDS)
async def test_a_close_that_cannot_be_is_reported_in_the_process_and_ends_nothing(
    open_served: OpenServed, kind: str
) -> None:
    caller, seen, wrong, _ = await opened(open_served, kind)
    for name in wrong:
        answer = await caller.ask({"name": name, "$id": name})
        assert (answer["$id"], answer["error"]["code"]) == (name, "process_failed"), name
        assert issubclass(seen[name], TypeError | ValueError), name
    caller.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({"name": "plain"})})
    assert await caller.closed() == (4000, "пока 🍎"), "and a sound one still closes"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_close_that_can_be_arrives_as_plain_values(open_served: OpenServed, kind: str) -> None:
    served = await open_served(ENDPOINTS, CODE)
    names = served.gateway.live.generation.table.routes["sync"].process.function.__globals__["FINE"]
    for name in names:
        caller = served.call(f"/ws/{kind}")
        await caller.accepted()
        caller.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps({"name": name})})
        code, reason = await caller.closed()
        assert (type(code), type(reason)) == (int, str), name
        assert code in (1000, 3000, 4000, 4001, 4999), name
        assert len(served.gateway.live.hub) == 0, name


REJECTS = {
    "a class without its code": "class Mine(Reject):\n        def __init__(self): pass\n    raise Mine",
    "one of our codes, put in later": "found = Reject('mine'); found.code = 'busy'; raise found",
    "a message that is none, put in later": "found = Reject('mine'); found.message = {1}; raise found",
    "details that are none": "found = Reject('mine'); found.details = None; raise found",
    "details that raise": "raise Reject('mine', what=Raising())",
    "details that exit": "raise Reject('mine', what=Exiting())",
    "a message of None": "raise Reject('mine', None)",
    "a message that is a number": "raise Reject('mine', 5)",
    "a code with half of a pair": "raise Reject('\\ud83d')",
    "a message with half of a pair": "raise Reject('mine', '\\ud83d')",
    "more than fits": "raise Reject('mine', 'x' * 2_000_000)",
    "details that are more than fits": "raise Reject('mine', what='x' * 2_000_000)",
    "an exception that cannot be shown": "class Mute(Exception):\n        __str__ = __repr__ = 5\n    raise Mute",
}
HOSTILE = """
class Raising(dict):
    def items(self): raise RuntimeError("секрет")
    __iter__ = keys = items

class Exiting(dict):
    def items(self): raise SystemExit("секрет")
    __iter__ = keys = items
"""


@pytest.mark.parametrize("name", REJECTS)
async def test_a_reject_that_cannot_be_is_a_failure_of_the_process(
    dispatcher: Dispatcher, route_of: RouteOf, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    route = route_of(f"{HOSTILE}\n@process\ndef say():\n    {REJECTS[name]}\n")
    found = await error(dispatcher, route, {})
    assert (found["code"], set(found)) == ("process_failed", {"code", "message", "incident"})
    assert found["incident"] in caplog.text


async def test_a_reject_of_a_class_of_texts_arrives_as_a_plain_one(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    code = """
class Text(str):
    def __str__(self): return "busy"
    __repr__ = __format__ = lambda self, *args: "busy"

class Codes(enum.StrEnum):
    GONE = "gone_away"

@process
def say(own: bool):
    raise Reject(Codes.GONE if own else Text("mine"), Text("Нет."))
"""
    route = route_of(code)
    assert (await error(dispatcher, route, {"own": True})) == {"code": "gone_away", "message": "Нет."}
    assert (await error(dispatcher, route, {"own": False})) == {"code": "mine", "message": "Нет."}


FORGED: dict[str, str] = {
    "an enum as a key": "{Keys.ID: 1}",
    "an enum as another key": "{Keys.ERROR: {'code': 'busy'}}",
    "a class of texts as a key": "{Name('$id'): 1}",
    "the tag of a Struct": "Tagged()",
    "a field by its other name": "Renamed()",
    "a mapping that says other keys": "Lying({'error': 1})",
}
FORGING = """
class Keys(str, enum.Enum):
    ID = "$id"
    ERROR = "error"
    EVENT = "event"

class Name(str):
    def __str__(self): return "name"
    def startswith(self, *args): return False
    def __eq__(self, other): return False
    __hash__ = str.__hash__

class Tagged(msgspec.Struct, tag_field="error", tag="busy"):
    event: str = "tagged"

class Renamed(msgspec.Struct, rename={"mine": "$done"}):
    mine: bool = True
    event: str = "renamed"

class Lying(dict):
    def __iter__(self): return iter(["a"])
    def items(self): return [("a", 1)]
    def keys(self): return ["a"]
"""


def forger(name: str, kind: str) -> str:
    """A process that replies with what it must not, in the way of its kind."""
    value = FORGED[name]
    if kind == "generator":
        return f"{FORGING}\n@process\ndef say(caller: Connection):\n    yield {value}\n"
    if kind == "event":
        plain = value.startswith("{")
        event = f"{{**{value}, 'event': 'forged'}}" if plain else value.replace("1})", "1, 'event': 'forged'})")
        return f"{FORGING}\n@process\ndef say(caller: Connection) -> None:\n    caller.send({event})\n"
    return f"{FORGING}\n@process\ndef say(caller: Connection) -> Any:\n    return {value}\n"


@pytest.mark.parametrize("kind", ["reply", "generator", "event"])
@pytest.mark.parametrize("name", FORGED)
async def test_nothing_that_a_process_sends_passes_for_ours(
    open_served: OpenServed, name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = await open_served("  say: {url: /ws/say, process: p.say, auth: public}", forger(name, kind))
    caller = served.call("/ws/say")
    await caller.accepted()
    answer = await caller.ask({"$id": "я"})
    assert (answer["$id"], answer["error"]["code"]) == ("я", "process_failed")
    assert "is one of Jackfield's own" in caplog.text or "may not have the key" in caplog.text
    await caller.leave()


async def test_a_reply_may_hold_our_words_where_they_are_not_ours(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    code = "@process\ndef say() -> Any:\n    return {'a': [{'error': '$5', 'event': 1, '$id': 2}], 'text': '\"$\"'}"
    found: list[dict[str, Any]] = [{"a": [{"error": "$5", "event": 1, "$id": 2}], "text": '"$"'}]
    assert await ask(dispatcher, route_of(code), {}) == found
