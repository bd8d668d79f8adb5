"""Schemas on one components: each reference finds what it meant, under a name that nothing else has."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from jackfield.describe.schema.components import Components, at, tidy
from tests.describe import drawn

JSON = dict[str, Any]


def placed(schema: JSON) -> dict[str, JSON]:
    components = Components()
    assert components.put("x", schema) == at("x")
    return components.schemas


def test_definitions_stand_beside_what_refers_to_them() -> None:
    line = {"properties": {"below": {"$ref": "#/$defs/Line"}, "top": {"$ref": "#"}}}
    assert placed({"items": {"$ref": "#/$defs/Line"}, "$defs": {"Line": line, "Unused": {}}}) == {
        "x": {"items": at("x.Line")},
        "x.Line": {"properties": {"below": at("x.Line"), "top": at("x")}},
    }


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("#/properties/a/items", "x.properties.a.items"),
        ("#here", "x.here"),
        ("#/$defs/with~1slash", "x.with_slash-1f4c11"),
        ("#/$defs/%D0%B8%D0%BC%D1%8F", f"x.{tidy('имя')}"),
        ("#/allOf/0", "x.allOf.0"),
    ],
)
def test_a_reference_of_any_form_finds_its_target(reference: str, name: str) -> None:
    target = {"type": "string"}
    schema = {
        "properties": {"a": {"items": target}, "b": {"$ref": reference}},
        "allOf": [target],
        "$defs": {"here": {"$anchor": "here", **target}, "with/slash": target, "имя": target},
    }
    found = placed(schema)
    reached = found["x"]["properties"]["b"]["$ref"].removeprefix("#/components/schemas/")
    assert found[reached] == target
    assert reached == name or name.startswith("x.with_slash")


def test_an_anchor_is_found_in_a_property_that_is_called_like_a_keyword_for_data() -> None:
    schema = {"properties": {"default": {"$anchor": "here", "type": "string"}, "b": {"$ref": "#here"}}}
    assert placed(schema)["x"]["properties"]["b"] == at("x.here")
    assert placed({"default": {"$anchor": "here"}, "items": {"$ref": "#here"}})["x"]["items"] == {}


def test_one_that_leads_nowhere_is_left_out_and_one_that_leads_away_stays() -> None:
    assert placed({"items": {"$ref": "#/$defs/none", "minimum": 1}})["x"] == {"items": {"minimum": 1}}
    assert placed({"items": {"$ref": "https://example.com/a"}})["x"] == {"items": {"$ref": "https://example.com/a"}}


def test_two_references_in_one_place_both_hold() -> None:
    schema = {"$ref": "#/$defs/a", "$dynamicRef": "#b", "allOf": [{"minimum": 1}]}
    found = placed({**schema, "$defs": {"a": {"type": "number"}, "b": {"$dynamicAnchor": "b", "maximum": 2}}})
    assert found["x"] == {**at("x.a"), "allOf": [at("x.b"), {"minimum": 1}]}
    assert found["x.b"] == {"maximum": 2}


def test_no_name_is_given_twice() -> None:
    components = Components()
    schema = {"items": {"$ref": "#/$defs/b"}, "$defs": {"b": {}}}
    assert components.put("a.b", {"type": "null"}) == at("a.b")
    assert components.put("a", schema) == at("a")
    assert components.put("a", {"type": "string"}) == at("a-2")
    assert components.schemas["a"] == {"items": at("a.b-2")}
    assert components.schemas["a.b"] == {"type": "null"}


def test_what_is_data_or_a_name_is_no_reference() -> None:
    schema: JSON = {
        "properties": {"$ref": {"type": "string"}, "default": {"$ref": "#"}, "$defs": {}},
        "default": {"$ref": "#"},
        "dependentRequired": {"$ref": ["a"]},
        "enum": [{"$ref": "#"}],
    }
    assert placed(schema)["x"] == {**schema, "properties": {**schema["properties"], "default": at("x")}}


def test_true_and_false_can_be_referred_to() -> None:
    found = placed(
        {"items": {"$ref": "#/$defs/no"}, "contains": {"$ref": "#/$defs/yes"}, "$defs": {"no": False, "yes": True}}
    )
    assert (found["x.no"], found["x.yes"]) == ({"not": {}}, {})


def test_a_dialect_sees_each_schema_with_its_parts_done() -> None:
    seen: list[JSON] = []

    def dialect(schema: JSON) -> JSON:
        seen.append(schema)
        return schema | {"seen": True}

    Components(dialect).put("x", {"properties": {"a": {"type": "null"}}})
    assert seen == [{"type": "null"}, {"properties": {"a": {"type": "null", "seen": True}}}]


@pytest.mark.parametrize("name", ["имя", "a b", "a/b", "a#b"])
def test_a_tidy_name_is_its_own(name: str) -> None:
    assert tidy(name) != name
    assert jsonschema_rs.is_valid({"pattern": "^[A-Za-z0-9._-]+$"}, tidy(name))
    assert tidy(name) != tidy(f"{name}!")
    assert tidy("a.B-1_") == "a.B-1_"


@given(drawn.schemas(), drawn.values)
def test_it_means_the_same_on_the_components(schema: JSON, value: object) -> None:
    components = Components()
    document = {**components.put("x", schema), "components": {"schemas": components.schemas}}
    original = jsonschema_rs.Draft202012Validator(schema).is_valid(value)
    assert jsonschema_rs.Draft202012Validator(document).is_valid(value) is original
