"""What a table says once it is read: the types that the files of this room share.

sheet (bytes -> cells) -> heads -> conditions -> Table -> lookup (values -> rows), faults, trace
                                                       -> replies -> function (a Process)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

__all__ = ["ANYTHING", "Cell", "Column", "Condition", "Policy", "Role", "Row", "Span", "Table", "Type"]

Policy = Literal["first", "unique", "collect"]
Type = Literal["text", "number", "integer", "boolean", "date", "time", "datetime", "choice", "list"]
Role = Literal["input", "connection", "state", "reply", "error", "remember", "keep"]


class Cell(NamedTuple):
    """A cell, without the blanks around it. `line` and `column` are those of the file, `name` is the spreadsheet's: C4.

    An empty cell has the place of its row's beginning.
    """

    text: str
    line: int
    column: int
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """What one head says. `path` is ("address", "city") for `address.city`, without the word of its role.

    `optional` inputs may be missing or null; `choices` are the texts of `small | large`. Notes (`# …`) are no columns.
    """

    head: Cell
    role: Role
    path: tuple[str, ...]
    type: Type = "text"
    optional: bool = False
    any_case: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_condition(self) -> bool:
        """Whether its cells say which rows fit; all others are outputs."""
        return self.role in ("input", "connection", "state")

    @property
    def key(self) -> str:
        """The head without question mark and type: `address.city`, `reply.text`."""
        return ".".join(self.path if self.role == "input" else (self.role, *self.path))


class Span(NamedTuple):
    """All values between two ends; None is no end on that side."""

    low: Any
    high: Any
    with_low: bool
    with_high: bool

    def holds(self, value: Any) -> bool:
        """Whether the value lies between the ends. It must be of their type."""
        if self.low is not None and not (value >= self.low if self.with_low else value > self.low):
            return False
        return self.high is None or bool(value <= self.high if self.with_high else value < self.high)


class Condition(NamedTuple):
    """What a cell of a condition says: one of the values, within one of the spans, or missing; all the rest if negated.

    Texts stand as `values.key` makes them. A negated condition fits a missing value too, unless `missing` names it.
    """

    values: frozenset[Any] = frozenset()
    spans: tuple[Span, ...] = ()
    missing: bool = False
    negated: bool = False


ANYTHING = Condition(negated=True)
"""An empty cell: none of nothing."""


class Row(NamedTuple):
    """One row: its name (the first cell), and a cell for each column of the table, in their order."""

    name: Cell
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table without faults. `summary` is the first comment above the heads.

    `conditions` has one for each row, for each column that is a condition. `separator` says how numbers are written.
    `head` is the first, which names the policy.
    """

    file: str
    summary: str
    policy: Policy
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    separator: str = ","
    conditions: tuple[tuple[Condition, ...], ...] = field(default=(), repr=False)
    head: Cell = field(default=Cell("", 1, 1, "A1"))
