"""The feeds of a plan: async generators that can do with what a group or a connection has."""

from __future__ import annotations

import pytest

from jackfield.errors import Problem
from jackfield.routing.build import problems_of

from .conftest import Build, Write, problems_in

CODE = """\
from collections.abc import AsyncIterator
from typing import Annotated, TypedDict
from jackfield import Connection, Groups, process, resource

@resource
async def shop() -> AsyncIterator[str]:
    yield "лавка"

@resource
async def stall() -> AsyncIterator[str]:
    yield "лоток"

class Tick(TypedDict):
    event: str
    price: int

@process
async def ticks(symbol: str, groups: Groups, where: Annotated[str, shop]) -> AsyncIterator[Tick]:
    yield {"event": "tick", "price": 1}

@process
async def numbered(symbol: int, where: Annotated[str, stall]) -> AsyncIterator[int]:
    yield 1

@process
async def seen(symbol: str, caller: Connection) -> AsyncIterator[int]:
    yield 1

@process
async def defaulted(symbol: str = "x", most: int = 5) -> AsyncIterator[int]:
    yield 1

@process
async def open_(symbol: str, **more: str) -> AsyncIterator[int]:
    yield 1

@process
async def ours(symbol: str) -> AsyncIterator[dict[str, set[int]]]:
    yield {}

@process
async def keyed(symbol: str) -> AsyncIterator[TypedDict("Bad", {"error": str})]:
    yield {"error": ""}

@process
def plain(symbol: str) -> int:
    return 1

@process
def stepping(symbol: str):
    yield 1

def unmarked(symbol: str):
    yield 1
"""
GROUP = 'groups:\n  "quotes:{{symbol}}": {{feed: {feed}}}\nendpoints:\n  q: {{url: "/ws/q/{{symbol}}", {more}}}\n'
OWN = 'endpoints:\n  q: {{url: "/ws/q/{{symbol}}", feed: {feed}, {more}}}\n'


def test_a_feed_stands_in_the_table_with_what_it_takes(write_project: Write, built: Build) -> None:
    text = GROUP.format(feed="p.ticks", more="feed: p.numbered, summary: Число")
    table = built(write_project(text, CODE))
    feed, own = table.feeds["quotes:{symbol}"], table.routes["q"].feed
    assert own is not None
    assert (feed.process.name, own.process.name) == ("p.ticks", "p.numbered")
    assert feed.params({"symbol": "ГАЗ"}) == {"symbol": "ГАЗ"}
    assert own.params({"symbol": "7"}) == {"symbol": 7}
    assert {resource.name for resource in table.resources()} == {"p.shop", "p.stall"}
    assert {resource.name for resource in table.resources(table.routes["q"])} == {"p.stall"}
    assert table.routes["q"].signature.path_schemas["symbol"]["type"] == "integer"
    assert (table.routes["q"].example, table.warnings) == (None, ())


@pytest.mark.parametrize(
    ("feed", "said", "hint"),
    [
        ("p.tick", 'no process is named "p.tick"', 'did you mean "p.ticks"?'),
        ("markets.prices", 'no process is named "markets.prices"', "processes/markets.py"),
        ("p.unmarked", 'no process is named "p.unmarked"', "@process"),
        ("p.plain", '"p.plain" is not an async generator', "`async def` and `yield`"),
        ("p.stepping", '"p.stepping" is not an async generator', "`async def` and `yield`"),
        ("p.seen", 'its parameter "caller" is a Connection, and a group has many', ""),
        ("p.defaulted", 'its parameter "most" is none of the pattern "quotes:{symbol}"', "there are symbol"),
        ("p.open_", 'its parameter "more" is none of the pattern', ""),
    ],
)
def test_a_feed_of_a_group_that_cannot_be_is_named_with_its_place_and_cure(
    write_project: Write, feed: str, said: str, hint: str
) -> None:
    (problem,) = problems_in(write_project(GROUP.format(feed=feed, more="group: 'quotes:{symbol}'"), CODE))
    assert (problem.code, problem.path, problem.line) == ("bad_feed", "groups.quotes:{symbol}.feed", 2)
    assert said in problem.message
    assert hint in problem.hint
    assert problem.hint


def test_a_pattern_with_another_parameter_is_compared(write_project: Write) -> None:
    text = GROUP.replace("quotes:{{symbol}}", "quotes:{{symbl}}").format(feed="p.numbered", more="")
    (problem,) = problems_in(write_project(text, CODE))
    assert problem.code == "bad_feed"
    assert 'its parameter "symbol" is none of the pattern "quotes:{symbl}"' in problem.message
    assert problem.hint == 'did you mean "symbl"?'


@pytest.mark.parametrize(
    ("feed", "more", "said"),
    [
        ("p.ticks", "group: 'quotes:{symbol}'", "an endpoint with a group has no feed of its own"),
        ("p.numbered", "process: p.plain", '"symbol" has another hint in p.plain'),
        ("p.defaulted", "", 'its parameter "most" is none of the parameters of /ws/q/{symbol}'),
        ("p.nothing", "", 'no process is named "p.nothing"'),
    ],
)
def test_a_feed_of_an_endpoint_that_cannot_be_is_named(write_project: Write, feed: str, more: str, said: str) -> None:
    (problem,) = problems_in(write_project(OWN.format(feed=feed, more=more), CODE))
    assert (problem.code, problem.path, problem.line) == ("bad_feed", "endpoints.q.feed", 2)
    assert said in problem.message
    assert problem.hint


@pytest.mark.parametrize(("feed", "code"), [("p.ours", "bad_reply"), ("p.keyed", "bad_reply")])
def test_what_no_event_can_carry_is_found_at_the_hint(write_project: Write, feed: str, code: str) -> None:
    (problem,) = problems_in(write_project(GROUP.format(feed=feed, more=""), CODE))
    assert (problem.code, problem.file) == (code, "processes/p.py")


def test_a_group_needs_a_process_for_its_replies(write_project: Write) -> None:
    text = OWN.format(feed="p.seen", more="").replace("feed: p.seen, ", "group: 'q:{symbol}', reply_to: group")
    (problem,) = problems_in(write_project(text, CODE))
    assert (problem.code, problem.path) == ("bad_group", "endpoints.q.reply_to")
    assert "echo.same" in problem.hint


def test_names_are_looked_up_without_an_import(write_project: Write) -> None:
    text = GROUP.format(feed="p.tick", more="feed: p.clok")
    found: tuple[Problem, ...] = problems_of(write_project(text, CODE))[0]
    assert [(problem.code, problem.path) for problem in found] == [
        ("bad_feed", "groups.quotes:{symbol}.feed"),
        ("bad_feed", "endpoints.q.feed"),
    ]


def test_hints_that_raise_are_the_problem_of_their_line(write_project: Write) -> None:
    code = "from __future__ import annotations\nfrom jackfield import process\n@process\n"
    code += "async def ticks(symbol: Nothing) -> None:\n    yield 1\n"
    problems = problems_in(write_project(GROUP.format(feed="p.ticks", more=""), code))
    assert {problem.file for problem in problems} == {"processes/p.py"}
