"""Projects written inside the tests, collected, and released when the test ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Problem
from jackfield.process import catalog
from jackfield.process.catalog import Catalog
from jackfield.process.signature import signature
from jackfield.process.signature.signature import Signature

Collect = Callable[..., Catalog]
Compiled = Callable[..., Signature]
Faults = Callable[..., list[Problem]]
Projects = Callable[[str], list[Catalog]]

HEADER = """
import collections.abc, dataclasses, datetime, decimal, enum, typing, uuid
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
import msgspec
from msgspec import Meta
from jackfield import Connection, Key, Reject, process, resource
"""


def signature_of(found: Catalog, name: str, *params: str) -> Signature:
    """A process compiled, whatever warnings there are."""
    made, problems = signature.compile(found.processes[name], params)
    assert made is not None, problems
    return made


def left_in_python() -> list[str]:
    """The modules of projects that Python still knows."""
    return [name for name in list(sys.modules) if name.partition(".")[0] == "processes"]


@pytest.fixture
def projects(tmp_path: Path) -> Iterator[Projects]:
    """Two projects side by side in one program, each with this text as its a.py."""
    made: list[Catalog] = []

    def collect_two(code: str) -> list[Catalog]:
        for name in ("one", "two"):
            (tmp_path / name / "processes").mkdir(parents=True)
            (tmp_path / name / "processes" / "a.py").write_text(code)
            made.append(catalog.collect(tmp_path / name, 1))
        return made

    yield collect_two
    for one in made:
        one.release()


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Collect]:
    """Write files below processes/ and collect them as a generation; each call is one more."""
    made: list[Catalog] = []

    def collect_files(files: Mapping[str, str | bytes] = {}, *, only_names: bool = False) -> Catalog:
        for name, text in files.items():
            path = tmp_path / "processes" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        made.append(catalog.collect(tmp_path, len(made) + 1, only_names=only_names))
        return made[-1]

    yield collect_files
    for one in made:
        one.release()


@pytest.fixture
def compiled(collect: Collect) -> Compiled:
    """Compile the function `say` of a file that begins with the usual imports; it must have no problem."""

    def compile_one(code: str, *params: str, narrowing: Mapping[str, Any] | None = None) -> Signature:
        found = collect({"p.py": HEADER + code})
        assert found.problems == ()
        made, problems = signature.compile(found.processes["p.say"], params, narrowing)
        assert problems == ()
        assert made is not None
        return made

    return compile_one


@pytest.fixture
def faults(collect: Collect) -> Faults:
    """The problems of the function `say`, whose file begins with the usual imports."""

    def compile_one(code: str, *params: str) -> list[Problem]:
        found = collect({"p.py": HEADER + code})
        made, problems = signature.compile(found.processes["p.say"], params)
        assert (made is None) == bool(problems)
        return list(problems)

    return compile_one
