"""What is found under processes/, and what is wrong with it."""

from __future__ import annotations

import pytest

from jackfield.process.catalog import Catalog
from tests.process.conftest import Collect

CHAT = '''
from jackfield import process as p
import jackfield

@p
def say(text: str) -> str:
    """Говорит.

    More."""
    return text

@jackfield.process(
    reply="n", blocking=True)
def count(text): yield 1

class C:
    pass

if True:
    @p
    async def later(): ...

@p()
async def many():
    """ Many. """
    yield 1

def not_one(): ...
'''


LOUD = """
import functools
from jackfield import process
def loud(function):
    @functools.wraps(function)
    def inner(**arguments):
        return function(**arguments).upper()
    return inner
"""


def facts(found: Catalog) -> dict[str, tuple[object, ...]]:
    return {
        name: (one.kind, one.reply, one.blocking, one.summary, one.file, one.line, one.column)
        for name, one in found.processes.items()
    }


EXPECTED = {
    "support.chat.say": ("sync", "result", False, "Говорит.", "processes/support/chat.py", 6, 1),
    "support.chat.count": ("generator", "n", True, "", "processes/support/chat.py", 14, 1),
    "support.chat.later": ("async", "result", False, "", "processes/support/chat.py", 21, 5),
    "support.chat.many": ("async_generator", "result", False, "Many.", "processes/support/chat.py", 24, 1),
}


def test_processes_are_found_with_their_facts_and_places(collect: Collect) -> None:
    found = collect({"support/chat.py": CHAT})
    assert found.problems == ()
    assert facts(found) == EXPECTED
    assert found.processes["support.chat.say"].places == {"text": (6, 9), "return": (6, 23)}


def test_only_names_reports_the_same_and_imports_nothing(collect: Collect) -> None:
    found = collect({"support/chat.py": "raise SystemExit\n" + CHAT[1:]}, only_names=True)
    assert found.problems == ()
    assert facts(found) == EXPECTED
    with pytest.raises(RuntimeError, match="not imported"):
        found.processes["support.chat.say"].function()


def test_columns_count_characters(collect: Collect) -> None:
    code = "from jackfield import process\n@process\ndef скажи(имя: int, другое: str): ...\n"
    found = collect({"чат.py": code})
    assert found.processes["чат.скажи"].places == {"имя": (3, 11), "другое": (3, 21)}


def test_an_imported_process_belongs_to_its_own_file(collect: Collect) -> None:
    found = collect(
        {"a.py": "from jackfield import process\n@process\ndef say(): ...\n", "b.py": "from .a import say\n"}
    )
    assert list(found.processes) == ["a.say"]


def test_a_process_under_another_decorator_is_still_one(collect: Collect) -> None:
    found = collect({"a.py": LOUD + "@loud\n@process(reply='m')\ndef say(text: str) -> str:\n    return text\n"})
    one = found.processes["a.say"]
    assert (one.reply, one.line) == ("m", 11)
    assert one.function(text="ёж") == "ЁЖ"


def test_a_decorator_that_hides_async_is_a_problem(collect: Collect) -> None:
    (problem,) = collect({"a.py": LOUD + "@loud\n@process\nasync def say(text: str): return text\n"}).problems
    assert (problem.code, problem.line) == ("bad_signature", 11)
    assert "hides that the function is async" in problem.message


def test_blocking_on_an_async_function_is_a_problem(collect: Collect) -> None:
    code = "from jackfield import process\n@process(blocking=True)\nasync def say(): ...\n"
    (problem,) = collect({"a.py": code}).problems
    assert (problem.code, problem.path, problem.line) == ("bad_signature", "a.say", 3)


@pytest.mark.parametrize(
    ("function", "reported"),
    [
        ("def pool(): yield 1", "not an async generator"),
        ("async def pool(): return 1", "not an async generator"),
        ("async def pool():\n    yield 1\n    yield 2", "more than one `yield`"),
    ],
)
def test_bad_resources_are_problems(collect: Collect, function: str, reported: str) -> None:
    (problem,) = collect({"a.py": f"from jackfield import resource\n@resource\n{function}\n"}).problems
    assert (problem.code, problem.path, problem.file) == ("bad_resource", "a.pool", "processes/a.py")
    assert (problem.line, problem.column) == (3, 1)
    assert reported in problem.message


def test_an_empty_project_has_no_processes(collect: Collect) -> None:
    found = collect()
    assert (found.processes, found.problems, found.broken) == ({}, (), frozenset())
    assert len(found.hash) == 12


def test_names_that_could_be_anything_only_look_up(collect: Collect) -> None:
    found = collect({"a.py": "from jackfield import process\n@process\ndef say(): ...\n"})
    for name in ("../a.say", "os:system", "a.__init__", "os.system", "a.say\0", "а.say"):
        assert name not in found.processes


def test_a_process_that_another_replaces_is_warned_of(collect: Collect) -> None:
    code = "from jackfield import process\n@process\ndef say(a): ...\n@process()\nasync def say(b): ...\n"
    branches = "if 1:\n    @process\n    def ask(): ...\nelse:\n    @process\n    def ask(): ...\n"
    (problem,) = collect({"a.py": code + branches}).problems
    assert (problem.code, problem.severity, problem.path) == ("lost_process", "warning", "a.say")
    assert (problem.line, problem.column) == (3, 1)
    assert "line 5 has a process of the same name" in problem.message
