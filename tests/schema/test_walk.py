"""One walk over JSON Schema: every schema is found, and what only looks like one is not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # a package of data, without types

from jackfield.schema.walk import HOLDERS, NAMED, mapped, subschemas, walk
from tests.describe import drawn

LIKE_A_SCHEMA = {"$ref": "#/$defs/none"}


def test_all_keywords_of_the_metaschema_that_hold_schemas_are_known() -> None:
    meta = "https://json-schema.org/draft/2020-12"
    documents = [
        f"{meta}/schema",
        *(f"{meta}/meta/{name}" for name in ("core", "applicator", "unevaluated", "content")),
    ]
    said = {key: value for uri in documents for key, value in REGISTRY.contents(uri).get("properties", {}).items()}
    found = {key for key, value in said.items() if "#meta" in str(value) or "schemaArray" in str(value)}
    assert found | {"additionalItems"} == HOLDERS | NAMED


def test_a_property_called_like_a_keyword_is_a_schema_and_data_is_none() -> None:
    schema = {
        "properties": {"default": {"title": "a"}, "enum": {"title": "b"}},
        "default": LIKE_A_SCHEMA,
        "examples": [LIKE_A_SCHEMA],
        "const": {"items": LIKE_A_SCHEMA},
        "required": ["properties"],
        "prefixItems": [True, {"title": "c"}],
        "items": False,
    }
    assert [(path, part.get("title")) for path, part in walk(schema)] == [
        ((), None),
        (("properties", "default"), "a"),
        (("properties", "enum"), "b"),
        (("prefixItems", 1), "c"),
    ]
    assert (("items",), False) in list(subschemas(schema))
    assert list(subschemas({"properties": 1, "allOf": {}})) == [(("allOf",), {})]
    assert list(walk(True)) == []


@given(drawn.schemas())
def test_a_copy_changes_each_schema_directly_below(schema: dict[str, Any]) -> None:
    before = deepcopy(schema)
    changed = mapped(schema, lambda inner: {**inner, "x-seen": True})
    below = [inner for _, inner in subschemas(changed) if not isinstance(inner, bool)]
    assert all(inner.pop("x-seen") for inner in below)
    assert changed == schema == before
