"""What has no place beside `messages: text | binary | any`, each with its place and the way to mend it."""

from __future__ import annotations

import pytest

from .conftest import Build, Write, problems_in

CODE = """\
from collections.abc import AsyncIterator, Iterator
from jackfield import Connection, process

@process
def text(said: str, connection: Connection) -> str: ...

@process
def either(said: str | bytes) -> str | bytes | None: ...

@process
def stream(said: bytes) -> Iterator[bytes]:
    yield said

@process
def number(said: int) -> str: ...

@process
def two(said: str, more: str) -> str: ...

@process
def fields(**said: str) -> str: ...

@process
def gives(said: str) -> dict: ...

@process
async def feed() -> AsyncIterator[dict]:
    yield {}

@process
async def frames(connection: Connection) -> AsyncIterator[bytes | None]:
    yield b""

@process
async def asks(data: bytes) -> AsyncIterator[bytes]:
    yield data
"""


def endpoint(more: str, name: str = "e") -> str:
    return f"  {name}: {{url: /ws/{name}, auth: public, {more}}}\n"


@pytest.mark.parametrize(
    ("messages", "process", "shape"),
    [
        ("text", "p.text", "str -> str"),
        ("text", "p.either", "str -> str"),
        ("any", "p.either", "str | bytes -> str | bytes"),
        ("binary", "p.stream", "bytes -> many bytes"),
        ("binary", "echo.same", "bytes -> bytes"),
        ("any", "echo.nothing", "str | bytes -> nothing"),
        ("text", "p.number", '"said": with `messages: text` its hint is `str`, not `int`'),
        ("any", "p.text", "`str | bytes`, not `str`"),
        ("binary", "p.text", "`bytes`, not `str`"),
        ("text", "p.two", 'one parameter takes the message, and here are "said", "more"'),
        ("text", "p.fields", "one parameter takes the message, and here are none"),
        ("text", "p.gives", "it gives back `str` or None, not `dict`"),
        ("text", "p.feed", "one parameter takes the message, and here are none"),
    ],
)
def test_one_parameter_takes_the_payload_and_the_same_is_given_back(
    write_project: Write, built: Build, messages: str, process: str, shape: str
) -> None:
    folder = write_project("endpoints:\n" + endpoint(f"process: {process}, messages: {messages}"), CODE)
    if " -> " in shape:
        table = built(folder)
        assert table.routes["e"].signature.shape == shape
        assert not table.warnings
    else:
        problems = problems_in(folder)
        assert {problem.code for problem in problems} <= {"bad_signature", "bad_reply"}
        assert shape in problems[0].message


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("process: p.text, input: {}", "endpoints.e.input"),
        ("actions: {a: p.text}", "endpoints.e.actions"),
        ("group: [a, b], process: p.text", "endpoints.e.group"),
        ("group: a", "endpoints.e.messages"),
    ],
)
def test_keys_that_want_json_are_problems(write_project: Write, more: str, place: str) -> None:
    (problem,) = problems_in(write_project("endpoints:\n" + endpoint(f"{more}, messages: text"), CODE))
    assert (problem.code, problem.path) == ("wrong_value", place)
    assert problem.hint


@pytest.mark.parametrize(
    "key", ["history: 5", "presence: true", "feed: p.feed", "may_join: anyone", "events: {said: {}}"]
)
def test_a_group_of_payloads_has_nothing_of_events(write_project: Write, key: str) -> None:
    text = f'groups:\n  "room": {{{key}}}\nendpoints:\n' + endpoint("group: room, process: p.text, messages: text")
    (problem,) = problems_in(write_project(text, CODE))
    assert (problem.code, problem.path.rpartition(".")[2]) == ("bad_group", key.partition(":")[0])


def test_a_group_is_of_one_kind(write_project: Write, built: Build) -> None:
    text = "endpoints:\n" + endpoint("group: room, process: p.text, messages: text")
    (problem,) = problems_in(write_project(text + endpoint("group: room, process: echo.same", "f"), CODE))
    assert (problem.code, problem.path) == ("bad_group", "endpoints.f.group")
    same = text + endpoint("group: room, process: echo.same, messages: text", "f")
    same += endpoint("group: hall, process: echo.same", "g")
    assert built(write_project(same, CODE)).routes.keys() == {"e", "f", "g"}


EXAMPLES = """\
endpoints:
  e:
    url: /ws/e
    auth: public
    limits: {{message: 16B}}
    process: echo.same
    messages: {0}
    examples: [{{steps: [{1}]}}]
"""


@pytest.mark.parametrize(
    ("messages", "steps"),
    [
        ("text", '{send: "Привет", expect: "Привет"}'),
        ("text", '{send: "", expect: {event: news}, partial: true}'),
        ("text", "{send: {base64: AA==}, expect_error: invalid_message}"),
        ("binary", '{send: {base64: "AAH/ /w=="}, expect: {base64: AAE=}}'),
        ("binary", "{send: да, expect: {error: {code: invalid_message}}, partial: true}"),
        ("any", "{send: да, expect: {base64: AAE=}}, {expect: нет}"),
        ("any", '{send: "яяяяяяяяя", expect_error: message_too_long}'),
    ],
)
def test_an_example_sends_and_hears_payloads(write_project: Write, built: Build, messages: str, steps: str) -> None:
    built(write_project(EXAMPLES.format(messages, steps), CODE))


@pytest.mark.parametrize(
    ("messages", "steps", "place", "sentence"),
    [
        ("json", "{send: да}", "send", "a message is a JSON object here, and this is a text"),
        ("json", "{send: {}, expect: да}", "expect", "a message is a JSON object here, and this is a text"),
        ("text", "{send: {text: да}}", "send", "messages are no JSON objects here"),
        ("text", "{send: да, expect: {text: да}}", "expect", "messages are no JSON objects here"),
        ("text", "{send: да, expect: да, partial: true}", "expect", "`partial` goes with an object"),
        ("binary", '{send: {base64: "не то"}}', "send", "this is no base64"),
        ("binary", "{send: {base64: AAE}}", "send", "this is no base64"),
        ("binary", "{send: {base64: AAE=*}}", "send", "this is no base64"),
        ("text", "{send: 7}", "send", "a mapping or a text belongs here, and the number 7 stands there"),
        ("text", "{send: {base64: AA==}}", "send", "with `messages: text` a message is a text, and this is a binary"),
        ("binary", "{send: да}", "send", "with `messages: binary` a message is a binary one, and this is a text"),
        ("text", "{expect: {base64: AA==}}", "expect", "with `messages: text` a payload is a text"),
        ("any", '{send: "яяяяяяяяя"}', "send", "the message has 18 bytes, and limits.message is 16"),
        ("text", "{send: да, expect_error: invalid_message}", "expect_error", "the message fits, so this error never"),
        ("any", "{send: да, expect_error: message_too_long}", "expect_error", "the message fits, so this error never"),
    ],
)
def test_what_an_example_of_payloads_cannot_be(
    write_project: Write, messages: str, steps: str, place: str, sentence: str
) -> None:
    (problem,) = problems_in(write_project(EXAMPLES.format(messages, steps), CODE))
    assert sentence in problem.message
    assert problem.path == f"endpoints.e.examples.0.steps.0.{place}"
    assert problem.hint
    if "number 7" in sentence:
        assert problem.hint.startswith(
            'write a mapping, like {message: "Hello"}; where `messages: text` stands, a text'
        )


def test_where_what_messages_are_is_in_doubt_no_example_is_blamed(write_project: Write) -> None:
    (problem,) = problems_in(write_project(EXAMPLES.format("txt", "{send: да, expect: да}"), CODE))
    assert problem.path == "endpoints.e.messages"


@pytest.mark.parametrize(
    ("feed", "messages", "sentence"),
    [
        ("frames", "binary", ""),
        ("frames", "any", ""),
        ("frames", "text", "it gives back `str` or None, not `bytes | None`"),
        ("feed", "binary", "it gives back `bytes` or None, not `dict`"),
        ("asks", "binary", 'its parameter "data" is none of the parameters of /ws/e, and a feed gets no message'),
    ],
)
def test_a_feed_yields_payloads(write_project: Write, built: Build, feed: str, messages: str, sentence: str) -> None:
    text = "endpoints:\n" + endpoint(f"process: echo.nothing, feed: p.{feed}, messages: {messages}")
    if not sentence:
        built(write_project(text, CODE))
        return
    (problem,) = problems_in(write_project(text, CODE))
    assert sentence in problem.message
    assert problem.hint
