"""JSON Schema on the wire: faults as sentences, and JSON that only Python takes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.messages import MAX_DEPTH
from jackfield.schema.patterns import BASE64, DECIMAL
from jackfield.schema.validator import MAX_FAULTS, Fault, Validator, parse_loosely, pointer

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))

MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string", "maxLength": 5}, "count": {"type": "integer"}},
    "required": ["message"],
    "additionalProperties": False,
}


MISSING = ("/message", 'the key "message" is missing')


def reported(schema: dict[str, Any], value: object) -> list[tuple[str, str]]:
    return [(fault.path, fault.problem) for fault in Validator(schema).faults(value)]


def in_words(faults: list[tuple[str, str]], below: str = "") -> list[tuple[str, list[str]]]:
    """Faults with their words in any order: that of the kinds in a union is not ours."""
    return [(below + path, sorted(problem.replace(",", "").split())) for path, problem in faults]


# faults as sentences


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({"message": "да"}, []),
        ({}, [MISSING]),
        ({"mesage": "да"}, [("/mesage", 'unknown key "mesage"; did you mean "message"?'), MISSING]),
        ({"message": "да", "zzz": 1}, [("/zzz", 'unknown key "zzz"')]),
        ({"message": 5}, [("/message", "must be a text, not a whole number")]),
        ({"message": None}, [("/message", "must be a text, not null")]),
        ({"message": True}, [("/message", "must be a text, not true or false")]),
        ({"message": [1]}, [("/message", "must be a text, not a list")]),
        ({"message": "привет"}, [("/message", "must have at most 5 characters, has 6")]),
        ({"message": "👋👋👋👋👋"}, []),
        ({"message": "a", "count": 1.5}, [("/count", "must be a whole number, not a fraction")]),
        ({"message": "a", "a/b~c": 1}, [("/a~1b~0c", 'unknown key "a/b~c"')]),
        ([], [("", "must be an object, not a list")]),
    ],
)
def test_what_is_wrong_with_a_message_is_a_sentence(value: object, faults: list[tuple[str, str]]) -> None:
    assert sorted(reported(MESSAGE, value)) == sorted(faults)


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"minLength": 1}, "", "must not be empty"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "вчера",
         'must be a valid date, like "2026-01-30"'),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, 5,
         "must be null or a text, not a whole number"),
        ({"minLength": 3}, "да", "must have at least 3 characters, has 2"),
        ({"minItems": 2}, [1], "must have at least 2 items, has 1"),
        ({"maxItems": 1}, [1, 2], "must have at most 1 items, has 2"),
        ({"minProperties": 1}, {}, "must have at least 1 keys, has 0"),
        ({"minimum": 3}, 2, "must be at least 3"),
        ({"maximum": 3}, 4, "must be at most 3"),
        ({"exclusiveMinimum": 3}, 3, "must be more than 3"),
        ({"exclusiveMaximum": 3}, 3, "must be less than 3"),
        ({"enum": ["да", "нет"]}, "x", 'must be one of "да", "нет"'),
        ({"enum": list(range(50))}, "x", f"must be one of {', '.join(map(str, range(20)))} and 30 more"),
        ({"const": "да"}, "x", 'must be "да"'),
        ({"pattern": "^[а-я]+$"}, "X", "must match the pattern ^[а-я]+$"),
        ({"pattern": r"^\w+$"}, "-", r"must match the pattern ^\w+$"),
        ({"pattern": r"^\w+$"}, "да", r"must match the pattern ^\w+$; to it only ASCII are letters and digits"),
        ({"format": "uuid"}, "x", 'must be a valid uuid, like "123e4567-e89b-12d3-a456-426614174000"'),
        ({"format": "date-time"}, "вчера", 'must be a valid date-time, like "2026-01-30T12:00:00Z"'),
        ({"format": "duration"}, "вчера", 'must be a valid duration, like "PT1H30M"'),
        ({"format": "email"}, "вчера", "must be a valid email"),
        ({"pattern": DECIMAL}, "вчера", 'must be a number, like 12.5 or "12.50"'),
        (
            {"pattern": BASE64},
            "data:image/png;base64,AAAA",
            "must be the base64 alone, without the part of a data: address up to the comma",
        ),
        ({"pattern": BASE64}, "!", 'must be bytes in base64 (RFC 4648, section 4), like "0J/RgNC40LLQtdGC"'),
        ({"uniqueItems": True}, [1, 1], "must not hold one item twice"),
        ({"multipleOf": 5}, 7, "must be a multiple of 5"),
        ({"type": ["string", "null"]}, 5, "must be null or a text, not a whole number"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, [], "must be a text or a whole number, not a list"),
    ],
)  # fmt: skip
def test_each_keyword_has_a_sentence(schema: dict[str, Any], value: object, problem: str) -> None:
    assert in_words(reported({"properties": {"a": schema}}, {"a": value})) == in_words([("/a", problem)])


CARD = {"properties": {"kind": {"const": "card"}, "number": {"type": "string"}}, "required": ["kind", "number"]}
CASH = {"properties": {"kind": {"const": "cash"}, "sum": {"type": "integer"}}, "required": ["kind", "sum"]}
DEEP = {"properties": {"kind": {"enum": ["deep", "low"]}, "pay": {"anyOf": [CARD, CASH]}}, "required": ["kind", "pay"]}
OBJECTS = [{"type": "object", **one} for one in (CARD, CASH, DEEP)]
PAY = {"anyOf": [*OBJECTS, {"type": "null"}, {"type": "string"}]}


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
@pytest.mark.parametrize(
    ("pay", "faults"),
    [
        ({"kind": "card", "number": 5}, [("/number", "must be a text, not a whole number")]),
        ({"kind": "card"}, [("/number", 'the key "number" is missing')]),
        ({"kind": "cash", "number": 5}, [("/sum", 'the key "sum" is missing')]),
        ({"kind": "cash", "sum": "много"}, [("/sum", "must be a whole number, not a text")]),
        ({"kind": "low", "pay": {"kind": "cash", "sum": []}}, [("/pay/sum", "must be a whole number, not a list")]),
        ({"kind": "deep", "pay": {"kind": "x"}}, [("/pay/kind", 'must be one of "card", "cash"')]),
        ({"kind": "crd"}, [("/kind", 'must be one of "card", "cash", "deep", "low"')]),
        ({"kind": 5, "number": 5}, [("/kind", 'must be one of "card", "cash", "deep", "low"')]),
        ({"number": 5}, [("/kind", 'the key "kind" is missing')]),
        ({}, [("/kind", 'the key "kind" is missing')]),
        (5, [("", "must be a text or an object or null, not a whole number")]),
        ([], [("", "must be a text or an object or null, not a list")]),
    ],
)
def test_of_a_tagged_union_only_the_member_that_was_meant_is_reported(
    word: str, pay: object, faults: list[tuple[str, str]]
) -> None:
    schema = {"properties": {"pay": {"$ref": "#/$defs/pay"}}, "$defs": {"pay": {word: PAY["anyOf"]}}}
    assert in_words(reported(schema, {"pay": pay})) == in_words(faults, "/pay")
    lists = {"properties": {"pays": {"items": {"$ref": "#/$defs/pay"}}}, "$defs": schema["$defs"]}
    assert in_words(reported(lists, {"pays": ["да", pay]})) == in_words(faults, "/pays/1")


def test_a_union_without_a_tag_reports_of_every_member() -> None:
    """Which one was meant cannot be known: the key `size` stands in one of them alone."""
    small = {"type": "object", "properties": {"size": {"enum": ["s", "m"]}, "n": {"type": "integer"}}}
    many = {"type": "array", "items": {"type": "integer"}}
    found = reported({"properties": {"a": {"anyOf": [small, many]}}}, {"a": {"size": "x", "n": "y"}})
    assert found == [("/a/size", 'must be one of "s", "m"'), ("/a/n", "must be a whole number, not a text")]


def test_a_fault_inside_one_of_several_shapes_is_reported_where_it_is() -> None:
    shapes = {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]}
    assert ("/list/1", "must be a whole number, not a text") in reported(
        {"properties": {"list": shapes}}, {"list": [1, "два"]}
    )


def test_keys_of_all_parts_are_known() -> None:
    whole = {"allOf": [MESSAGE, {"properties": {"message": {"minLength": 2}}}]}
    assert reported(whole, {"message": "я"}) == [("/message", "must have at least 2 characters, has 1")]
    assert ("/mesage", 'unknown key "mesage"; did you mean "message"?') in reported(whole, {"mesage": "я"})


def test_each_fault_is_reported_once_and_not_without_end() -> None:
    assert len(reported(MESSAGE, {f"ключ{number}": 1 for number in range(100)})) == MAX_FAULTS
    twice = {"allOf": [MESSAGE, MESSAGE]}
    assert reported(twice, {}) == [MISSING]


def test_a_schema_that_is_none_cannot_be_compiled() -> None:
    for bad in ({"type": "strin"}, {"minimum": "3"}, {"pattern": "(?=x)"}, {"$ref": "https://example.com/schema.json"}):
        with pytest.raises(ValueError, match=r"\w"):
            Validator(bad)


def test_a_key_that_does_not_fit_is_reported_where_it_stands() -> None:
    names = {"propertyNames": {"pattern": "^[a-z]+$", "maxLength": 3}}
    assert reported({"properties": {"a": names}}, {"a": {"б/в": 1}}) == [
        ("/a/б~1в", "the key must match the pattern ^[a-z]+$")
    ]
    assert reported(names, {"abcd": 1}) == [("/abcd", "the key must have at most 3 characters, has 4")]
    (fault,) = reported({"propertyNames": {"not": {"const": "a"}}}, {"a": 1})
    assert fault[0] == ""


def test_patterns_take_linear_time() -> None:
    """MS-8: this pattern would keep a backtracking engine busy for the age of the universe."""
    assert reported({"pattern": "^(a+)+$"}, "a" * 5000 + "!") == [("", "must match the pattern ^(a+)+$")]


@given(values)
def test_faults_are_reported_exactly_where_there_are_some(value: object) -> None:
    validator = Validator(MESSAGE)
    assert bool(validator.faults(value)) == (not validator.is_valid(value))
    assert validator.is_valid(value) == jsonschema.Draft202012Validator(MESSAGE).is_valid(value)


def test_a_fault_as_json() -> None:
    assert Fault("/a", "…").as_json() == {"path": "/a", "problem": "…"}
    assert pointer(["a/b", 0, "~"]) == "/a~1b/0/~0"
    assert pointer([]) == ""


def test_a_key_that_was_meant_is_reported_whichever_part_names_it_and_each_time() -> None:
    closed = {"properties": {"message": {}}, "additionalProperties": False}
    schema = {"allOf": [closed, {"properties": {"message": {}}}, True]}
    meant = [("/massage", 'unknown key "massage"; did you mean "message"?')]
    assert reported(schema, {"massage": 1}) == meant
    assert reported(schema, {"massage": 2}) == meant
    for name in ("ключ", "message" * 4, "я" * 50_000):
        assert reported(schema, {name: 1}) == [(f"/{name}", f'unknown key "{name}"')]
    none = {"properties": {}, "unevaluatedProperties": False}
    assert reported(none, {"a": 1}) == [("/a", 'unknown key "a"')]


# JSON that only Python takes


@given(values)
def test_what_is_json_is_parsed_without_faults(value: object) -> None:
    assert parse_loosely(json.dumps(value, ensure_ascii=False)) == (value, [])


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "", "the message is empty"),
        (" \n", "", "the message is empty"),
        ("nope", "", "a value belongs"),
        ("{'a': 1}", "", "double quotes"),
        ("{a: 1}", "", "double quotes"),
        ('{"a": 1, }', "", "a comma stands before the closing bracket at character 8"),
        ('{"a": }', "", "a value belongs at character 7"),
        ('{"a" 1}', "", "':' belongs"),
        ('{"a": 1 "b": 2}', "", "',' belongs"),
        ('{"a": "привет}', "", "no closing quote"),
        ('{"a": 1} {"b": 2}', "", "something follows"),
        ('\ufeff{"a": 1}', "", ""),
        ('{"a": "\t"}', "", ""),
        ('{"a": NaN}', "/a", "NaN is not a JSON number"),
        ('{"a": [1, -Infinity]}', "/a/1", "-Infinity is not a JSON number"),
        ('{"a": 1e400}', "/a", "larger"),
        ('{"a": "\\ud83d"}', "/a", "surrogate"),
        ('{"a": {"\\udc4b": 1}}', "/a/?", "surrogate"),
        ('{"a": ' + "9" * 5000 + "}", "", "too long"),
    ],
)
def test_what_is_wrong_with_the_text_is_a_sentence(text: str, path: str, words: str) -> None:
    _, faults = parse_loosely(text)
    assert [fault.path for fault in faults] == [path]
    assert words in faults[0].problem


def test_all_impostors_are_named() -> None:
    _, faults = parse_loosely('{"a": NaN, "b": ["\\ud800", Infinity]}')
    assert [fault.path for fault in faults] == ["/a", "/b/0", "/b/1"]


@given(st.text(max_size=60) | st.text('{}[]",:0e-.\\u nulltrue NaN Infinity', max_size=40))
def test_any_text_is_answered_and_never_a_crash(text: str) -> None:
    value, faults = parse_loosely(text)
    for fault in faults:
        assert fault.problem
        json.dumps(fault.as_json(), ensure_ascii=False).encode()  # it can be sent
    try:
        expected = json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert faults
    else:
        assert faults or repr(value) == repr(expected)


@pytest.mark.parametrize("levels", [MAX_DEPTH, 400, 100_000])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_depth_is_no_crash(levels: int, brackets: str) -> None:
    before, after = brackets[:-1], brackets[-1]
    _, faults = parse_loosely(before * levels + "1" + after * levels)
    assert bool(faults) == (levels > 10_000)


def test_references_in_any_alphabet_are_followed_and_data_is_not_touched() -> None:
    schema = {
        "properties": {"default": {"$ref": "#/$defs/Заказ"}, "$ref": {"const": {"$ref": "слово"}}},
        "$defs": {"Заказ": {"type": "integer"}},
    }
    validator = Validator(schema)
    assert validator.is_valid({"default": 1, "$ref": {"$ref": "слово"}})
    assert not validator.is_valid({"default": "1"})
    assert not validator.is_valid({"$ref": {"$ref": "%D1%81"}})
    assert Validator({"$ref": "#/$defs/%D0%B0", "$defs": {"а": {"type": "null"}}}).is_valid(None), "encoded already"
