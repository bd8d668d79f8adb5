"""Warnings for coroutines that are never awaited."""

from __future__ import annotations

import pytest

from tests.process.conftest import Collect

HEAD = """import asyncio, httpx
from jackfield import process
from .shared import load
from processes.shared import load as again
from . import shared
async def helper(x=1): return 1
async def many(): yield 1
def plain(): return 1
"""
SHARED = "async def load(x=1): return 1\ndef quick(): return 1\n"


def lost(collect: Collect, body: str, keyword: str = "async def") -> list[tuple[int, str]]:
    found = collect({"a.py": f"{HEAD}@process\n{keyword} say(x):\n    {body}\n", "shared.py": SHARED})
    assert all(problem.severity == "warning" for problem in found.problems)
    return [(p.line, p.message.partition("(")[0]) for p in found.problems if p.code == "not_awaited"]


@pytest.mark.parametrize("keyword", ["def", "async def"])
@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("helper()", "helper"),
        ("helper(x)", "helper"),
        ("asyncio.sleep(1)", "asyncio.sleep"),
        ("load()", "shared.load"),
        ("again()", "processes.shared.load"),
        ("shared.load()", "shared.load"),
        ("return helper()", "helper"),
        ("return {'a': helper()}", "helper"),
        ("return [helper(), 1]", "helper"),
        ("found = helper()", "helper"),
        ("found = helper(); return found", "helper"),
        ("found = helper(); return {'a': found['x']}", "helper"),
        ("return helper()['x']", "helper"),
        ("return helper().x", "helper"),
        ("return f'{helper()}'", "helper"),
        ("return 1 + helper()", "helper"),
        ("return 1 if helper() else 2", "helper"),
        ("client = httpx.AsyncClient(); client.get(x)", "httpx.AsyncClient.get"),
        ("async def inner(): ...\n    inner()", "inner"),
    ],
)
def test_what_is_lost(collect: Collect, keyword: str, body: str, name: str) -> None:
    found = lost(collect, body, keyword)
    assert [reported for _, reported in found] == [name]


@pytest.mark.parametrize(
    "body",
    [
        "await helper()", "return await helper()", "task = asyncio.create_task(helper()); await task",
        "await asyncio.gather(helper(), load())", "made = helper(); return await made",
        "made = [helper(), load()]; await asyncio.gather(*made)", "await asyncio.gather(*[helper(n) for n in x])",
        "async with asyncio.timeout(1): await helper()", "return [n async for n in many()]", "plain(); shared.quick()",
        "one = helper(); await asyncio.wait_for(one, 1)", "helper = x; helper()",
        "async def inner(): await helper()\n    await inner()", "return asyncio.run",
    ],
)  # fmt: skip
def test_what_is_not(collect: Collect, body: str) -> None:
    assert lost(collect, body) == []


def test_a_parameter_of_the_name_is_something_else(collect: Collect) -> None:
    found = collect({"a.py": f"{HEAD}@process\ndef say(helper, load):\n    helper(); load()\n", "shared.py": SHARED})
    assert [problem for problem in found.problems if problem.code == "not_awaited"] == []


def test_what_a_function_that_is_no_process_gives_back_may_be_awaited_there(collect: Collect) -> None:
    assert lost(collect, "pass\ndef later(): return helper()") == []
    assert lost(collect, "pass\ndef later(): helper()") == [(12, "helper")]


def test_the_hint_is_what_stands_there(collect: Collect) -> None:
    code = f"{HEAD}@process\nasync def say(x):\n    async with httpx.AsyncClient() as http:\n        http.get(x)\n"
    (problem,) = collect({"a.py": code, "shared.py": SHARED}).problems
    assert problem.message.startswith("httpx.AsyncClient.get() is not awaited")
    assert problem.hint == "write `await http.get(...)`"


@pytest.mark.parametrize(("keyword", "first"), [("async def", ""), ("def", "`async def say` and ")])
def test_what_is_injected_is_known_by_its_annotation(collect: Collect, keyword: str, first: str) -> None:
    code = f"""from jackfield import Connection, Groups, process
@process
{keyword} say(caller: Connection, groups: Groups) -> None:
    message = caller.next(within=5)
    caller.request({{"event": "вопрос"}})
    groups.send("room", {{"event": "да"}})
    caller.start(caller.request({{"event": "вопрос"}}))
    groups.name("room:{{room}}", room=caller.id)
    caller.send({{"event": "да"}})
"""
    problems = collect({"a.py": code}).problems
    assert [(one.line, one.message.partition("(")[0]) for one in problems] == [
        (4, "caller.next"),
        (5, "caller.request"),
        (6, "groups.send"),
    ]
    assert problems[0].hint == f"write {first}`await caller.next(...)`"


def test_it_is_reported_without_an_import_and_says_what_to_write(collect: Collect) -> None:
    code = "from jackfield import process\nasync def load(): ...\n@process\ndef say():\n    load()\n"
    (problem,) = collect({"a.py": code}, only_names=True).problems
    assert str(problem) == (
        "processes/a.py:5:5: a.say: warning: load() is not awaited, so it never runs; "
        "write `async def say` and `await load(...)` [not_awaited]"
    )
