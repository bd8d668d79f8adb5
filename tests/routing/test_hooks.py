"""The hooks of a plan: processes that can do with what a connection has at its begin and at its end."""

from __future__ import annotations

import pytest

from jackfield.routing.build import problems_of

from .conftest import Build, Write, problems_in

CODE = """\
from collections.abc import AsyncIterator
from typing import Annotated, Any
from jackfield import Connection, Groups, process, resource

@resource
async def book() -> AsyncIterator[str]:
    yield "книга 📖"

@process
async def enter(room: int, caller: Connection, groups: Groups, log: Annotated[str, book]) -> dict[str, int]:
    return {"room": room}

@process
def leave(room: int, code: int, reason: str, log: Annotated[str, book]) -> None: ...

@process
def say(room: int, text: str) -> str:
    return text

@process
def textual(room: str) -> None: ...

@process
def counted(code: str) -> None: ...

@process
def open_(**more: Any) -> None: ...

@process
async def many(room: int) -> AsyncIterator[int]:
    yield 1
"""
ONE = 'endpoints:\n  v: {{url: "/ws/v/{{room}}", {more}}}\n'


def test_hooks_stand_in_the_table_with_what_they_take(write_project: Write, built: Build) -> None:
    table = built(write_project(ONE.format(more="on_connect: p.enter, on_disconnect: p.leave, summary: Вход"), CODE))
    route = table.routes["v"]
    enter, leave = route.hooks.both
    assert (enter.process.name, leave.process.name) == ("p.enter", "p.leave")
    assert {resource.name for resource in table.resources(route)} == {"p.book"}
    assert route.signature.params["room"]("7") == 7
    assert leave.takes == ("code", "reason")
    given: list[object] = []
    leave.signature.call(
        lambda **values: given.append(values),
        leave.told(1006, "ушёл 👋"),
        type("Caller", (), {"params": {"room": 7}}),  # type: ignore[arg-type]  # its path parameters are asked for
        {"p.book": "книга"},
    )
    assert given == [{"room": 7, "code": 1006, "reason": "ушёл 👋", "log": "книга"}]


def test_hooks_of_actions_are_those_of_the_endpoint(write_project: Write, built: Build) -> None:
    route = built(write_project(ONE.format(more="actions: {say: p.say}, on_connect: p.enter"), CODE)).routes["v"]
    assert [hook.process.name for hook in route.hooks.both] == ["p.enter"]
    assert route.actions["say"].hooks.both == ()


@pytest.mark.parametrize(
    ("more", "key", "said", "hint"),
    [
        ("on_connect: p.entr", "on_connect", 'no process is named "p.entr"', 'did you mean "p.enter"?'),
        (
            "on_disconnect: desk.visits.go",
            "on_disconnect",
            'no process is named "desk.visits.go"',
            "processes/desk/visits.py",
        ),
        ("on_connect: p.many", "on_connect", '"p.many" has a `yield`', "`return`"),
        ("on_connect: p.say", "on_connect", 'its parameter "text" is none of the parameters of /ws/v/', "room"),
        ("on_connect: p.leave", "on_connect", 'its parameter "code" is none of the parameters', "room"),
        ("on_disconnect: p.counted", "on_disconnect", 'its parameter "code" is the code of the close', "code: int"),
        ("on_disconnect: p.open_", "on_disconnect", 'its parameter "more" is none', "code, reason"),
        ("process: p.say, on_connect: p.textual", "on_connect", '"room" has another hint', "the same hint"),
    ],
)
def test_a_hook_that_cannot_be_is_named_with_its_place_and_cure(
    write_project: Write, more: str, key: str, said: str, hint: str
) -> None:
    found = problems_in(write_project(ONE.format(more=more), CODE))
    problem = found[0]
    assert (problem.code, problem.path, problem.line) == ("bad_hook", f"endpoints.v.{key}", 2)
    assert said in problem.message
    assert hint in problem.hint


def test_names_are_looked_up_without_an_import(write_project: Write) -> None:
    found = problems_of(write_project(ONE.format(more="on_connect: p.a, on_disconnect: p.b"), CODE))[0]
    assert [problem.path for problem in found] == ["endpoints.v.on_connect", "endpoints.v.on_disconnect"]
