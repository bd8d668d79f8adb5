"""What is wrong with the rows of a table together: rows never reached, rows that overlap, messages that fit no row.

Strategy: go through the columns, and keep the distinct sets of rows that are left by any values so far, each with one
way that leads to it. Sets that are equal are followed once, and one with few rows is only divided where these rows are.
Work is bounded in steps; a table that needs more is told so, and checked for equal rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jackfield.errors import Problem
from jackfield.process.table.classes import Classes, bits
from jackfield.process.table.faulty import doubt, fault
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import ANYTHING, Table

__all__ = ["MOST_STEPS", "Ways", "explore", "faults_of_rows"]

MOST_STEPS = 200_000
_MOST_BITS = 2**29  # of the sets that are kept: 64 MiB
_FEW = 16  # classes; fewer are tried one by one
_MOST_TOLD = 3  # of one kind with all that is known of them, as this costs a look at all classes
_MOST_LOOKED_AT = 50  # gaps, of which several may be told alike

Way = tuple[tuple[Classes, Any], ...]


@dataclass(slots=True)
class Ways:
    """The sets of rows that messages can fit, as masks, each with a message that does. `whole`: no more are there."""

    sets: list[tuple[int, Way]]
    gaps: list[tuple[Way, int]] = field(default_factory=list)
    """Ways on which no row is left, and the set that was there before the last step."""
    steps: int = 0
    whole: bool = True


def explore(lookup: Lookup) -> Ways:
    """All sets of rows that messages can fit, as far as `MOST_STEPS` go."""
    ways = Ways([((1 << lookup.size) - 1, ())])
    for classes in sorted(lookup.classes, key=lambda one: -len(one.masks)):
        every = classes.every
        found: dict[tuple[int, int, int], Way] = {}
        for rows, way in ways.sets:
            labels, looked_at = _apart(classes, every, rows)
            ways.steps += looked_at
            for label in labels:
                ways.steps += 1
                left = rows & every[label]
                if not left:
                    ways.gaps.append(((*way, (classes, label)), rows))
                elif (same := _key(left)) not in found:
                    found[same] = (*way, (classes, label))
            if ways.steps > MOST_STEPS or len(found) * lookup.size > _MOST_BITS:
                ways.whole = False
                return ways
        ways.sets = [(rows, way) for (_, _, rows), way in found.items()]
    return ways


def _key(rows: int) -> tuple[int, int, int]:
    """Equal for equal sets. An integer alone with one bit has one of 61 hashes, with two bits one of few."""
    return rows.bit_length(), (rows & -rows).bit_length(), rows


def _apart(classes: Classes, every: dict[Any, int], rows: int) -> tuple[Iterable[Any], int]:
    """Labels of classes, one at least for each part into which a column divides the rows; how many rows were asked."""
    if len(every) <= _FEW or classes.column.type == "choice" or (count := rows.bit_count()) * 2 > len(every):
        return every, 0
    labels = {label: None for row in bits(rows) for label in classes.turns(row)}
    return labels | {label: None for label in classes.always if label in every}, count


def faults_of_rows(table: Table, lookup: Lookup) -> list[Problem]:
    """Problems of rows that are never reached or overlap, and warnings."""
    ways = explore(lookup)
    if not ways.whole:
        message = f"the columns have more than {MOST_STEPS} combinations; only equal rows were looked for"
        hint = "rows never reached, rows that overlap and messages that fit no row were not"
        return [*_equal_rows(table), doubt(table.file, table.head, message, hint)]
    problems: list[Problem] = []
    rests = [row for row, said in enumerate(table.conditions) if set(said) <= {ANYTHING}]
    if table.policy == "unique" and len(rests) > 1:
        name = table.rows[rests[1]].name
        message = f"this row has no conditions, and {_rows(table, rests[:1])} the rest already"
        return [fault(table.file, name, message, "take one of them out, or begin the table with `first`")]
    if table.policy == "unique":
        problems += _overlaps(table, lookup, ways)
    if table.policy != "collect":
        problems += _never_reached(table, lookup, ways)
    problems += _gaps(table, ways)
    return problems


def _never_reached(table: Table, lookup: Lookup, ways: Ways) -> Iterator[Problem]:
    reached = {lookup.chosen(rows) for rows, _ in ways.sets}
    never = [row for row in range(lookup.size) if row not in reached]
    if table.policy == "unique":  # rows that overlap are told as such
        never = [row for row in never if row == lookup.rest]
    for number, row in enumerate(never):
        takers = set()
        if number < _MOST_TOLD:
            takers = {lookup.chosen(rows) for rows, _ in ways.sets if rows >> row & 1}
        name = table.rows[row].name
        if takers or number >= _MOST_TOLD:
            by = f": {_rows(table, sorted(takers))} every message that fits it" if takers else ""
            hint = "move it up, or take it out"
            yield fault(table.file, name, f"this row is never reached{by}", hint)
        else:
            yield fault(table.file, name, "no message can fit this row", "look at its conditions, or take it out")


def _rows(table: Table, rows: list[int]) -> str:
    names = [table.rows[row].name.name[1:] for row in rows]
    if len(names) == 1:
        return f"row {names[0]} takes"
    if len(names) > _MOST_TOLD:
        return f"{len(names)} other rows, {names[0]} among them, take"
    return f"rows {', '.join(names[:-1])} and {names[-1]} take"


def _overlaps(table: Table, lookup: Lookup, ways: Ways) -> Iterator[Problem]:
    rest = 1 << lookup.rest if lookup.rest >= 0 else 0
    told: set[tuple[int, int]] = set()
    for rows, way in ways.sets:
        first, second = ([*_some(rows & ~rest, 2), -1, -1])[:2]
        if second < 0 or (first, second) in told:
            continue
        told.add((first, second))
        name = table.rows[second].name
        both = table.rows[first].name.name[1:]
        fitting = f": {_overlap(way, (first, second))} fits both" if len(told) <= _MOST_TOLD else ""
        message = f"this row and row {both} overlap{fitting}"
        yield fault(table.file, name, message, "make one of them narrower, or begin the table with `first`")


def _some(mask: int, most: int) -> list[int]:
    return [row for row, _ in zip(bits(mask), range(most), strict=False)]


def _gaps(table: Table, ways: Ways) -> Iterator[Problem]:
    def plain(gap: tuple[Way, int]) -> tuple[int, int]:
        return sum(label is None for _, label in gap[0]), len(gap[0])

    told: dict[str, None] = {}
    for way, before in sorted(ways.gaps, key=plain)[:_MOST_LOOKED_AT]:
        told[_gap(way, before)] = None
        if len(told) == _MOST_TOLD:
            break
    hint = "the answer is the error no_row; a last row without conditions takes the rest"
    for gap in told:
        yield doubt(table.file, table.head, f"{gap} fits no row", hint)


def _overlap(way: Way, rows: tuple[int, int]) -> str:
    """The message that fits both rows; without the keys that neither of them looks at."""
    return _told(
        (classes, classes.told(label, classes.every[label].__eq__))
        for classes, label in way
        if any(classes.conditions[row] is not ANYTHING for row in rows)
    )


def _gap(way: Way, before: int) -> str:
    """The message that fits no row. `before` are the rows that its last step took away."""
    *steps, (last, its) = way
    masks = [(classes, label, classes.every[label]) for classes, label in steps]
    told = [
        (classes, classes.told(label, mask.__eq__))
        for classes, label, mask in masks
        if mask.bit_count() < len(classes.conditions)
    ]
    return _told([*told, (last, last.told(its, lambda mask: not mask & before))])


def _told(parts: Iterable[tuple[Classes, str]]) -> str:
    """`age < 18 with vip false`, in the order of the columns."""
    ordered = sorted(parts, key=lambda part: (part[0].column.head.line, part[0].column.head.column))
    first, *others = [text for _, text in ordered] or ["every message"]
    return f"{first} with {' and '.join(others)}" if others else first


def _equal_rows(table: Table) -> Iterator[Problem]:
    """Rows whose conditions are those of a row above, and rows below one without conditions."""
    if table.policy == "collect":
        return
    above: dict[tuple[Any, ...], int] = {}
    for row, conditions in enumerate(table.conditions):
        everything = () if table.policy == "unique" else (ANYTHING,) * len(conditions)
        first = above.get(conditions, above.get(everything))
        if first is None:
            above[conditions] = row
        else:
            message = f"this row is never reached: {_rows(table, [first])} every message that fits it"
            if table.policy == "unique":
                message = f"this row and row {table.rows[first].name.name[1:]} overlap: their conditions are equal"
            yield fault(table.file, table.rows[row].name, message, "take one of them out")
