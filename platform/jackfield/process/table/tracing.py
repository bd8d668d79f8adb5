"""Why a table answered as it did: a plain structure, for a terminal or a page to show."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from jackfield.process.table.conditions import fits
from jackfield.process.table.literals import key
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import Cell, Column, Row, Table

__all__ = ["MOST_ROWS", "Failed", "Trace", "Tried", "as_json", "cut", "trace"]

MOST_ROWS = 200
"""Rows of a trace that are told as JSON."""

_NAMED = 30  # rows that the outcome names
_CELL = 200  # characters of a cell or a value


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

    @property
    def outcome(self) -> str:
        """Which rows answer, as a sentence."""
        names = [tried.name for tried in self.tried if tried.fits][: len(self.chosen) or None]
        if not self.chosen:
            return "no row fits"
        if self.silent:
            return f"row {names[0]} gives no reply: {self.silent} {'are' if ' ' in self.silent else 'is'} empty"
        several = len(names) > 1
        return f"{'rows' if several else 'row'} {', '.join(names[:_NAMED])} {'answer' if several else 'answers'}"


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


def as_json(found: Trace) -> dict[str, Any]:
    """A trace for a page: the rows that fit and the last of the others, at most MOST_ROWS; long texts are cut."""
    chosen = {found.table.rows[number].name.name for number in found.chosen}
    fitting = [at for at, tried in enumerate(found.tried) if tried.fits][:MOST_ROWS]
    others = [at for at, tried in enumerate(found.tried) if not tried.fits]
    shown = sorted([*fitting, *others[max(0, len(others) + len(fitting) - MOST_ROWS) :]])
    return {
        "kind": "table",
        "file": found.table.file,
        "outcome": found.outcome,
        "rows": [_row(found.tried[at], chosen) for at in shown],
        "left_out": len(found.tried) - len(shown),
    }


def _row(tried: Tried, chosen: Collection[str]) -> dict[str, Any]:
    return {
        "number": int(tried.row.name.name[1:]),
        "name": tried.row.name.text,
        "fits": tried.fits,
        "chosen": tried.row.name.name in chosen,
        "failed": [
            {
                "column": one.column.head.text,
                "cell": one.cell.name,
                "says": cut(one.cell.text, _CELL),
                "is": _plain(one.value),
            }
            for one in tried.failed
        ],
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; a text that is cut where it is long."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), _CELL)


def cut(text: str, most: int) -> str:
    """A text of at most `most` characters, the last of them `…` where it was longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
