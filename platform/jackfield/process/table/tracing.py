"""Why a table answered as it did: a plain structure, for a terminal or a page to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jackfield.process.table.conditions import fits
from jackfield.process.table.literals import key
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import Cell, Column, Row, Table

__all__ = ["Failed", "Trace", "Tried", "trace"]


@dataclass(frozen=True, slots=True)
class Failed:
    """A cell that a value did not fit. A missing value is None."""

    column: Column
    cell: Cell
    value: Any


@dataclass(frozen=True, slots=True)
class Tried:
    """A row, with the cells that failed; it fits where there are none. `name` is `row 5` where the row has none."""

    row: Row
    name: str
    failed: tuple[Failed, ...]

    @property
    def fits(self) -> bool:
        """Whether the message fits the row."""
        return not self.failed


@dataclass(frozen=True, slots=True)
class Trace:
    """The rows in their order, up to the one that answers; all of them with `collect`. `chosen`: their numbers."""

    table: Table
    tried: tuple[Tried, ...]
    chosen: tuple[int, ...]

    @property
    def silent(self) -> str:
        """The cells that would be the reply, where the one row that fits gives none: `C2`, `C2 and D2`."""
        if len(self.chosen) != 1:
            return ""
        row = next(tried.row for tried in reversed(self.tried) if tried.fits)
        places = [number for number, column in enumerate(self.table.columns) if column.role in ("reply", "error")]
        if any(row.cells[number].text not in ("", "-") for number in places):
            return ""
        letters = [self.table.columns[number].head.name.rstrip("0123456789") for number in places]
        return " and ".join(f"{letter}{row.name.name.lstrip('A')}" for letter in letters)


def trace(table: Table, values: Sequence[Any], lookup: Lookup | None = None) -> Trace:
    """How the values of a message find their row. They stand as for `Lookup.first`. Rows are looked at one by one."""
    lookup = lookup or Lookup(table)
    if table.policy == "collect":
        chosen, last = tuple(lookup.all(values)), lookup.size
    else:
        first = lookup.first(values)
        chosen, last = ((first,), first + 1) if first >= 0 else ((), lookup.size)
    places = [(number, column) for number, column in enumerate(table.columns) if column.is_condition]
    keys = [key(column, value) for (_, column), value in zip(places, values, strict=True)]
    tried = []
    for row, conditions in zip(table.rows[:last], table.conditions, strict=False):
        failed = tuple(
            Failed(column, row.cells[place], value)
            for (place, column), condition, one, value in zip(places, conditions, keys, values, strict=True)
            if not fits(condition, one)
        )
        tried.append(Tried(row, row.name.text or f"row {row.name.name[1:]}", failed))
    return Trace(table, tuple(tried), chosen)
