"""`input:` in the decoder accepts what the plain decoder and the validator accept together, and nothing else."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from jackfield.process.signature.hints import type_of
from jackfield.process.signature.narrowing import narrow
from jackfield.process.signature.parameters import NO_DEFAULT, Parameter
from jackfield.schema.validator import Validator

JSON = dict[str, Any]


def parameter(hint: Any, default: Any = NO_DEFAULT, key: str = "v") -> Parameter:
    return Parameter("v", "message", key, hint, type_of(hint), default)


def decoder(parameter: Parameter) -> msgspec.json.Decoder[Any]:
    field = {} if parameter.default is NO_DEFAULT else {"default": parameter.default}
    made = msgspec.field(name=parameter.key, **field)
    return msgspec.json.Decoder(msgspec.defstruct("M", [("p", parameter.hint, made)], forbid_unknown_fields=True))


NOT_TAKEN = object()


def taken(parameter: Parameter, text: str) -> Any:
    try:
        return decoder(parameter).decode(text).p
    except msgspec.DecodeError:
        return NOT_TAKEN


def agree(hint: Any, part: JSON, value: object, default: Any = NO_DEFAULT) -> None:
    """One message, judged as a narrowed hint does and as the plain one and the validator do together."""
    schema = {"properties": {"v": part}}
    plain = parameter(hint, default)
    narrowed = narrow((plain,), schema)
    assert narrowed is not None, "this can be said"
    text = json.dumps({} if value is NOT_TAKEN else {"v": value})
    expected = taken(plain, text)
    if expected is not NOT_TAKEN and not Validator(schema).is_valid(msgspec.json.decode(text)):
        expected = NOT_TAKEN
    found = taken(narrowed[0], text)
    assert (type(found), found) == (type(expected), expected)


def subset(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[JSON]:
    return st.fixed_dictionaries({}, optional=parts)


def annotated(hint: Any, constraints: JSON, optional: bool) -> Any:
    made = Annotated[hint, Meta(**constraints)] if constraints else hint
    return made | None if optional else made


LETTERS = st.text(st.sampled_from('aя😀e\u0301\u0000"\\\ud83d\ude00\ud800'), max_size=6)
SIZES = st.integers(0, 6)
OTHERS: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, 2.0, "1", [], [1], {}])
EDGES = (0, 1, 2, 3, 5, 10, 2**31, 2**32, 2**53, 2**62, 2**63 - 4, 2**63, 2**64, 10**20, 10**30)
NEAR = st.builds(
    lambda edge, by, sign: sign * (edge + by), st.sampled_from(EDGES), st.integers(-3, 3), st.sampled_from([1, -1])
)
CLOSE = st.integers(-2, 2)
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
FRACTIONS = st.one_of(
    NEAR.filter(lambda number: abs(number) < 2**53),
    st.floats(-9, 9),
    st.sampled_from([0.1, -0.1, 0.30000000000000004, 5e-324, -0.0, 2.0**53 - 1, -(2.0**53) + 1]),
)


@given(
    part=subset(minLength=SIZES, maxLength=SIZES, type=st.sampled_from(["string", ["string"], ["null", "string"]])),
    own=subset(min_length=SIZES, max_length=SIZES),
    optional=st.booleans(),
    value=LETTERS | OTHERS,
)
def test_lengths_of_texts(part: JSON, own: JSON, optional: bool, value: object) -> None:
    agree(annotated(str, own, optional), part, value)


@given(
    part=subset(enum=st.lists(LETTERS.filter(str.isprintable) | st.none(), min_size=1, max_size=4, unique=True),
                const=LETTERS.filter(str.isprintable), minLength=SIZES, title=st.just("Заголовок")),
    own=subset(max_length=SIZES),
    optional=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_lists_of_texts(part: JSON, own: JSON, optional: bool, data: st.DataObject) -> None:
    hint = annotated(str, own, optional)
    if narrow((parameter(hint),), {"properties": {"v": part}}) is None:
        allowed = [text for text in part.get("enum", [part.get("const")]) if text == part.get("const", text)]
        least, most = part.get("minLength", 0), own.get("max_length", 9)
        assert not [text for text in allowed if text is not None and least <= len(text) <= most], "none could be sent"
        return
    agree(hint, part, data.draw(st.sampled_from([*part.get("enum", ""), part.get("const", "")]) | LETTERS | OTHERS))


@given(
    edge=st.sampled_from([sign * edge for edge in EDGES if edge < 2**63 for sign in (1, -1)]),
    part=subset(minimum=CLOSE, maximum=CLOSE, exclusiveMinimum=CLOSE, exclusiveMaximum=CLOSE,
                multipleOf=st.integers(1, 4) | st.just(2**31), type=st.sampled_from(["integer", "number"])),
    own=subset(ge=CLOSE, lt=CLOSE, multiple_of=st.integers(1, 4)) | subset(gt=CLOSE, le=CLOSE),
    optional=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_whole_numbers(edge: int, part: JSON, own: JSON, optional: bool, data: st.DataObject) -> None:
    about = {name: edge + bound for name, bound in part.items() if name in BOUNDS}
    hint = annotated(int, own | {name: edge + bound for name, bound in own.items() if name != "multiple_of"}, optional)
    value = CLOSE.map(lambda by: edge + by) | NEAR | OTHERS | st.sampled_from([edge + 0.5, float(edge)])
    for _ in range(3):
        agree(hint, part | about, data.draw(value))


@given(
    part=subset(minimum=FRACTIONS, maximum=FRACTIONS, exclusiveMinimum=FRACTIONS, exclusiveMaximum=FRACTIONS,
                type=st.just("number")),
    own=subset(gt=FRACTIONS, le=FRACTIONS),
    optional=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_fractions(part: JSON, own: JSON, optional: bool, data: st.DataObject) -> None:
    bounds = [bound for bound in [*part.values(), *own.values()] if bound != "number"]
    near = st.sampled_from([*bounds, 0]) | FRACTIONS | NEAR | OTHERS | st.floats(allow_nan=False, allow_infinity=False)
    agree(annotated(float, own, optional), part, data.draw(near))


@given(
    part=subset(minItems=SIZES, maxItems=SIZES, type=st.just("array"), description=st.just("")),
    own=subset(min_length=SIZES, max_length=SIZES),
    item=st.sampled_from([Any, int, str | None]),
    optional=st.booleans(),
    value=st.lists(st.sampled_from([None, 1, "я"]), max_size=7) | OTHERS,
)
def test_lengths_of_lists(part: JSON, own: JSON, item: Any, optional: bool, value: object) -> None:
    agree(annotated(list[item], own, optional), part, value)


@pytest.mark.parametrize("value", [NOT_TAKEN, None, "", "я", "яя", 1])
@pytest.mark.parametrize("hint", [str, Annotated[str, Meta(min_length=1)], Annotated[str, Meta(description="я")], Any])
def test_defaults_and_keys_that_have_to_come(hint: Any, value: object) -> None:
    plain = parameter(hint, "")
    parts: list[JSON] = [{}, {"title": "я"} if hint is Any else {"minLength": 2}]
    for part in parts:
        for required in ([], ["v"]):
            schema: JSON = {"properties": {"v": part}, "required": required}
            (narrowed,) = narrow((plain,), schema) or ()
            assert narrowed.default == (NO_DEFAULT if required else "")
            text = json.dumps({} if value is NOT_TAKEN else {"v": value})
            good = taken(plain, text) is not NOT_TAKEN and Validator(schema).is_valid(json.loads(text))
            assert (taken(narrowed, text) is not NOT_TAKEN) == good


@pytest.mark.parametrize("value", [0, 2, 3, 4, 6, -6, 6 * 10**30, 3 * 10**30, 9 * 10**30 + 3])
def test_a_multiple_of_two_numbers(value: int) -> None:
    agree(Annotated[int, Meta(multiple_of=2)], {"multipleOf": 3}, value)


def test_a_number_too_long_to_compare_as_a_float() -> None:
    agree(float, {"maximum": 2**53 - 1}, 2**53)
    for bound in (2**53, -(2**53), float(2**53), 10**400):
        assert narrow((parameter(float),), {"properties": {"v": {"maximum": bound}}}) is None
    assert Validator({"maximum": 2**53}).is_valid(2**53 + 1) is False
    assert msgspec.json.decode(str(2**53 + 1), type=Annotated[float, Meta(le=2**53)]) == 2**53


def test_of_a_key_that_stands_twice_every_value_has_to_fit() -> None:
    (narrowed,) = narrow((parameter(int),), {"properties": {"v": {"maximum": 5}}}) or ()
    assert taken(narrowed, '{"v": 9, "v": 1}') is NOT_TAKEN
    assert taken(narrowed, '{"v": 4, "v": 1}') == 1


UNSAID: list[tuple[Any, list[Any]]] = [
    (str | None, [
        True, False, {"pattern": "я"}, {"format": "email"}, {"allOf": []}, {"not": {}}, {"$ref": "#"}, {"x-y": 1},
        {"maxLength": 2.0}, {"maxLength": 2**63}, {"enum": []}, {"enum": [1]}, {"enum": [None]}, {"const": None},
        {"enum": ["a"], "const": "b"}, {"enum": ["a"], "minLength": 2}, {"type": "null"}, {"type": "object"},
        {"type": []}, {"minimum": 1},
    ]),
    (int, [
        {"minimum": 2.0}, {"minimum": 2**63}, {"exclusiveMinimum": 2**63 - 1}, {"maximum": -(2**63) - 1},
        {"multipleOf": 0.5}, {"multipleOf": 2**64}, {"enum": [1]}, {"const": 1}, {"type": "string"}, {"maxLength": 1},
    ]),
    (float, [{"multipleOf": 1}, {"maximum": 2.0**53}, {"type": "integer"}, {"enum": [0.5]}]),
    (list[str], [{"items": {"maxLength": 1}}, {"uniqueItems": True}, {"contains": {}}, {"minItems": 1.0}]),
    (Annotated[int, Meta(multiple_of=2**62)], [{"multipleOf": 3}]),
    (Annotated[str, Meta(pattern="я")], [{"enum": ["я"]}]),
    (Literal["a", "b"], [{"enum": ["a"]}]),
    (str | int, [{"maxLength": 1}]),
    (dict[str, int], [{"type": "object"}]),
]  # fmt: skip

WHOLE: list[Any] = [
    True, {"allOf": []}, {"additionalProperties": False}, {"minProperties": 1}, {"dependentRequired": {}},
    {"propertyNames": {}}, {"$ref": "#/$defs/x"}, {"$defs": {}}, {"type": "array"}, {"required": ["w"]},
    {"properties": {"w": {}}}, {"required": ["$id"]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("hint", "schema"),
    [(hint, {"properties": {"v": part}}) for hint, parts in UNSAID for part in parts] + [(str, one) for one in WHOLE],
)
def test_the_rest_is_left_to_the_validator(hint: Any, schema: object) -> None:
    assert narrow((parameter(hint),), schema) is None


def test_one_part_that_cannot_be_said_leaves_all_of_it() -> None:
    both = (parameter(str), parameter(str, key="w"))
    short, mail = {"maxLength": 5}, {"format": "email"}
    assert narrow(both, {"properties": {"v": short, "w": short}}) is not None
    assert narrow(both, {"properties": {"v": short, "w": mail}}) is None


def test_only_the_decoder_is_reported() -> None:
    plain = parameter(Annotated[str, Meta(max_length=9, description="Имя")], "")
    (narrowed,) = narrow((plain,), {"properties": {"v": {"maxLength": 5}}, "required": ["v"]}) or ()
    assert (narrowed.kind, narrowed.key, narrowed.name) == (plain.kind, plain.key, plain.name)
    assert plain.default == ""


def test_what_comes_from_elsewhere_is_left_alone() -> None:
    path = Parameter("v", "path", "v", str, type_of(str))
    assert narrow((path,), {"properties": {"v": {"maxLength": 5}}}) is None
    assert narrow((path, parameter(str, key="w")), {"properties": {"w": {}}}) == (path, parameter(str, key="w"))
