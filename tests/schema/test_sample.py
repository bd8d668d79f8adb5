"""Values that are made up: they fit where a schema can be met by looking at it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given

from jackfield.describe.schema.components import JSON
from jackfield.schema.patterns import DECIMAL, TIME
from jackfield.schema.sample import fitting_sample, sample, text_of
from jackfield.schema.validator import Validator
from tests.describe import drawn


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": 3}, 3),
        ({"default": "x", "type": "string"}, "x"),
        ({"enum": ["грустно", "b"]}, "грустно"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"type": ["string", "number"], "pattern": DECIMAL}, "1.5"),
        ({"type": "string", "pattern": f"{TIME}$"}, "12:00:00"),
        ({"type": "string", "contentEncoding": "base64"}, "AAAA"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "minItems": 2}, [1, True]),
        ({"type": "object", "properties": {"a": {}, "b": {"type": "null"}}, "required": ["b"]}, {"b": None}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "boolean"}}}, True),
        ({"type": "array", "items": True, "minItems": 1}, ["…"]),
    ],
)
def test_a_value_looks_like_its_schema(schema: JSON, expected: object) -> None:
    assert sample(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 5},
        {"type": "integer", "exclusiveMinimum": 5},
        {"type": "integer", "exclusiveMaximum": 0},
        {"type": "number", "minimum": 2, "multipleOf": 0.5},
        {"type": "integer", "multipleOf": 7},
        {"type": "string", "minLength": 5},
        {"type": "string", "maxLength": 0},
        {"type": "array", "items": {"type": "string"}, "minItems": 3},
        *({"type": "string", "format": name} for name in ("date", "date-time", "duration", "uuid", "email", "uri")),
    ],
)
def test_it_fits(schema: JSON) -> None:
    assert Validator(schema).is_valid(sample(schema))


def one_key(name: str, schema: JSON) -> JSON:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


LINE = {"Line": one_key("item", {"type": "string"})}


@pytest.mark.parametrize(
    ("message", "narrowing", "expected"),
    [
        (one_key("text", {"type": "string"}),
         {"properties": {"text": {"minLength": 3}, "mood": {"const": "happy"}}, "required": ["mood"]},
         {"text": "………", "mood": "happy"}),
        (one_key("mood", {"type": "string"}),
         {"properties": {"mood": {"$ref": "#/$defs/mood"}}, "$defs": {"mood": {"enum": ["грустно"]}}},
         {"mood": "грустно"}),
        ({**one_key("a", {"$ref": "#/$defs/Line"}), "$defs": LINE},
         {"properties": {"a": {"properties": {"item": {"pattern": "^[A-Z]{2}$"}}}}}, {"a": {"item": "AA"}}),
    ],
)  # fmt: skip
def test_what_input_asks_besides_is_heeded(message: JSON, narrowing: JSON, expected: object) -> None:
    assert sample(message, narrowing) == expected


def test_what_holds_itself_has_an_end() -> None:
    endless = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/a"}}}}
    assert isinstance(sample(endless), list)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "комната 1"),
        ({}, "комната 1"),
        ({"type": "integer"}, "1"),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"enum": ["а/б"]}, "а/б"),
        ({"type": "string", "minLength": 3}, "………"),
    ],
)
def test_a_path_parameter_gets_a_text_that_can_stand_in_an_address(schema: JSON, text: str) -> None:
    found = text_of("комната 1", schema)
    assert unquote(found) == text
    assert found.isascii()
    assert "/" not in found


def test_messages_of_processes_can_be_made_up(tmp_path: Path) -> None:
    for hint in (*drawn.HINTS, *HARD):
        source = f"{drawn.HEAD}\n@process\ndef f(a: {hint}) -> None: ...\n"
        table = drawn.table_of(tmp_path, {"endpoints": {"e": {"url": "/ws", "process": "p.f"}}}, source)
        try:
            route = table.routes["e"]
            assert route.example_raw is not None, hint
            route.signature.decode(bytes(route.example_raw))
            assert table.warnings == (), hint
        finally:
            table.catalog.release()


HARD = (
    r"Annotated[str, Meta(pattern=r'^[A-Z]{3}-\d{4}$')]",
    r"Annotated[str, Meta(pattern=r'^(foo|bar)\s+[^\d]+$', min_length=12)]",
    r"Annotated[str, Meta(pattern=r'^\+7\d{10}$')]",
    r"Annotated[str, Meta(pattern=r'^[а-я]+$', min_length=5, max_length=8)]",
    r"Annotated[str, Meta(pattern=r'^[^@\s]+@[^@\s]+\.[a-z]{2,}$')]",
    r"Annotated[str, Meta(pattern=r'^(?:a|b|c){2,3}?\u0416\x41$', min_length=5)]",
    "Annotated[int, Meta(ge=10, le=20, multiple_of=7)]",
    "Annotated[float, Meta(gt=0, lt=0.1)]",
    "Annotated[set[str], Meta(min_length=3)]",
    "Annotated[frozenset[int], Meta(min_length=4)]",
    "Annotated[dict[str, int], Meta(min_length=2)]",
    "Annotated[dict[Annotated[str, Meta(pattern='^k[0-9]$')], int], Meta(min_length=2)]",
    "Annotated[list[Line], Meta(min_length=2)]",
)
SCHEMAS: tuple[JSON, ...] = (
    {"allOf": [{"properties": {"a": {"minLength": 3}}}, {"required": ["a"]}], "type": "object"},
    {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
    {"type": "object", "minProperties": 1, "propertyNames": {"pattern": "^x-"}},
    {"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["b"]}, {"required": ["a"]}]},
    {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"], "dependentRequired": {"a": ["b"]}},
    {"type": "array", "contains": {"const": 5}, "minContains": 2},
    {"type": "array", "items": {"enum": ["a", "b", "в"]}, "uniqueItems": True, "minItems": 3},
    {"oneOf": [{"type": "string", "maxLength": 0, "minLength": 1}, {"type": "integer"}]},
    {"$ref": "#/$defs/a~1b", "minLength": 4, "$defs": {"a/b": {"type": "string", "pattern": "^a+$"}}},
    {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1.25},
    {"enum": ["a", "б"], "not": {"const": "a"}},
    {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "size": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["size"]},
    },
)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_of_several_guesses_one_fits(schema: JSON) -> None:
    assert fitting_sample(schema, None, Validator(schema).is_valid) is not None


@given(drawn.schemas(), drawn.schemas())
def test_whatever_the_schemas_are_making_one_up_ends(schema: JSON, narrowing: JSON) -> None:
    fitting_sample(schema, narrowing, lambda _found: False)


def test_where_none_can_be_made_up_somebody_is_asked_to_write_one(tmp_path: Path) -> None:
    settings = {"url": "/ws", "process": "p.f", "input": {"not": {"required": ["a"]}}}
    source = f"{drawn.HEAD}\n@process\ndef f(a: str) -> None: ...\n"
    table = drawn.table_of(tmp_path, {"endpoints": {"e": settings}}, source)
    table.catalog.release()
    assert [(one.code, one.severity, one.path) for one in table.warnings] == [("no_example", "warning", "endpoints.e")]
