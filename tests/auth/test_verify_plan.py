"""What `auth.verify` names is looked up at load, with its place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import PlanError, Problem
from jackfield.routing.build import build, problems_of
from tests import projects

PLAN = "auth: {{verify: {name}}}\nendpoints:\n  say: {{url: /ws/say, process: accounts.say}}\n"
CODE = """\
from jackfield import Identity, process
from .shared import known as imported

NAME = "no function"

@process
def say(text: str) -> str:
    return text

def who(credential, request):
    return Identity(credential)

async def waits(credential, request, more=None):
    return None

def one(credential):
    return None

def three(credential, request, more):
    return None

def many(credential, request):
    yield None
"""


def write(folder: Path, name: str, code: str = CODE) -> None:
    shared = "def known(credential, request): return None\n"
    projects.write(folder, PLAN.format(name=name), accounts=code, shared=shared)


@pytest.mark.parametrize("name", ["accounts.who", "accounts.waits", "shared.known", "accounts.imported"])
def test_a_function_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    table = build(tmp_path, 1)
    assert table.verify is not None
    assert not [problem for problem in problems_of(tmp_path)[0] if problem.severity == "error"]
    table.catalog.release()


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("accounts.whom", 'no function is named "accounts.whom"; did you mean "accounts.who"?'),
        ("people.who", 'no function is named "people.who"'),
        ("accounts.NAME", 'no function is named "accounts.NAME"'),
        ("accounts.one", "does not take two arguments"),
        ("accounts.three", "does not take two arguments"),
        ("accounts.many", "has a `yield`"),
    ],
)
def test_what_is_none_is_a_problem_at_its_place(tmp_path: Path, name: str, reported: str) -> None:
    write(tmp_path, name)
    if name == "accounts.whom":  # a name is judged without importing anything
        assert [one.code for one in problems_of(tmp_path)[0] if one.severity == "error"] == ["bad_verify"]
    problem = only(tmp_path)
    assert problem.code == "bad_verify"
    assert (problem.line, problem.path) == (1, "auth.verify")
    assert reported in str(problem)


def only(folder: Path) -> Problem:
    with pytest.raises(PlanError) as caught:
        build(folder, 1)
    (problem,) = (one for one in caught.value.problems if one.severity == "error")
    return problem


def test_an_async_function_that_waits_is_warned_of(tmp_path: Path) -> None:
    head = "def who(credential, request):"
    code = "import time\n" + CODE.replace(head, f"{head}\n    time.sleep(1)")
    write(tmp_path, "accounts.who", code)
    table = build(tmp_path, 1)
    assert table.warnings == (), "it runs in a thread"
    table.catalog.release()
    write(tmp_path, "accounts.who", code.replace("def who(", "async def who("))
    table = build(tmp_path, 2)
    (warning,) = table.warnings
    assert (warning.code, warning.path, warning.severity) == ("blocking_call", "accounts.who", "warning")
    assert problems_of(tmp_path)[0] == (warning,)
    table.catalog.release()


def test_a_file_that_is_broken_is_one_problem(tmp_path: Path) -> None:
    write(tmp_path, "accounts.who", "import nothing_of_this_name\n")
    assert only(tmp_path).code == "broken_module"
