"""From the values of a message to its row, without looking at the rows one by one.

Strategy: each value has a mask of the rows that fit it (`classes.py`). A lookup takes one mask for each column; what is
left of all of them together are the rows that fit, and the lowest bit is the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jackfield.process.table.classes import bits, classes_of
from jackfield.process.table.model import ANYTHING, Table

__all__ = ["Lookup"]


class Lookup:
    """The rows of a table that fit a message. `values` stand in the order of the columns that are conditions.

    `first` gives the number of the row that answers, counted from 0; -1 where none fits.
    A missing value is None. A value of another type than its column's fits what anything fits.
    With the policy `unique`, the row without conditions is the rest, wherever it stands.
    """

    def __init__(self, table: Table) -> None:
        columns = [column for column in table.columns if column.is_condition]
        self.size = len(table.rows)
        self.classes = [
            classes_of(column, [row[number] for row in table.conditions]) for number, column in enumerate(columns)
        ]
        self.rest = -1
        if table.policy == "unique":
            self.rest = next((row for row, said in enumerate(table.conditions) if set(said) <= {ANYTHING}), -1)
        self._every = (1 << self.size) - 1
        self._finds = [classes.find(lambda mask: mask) for classes in self.classes]
        self.first = self._by_masks
        if len(columns) == 1:  # then each class has its row
            find = self.classes[0].find(self.chosen)
            self.first = lambda values: find(values[0])

    def all(self, values: Sequence[Any]) -> list[int]:
        """The numbers of all rows that fit, in their order."""
        return list(bits(self.mask(values)))

    def mask(self, values: Sequence[Any]) -> int:
        """The rows that fit, as bits."""
        mask = self._every
        for find, value in zip(self._finds, values, strict=True):
            mask &= find(value)
        return mask

    def chosen(self, mask: int) -> int:
        """The number of the row that answers, of those that fit."""
        row = (mask & -mask).bit_length() - 1
        if row == self.rest >= 0 and mask != 1 << row:
            return self.chosen(mask ^ (1 << row))
        return row

    def _by_masks(self, values: Sequence[Any]) -> int:
        mask = self._every
        for find, value in zip(self._finds, values):  # noqa: B905  # strict costs a tenth of the lookup
            mask &= find(value)
        row = (mask & -mask).bit_length() - 1
        return row if row != self.rest else self.chosen(mask)
