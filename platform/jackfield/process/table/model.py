"""What a table says once it is read: the types that the files of this room share.

sheet (bytes -> cells) -> heads -> conditions -> Table -> lookup (values -> rows), faults, trace
                                                       -> replies -> function (a Process)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Cell", "Column", "Policy", "Role", "Row", "Table", "Type"]

Policy = Literal["first", "unique", "collect"]
Type = Literal["text", "number", "integer", "boolean", "date", "time", "datetime", "choice", "list"]
Role = Literal["input", "connection", "state", "reply", "error", "remember", "keep"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, without the blanks around it. `line` and `column` are those of the file, `name` is the spreadsheet's: C4."""

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


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name (the first cell), and a cell for each column of the table, in their order."""

    name: Cell
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table without faults. `summary` is the first comment above the heads."""

    file: str
    summary: str
    policy: Policy
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
