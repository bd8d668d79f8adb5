"""Our part of JSON Schema against the library that has all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from jackfield.config import editor_schema
from jackfield.config.schema_errors import KEYWORDS, SchemaError, schema_errors

SCHEMAS = (editor_schema.plain(), editor_schema.further(), editor_schema.plain_examples())
NOTES = {"$defs", "$schema", "default", "description", "doNotSuggest", "errorMessage", "examples", "title"}


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and (instance.endswith("\n") or not re.search(pattern, instance)):
        yield ValidationError("")


Theirs: Any = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # theirs


def keywords(schema: Any) -> Iterator[str]:
    for key, value in schema.items() if isinstance(schema, dict) else ():
        yield key
        if key in {"$defs", "properties", "patternProperties"}:
            value = list(value.values())
        for inner in value if isinstance(value, list) else [value]:
            if key not in NOTES - {"$defs"} | {"enum"}:
                yield from keywords(inner)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_schema_has_no_keyword_that_is_not_checked(schema: dict[str, Any]) -> None:
    assert set(keywords(schema)) <= KEYWORDS | NOTES


def ours(error: SchemaError) -> Any:
    context = {(error.branch, ours(error)) for error in error.context}
    return error.absolute_path, error.path, error.validator, error.of_name, frozenset(context)


def theirs(error: Any) -> Any:
    context = {(inner.schema_path[0], theirs(inner)) for inner in error.context}
    of_name = "propertyNames" in error.absolute_schema_path
    return tuple(error.absolute_path), tuple(error.path), error.validator, of_name, frozenset(context)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**9),
    st.sampled_from([0.0, 1.0, 2.5]),
    st.sampled_from(
        ["", "x\n", "12h", "64KiB", "50/s", "off", "required", "public", "any", "GET", "/ws/a", "a.b", "é"]
    ),
    st.text(max_size=70),
)
names = st.sampled_from(
    """endpoints url process auth origins roles limits rate message time title cookie path session idle name same_site
    jwt issuer keys audience defaults examples steps send expect clients input tags x-own Ä""".split()  # noqa: SIM905
)
trees = st.recursive(
    leaves, lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=6), max_leaves=25
)
files = st.dictionaries(names, trees, max_size=4) | trees
endpoints = st.dictionaries(names, trees, max_size=6).map(lambda found: {"endpoints": {"greeting": found}})


@settings(max_examples=150)
@given(files | endpoints)
def test_the_same_errors_as_the_library_finds(data: Any) -> None:
    for schema in SCHEMAS:
        found = {theirs(error) for error in Theirs(schema).iter_errors(data)}
        assert {ours(error) for error in schema_errors(data, schema)} == found
