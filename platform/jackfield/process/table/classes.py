"""The classes of a column's values: those that no condition of the column tells apart.

They are the texts that are named, and all others; the points that are named, and what lies between them. Each class has
a mask with a bit for each row that fits it. A class has a label, from which `told` makes words.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from jackfield.process.table.conditions import is_empty
from jackfield.process.table.literals import OTHER, key, written
from jackfield.process.table.model import Column, Condition, Span

__all__ = ["Classes", "Points", "Words", "bits", "classes_of"]

Find = Callable[[Any], int]


class Words:
    """Classes of a column whose values are compared for equality: texts, choices, true and false.

    `masks` has one for each value that is named, `others` is for all other values, `missing` for none.
    """

    always: tuple[Any, ...] = (OTHER, None)
    """Labels of classes at which no row turns."""

    def __init__(self, column: Column, conditions: Sequence[Condition]) -> None:
        self.column = column
        self.name = column.key
        self.conditions = conditions
        self.missing, self.others = _of_no_value(conditions)
        named: dict[Any, list[int]] = {}
        for row, condition in enumerate(conditions):
            for value in condition.values:
                named.setdefault(value, []).append(row)
        same = {rows: _turned(self.others, rows) for rows in {tuple(rows) for rows in named.values()}}
        self.masks = {value: same[tuple(rows)] for value, rows in named.items()}

    @cached_property
    def every(self) -> dict[Any, int]:
        """Each class by its label, with its mask: a value, OTHER for all that are not named, None for none."""
        labels: Sequence[Any] = (*self.masks, OTHER)
        if self.column.type == "boolean":
            labels = (True, False)
        elif self.column.type == "choice":
            labels = self.column.choices
        every = {label: self.masks.get(label, self.others) for label in labels}
        return every | {None: self.missing} if self.column.optional else every

    def turns(self, row: int) -> Iterable[Any]:
        """The labels at which a row may be another than at OTHER."""
        return self.conditions[row].values

    def holds(self, row: int, label: Any) -> bool:
        """Whether a row fits a class; `every` says it for all rows."""
        condition = self.conditions[row]
        return (condition.missing if label is None else label in condition.values) != condition.negated

    def told(self, label: Any, alike: Callable[[int], bool]) -> str:
        """A class in words."""
        if label is OTHER:
            return f"any other {self.name}"
        if self.column.type == "boolean" and label is not None:
            return f"{self.name} {'true' if label else 'false'}"
        return f'{self.name} "{label[:60]}"' if label is not None else f"{self.name} missing"

    def find(self, of: Callable[[int], int]) -> Find:
        """The function from a value to what `of` makes of its mask."""
        column, others = self.column, of(self.others)
        known: Mapping[Any, int] = {value: of(mask) for value, mask in self.masks.items()} | {None: of(self.missing)}
        if column.type == "boolean":  # 1 and 1.0 are keys as good as True
            return lambda value: known.get(value, others) if value is None or value.__class__ is bool else others
        if column.any_case or column.role == "state":  # what a connection remembers may have no hash
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

    always: tuple[Any, ...] = (0, None)
    """Labels of classes at which no row turns."""

    def __init__(self, column: Column, conditions: Sequence[Condition]) -> None:
        self.column = column
        self.name = column.key
        self.conditions = conditions
        self.missing, self.others = _of_no_value(conditions)
        points = {value for condition in conditions for value in condition.values}
        points |= {end for condition in conditions for span in condition.spans for end in (span.low, span.high)}
        points.discard(None)
        self.points = sorted(points)
        place = {point: 2 * number + 1 for number, point in enumerate(self.points)}
        end = 2 * len(self.points) + 1
        known = {id(condition): condition for condition in conditions}  # equal cells are one condition
        turning = {one: _turns(condition, place, end) for one, condition in known.items()}
        self.at = [turning[id(condition)] for condition in conditions]
        turns: list[list[int]] = [[] for _ in range(end)]
        for row, its in enumerate(self.at):
            for at in its:
                turns[at].append(row)
        self.masks: list[int] = []
        mask = self.others
        for rows in turns:
            mask = _turned(mask, rows)
            self.masks.append(self.others if mask == self.others else mask)

    @cached_property
    def every(self) -> dict[Any, int]:
        """Each class by its label, with its mask: its place in `masks`, None for no value. No class is empty."""
        every: dict[Any, int] = {at: mask for at, mask in enumerate(self.masks) if not self._is_empty(at)}
        return every | {None: self.missing} if self.column.optional else every

    def turns(self, row: int) -> Iterable[Any]:
        """The labels at which a row begins or ends to fit."""
        every = self.every
        return [at if at in every else at + 1 for at in self.at[row]]

    def holds(self, row: int, label: Any) -> bool:
        """Whether a row fits a class; `every` says it for all rows."""
        condition = self.conditions[row]
        if label is None:
            return condition.missing != condition.negated
        return bool(bisect_right(self.at[row], label) & 1) != condition.negated

    def told(self, label: Any, alike: Callable[[int], bool]) -> str:
        """A class in words, together with its neighbours whose masks are alike."""
        if label is None:
            return f"{self.name} missing"
        first = last = label
        while first > 0 and alike(self.masks[first - 1]):
            first -= 1
        while last < len(self.masks) - 1 and alike(self.masks[last + 1]):
            last += 1
        low, high = (
            written(self.points[at]) if 0 <= at < len(self.points) else "" for at in ((first - 1) // 2, last // 2)
        )
        if first == last and first % 2:
            return f"{self.name} {low}"
        if low and high:
            return f"{self.name} in {'[' if first % 2 else '('}{low}..{high}{']' if last % 2 else ')'}"
        if not low and not high:
            return f"any {self.name}"
        return (
            f"{self.name} {'<=' if last % 2 else '<'} {high}"
            if high
            else f"{self.name} {'>=' if first % 2 else '>'} {low}"
        )

    def _is_empty(self, at: int) -> bool:
        inner = at % 2 == 0 and 0 < at < len(self.masks) - 1
        return inner and is_empty(self.column, Span(self.points[at // 2 - 1], self.points[at // 2], False, False))

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


Classes = Words | Points


def classes_of(column: Column, conditions: Sequence[Condition]) -> Classes:
    """The classes of a column's values."""
    if column.type in ("text", "choice", "boolean"):
        return Words(column, conditions)
    return Points(column, conditions)


def _of_no_value(conditions: Sequence[Condition]) -> tuple[int, int]:
    """The masks of a missing value, and of one that no condition names."""
    missing = "".join(["01"[one.missing != one.negated] for one in reversed(conditions)])
    others = "".join(["01"[one.negated] for one in reversed(conditions)])
    return int(missing, 2), int(others, 2)


def _turned(mask: int, rows: Iterable[int]) -> int:
    for row in rows:
        mask ^= 1 << row
    return mask


def _turns(condition: Condition, place: Mapping[Any, int], end: int) -> tuple[int, ...]:
    """The classes at which a row begins to be another than `others` says, and at which it ends to be so."""
    inside = [_within(span, place, end) for span in condition.spans]
    inside.extend([(place[value], place[value] + 1) for value in condition.values])
    turns: list[int] = []
    for first, behind in sorted(inside):
        if not turns or first > turns[-1]:
            turns += (first, behind)
        elif behind > turns[-1]:
            turns[-1] = behind
    return tuple(turns[:-1] if turns and turns[-1] == end else turns)


def _within(span: Span, place: Mapping[Any, int], end: int) -> tuple[int, int]:
    first = 0 if span.low is None else place[span.low] + (not span.with_low)
    return first, end if span.high is None else place[span.high] + span.with_high


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    row = -1
    while mask:
        step = (mask & -mask).bit_length()
        mask >>= step
        row += step
        yield row
