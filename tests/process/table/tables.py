"""Tables written inside the tests, and the folder of cases that are not ours to copy."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield.process.table.model import Table
from jackfield.process.table.reading import read_table
from tests.house.habits import ROOT

__all__ = ["conformance", "file_of", "of_column", "read", "told"]


def read(text: str | bytes) -> Table:
    """A table that has no errors."""
    table, problems = read_table("x.csv", text.encode() if isinstance(text, str) else text)
    assert table is not None, "\n".join(map(str, problems))
    return table


def told(text: str | bytes) -> list[str]:
    """What is said of a file, without the codes."""
    table, problems = read_table("x.csv", text.encode() if isinstance(text, str) else text)
    assert (table is None) == any(problem.severity == "error" for problem in problems)
    return [str(problem).removeprefix("x.csv:").rpartition(" [")[0] for problem in problems]


def file_of(rows: Sequence[Sequence[object]], separator: str = ",") -> str:
    """Rows as a spreadsheet saves them."""
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows(rows)
    return file.getvalue()


def of_column(head: str, *cells: str, separator: str = ",") -> str:
    """A table with one condition, a row for each cell."""
    rows = [(number, cell, f"answer {number}") for number, cell in enumerate(cells)]
    return file_of([("collect", head, "reply.text"), *rows], separator)


def conformance(name: str) -> list[dict[str, Any]]:
    """Cases of DMN's conformance kit; their licence is not ours, so they stand beside the repository."""
    path = ROOT.parent / "shared" / "dmn" / name
    if not path.is_file():
        pytest.skip(f"the cases of DMN's conformance kit are not beside the repository: {path}")
    cases: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return cases
