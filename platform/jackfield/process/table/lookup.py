"""From the values of a message to its row, without looking at the rows one by one.

Strategy: for each column, values fall into classes that no condition tells apart: the texts that are named, and all
others; the points that are named, and what lies between them. Each class has a mask with a bit for each row that fits
it. A lookup takes one mask for each column; what is left of all of them together are the rows that fit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from jackfield.process.table.conditions import fits
from jackfield.process.table.literals import OTHER, key
from jackfield.process.table.model import ANYTHING, Column, Condition, Span, Table

__all__ = ["Lookup", "Points", "Words", "bits", "classes_of"]

Find = Callable[[Any], int]


class Words:
    """Classes of a column whose values are compared for equality: texts, choices, true and false.

    `masks` has one for each value that is named, `others` is for all other values, `missing` for none.
    """

    def __init__(self, column: Column, conditions: Sequence[Condition]) -> None:
        self.column = column
        self.missing, self.others = _of_no_value(conditions)
        named: dict[Any, int] = {}
        for row, condition in enumerate(conditions):
            for value in condition.values:
                named[value] = named.get(value, self.others) ^ (1 << row)
        same: dict[int, int] = {}
        self.masks = {value: same.setdefault(mask, mask) for value, mask in named.items()}

    def find(self, of: Callable[[int], int]) -> Find:
        """The function from a value to what `of` makes of its mask."""
        column, others = self.column, of(self.others)
        known: Mapping[Any, int] = {value: of(mask) for value, mask in self.masks.items()} | {None: of(self.missing)}
        if column.type == "boolean" or column.any_case or column.role == "state":
            # 1 and 1.0 are keys as good as True; what a connection remembers may have no hash
            return lambda value: known.get(key(column, value), others)

        def find(value: Any) -> int:
            mask = known.get(value)
            if mask is None:
                return others if value.isascii() else known.get(key(column, value), others)
            return mask

        return find


class Points:
    """Classes of a column whose values have an order. Between, before and behind n points lie n + 1 classes.

    `masks` alternates: what is before the first point, the first point, what is between it and the second, and so on.
    """

    def __init__(self, column: Column, conditions: Sequence[Condition]) -> None:
        self.column = column
        self.missing, self.others = _of_no_value(conditions)
        ends = (end for condition in conditions for span in condition.spans for end in (span.low, span.high))
        points = {end for end in ends if end is not None}
        self.points = sorted(points.union(*(condition.values for condition in conditions)))
        place = {point: 2 * number + 1 for number, point in enumerate(self.points)}
        turns: dict[int, int] = {}
        for row, condition in enumerate(conditions):
            for at in _turns(condition, place, 2 * len(self.points) + 1):
                turns[at] = turns.get(at, 0) ^ (1 << row)
        self.turns = turns
        self.masks: list[int] = []
        same: dict[int, int] = {}
        mask = self.others
        for at in range(2 * len(self.points) + 1):
            mask ^= turns.get(at, 0)
            self.masks.append(same.setdefault(mask, mask))

    def find(self, of: Callable[[int], int]) -> Find:
        """The function from a value to what `of` makes of its mask."""
        column, points, count = self.column, self.points, len(self.points)
        masks, others, missing = [of(mask) for mask in self.masks], of(self.others), of(self.missing)
        quick = {"number": (int, float), "integer": (int, float), "date": (date,)}.get(column.type, ())

        def find(value: Any) -> int:
            if value.__class__ not in quick or value != value:  # NaN is not itself
                value = key(column, value)
                if value is None:
                    return missing
                if value is OTHER:
                    return others
            at = bisect_left(points, value)
            return masks[2 * at + 1] if at < count and points[at] == value else masks[2 * at]

        return find


def classes_of(column: Column, conditions: Sequence[Condition]) -> Words | Points:
    """The classes of a column's values."""
    if column.type in ("text", "choice", "boolean"):
        return Words(column, conditions)
    return Points(column, conditions)


def _of_no_value(conditions: Sequence[Condition]) -> tuple[int, int]:
    """The masks of a missing value, and of one that no condition names."""
    missing = others = (1 << len(conditions)) - 1
    for row, condition in enumerate(conditions):
        if condition is ANYTHING:
            continue
        if not fits(condition, None):
            missing ^= 1 << row
        if not condition.negated:
            others ^= 1 << row
    return missing, others


def _turns(condition: Condition, place: Mapping[Any, int], end: int) -> Iterator[int]:
    """The classes at which a row begins to be another than `others` says, and at which it ends to be so."""
    inside = [(place[value], place[value] + 1) for value in condition.values]
    inside.extend(_within(span, place, end) for span in condition.spans)
    begun = last = -1
    for first, behind in sorted(inside):
        if first > last:
            if last >= 0:
                yield begun
                yield last
            begun = first
        last = max(last, behind)
    if last >= 0:
        yield begun
        if last < end:
            yield last


def _within(span: Span, place: Mapping[Any, int], end: int) -> tuple[int, int]:
    first = 0 if span.low is None else place[span.low] + (not span.with_low)
    return first, end if span.high is None else place[span.high] + span.with_high


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
        self.first: Callable[[Sequence[Any]], int] = lambda values: self.chosen(self.mask(values))
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


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
