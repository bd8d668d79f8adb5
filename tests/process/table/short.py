"""Tables written in tests in a short form, read as files are."""

from __future__ import annotations

import csv
import io

from jackfield.process.table.model import Policy, Table
from jackfield.process.table.reading import read_table

__all__ = ["sheet", "table"]


def table(heads: str, *rows: str, policy: Policy = "first") -> Table:
    """`message | age? (integer) | reply.text`, and rows in the same way; the first cell of a row is its name.

    Choices are parted by `/`, as `|` parts cells.
    """
    found, problems = read_table("processes/faq.csv", sheet(f"{policy} | {heads}", *rows))
    assert found is not None, [str(problem) for problem in problems]
    return found


def sheet(heads: str, *rows: str) -> bytes:
    """The file of such a table."""
    text = io.StringIO()
    lines = [[part.strip() for part in line.split("|")] for line in (heads, *rows)]
    lines[0] = [head.replace("/", " | ") for head in lines[0]]
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
