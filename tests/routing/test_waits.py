"""Processes that wait for their client where nothing of it can come: found in their text."""

from __future__ import annotations

import pytest

from .conftest import Build, Write, problems_in

CODE = """\
import asyncio
from collections.abc import AsyncIterator
from typing import Any
from jackfield import Connection, process

@process
async def ask(text: str, connection: Connection) -> None:
    try:
        await connection.next(within=60)
    except TimeoutError:
        pass

@process
async def want(caller: Connection) -> None:
    await caller.request({"event": "вопрос"})

@process
async def feed(connection: Connection) -> AsyncIterator[dict[str, Any]]:
    yield dict(await connection.next())

@process
async def listen(line: str, connection: Connection) -> None:
    await connection.request({"event": "вопрос"})

@process
async def by_name(connection: Connection) -> None:
    if connection.endpoint == "other":
        await connection.next()

@process
async def guarded(connection: Connection) -> None:
    try:
        await connection.next()
    except (TimeoutError, RuntimeError):
        pass

@process
async def later(connection: Connection) -> None:
    async def talk() -> None:
        await connection.next()
    connection.start(connection.request({"event": "вопрос"}))
    connection.start(talk())

@process
async def other(connection: Connection) -> None:
    connection = asyncio.Queue()
    await connection.next()
"""
ONE = "endpoints:\n  v: {{url: /ws/v, {more}}}\n"


@pytest.mark.parametrize(
    ("more", "line", "said", "hint"),
    [
        ("process: p.ask, limits: {concurrency: 4}", 9, "next() wants `limits.concurrency: 1`", "concurrency"),
        ("actions: {a: p.ask}, limits: {concurrency: 4}", 9, "next() wants `limits.concurrency: 1`", "concurrency"),
        ("messages: text, process: p.listen", 23, "request() wants `messages: json`", "connection.next()"),
        ("on_connect: p.want", 15, "has no 101 yet, under `on_connect`", "connection.start"),
        ("on_disconnect: p.want", 15, "a client that is gone, under `on_disconnect`", "take it out"),
        ("feed: p.feed", 19, "and this is `feed` of", "connection.request()"),
    ],
)
def test_a_process_that_waits_in_vain_is_named(
    write_project: Write, more: str, line: int, said: str, hint: str
) -> None:
    (problem,) = problems_in(write_project(ONE.format(more=more), CODE))
    assert (problem.code, problem.severity, problem.file) == ("bad_wait", "error", "processes/p.py")
    assert problem.line == line
    assert said in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    "more",
    [
        "process: p.ask",
        "process: p.want, limits: {concurrency: 4}",
        "messages: text, process: p.ask",
        *(f"process: p.{name}, limits: {{concurrency: 4}}" for name in ("by_name", "guarded", "later", "other")),
        "on_connect: p.later",
    ],
)
def test_what_may_be_meant_is_no_problem(write_project: Write, built: Build, more: str) -> None:
    table = built(write_project(ONE.format(more=more), CODE))
    assert not [one for one in table.warnings if one.code in ("bad_wait", "not_awaited")]
