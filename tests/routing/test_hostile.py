"""Code of the project that fails where it is looked at: a problem with its place, whatever it raises (CF-9)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jackfield.errors import PlanError, Problem
from jackfield.routing.build import build
from tests.hostile import AT_LOAD, HARMLESS
from tests.projects import write

ENDPOINTS = "endpoints: {say: {url: /ws/say, process: say.say, auth: public}}\n"


def project(folder: Path, text: str) -> Path:
    return write(folder, ENDPOINTS, say=text)


def faults(folder: Path) -> tuple[Problem, ...]:
    finders = list(sys.meta_path)
    with pytest.raises(PlanError) as reported:
        build(folder, 7101)
    assert sys.meta_path == finders
    assert not [name for name in list(sys.modules) if name.startswith("jackfield_generation_7101")]
    return reported.value.problems


@pytest.mark.parametrize("name", AT_LOAD)
def test_whatever_is_raised_is_a_problem_of_its_file(tmp_path: Path, name: str) -> None:
    (problem,) = faults(project(tmp_path, AT_LOAD[name]))
    assert problem.file == "processes/say.py"
    assert problem.code in ("broken_module", "broken_process", "bad_hint", "bad_reply")
    assert "generation" not in str(problem)
    assert str(tmp_path) not in str(problem)
    unknown = ("what a decorator wraps is itself", "an exit without a text")
    assert problem.line or name in unknown


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_module_holds_besides_is_not_asked(tmp_path: Path, name: str) -> None:
    table = build(project(tmp_path, HARMLESS[name]), 7102)
    table.catalog.release()
    assert list(table.routes) == ["say"]


def test_a_fault_of_one_process_keeps_no_other_from_being_reported(tmp_path: Path) -> None:
    folder = project(tmp_path, AT_LOAD["exit in a hint"])
    more = ENDPOINTS.replace("}}\n", "}, b: {url: /ws/b, process: b.say, auth: public}}\n")
    write(folder, more, b=AT_LOAD["a default"])
    assert [(fault.file, fault.code) for fault in faults(folder)] == [
        ("processes/b.py", "broken_process"),
        ("processes/say.py", "bad_hint"),
    ]


def test_the_function_of_auth_verify_is_looked_at_in_the_same_way(tmp_path: Path) -> None:
    folder = project(tmp_path, AT_LOAD["a signature"].replace("process(Odd(print))", "Odd(print)"))
    (folder / "endpoints.yaml").write_text("auth: {login: off, verify: say.say}\nendpoints: {}\n")
    assert any(fault.code == "bad_verify" for fault in faults(folder))


def test_a_name_as_long_as_a_novel_is_no_name(tmp_path: Path) -> None:
    """Text that our own look at it would not come to the end of."""
    chain = "x" + ".a" * 2500
    body = f"import time\nfrom jackfield import process\n@process\ndef say(text: str) -> str:\n    return {chain}()\n"
    build(project(tmp_path, body), 7103).catalog.release()
