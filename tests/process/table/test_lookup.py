from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.process.table.conditions import fits
from jackfield.process.table.faults import explore
from jackfield.process.table.literals import key
from jackfield.process.table.lookup import Lookup
from jackfield.process.table.model import ANYTHING, Table
from jackfield.process.table.reading import read_table
from tests.process.table.tables import conformance, file_of, read

TYPES = ("text", "text, any case", "number", "integer", "boolean", "date", "time", "datetime", "small | large")
DAY = datetime.date(2026, 1, 30)
VALUES: dict[str, list[tuple[str, Any]]] = {
    "text": [('"Да"', "Да"), ('"да"', "да"), ('"И\u0306"', "Й"), ('""', "")],
    "number": [("-2", -2), ("-1.5", -1.5), ("0", 0.0), ("1", 1), ("1e2", 100)],
    "integer": [(str(number), number) for number in (-1, 0, 1, 2, 10**20)],
    "boolean": [("true", True), ("нет", False)],
    "date": [((DAY + datetime.timedelta(n)).isoformat(), DAY + datetime.timedelta(n)) for n in range(5)],
    "time": [(f"1{n}:30", datetime.time(10 + n, 30)) for n in range(4)],
    "datetime": [(f"2026-01-30T1{n}:30Z", datetime.datetime(2026, 1, 30, 10 + n, 30)) for n in range(4)],  # noqa: DTZ001
    "small | large": [('"small"', "small"), ('"large"', "large")],
}
VALUES["text, any case"] = VALUES["text"]
MORE: dict[str, list[Any]] = {
    "text": ["Нет", "ДА", "null"],
    "number": [-3, -1, 0.5, float("inf"), float("nan"), 10**40],
    "integer": [-(10**30), 5, 10**30],
    "date": [DAY + datetime.timedelta(9)],
    "time": [datetime.time(12, tzinfo=datetime.UTC)],
    "datetime": [datetime.datetime(2026, 1, 30, 13, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=3)))],
}
MORE["text, any case"] = MORE["text"]


def cells(type_: str) -> st.SearchStrategy[str]:
    value = st.sampled_from([text for text, _ in VALUES[type_]])
    items = value
    if not type_.startswith(("text", "small")):
        items = value | st.builds("{}{}".format, st.sampled_from(["!=", "= "]), value)
    if type_ not in ("boolean", "small | large") and not type_.startswith("text"):
        ends = st.tuples(st.sampled_from("[(]"), value, value, st.sampled_from("])["))
        ordered = [text for text, _ in VALUES[type_]]
        items |= ends.filter(lambda end: ordered.index(end[1]) + 1 < ordered.index(end[2])).map(
            lambda end: f"{end[0]}{end[1]}..{end[2]}{end[3]}"
        )
        items |= st.builds("{} {}".format, st.sampled_from(["<", "<=", ">", ">="]), value)
    some = st.lists(items, min_size=1, max_size=4)
    lists = st.builds(lambda items, null: ", ".join([*items, *null]), some, st.sampled_from([[], ["null"]]))
    return st.sampled_from(["", "-", "null"]) | lists | lists.map(lambda text: f"not({text})")


@st.composite
def tables(draw: st.DrawFn, policy: str = "collect") -> tuple[str, list[tuple[Any, ...]]]:
    """A file, and messages."""
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3))
    rows = draw(st.lists(st.tuples(*map(cells, types)), min_size=1, max_size=12))
    heads = [f"c{number}? ({type_})" for number, type_ in enumerate(types)]
    body = [(number, *row, "x") for number, row in enumerate(rows)]
    values = [st.sampled_from([None, *MORE.get(type_, []), *(value for _, value in VALUES[type_])]) for type_ in types]
    return file_of([(policy, *heads, "reply.text"), *body]), draw(st.lists(st.tuples(*values), min_size=1, max_size=30))


def naive(table: Table, values: tuple[Any, ...]) -> list[int]:
    """The rows that fit, one after the other."""
    keys = [key(column, value) for column, value in zip(table.columns, values, strict=False)]
    return [row for row, said in enumerate(table.conditions) if all(map(fits, said, keys))]


@given(tables())
def test_masks_find_the_rows_that_fit(drawn: tuple[str, list[tuple[Any, ...]]]) -> None:
    text, messages = drawn
    table = read(text)
    lookup = Lookup(table)
    for values in messages:
        assert lookup.all(values) == naive(table, values)
        assert lookup.first(values) == next(iter(naive(table, values)), -1)


@given(tables())
def test_no_message_finds_rows_that_were_not_explored(drawn: tuple[str, list[tuple[Any, ...]]]) -> None:
    """What is said of rows never reached, overlaps and gaps stands on these sets."""
    text, messages = drawn
    table = read(text)
    lookup = Lookup(table)
    ways = explore(lookup)
    assert ways.whole
    sets = {rows for rows, _ in ways.sets}
    for values in messages:
        rows = lookup.mask(values)
        assert rows in sets or (not rows and ways.gaps) or not is_json(values)


@given(tables("first"))
def test_a_row_that_is_said_to_be_never_reached_answers_nothing(drawn: tuple[str, list[tuple[Any, ...]]]) -> None:
    text, messages = drawn
    _, problems = read_table("x.csv", text.encode())
    never = {problem.line - 2 for problem in problems if problem.severity == "error"}
    lookup = Lookup(read(text.replace("first", "collect", 1)))
    assert not [values for values in messages if is_json(values) and lookup.first(values) in never]


def is_json(values: tuple[Any, ...]) -> bool:
    return not any(value != value or value == float("inf") for value in values)


def test_the_row_without_conditions_is_the_rest_of_unique() -> None:
    lookup = Lookup(read("unique,a,reply.x\nrest,,x\n1,a,y\n"))
    assert [lookup.first((text,)) for text in "ab"] == [1, 0]
    table = read("unique,a,b (number),reply.x\nrest,,,x\n1,a,> 5,y\n")
    assert [Lookup(table).first(values) for values in (("a", 6), ("a", 5), ("b", 6))] == [1, 0, 0]


def test_a_table_without_conditions_always_answers() -> None:
    table = read("first,reply.x\n1,x\n")
    assert (Lookup(table).first(()), Lookup(table).all(())) == (0, [0])
    assert table.conditions == ((),)


def test_equal_cells_are_one_condition() -> None:
    table = read("first,a,b (number),reply.x\n1,a,> 5,y\n2,a,,z\n3,-,> 5,y\n")
    assert table.conditions[0][0] is table.conditions[1][0]
    assert table.conditions[1][1] is table.conditions[2][0] is ANYTHING


@pytest.mark.parametrize("rows", [10, 1000])
def test_values_that_are_many_have_masks_that_are_few(rows: int) -> None:
    """A table with 10,000 rows has masks of 1.25 KB: what is equal is one object."""
    many = ", ".join(f'"{number}"' for number in range(1000))
    table = read(file_of([("collect", "a", "reply.x"), ("1", many, "x"), *[("2", "", "x")] * rows]))
    (words,) = Lookup(table).classes
    assert len({id(mask) for mask in words.masks.values()}) == 1  # type: ignore[union-attr]  # a column of texts


def test_the_tables_of_dmns_conformance_kit() -> None:
    """One of them has a row that is never reached, which is a fault here; it answers the same without that row."""
    asked = 0
    for case in conformance("tables.json"):
        text = case["csv"]
        table, problems = read_table("x.csv", text.encode())
        if table is None:
            (fault,) = [problem for problem in problems if problem.severity == "error"]
            assert (case["name"], fault.line) == ("0117-multi-any-hitpolicy/Approval", 7)
            assert "never reached: row 2 takes every message" in fault.message
            table = read("".join(text.splitlines(keepends=True)[:6]))
        for one in case["cases"]:
            asked += 1
            assert answers(table, one["input"], case) == one["expect"], (case["name"], one)
    assert asked == 30


def answers(table: Table, message: dict[str, Any], case: dict[str, Any]) -> Any:
    values, lookup = [], Lookup(table)
    for column in table.columns:
        value: Any = message
        if column.is_condition:
            for name in column.path:
                value = (value or {}).get(name)
            values.append(datetime.date.fromisoformat(value) if column.type == "date" else value)
    rows = lookup.all(values) if table.policy == "collect" else [lookup.first(values)]
    outputs = [number for number, column in enumerate(table.columns) if not column.is_condition]
    replies: list[Any] = []
    for row in rows:
        texts = {table.columns[number].path[0]: table.rows[row].cells[number].text for number in outputs}
        reply: Any = {name: text == "true" if text in ("true", "false") else text for name, text in texts.items()}
        replies.append(reply["result"] if case["bare"] else reply)
    return replies if table.policy == "collect" else replies[0]
