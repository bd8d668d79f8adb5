"""The reason why a name of a file is not a process, found in the text of the file."""

from __future__ import annotations

import pytest

from tests.process.conftest import Collect

HEAD = "import functools\nfrom jackfield import process\nimport jackfield as j\nfrom .other import there\n"
HIDING = "def logged(f):\n    def inner(**keys):\n        return f(**keys)\n    return inner\n"
KEEPING = (
    "def logged(f):\n    @functools.wraps(f)\n    def inner(**keys):\n        return f(**keys)\n    return inner\n"
)
OBJECT = "class logged:\n    def __init__(self, f): ...\n    def __call__(self, **keys): ...\n"
MOVE = "move `@process` above `@logged`"


@pytest.mark.parametrize(
    ("code", "name", "reported"),
    [
        (HIDING + "@logged\n@process\ndef say(text: str): ...", "say", MOVE),
        (HIDING + "@logged\n@process(reply='x')\ndef say(text: str): ...", "say", MOVE),
        (HIDING + "@logged\n@j.process\nasync def say(text: str): ...", "say", MOVE),
        (OBJECT + "@logged\n@process\ndef say(text: str): ...", "say", MOVE),
        ("def logged(f): pass\n@logged\n@process\ndef say(text: str): ...", "say", MOVE),
        ("class Shop:\n    @process\n    def say(self): ...", "say", "inside the class `Shop` (line 7)"),
        ("class Shop:\n    @staticmethod\n    def say(): ...", "say", "inside the class `Shop`"),
        ("class Shop:\n    @process\n    def say(self): ...", "Shop.say", "inside the class `Shop`"),
        ("class A:\n    class B:\n        @process\n        def say(self): ...", "say", "inside the class `B`"),
        ("def make():\n    @process\n    def say(): ...", "say", "inside the function `make` (line 7)"),
        ("class say: ...", "say", "`say` is a class (line 5)"),
        ("say = lambda text: text", "say", "`say` is a variable (line 5); write it as `def say`"),
        ("@process\ndef say(): ...\ndef say(): ...", "say", "the `@process` above line 6 is lost: line 7"),
        ("@process\ndef say(): ...\nsay = 5", "say", "the `@process` above line 6 is lost: line 7"),
        ("@process\ndef say(): ...\ndel say", "say", "stands above it, in line 5, but the name has another value"),
        ("say = there", "say", "`say` is a variable"),
        ("", "there", "a process is named by the file that it is written in, `other.there`"),
        ("from math import sqrt", "sqrt", "write a function of your own that calls it"),
        ("def say(): ...", "say", "write `@process` above `def say` in processes/p.py"),
        ("async def say(): ...", "say", "write `@process` above `async def say` in processes/p.py"),
        ("if True:\n    def say(): ...", "say", "write `@process` above `def say`"),
        ("@functools.cache\ndef say(): ...", "say", "write `@process` above `@functools.cache`, the first line above"),
    ],
)
def test_why_it_is_none(collect: Collect, code: str, name: str, reported: str) -> None:
    found = collect({"p.py": HEAD + code, "other.py": "from jackfield import process\n@process\ndef there(): ..."})
    assert found.problems == ()
    assert list(found.processes) == ["other.there"]
    reason = found.reasons[f"p.{name}"]
    assert reported in reason
    stands = "@process" in code or "@j.process" in code
    assert not (stands and "write `@process`" in reason), "the hint asks for what is written already"


@pytest.mark.parametrize(
    "code",
    [
        "@process\ndef say(): ...",
        KEEPING + "@logged\n@process\ndef say(text: str): ...",
        HIDING + "@process\n@logged\ndef say(text: str): ...",
        "def _say(): ...\nsay = process(_say)",
    ],
)
def test_nothing_is_reported_of_a_process(collect: Collect, code: str) -> None:
    found = collect({"p.py": HEAD + code, "other.py": "there = 1"})
    assert "p.say" in found.processes
    assert "p.say" not in found.reasons


def test_the_same_is_reported_without_an_import(collect: Collect) -> None:
    found = collect({"p.py": "class Shop:\n    def say(self): ..."}, only_names=True)
    assert "inside the class `Shop`" in found.reasons["p.say"]
