"""Schemas in words."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from jackfield.describe.documents.keys import Class, Row, classes, kind_of, rows
from jackfield.process.signature.hints import type_of
from jackfield.process.signature.json_schema import Schemas


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        (True, "anything"),
        (False, "nothing"),
        ({"type": "string"}, "text"),
        ({"type": ["string", "number"]}, "text or number"),
        ({"type": "string", "format": "uuid"}, "UUID"),
        ({"type": "string", "contentEncoding": "base64"}, "bytes as Base64"),
        ({"const": "да"}, '`"да"`'),
        ({"enum": ["да", 1, None]}, 'one of `"да"`, `1`, `null`'),
        ({"enum": list(range(20))}, "one of " + ", ".join(f"`{n}`" for n in range(12)) + " or 8 more"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number or null"),
        ({"type": "array", "items": {"type": "boolean"}}, "list of true or false"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {}]}, "list of whole number, anything, in this order"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object, each value number"),
    ],
)
def test_a_kind_in_words(schema: Any, words: str) -> None:
    assert kind_of(schema) == words


def test_a_class_is_named_and_follows_with_its_rows() -> None:
    line = {
        "title": "Строка",
        "type": "object",
        "properties": {"item": {"type": "string", "minLength": 1, "description": "Что"}, "next": {"$ref": "#/$defs/L"}},
        "required": ["item"],
    }
    schema = {
        "type": "object",
        "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/L"}}},
        "$defs": {"L": line},
    }
    assert rows(schema) == [Row("lines", "list of **Строка**", False, "")]
    own = (Row("item", "text", True, "Что; at least 1 letter"), Row("next", "**Строка**", False, ""))
    assert list(classes(schema)) == [Class("Строка", "", own)]


def test_classes_of_one_name_are_reported_apart_by_where_they_are() -> None:
    item = {"title": "Item", "properties": {}}
    schema = {
        "properties": {"a": {"$ref": "#/$defs/Item"}, "b": {"$ref": "#/$defs/processes.b.Item"}},
        "$defs": {"Item": item, "processes.b.Item": item},
    }
    assert [row.kind for row in rows(schema)] == ["**Item**", "**processes.b.Item**"]
    assert [found.name for found in classes(schema)] == ["Item", "processes.b.Item"]


def test_what_a_type_became_is_reported_in_words_and_not_as_a_pattern() -> None:
    kinds = Schemas()
    for hint, words in ((Decimal, "decimal number as text, `12.50`, or number"), (time, "time of day, `12:00:00`")):
        schema = kinds.of(type_of(hint))
        assert rows({"properties": {"x": schema}}) == [Row("x", words, False, "")]


def test_an_enum_by_reference_is_written_out() -> None:
    schema = {
        "type": "object",
        "properties": {"state": {"$ref": "#/$defs/S", "default": "a"}},
        "$defs": {"S": {"enum": ["a", "b"]}},
    }
    assert rows(schema) == [Row("state", 'one of `"a"`, `"b"`', False, '`"a"` where it is left out')]
    assert list(classes(schema)) == []


def test_what_narrows_stands_beside_what_the_process_takes() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}, "any": {}}, "required": ["n"]}
    narrowing = {
        "properties": {"n": {"maximum": 5}, "any": {"$ref": "#/$defs/word"}},
        "required": ["any"],
        "$defs": {"word": {"enum": ["x"]}},
    }
    assert rows(schema, narrowing) == [
        Row("n", "whole number", True, "at least 0; at most 5"),
        Row("any", '`"x"`', True, ""),
    ]


def test_keys_that_are_not_named() -> None:
    found = rows({"type": "object", "additionalProperties": {"type": "string"}})
    assert found == [Row("…", "text", False, "any other key")]
