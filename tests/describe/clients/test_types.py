"""JSON Schema -> types: what a schema says, in names that both languages allow."""

from __future__ import annotations

import dataclasses
import keyword
from typing import Any

import pytest

from jackfield.describe.clients.naming import Names, identifier, pascal, printable
from jackfield.describe.clients.reader import Types, operands
from jackfield.describe.clients.tree import (
    Definition,
    Dictionary,
    Field,
    Items,
    Named,
    Object,
    Positions,
    Scalar,
    Type,
    Union,
    Unknown,
    Values,
)
from tests.describe.made import full, made

TEXT, WHOLE, NULL = Scalar("string"), Scalar("integer"), Scalar("null")


def read(schema: Any) -> Type:
    return Types(()).alone("Thing", schema)


def defined(types: Types) -> dict[str, Type]:
    return {definition.name: definition.type for definition in types.definitions}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "date-time", "maxLength": 3}, TEXT),
        ({"type": ["string", "number"], "pattern": "^1"}, Union((TEXT, Scalar("number")))),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, Union((TEXT, NULL))),
        ({"oneOf": [{"type": "string"}, {"anyOf": [{"type": "string"}]}]}, TEXT),
        ({"anyOf": [{"type": "string"}, {}]}, Unknown()),
        ({"enum": ["a", 1, True, None]}, Values(("a", 1, True, None))),
        ({"const": "x"}, Values(("x",))),
        ({"enum": [{"a": 1}]}, Unknown()),
        ({"type": "array", "items": {"type": "integer"}}, Items(WHOLE)),
        ({"type": "array"}, Items(Unknown())),
        ({"type": "array", "maxItems": 0}, Positions((), 0)),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 1, "maxItems": 2},
            Positions((WHOLE, TEXT), 1),
        ),
        ({"type": "array", "prefixItems": [{"type": "integer"}]}, Positions((WHOLE,), 0, Unknown())),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, Dictionary(WHOLE)),
        ({"type": "object"}, Dictionary(Unknown())),
        ({"allOf": [{}, {"type": "string"}]}, TEXT),
        ({"$ref": "#/$defs/absent"}, Unknown()),
        ({"$ref": "https://example.com/schema"}, Unknown()),
        (True, Unknown()),
        (False, Values(())),
        ({}, Unknown()),
    ],
)
def test_what_a_schema_says(schema: Any, expected: Type) -> None:
    assert repr(read(schema)) == repr(expected)


def test_one_and_true_are_two_values() -> None:
    assert repr(read({"enum": [1, True, 1]})) == repr(Values((1, True)))
    assert repr(read({"anyOf": [{"const": 1}, {"const": True}]})) == repr(Union((Values((1,)), Values((True,)))))


def test_an_object_without_a_name_gets_one() -> None:
    types = Types(())
    inner = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    schema = {"type": "object", "properties": {"the a": {"type": "array", "items": inner}}}
    assert types.define("Thing", schema) == Named("Thing")
    assert defined(types) == {
        "Thing": Object((Field("the a", Items(Named("ThingTheAItem")), required=False),)),
        "ThingTheAItem": Object((Field("b", TEXT, required=True),)),
    }


def test_a_class_may_hold_itself() -> None:
    types = Types(())
    below = {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Line"}}, {"type": "null"}]}
    line = {"type": "object", "title": "Line", "description": "One line.", "properties": {"below": below}}
    types.define(
        "Order", {"type": "object", "properties": {"first": {"$ref": "#/$defs/Line"}}, "$defs": {"Line": line}}
    )
    expected = Object((Field("below", Union((Items(Named("Line")), NULL)), required=False),))
    assert types.definitions[1] == Definition("Line", expected, "One line.")


def test_equal_definitions_share_a_name_and_others_do_not() -> None:
    def schema(kind: str) -> dict[str, Any]:
        inner = {"type": "object", "properties": {"value": {"type": kind}}}
        outer = {"type": "object", "properties": {"inner": {"$ref": "#/$defs/Inner"}}}
        return {
            "type": "object",
            "properties": {"outer": {"$ref": "#/$defs/Outer"}},
            "$defs": {"Outer": outer, "Inner": inner},
        }

    types = Types(())
    for name, kind in (("A", "string"), ("B", "string"), ("C", "integer")):
        types.define(name, schema(kind))
    assert list(defined(types)) == ["A", "Outer", "Inner", "B", "C", "Outer2", "Inner2"]
    assert defined(types)["Outer2"] == Object((Field("inner", Named("Inner2"), required=False),))


def test_names_are_taken_once_and_never_those_of_the_language() -> None:
    names = Names(["Client", "Client2"])
    assert [names.new(name) for name in ("Client", "Client", "Room", "Room")] == ["Client3", "Client4", "Room", "Room2"]


@pytest.mark.parametrize(
    ("text", "name", "variable"),
    [
        ("desk.room-list", "DeskRoomList", "desk_room_list"),
        ("Page_int", "PageInt", "Page_int"),
        ("заказ", "Заказ", "заказ"),
        ("ﬁ", "Fi", "fi"),
        ("1st", "T1st", "_1st"),
        ("😀", "", ""),
        ("a b", "AB", "a_b"),
    ],
)
def test_names_that_both_languages_allow(text: str, name: str, variable: str) -> None:
    assert (pascal(text), identifier(text)) == (name, variable)


def test_what_cannot_be_seen_does_not_come_through() -> None:
    assert printable("a\n b\u2028c\x00\u202ed") == "a b c d"


def test_input_narrows_what_a_type_can_say() -> None:
    room = next(operation for operation in full().operations if operation.name == "room")
    narrowing: dict[str, Any] = {
        "required": ["mood", "unknown"],
        "properties": {"text": {"enum": ["a", 1, None]}, "mood": {"$ref": "#/$defs/mood"}},
        "$defs": {"mood": {"const": "happy"}},
    }
    types = Types((), [room])
    operands(dataclasses.replace(room, narrowing=narrowing), types)
    fields = {field.key: field for field in _object(types.definitions[0]).fields}
    assert (fields["text"].type, fields["text"].required) == (Values(("a",)), True)
    assert (fields["mood"].type, fields["mood"].required) == (Values(("happy",)), True)
    assert (fields["reply-to"].type, fields["reply-to"].required) == (Union((TEXT, NULL)), False)


def test_a_path_parameter_is_never_null() -> None:
    room = next(operation for operation in full().operations if operation.name == "room")
    schema = {"number": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}
    assert operands(dataclasses.replace(room, parameters=schema), Types((), [room])).parameters == {"number": WHOLE}


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_contract_names_are_names_and_stand_once(seed: int) -> None:
    operations = made(seed).operations
    types = Types(["Client", "Any", *keyword.kwlist], operations)
    for operation in operations:
        operands(operation, types)
    names = [definition.name for definition in types.definitions]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)
    assert not {"Client", "Any"} & set(names)
    known = set(names)
    assert all(found in known for definition in types.definitions for found in _named(definition.type))


def _object(definition: Definition) -> Object:
    assert isinstance(definition.type, Object)
    return definition.type


def _named(found: Any) -> list[str]:
    """The names of definitions that a type speaks of."""
    if isinstance(found, Named):
        return [found.name]
    if isinstance(found, tuple):
        return [name for part in found for name in _named(part)]
    if dataclasses.is_dataclass(found):
        return [name for field in dataclasses.fields(found) for name in _named(getattr(found, field.name))]
    return []
