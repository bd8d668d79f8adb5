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
        ("process: p.text, feed: p.feed", "endpoints.e.feed"),
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
    assert built(write_project(same, CODE)).routes.keys() == {"e", "f"}
