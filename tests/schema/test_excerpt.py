"""Of a large invalid value only a small part is explained, and its faults are faults of the whole."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.schema import excerpt
from jackfield.schema.excerpt import NODES
from jackfield.schema.validator import Fault, Validator

ITEM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
OTHER = {"type": "object", "properties": {"kind": {"const": "b"}, "y": {"type": "array"}}, "required": ["kind"]}
NULL = {"type": "null"}
GOOD = {"name": "я"}


def message(items: object) -> dict[str, Any]:
    return {"type": "object", "properties": {"items": items}, "required": ["items"], "additionalProperties": False}


LISTS = message({"type": "array", "items": ITEM})
NULLABLE = message({"anyOf": [{"type": "array", "items": ITEM}, NULL]})
UNION = message({"type": "array", "items": {"anyOf": [ITEM, OTHER, NULL]}})
NESTED = message({"type": "array", "items": {"type": "array", "items": {"type": "array", "items": ITEM}}})
MAPPING = message({"type": "object", "additionalProperties": {"type": "integer"}})


def size(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(size, value.values()))
    return 1 + sum(map(size, value)) if isinstance(value, list) else 1


SHAPES: dict[str, Any] = {
    "scalars": [0] * 32_000,
    "empty": [{}] * 21_000,
    "the last": [GOOD] * 5_000 + [0],
    "unknown keys": [GOOD | {"z": 1}] * 3_000,
    "lists": [[[0] * 40] * 40] * 20,
    "deep and last": [[[GOOD] * 30] * 30] * 10 + [[[GOOD] * 30] * 29 + [[GOOD] * 29 + [{"name": 1}]]],
    "objects": {f"k{number}": "x" for number in range(4_500)},
    "the last key": {f"k{number}": 1 for number in range(4_500)} | {"я": "x"},
}


@pytest.mark.parametrize("schema", [LISTS, NULLABLE, UNION, NESTED, MAPPING])
@pytest.mark.parametrize("items", SHAPES.values(), ids=SHAPES.keys())
def test_a_value_is_as_it_was_when_its_faults_are_reported(schema: dict[str, Any], items: object) -> None:
    value = {"items": items}
    before = copy.deepcopy(value)
    faults = Validator(schema).faults(value)
    assert value == before
    assert all(leads_somewhere(fault, value) for fault in faults)


def leads_somewhere(fault: Fault, value: Any) -> bool:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in fault.path.split("/")[1:]]
    for part in parts[:-1]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    missing = "missing" in fault.problem
    return not parts or (int(parts[-1]) < len(value) if isinstance(value, list) else (parts[-1] in value) != missing)


def test_the_place_is_that_in_the_whole_value() -> None:
    items: list[Any] = [GOOD] * 5_000 + [{"name": 1}] + [GOOD] * 5 + [0]
    assert [(fault.path, fault.problem) for fault in Validator(NULLABLE).faults({"items": items})] == [
        ("/items/5000/name", "must be a text, not a whole number"),
        ("/items/5006", "must be an object, not a whole number"),
    ]


@pytest.mark.parametrize(
    ("schema", "items", "problem"),
    [
        ({"type": "array", "maxItems": 100}, [1] * 30_000, "must have at most 100 items, has 30000"),
        ({"type": "array", "maxItems": 100}, [1] * 101, "must have at most 100 items, has 101"),
        ({"type": "array", "uniqueItems": True}, [*range(5_000), 7], "must not hold one item twice"),
        ({"type": "array", "maxItems": 9}, [1] * 5_000, "must have at most 9 items, has 5000"),
        ({"maxProperties": 9}, {str(n): n for n in range(5_000)}, "must have at most 9 keys, has 5000"),
    ],
)
def test_what_is_wrong_with_the_whole_list_is_reported_of_the_whole_list(
    schema: dict[str, Any], items: object, problem: str
) -> None:
    assert Validator(message(schema)).faults({"items": items}) == [Fault("/items", problem)]


def test_what_only_the_part_breaks_is_not_reported() -> None:
    schema = message({"type": "array", "minItems": 1_000, "items": {"type": "integer"}})
    assert Validator(schema).faults({"items": [*range(5_000), "x"]}) == []  # the caller has the decoder's sentence


leaf = st.sampled_from([0, "x", None, {}, GOOD, {"name": 5}, {"kind": "b"}, {"zzz": 1}])
runs = st.lists(st.tuples(leaf, st.integers(0, 60)), max_size=5).map(
    lambda parts: [item for item, times in parts for item in [item] * times]
)


@given(st.sampled_from([LISTS, NULLABLE, UNION, NESTED]), runs | st.lists(runs, max_size=30))
def test_what_is_reported_of_a_part_is_reported_of_the_whole(schema: dict[str, Any], items: list[Any]) -> None:
    validator = Validator(schema)
    value = {"items": items}
    reported = validator.faults(value)
    assert bool(reported) == (not validator.is_valid(value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excerpt, "NODES", 10**6)
        patch.setattr("jackfield.schema.validator.MAX_FAULTS", 10**6)
        assert set(reported) <= set(validator.faults(value))


@pytest.mark.parametrize("key", ["1", "01", "+1", "-1", "1" * 30, "٣", "~1/"])
def test_a_key_may_look_like_the_place_in_a_list(key: str) -> None:
    many: dict[str, Any] = {f"k{number}": 1 for number in range(NODES)}
    [fault] = Validator(MAPPING).faults({"items": many | {key: "x"} | many})
    assert fault.path == "/items/" + key.replace("~", "~0").replace("/", "~1")


def test_an_empty_key_is_no_way_to_what_is_behind_it() -> None:
    """The validator leaves it out of a path; the fault is then reported at a place above, and nothing fails."""
    nested = message({"type": "object", "additionalProperties": {"additionalProperties": {"type": "integer"}}})
    [fault] = Validator(nested).faults({"items": {"": {"a": None}}})
    assert fault.problem == "must be a whole number, not null"
