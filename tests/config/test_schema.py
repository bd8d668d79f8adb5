from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from jackfield.config.schema import document, further


def nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the file may hold, with its schema."""
    if isinstance(node, dict):
        for key, inner in node.get("properties", {}).items():
            yield f"{path}/{key}", inner
        for key, inner in node.items():
            if key == "examples" and isinstance(inner, list):
                continue  # values, not schemas
            yield from nodes(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from nodes(inner, f"{path}/{number}")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    target: Any = document()
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolved(target), **node}


def test_it_is_a_schema_of_2020_12() -> None:
    Draft202012Validator.check_schema(document(["a.b"], ["чат"], ["Chat"]))
    Draft202012Validator.check_schema(further())


def test_every_key_has_title_and_description_for_editors() -> None:
    found = list(nodes(document()))
    assert len(found) > 40
    for path, node in found:
        full = resolved(node)
        assert full.get("title"), path
        assert full.get("description"), path


def test_every_example_and_default_is_valid() -> None:
    for path, node in nodes(document()):
        schema = {**resolved(node), "$defs": document()["$defs"]}
        for value in [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]:
            assert not list(Draft202012Validator(schema).iter_errors(value)), (path, value)


def test_processes_and_roles_are_filled_in_as_the_only_values() -> None:
    schema = document(["chat.say", "a.b"], ["support"])
    endpoint = schema["$defs"]["endpoint"]["properties"]
    assert endpoint["process"]["enum"] == ["a.b", "chat.say"]
    entry = {"url": "/x/y", "process": "a.b", "auth": {"roles": ["support", "admin"]}}
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"endpoints": {"x": entry}})
    assert not validator.is_valid({"endpoints": {"x": {**entry, "process": "a.c"}}})
    assert not validator.is_valid({"endpoints": {"x": {**entry, "auth": {"roles": ["suport"]}}}})


def test_tags_are_suggested_and_others_stay_allowed() -> None:
    schema = document(tags=["Чат"])
    assert schema["$defs"]["endpoint"]["properties"]["tags"]["items"]["anyOf"][0]["enum"] == ["Чат"]
    entry = {"url": "/x/y", "process": "a.b", "tags": ["Новое"]}
    assert Draft202012Validator(schema).is_valid({"endpoints": {"x": entry}})


def test_each_call_gives_a_fresh_document() -> None:
    document()["properties"].clear()
    assert document()["properties"]


def test_defaults_take_every_key_of_an_endpoint_but_two() -> None:
    schema = document()
    endpoint = set(schema["$defs"]["endpoint"]["properties"])
    assert set(schema["properties"]["defaults"]["properties"]) == endpoint - {"url", "process"}


def test_further_files_hold_endpoints_alone() -> None:
    assert list(further()["properties"]) == ["endpoints"]
