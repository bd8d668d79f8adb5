"""Broken files: a problem with file and line, and the others still load."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import Problem
from tests.process.conftest import Collect

GOOD = "from jackfield import process\n@process\ndef say(): ...\n"


@pytest.mark.parametrize(
    ("code", "line", "column", "reported", "hint"),
    [
        ("x = 1\ndef f(:\n", 2, 7, "not Python: invalid syntax", ""),
        ("x = 1\n  y = 2\n", 2, 2, "not Python: unexpected indent", ""),
        ("x = 'Привет", 1, 5, "unterminated string", ""),
        ("import nowhere_at_all.x", 1, 1, "No module named 'nowhere_at_all'", "where it is of a package, install that"),
        ("import jsn", 1, 1, "No module named 'jsn'", 'did you mean "json"?'),
        ("import goood", 1, 1, "No module named 'goood'", 'did you mean "good"?'),
        ("from ..shop import x", 1, 1, "beyond top-level package", "there is nothing above processes/"),
        ("\nimport good", 2, 1, "No module named 'good'", "from processes.good import"),
        ("from .gone import x", 1, 1, "No module named 'processes.gone'", "there is no processes/gone.py"),
        ("import processes.gone", 1, 1, "No module named 'processes.gone'", "there is no processes/gone.py"),
        ("from .good import x", 1, 1, "cannot import name 'x' from 'processes.good' (processes/good.py)", ""),
        ("'Привет 😀'; x = 1 / 0", 1, 17, "ZeroDivisionError: division by zero", ""),
        ("@process\ndef f(): ...", 1, 2, "name 'process' is not defined", "from jackfield import process"),
        ("@proces\ndef f(): ...", 1, 2, "name 'proces' is not defined", 'did you mean "process"?'),
        ("from jackfield import proces", 1, 1, "cannot import name 'proces'", 'did you mean "process"?'),
        ("from processes.good import saay", 1, 1, "cannot import name 'saay'", 'did you mean "say"?'),
        ("def f(a: list(str)): ...", 1, 10, "'type' object is not iterable", "square brackets: `list[str]`"),
        ("def f(a) -> dict(str, int): ...", 1, 13, "expected at most 1 argument", "`dict[str, int]`"),
        ("x = dict(str, int)", 1, 5, "expected at most 1 argument", ""),
        ("import sys\nsys.exit('всё')", 2, 1, "SystemExit('всё')", "__main__"),
        ("raise BaseException('ой')", 1, 1, "BaseException: ой", "raise an exception"),
        ("class E(Exception): ...\nraise E('a\\n\\nb')", 2, 1, "processes.bad.E: a b", ""),
        ("from jackfield import process\n@process\nclass C: ...", 2, 2, "not above the class C", ""),
        ("import json\njson.loads('{')", 2, 1, "JSONDecodeError", ""),
        ("raise ExceptionGroup('г', [ValueError()])", 1, 1, "ExceptionGroup: г (1 sub-exception)", ""),
    ],
)
def test_what_breaks_a_file(collect: Collect, code: str, line: int, column: int, reported: str, hint: str) -> None:
    found = collect({"bad.py": code, "good.py": GOOD})
    assert list(found.processes) == ["good.say"]
    assert found.broken == {"bad"}
    (problem,) = found.problems
    assert (problem.code, problem.file) == ("broken_module", "processes/bad.py")
    assert reported in problem.message
    assert "jackfield_generation" not in problem.message
    assert hint in problem.hint
    assert bool(hint) == bool(problem.hint)
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("beside", "code", "reported"),
    [
        ("shoplib.py", "import shoplib", "shoplib.py is yours"),
        ("shoplib/__init__.py", "from shoplib import x", "shoplib/ is yours"),
        ("shoplib/orders/new.py", "import shoplib.orders.new", "shoplib/ is yours"),
        ("src/shoplib.py", "import shoplib as s", "src/shoplib.py is yours"),
        ("lib/shoplib/a.py", "def f():\n    import shoplib\nf()", "lib/shoplib/ is yours"),
        ("../shoplib.py", "import importlib\nimportlib.import_module('shoplib')", "../shoplib.py is yours"),
    ],
)
def test_a_module_of_ones_own_is_never_to_be_installed(
    collect: Collect, tmp_path: Path, beside: str, code: str, reported: str
) -> None:
    path = tmp_path / beside
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1\n")
    try:
        (problem,) = collect({"bad.py": code}).problems
    finally:
        path.unlink()
    assert problem.hint.startswith(reported)
    assert "import it as `from processes.shoplib" in problem.hint
    assert "install" not in problem.hint
    assert ("PYTHONPATH" in problem.hint) is beside.startswith("../"), "only a host has modules above the project"


def test_neither_is_one_in_a_folder_below_processes(collect: Collect) -> None:
    (problem,) = collect({"support/inner.py": "x = 1", "bad.py": "import inner"}).problems
    assert problem.hint == "a neighbour is imported as `from processes.support.inner import ...`"


def test_nor_one_that_is_looked_for_in_processes_and_stands_beside_it(collect: Collect, tmp_path: Path) -> None:
    (tmp_path / "shoplib.py").write_text("x = 1\n")
    (problem,) = collect({"bad.py": "from .shoplib import x"}).problems
    assert problem.hint == "there is no processes/shoplib.py; shoplib.py is outside: move it there"


def test_a_folder_without_python_is_no_module(collect: Collect, tmp_path: Path) -> None:
    (tmp_path / "shoplib").mkdir()
    (problem,) = collect({"bad.py": "import shoplib"}).problems
    assert "install" in problem.hint


def test_a_file_that_is_not_text(collect: Collect) -> None:
    found = collect({"bad.py": b"x = '\xff\xfe'", "null.py": b"x = 1\0", "good.py": GOOD})
    assert list(found.processes) == ["good.say"]
    assert [problem.file for problem in found.problems] == ["processes/bad.py", "processes/null.py"]


@pytest.mark.parametrize(
    ("files", "reported", "broken"),
    [
        ({"a.py": "from .b import x", "b.py": "\n\nx = 1 / 0", "c.py": "import processes.a"},
         "processes/b.py:3:5: ZeroDivisionError: division by zero [broken_module]", {"a", "b", "c"}),
        ({"a.py": "from .b import x", "b.py": "x ="}, "processes/b.py:1:4: not Python: invalid syntax [broken_module]",
         {"a", "b"}),
        ({"__init__.py": "1 / 0", "a.py": GOOD, "b.py": GOOD},
         "processes/__init__.py:1:1: ZeroDivisionError: division by zero [broken_module]", {"", "a", "b"}),
    ],
)  # fmt: skip
def test_a_fault_in_a_neighbour_is_reported_once_and_at_its_own_line(
    collect: Collect, files: dict[str, str], reported: str, broken: set[str]
) -> None:
    found = collect(files)
    assert [str(problem) for problem in found.problems] == [reported]
    assert found.broken == broken


def test_a_circle_of_imports_is_pythons_own_error(collect: Collect) -> None:
    found = collect({"a.py": "from .b import x\ny = 1", "b.py": "from .a import y\nx = 1"})
    assert {problem.code for problem in found.problems} == {"broken_module"}
    first: Problem = found.problems[0]
    assert "cannot import name 'x' from partially initialized module 'processes.b'" in first.message
    assert "third" in first.hint


def test_a_circle_that_python_can_do_is_fine(collect: Collect) -> None:
    found = collect({"a.py": "from . import b", "b.py": "from . import a"})
    assert found.problems == ()


@pytest.mark.parametrize("name", ["KeyboardInterrupt", "GeneratorExit", "asyncio.CancelledError", "SystemExit", "E"])
def test_whatever_a_file_raises_is_its_problem(collect: Collect, name: str) -> None:
    """Ctrl-C never reaches the thread that imports: there KeyboardInterrupt is an exception like any other."""
    code = f"import asyncio\nclass E(BaseException):\n    def __str__(self): raise SystemExit\nraise {name}"
    found = collect({"a.py": code, "good.py": GOOD})
    assert list(found.processes) == ["good.say"]
    (problem,) = found.problems
    assert (problem.code, problem.file, problem.line) == ("broken_module", "processes/a.py", 4)


def test_all_problems_are_reported_at_once(collect: Collect) -> None:
    found = collect({"a.py": "x =", "b.py": "import nowhere_at_all", "c-d.py": "", "e.py": "1/0"})
    assert [problem.file for problem in found.problems] == [f"processes/{n}.py" for n in ("a", "b", "c-d", "e")]
