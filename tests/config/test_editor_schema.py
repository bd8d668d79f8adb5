from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jackfield.config import url
from jackfield.config.editor_schema import OF_ONE, document, examples, further, plain, plain_examples
from jackfield.schema.walk import walk


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
    target: Any = plain()
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolved(target), **node}


def test_it_is_a_schema_of_2020_12() -> None:
    Draft202012Validator.check_schema(document(["a.b"], ["чат"], ["Chat"]))
    Draft202012Validator.check_schema(further())


def test_every_key_has_title_and_description_for_editors() -> None:
    found = list(nodes(plain()))
    assert len(found) > 40
    for path, node in found:
        full = resolved(node)
        assert full.get("title"), path
        assert full.get("description"), path


def test_every_pattern_has_a_sentence() -> None:
    """Nobody who writes a text that does not fit is shown a regular expression, or nothing."""
    found = [(path, node) for path, node in walk(plain()) if "pattern" in node]
    assert len(found) > 20
    assert [path for path, node in found if "errorMessage" not in node] == []


def test_every_example_and_default_is_valid() -> None:
    for path, node in nodes(plain()):
        schema = {**resolved(node), "$defs": plain()["$defs"]}
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
    for made in (document, examples, further, plain, plain_examples):
        made()["properties"].clear()
        assert made()["properties"]


def test_defaults_take_every_key_of_an_endpoint_but_those_of_one() -> None:
    schema = document()
    endpoint = set(schema["$defs"]["endpoint"]["properties"])
    assert set(schema["properties"]["defaults"]["properties"]) == endpoint - set(OF_ONE)


def test_further_files_hold_endpoints_alone() -> None:
    assert list(further()["properties"]) == ["endpoints"]


URLS = """/ws/a /ws/{room} /{a}/{b} /авторы/{комната} /authors /authx/y /ws/%20x /ws/a.b /ws/..a /ws/a:b;c=d@e /ws/👋
/apis ws/a /ws/a/ / /ws//a /ws/. /ws/../a /ws/{a}b /ws/a? /ws/a#b /ws/{} /ws/{ /auth /auth/x /api/x /docs /health
/ready/x /asyncapi.json /openapi /openapi-x/y /metrics \\ws /ws/a\\b""".split()  # noqa: SIM905 - words to read


@pytest.mark.parametrize("text", [*URLS, "", "/ws/a b"])
def test_editors_underline_the_urls_that_check_refuses(text: str) -> None:
    try:
        refused = bool(url.reserved(url.parse(text).shape))
    except ValueError:
        refused = True
    plan = {"endpoints": {"a": {"url": text, "process": "a.b"}}}
    assert Draft202012Validator(document()).is_valid(plan) != refused
    assert Draft202012Validator(plain()).is_valid(plan), "check says it in better words"


def proposals(node: Any) -> Iterator[Any]:
    for _, inner in nodes(node):
        yield from inner.get("examples", ())
        yield from inner.get("enum", ())


def test_editors_are_given_no_names_of_other_projects_and_nothing_that_they_cannot_show() -> None:
    for schema in (document(["chat.say"], ["agent"], ["Чат"]), examples(["say"], ["agent"])):
        found = json.dumps(list(proposals(schema)))
        assert "{" not in found.replace("/ws/rooms/{room}", "").replace("room:{room}", "")
    found = json.dumps(list(proposals(document(["chat.say"], ["agent"], ["Чат"]))))
    for name in ("greeting.answer", "support.chat.say", "accounts.who", '"support"', "Chat bots"):
        assert name not in found
    assert "greeting.answer" in json.dumps(list(proposals(document()))), "where there is no project, one shows the form"


def test_a_process_that_check_would_refuse_by_its_name_is_not_proposed() -> None:
    found = document(["greeting.answer", "greeting.прощание"])
    proposed = json.dumps(found, ensure_ascii=False)
    assert "greeting.answer" in proposed
    assert "прощание" not in proposed
