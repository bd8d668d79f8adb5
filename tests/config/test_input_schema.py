from __future__ import annotations

from typing import Any

import pytest

from jackfield.config.input_schema import check


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"текст": {"type": "string", "maxLength": 500, "pattern": "^[а-я]+$"}}, "required": ["текст"]},
        {"$defs": {"a": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/a"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-mine": 5},
        {"properties": {"$ref": {"type": "string"}, "maxLenght": True}},
        {"const": {"$ref": "http://elsewhere"}, "enum": [{"maxLenght": 1}]},
        {"$ref": "#"},
        {"anyOf": [{"format": "uuid"}, {"format": "date-time"}]},
        {"minimum": int("9" * 300)},
    ],
)
def test_schemas_that_can_be_carried_out(schema: dict[str, Any]) -> None:
    assert check(schema) == []


@pytest.mark.parametrize(
    ("schema", "path", "words"),
    [
        ({"properties": {"a": {"type": "strin"}}}, ("properties", "a", "type"), 'did you mean "string"?'),
        ({"type": "float"}, ("type",), "the types are array"),
        ({"maxLength": -1}, ("maxLength",), "minimum of 0"),
        ({"required": "a"}, ("required",), "array"),
        ({"allOf": [{"maxLenght": 5}]}, ("allOf", 0, "maxLenght"), 'did you mean "maxLength"?'),
        ({"message": {"maxLength": 5}}, ("message",), "belong below `properties:`"),
        ({"текст": {"maxLength": 5}}, ("текст",), "belong below `properties:`"),
        ({"tite": {"maxLength": 5}}, ("tite",), "belong below `properties:`"),
        ({"title": {"maxLength": 5}}, ("title",), "belong below `properties:`"),
        ({"propertes": {"a": {}}}, ("propertes",), 'did you mean "properties"?'),
        ({"items": {"zzz": 5}}, ("items", "zzz"), "x-"),
        ({"pattern": "("}, ("pattern",), "no regular expression"),
        ({"pattern": "(?=a)b"}, ("pattern",), "look-around"),
        ({"pattern": r"(a)\1"}, ("pattern",), "look-around"),
        ({"patternProperties": {"(": {}}}, ("patternProperties", "("), "no regular expression"),
        ({"patternProperties": {"a++": {}}}, ("patternProperties", "a++"), "take + away"),
        ({"propertyNames": {"pattern": r"a\Z"}}, ("propertyNames", "pattern"), "very end"),
        ({"$defs": {"a": {"items": {"pattern": "(?>a)"}}}}, ("$defs", "a", "items", "pattern"), "ever goes back"),
        ({"not": {"pattern": "(a{1000}){1000}"}}, ("not", "pattern"), "too large"),
        ({"not": {"format": "emial"}}, ("not", "format"), "no format"),
        ({"$ref": "http://elsewhere/x"}, ("$ref",), "leaves this schema"),
        ({"$defs": {"a": {"$ref": "file:///etc/passwd"}}}, ("$defs", "a", "$ref"), "leaves this schema"),
        ({"$ref": "#/$defs/none"}, (), "/$defs/none"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",), "2020-12"),
        ({"$id": "http://x"}, ("$id",), "no keyword"),
    ],
)
def test_faults_have_their_path(schema: dict[str, Any], path: tuple[str | int, ...], words: str) -> None:
    (fault,) = check(schema)
    assert fault.path == path
    assert words in f"{fault.message}; {fault.hint}"


def test_all_faults_are_reported() -> None:
    schema = {"properties": {"a": {"type": "strin"}, "b": {"maxLength": "x"}, "c": 5}}
    assert {fault.path[1] for fault in check(schema)} == {"a", "b", "c"}
