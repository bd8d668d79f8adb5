"""What makes a process another one, and what does not."""

from __future__ import annotations

import pytest

from tests.process.conftest import Collect

FILES = {
    "__init__.py": "TOP = 1\n",
    "shop/__init__.py": "SHOP = 1\n",
    "shop/a.py": """\
from __future__ import annotations
import dataclasses, json
from jackfield import process
from ..shared import rate, other
from . import tools
from .tools import first as one, second

LIMIT = 5
UNUSED = 6

@dataclasses.dataclass
class Car:
    number: int

def helped(car):
    return rate(car) + LIMIT

def alone():
    return UNUSED

@process
def say(car: "Car") -> int:
    '''Says it.'''
    return helped(car) + one

@process
def tell(n: int) -> int:
    from processes.late import x
    return tools.first + x
""",
    "shop/b.py": "from jackfield import process\n@process\ndef quiet(n: int) -> int:\n    return n\n",
    "shop/tools.py": "first = 1\nsecond = 2\n",
    "shared.py": "BASE = 1\ndef rate(car):\n    return BASE\ndef other():\n    return 2\n",
    "late.py": "x = 1\ny = 2\n",
    "unused.py": "z = 1\n",
}
SAY, TELL, QUIET = "shop.a.say", "shop.a.tell", "shop.b.quiet"


@pytest.mark.parametrize(
    ("file", "before", "after", "changed"),
    [
        ("shop/a.py", "number: int", "number: int | None", {SAY}),
        ("shop/a.py", "LIMIT = 5", "LIMIT = 7", {SAY}),
        ("shop/a.py", "rate(car) + LIMIT", "rate(car) - LIMIT", {SAY}),
        ("shop/a.py", "Says it.", "Says it now.", {SAY}),
        ("shop/a.py", "tools.first + x", "tools.first - x", {TELL}),
        ("shop/a.py", "UNUSED = 6", "UNUSED = 8", set()),
        ("shop/a.py", "def alone", "def lonely", set()),
        ("shop/a.py", "import dataclasses, json", "import dataclasses", set()),
        ("shop/a.py", "LIMIT = 5", "# five\n\nLIMIT = (5)", set()),
        ("shop/a.py", "UNUSED = 6", "UNUSED = 6\nprint", {SAY, TELL}),
        ("shop/tools.py", "first = 1", "first = 3", {SAY, TELL}),
        ("shop/tools.py", "second = 2", "second = 3", {TELL}),
        ("shared.py", "BASE = 1", "BASE = 2", {SAY}),
        ("shared.py", "return 2", "return 3", set()),
        ("late.py", "x = 1", "x = 2", {TELL}),
        ("late.py", "y = 2", "y = 3", set()),
        ("unused.py", "z = 1", "z = 2", set()),
        ("shop/b.py", "return n", "return -n", {QUIET}),
        ("__init__.py", "TOP = 1", "TOP = 2", {SAY, TELL, QUIET}),
        ("shop/__init__.py", "SHOP = 1", "SHOP = 2", {SAY, TELL, QUIET}),
    ],
)
def test_what_changes_with_an_edit(collect: Collect, file: str, before: str, after: str, changed: set[str]) -> None:
    first = collect(FILES)
    assert before in FILES[file]
    second = collect({file: FILES[file].replace(before, after)})
    assert first.problems == second.problems == ()
    assert {name for name in first.digests if first.digests[name] != second.digests[name]} == changed


@pytest.mark.parametrize(
    "dynamic", ["importlib.import_module('processes.' + name).x", "eval(name)", "__import__(name)", "globals()[name]"]
)
def test_what_is_looked_up_by_a_text_may_be_anything(collect: Collect, dynamic: str) -> None:
    code = f"import importlib\nfrom jackfield import process\n@process\ndef say(name: str):\n    return {dynamic}\n"
    first = collect({"a.py": code, "b.py": "x = 1\n"})
    assert first.digests != collect({"b.py": "x = 2\n"}).digests


def test_all_that_a_star_imports(collect: Collect) -> None:
    code = "from .b import *\nfrom jackfield import process\n@process\ndef say():\n    return x\n"
    first = collect({"a.py": code, "b.py": "x = 1\n"})
    assert first.digests != collect({"b.py": "x = 2\n"}).digests


def test_an_expression_too_deep_to_be_written_down(collect: Collect) -> None:
    code = "from jackfield import process\n@process\ndef say():\n    return {} + 0\n"
    text = " + ".join("1" * 900)
    first = collect({"a.py": code.format(text)})
    assert first.problems == ()
    assert first.digests != collect({"a.py": code.format(text.replace("1", "2"))}).digests
