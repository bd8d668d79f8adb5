"""Values that are made up: they fit where a schema can be met by looking at it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from jackfield.describe.sample import sample, text_of
from jackfield.describe.shelf import JSON
from jackfield.process.schema import DECIMAL, TIME
from jackfield.schemas import Validator
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
        ({"type": "array", "items": True, "minItems": 1}, [None]),
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


def test_what_input_asks_besides_is_heeded() -> None:
    message = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    narrowing = {"properties": {"text": {"minLength": 3}, "mood": {"const": "happy"}}, "required": ["mood"]}
    assert sample(message, narrowing) == {"text": "………", "mood": "happy"}


def test_a_definition_of_input_is_found() -> None:
    message = {"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]}
    narrowing = {"properties": {"mood": {"$ref": "#/$defs/mood"}}, "$defs": {"mood": {"enum": ["грустно"]}}}
    assert sample(message, narrowing) == {"mood": "грустно"}


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


def test_most_messages_of_processes_can_be_made_up(tmp_path: Path) -> None:
    """All but those whose pattern would have to be solved."""
    for hint in drawn.HINTS:
        source = f"{drawn.HEAD}\n@process\ndef f(a: {hint}) -> None: ...\n"
        table = drawn.table_of(tmp_path, {"endpoints": {"e": {"url": "/ws", "process": "p.f"}}}, source)
        try:
            signature = table.routes["e"].signature
            value = sample(signature.input_schema)
            assert Validator(signature.input_schema).is_valid(value) or "pattern=" in hint, hint
        finally:
            table.catalog.release()
