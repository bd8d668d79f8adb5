"""Projects written inside the tests and built; their modules are released when the test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.errors import PlanError, Problem
from jackfield.routing.build import build
from jackfield.routing.table import RoutingTable
from tests.projects import write

Write = Callable[[str, str], Path]
Build = Callable[[Path], RoutingTable]


def problems_in(folder: Path) -> tuple[Problem, ...]:
    """The problems of a project that cannot be built."""
    with pytest.raises(PlanError) as caught:
        build(folder, 1)
    return caught.value.problems


@pytest.fixture
def write_project(tmp_path: Path) -> Write:
    """Write endpoints.yaml and processes/p.py; gives the folder."""
    return lambda endpoints, code: write(tmp_path, endpoints, p=code)


@pytest.fixture
def built() -> Iterator[Build]:
    """Build the project in a folder; each call is one more generation."""
    made: list[RoutingTable] = []

    def build_one(folder: Path) -> RoutingTable:
        made.append(build(folder, len(made) + 1))
        return made[-1]

    yield build_one
    for table in made:
        table.catalog.release()
