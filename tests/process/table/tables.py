"""Tables written in tests as lists of cells, without a file: the parts that answer know nothing of files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jackfield.process.table.model import Cell, Column, Policy, Role, Row, Table, Type

ROLES: dict[str, Role] = {
    "connection": "connection",
    "reply": "reply",
    "error": "error",
    "remember": "remember",
    "state": "state",
}
HEAD = re.compile(r"([^ ?(]+)(\?)? ?(?:\((.*)\))?")


def table(heads: str, *rows: str, policy: Policy = "first") -> Table:
    """`message | age? (integer) | reply.text`, and rows in the same way; the first cell of a row is its name."""
    columns = tuple(_column(text, number) for number, text in enumerate(_parted(heads), 1))
    return Table("processes/faq.csv", "", policy, columns, tuple(_row(row, n) for n, row in enumerate(rows, 2)))


def _parted(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


def _column(text: str, number: int) -> Column:
    match = HEAD.fullmatch(text)
    assert match is not None, text
    path = tuple(match[1].split("."))
    role: Role = "keep" if path == ("keep",) else ROLES.get(path[0], "input") if len(path) > 1 else "input"
    kind: Any = match[3] or "text"
    choices: tuple[str, ...] = ()
    if "/" in kind:
        kind, choices = "choice", tuple(kind.split("/"))
    own = path if role in ("input", "keep") else path[1:]
    found: Type = kind
    return Column(Cell(text, 1, number, f"{chr(65 + number)}1"), role, own, found, bool(match[2]), False, choices)


def _row(text: str, line: int) -> Row:
    name, *cells = [Cell(part, line, n, f"{chr(64 + n)}{line}") for n, part in enumerate(_parted(text), 1)]
    return Row(name, tuple(cells))


class Equal:
    """A look-up that knows texts and nothing more: an empty cell fits anything."""

    def __init__(self, of: Table) -> None:
        at = [number for number, column in enumerate(of.columns) if column.is_condition]
        self.rows = [[row.cells[number].text for number in at] for row in of.rows]

    def first(self, values: tuple[Any, ...]) -> int:
        return next(iter(self.all(values)), -1)

    def all(self, values: tuple[Any, ...]) -> list[int]:
        return [number for number, row in enumerate(self.rows) if self._fits(row, values)]

    def _fits(self, row: Sequence[str], values: Sequence[Any]) -> bool:
        return all(cell in ("", str(value)) for cell, value in zip(row, values, strict=True))
