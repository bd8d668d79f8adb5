"""Schemas of 2020-12 in draft-07: the same meaning, or less asked and told so."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from jackfield.describe.documents.draft07 import WEAKER, draft07, refers, settled
from jackfield.describe.schema.components import Components
from tests.describe import drawn

JSON = dict[str, Any]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"prefixItems": [{"minimum": 1}], "items": False}, {"items": [{"minimum": 1}], "additionalItems": False}),
        ({"items": {"type": "string"}}, {"items": {"type": "string"}}),
        ({"dependentRequired": {"a": ["b"]}}, {"dependencies": {"a": ["b"]}}),
        (
            {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"minProperties": 2}}},
            {"dependencies": {"a": {"allOf": [{"minProperties": 2}, {"required": ["b"]}]}}},
        ),
        ({"properties": {}, "unevaluatedProperties": False}, {"properties": {}, "additionalProperties": False}),
        ({"prefixItems": [{}], "unevaluatedItems": False}, {"items": [{}], "additionalItems": False}),
        ({"contains": {"const": 1}, "minContains": 0}, {}),
        ({"contains": {"const": 1}, "minContains": 1}, {"contains": {"const": 1}}),
        ({"enum": []}, {"allOf": [{"not": {}}]}),
        ({"enum": [1, True, "1"]}, {"enum": [1, True, "1"]}),
        ({"enum": [1, 1.0]}, {"allOf": [{"anyOf": [{"const": 1}, {"const": 1.0}]}]}),
        ({"enum": [2**53, 2**53 + 1]}, {"allOf": [{"anyOf": [{"const": 2**53}, {"const": 2**53 + 1}]}]}),
        ({"$ref": "#/x", "default": 1}, {"default": 1, "allOf": [{"$ref": "#/x"}]}),
        ({"$ref": "#/x"}, {"$ref": "#/x"}),
        ({"default": {"$ref": "#/x"}, "type": "object"}, {"type": "object"}),
        ({"dependencies": {"a": ["b"]}, "additionalItems": False, "schema": {}, "x-own": 1}, {"x-own": 1}),
    ],
)  # fmt: skip
def test_what_draft_07_says_otherwise(schema: JSON, expected: JSON) -> None:
    assert draft07(schema) == expected


@pytest.mark.parametrize(
    ("schema", "kept", "reported"),
    [
        ({"contains": {"const": 1}, "maxContains": 2}, {"contains": {"const": 1}}, '"maxContains": 2'),
        ({"allOf": [{}], "unevaluatedProperties": False}, {"allOf": [{}]}, '"unevaluatedProperties": false'),
        ({"pattern": "(?i)a", "type": "string"}, {"type": "string"}, '{"pattern": "(?i)a"}'),
        ({"patternProperties": {"(?i)a": {}}, "additionalProperties": False}, {}, '"additionalProperties": false'),
        ({"maximum": 10**400}, {}, '"maximum": 1000'),
        ({"enum": [{"$ref": "x"}]}, {}, '{"$ref": "x"}'),
        ({"$ref": "https://example.com/x.json"}, {}, "https://example.com/x.json"),
    ],
)  # fmt: skip
def test_what_it_cannot_say_is_reported(schema: JSON, kept: JSON, reported: str) -> None:
    found = draft07({**schema, "description": "Первое."})
    description = found.pop("description")
    assert description.startswith("Первое.\n\n")
    assert reported in description
    assert found.pop(WEAKER) is True
    assert found == kept


def test_a_weaker_schema_is_not_negated() -> None:
    weaker = draft07({"pattern": "(?i)a"})
    schemas: dict[str, JSON] = {
        "not": {"not": weaker},
        "oneOf": {"oneOf": [weaker, {}]},
        "if": {"if": weaker, "then": {}},
    }
    reported = {"description", WEAKER}
    assert [set(found) for found in settled(schemas).values()] == [reported, reported | {"allOf"}, reported]


@pytest.mark.parametrize(
    "pattern",
    [
        "^[^<>]*$",
        r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$",
        "[а-яё]{1,5}",
        "(?:a|b)+?",
        r"\p{L}",
        "(?<x>a)",
        "^[^$]|^$",
        "",
    ],
)
def test_a_pattern_that_every_reader_understands_stays(pattern: str) -> None:
    assert draft07({"pattern": pattern}) == {"pattern": pattern}


@pytest.mark.parametrize(
    "pattern", ["(?P<x>a)", "(?i)a", "a++", r"\Aa\Z", "[]a]", "[[:alpha:]]", "[a&&b]", "a{,3}", "(?#x)", r"\z", "(?>a)"]
)
def test_a_pattern_of_one_engine_does_not(pattern: str) -> None:
    assert "pattern" not in draft07({"pattern": pattern})


def test_references_in_data_are_seen() -> None:
    assert refers({"a": [{"$ref": 1}]})
    assert not refers({"a": ["$ref"]})


def judged(schema: JSON, value: object) -> tuple[bool, bool]:
    """What 2020-12 says of a value, and what its draft-07 on the components of a document says."""
    return (
        jsonschema_rs.Draft202012Validator(schema).is_valid(value),
        jsonschema_rs.Draft7Validator(document(schema)).is_valid(value),
    )


def document(schema: JSON) -> JSON:
    components = Components(draft07)
    return {**components.put("x", schema), "components": {"schemas": settled(components.schemas)}}


@pytest.mark.parametrize("keyword", ["not", "if", "oneOf"])
def test_nor_is_one_behind_references(keyword: str) -> None:
    behind: JSON = {"$ref": "#/$defs/first"}
    schema: JSON = {keyword: [behind, False] if keyword == "oneOf" else behind, "then": False}
    defs = {"first": {"items": {"$ref": "#/$defs/second"}}, "second": {"pattern": "(?i)A"}}
    for value in (["a"], ["b"], 1):
        original, made = judged({**schema, "$defs": defs, "properties": {keyword: behind}}, value)
        assert made or not original
    assert document({"not": behind, "$defs": {"first": {"type": "string"}}})["components"]["schemas"]["x"].keys() == {
        "not"
    }


@given(drawn.schemas(), drawn.values)
def test_it_takes_what_2020_12_takes_and_no_more_unless_reported(schema: JSON, value: object) -> None:
    original, made = judged(schema, value)
    if WEAKER in json.dumps(document(schema)):
        assert made or not original
    else:
        assert made == original
