"""Hints with patterns: what arrives is what msgspec alone would make of it, and no text meets Python's `re`."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict, TypeVar

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from jackfield.process.signature import matching
from jackfield.process.signature.hints import Unsupported, type_of
from tests.process.conftest import Compiled, Faults
from tests.process.signature.test_signature import read

Code = Annotated[str, Meta(pattern="^a")]
Alias = NewType("Alias", Code)
T = TypeVar("T")


class Mood(enum.Enum):
    GOOD = "a"


class Item(msgspec.Struct):
    code: Code
    count: int = 0


class Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    long_name: Code
    others: list[Code] = []
    left_out: Code | UnsetType = UNSET


class Row(msgspec.Struct, array_like=True):
    code: Code
    other: Code = "zzz"


class One(msgspec.Struct, tag=True):
    code: Code


class Two(msgspec.Struct, tag="two"):
    count: int


class Typed(msgspec.Struct, tag="three", tag_field="kind"):
    code: Code = "b"


class Tree(msgspec.Struct):
    code: Code
    below: list[Tree] = []


class Left(msgspec.Struct):
    right: Right | None = None


class Right(msgspec.Struct):
    left: Left | None = None
    code: Code = "b"


class Box(msgspec.Struct, Generic[T]):
    value: T


@dataclasses.dataclass
class Order:
    code: Code
    lines: list[int] = dataclasses.field(default_factory=list)
    after: Optional[Order] = None  # noqa: UP045 - as people write it


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    code: Code = "q"
    order: Order | None = None

    def __post_init__(self) -> None:
        if self.code == "abc":
            raise ValueError("not this one")


@dataclasses.dataclass
class LeftOut:
    code: Code | UnsetType = UNSET
    count: int = 0


class Checked(msgspec.Struct):
    code: Code

    def __post_init__(self) -> None:
        if self.code == "abc":
            raise TypeError("nor this")


class Tags(TypedDict, total=False):
    code: Code
    other: NotRequired[Code]
    more: Tags


class Pair(NamedTuple):
    code: Code
    other: Code = "z"


HINTS: list[Any] = [
    Code, Alias, list[Code], set[Code], frozenset[Code], tuple[Code, ...], tuple[int, Code], Code | tuple[int, str],
    dict[str, Code], dict[Code, int], dict[Code, Code], Code | int, Code | None, list[Code] | None,
    Code | float | bool,
    Literal[1, None] | Code, Annotated[list[Code], Meta(min_length=1, max_length=2)], list[Code | None],
    Annotated[Code, Meta(min_length=2, max_length=3, description="Код")], list[dict[str, list[Code]]],
    Item, Closed, Row, One, Two, One | Two, Typed, Tree, Left, Right, Box[Code], Box[Order], Box[int], Order, Frozen,
    LeftOut, Checked, Tags, Pair, Pair | Item, list[Tags], dict[str, Order | int], tuple[Pair, Order],
    list[One | Two | None], dict[Mood, Code],
]  # fmt: skip

PLAIN: list[Any] = ["a", "ab", "b", "", "abc", "abcd", 1, 1.5, True, None]
LISTS: list[Any] = [
    [], ["a"], ["b"], ["a", "b"], ["a", "a"], ["a", "zz", 3], [1, "a"], [1, "b"], [["a"], {"code": "a"}],
]  # fmt: skip
OBJECTS: list[Any] = [
    {}, {"code": "a"}, {"code": "b"}, {"code": 1}, {"code": "abc"}, {"code": "a", "count": 1},
    {"code": "a", "count": ""},
    {"code": "a", "other": "a"}, {"code": "a", "other": "b"}, {"code": "a", "more": {"code": "b"}},
    {"code": "a", "more": {"code": "a"}}, {"code": "a", "lines": [1]}, {"code": "a", "after": {"code": "a"}},
    {"code": "a", "after": {"code": "a", "after": {"code": "b"}}}, {"order": {"code": "a"}}, {"order": {"code": "b"}},
    {"longName": "a"}, {"longName": "b"}, {"longName": "a", "others": ["a"]}, {"longName": "a", "others": ["a", "b"]},
    {"longName": "a", "leftOut": "a"}, {"longName": "a", "leftOut": "b"}, {"longName": "a", "more": "a"},
    {"type": "One", "code": "a"}, {"type": "One", "code": "b"}, {"type": "two", "count": 1}, {"type": "ten"},
    {"kind": "three", "code": "a"}, {"kind": "three"}, {"kind": "one", "code": "a"}, {"a": 1}, {"b": 1}, {"a": "a"},
    {"code": "a", "below": [{"code": "a", "below": [{"code": "a"}]}]}, {"code": "a", "below": [{"code": "b"}]},
    {"right": {"left": {"right": {"code": "a"}}}}, {"right": {"left": {"right": {"code": "b"}}}}, {"left": {}},
    {"value": "a"}, {"value": "b"}, {"value": {"code": "a"}}, {"value": {"code": "b"}}, {"value": 1},
]  # fmt: skip
VALUES = [
    *PLAIN,
    *LISTS,
    *OBJECTS,
    *[[one] for one in OBJECTS],
    *[{"k": one} for one in OBJECTS],
    [["a", "a"], {"code": "b"}],
]


def outcome(decode: Callable[[bytes], Any], data: bytes) -> tuple[bool, Any, str]:
    """Whether a value is taken, with what it becomes, and how that looks."""
    try:
        value = decode(data)
    except msgspec.ValidationError:
        return False, None, ""
    return True, value, f"{type(value)} {value!r}"


@pytest.mark.parametrize("hint", HINTS, ids=repr)
def test_what_arrives_is_what_msgspec_makes_of_it(hint: Any) -> None:
    alone, ours = msgspec.json.Decoder(hint).decode, matching.decoder(hint, type_of(hint))
    results = [(outcome(alone, data), outcome(ours, data)) for data in map(msgspec.json.encode, VALUES)]
    assert [ours for _, ours in results] == [alone for alone, _ in results]
    assert any(taken for (taken, _, _), _ in results)


@pytest.mark.parametrize("hint", HINTS, ids=repr)
def test_the_decoder_is_reported_of_no_pattern(hint: Any) -> None:
    reported = matching.plain(hint, type_of(hint))
    assert "pattern='" not in repr(type_of(reported.hint))
    assert (reported.finish is None) == (hint in (Two, Box[int])), "only what has a pattern is walked over"


@pytest.mark.parametrize("hint", [str, int, list[str], Two, Annotated[str, Meta(max_length=5)], dict[str, Box[int]]])
def test_a_hint_without_patterns_is_decoded_as_it_stands(hint: Any) -> None:
    reported = matching.plain(hint, type_of(hint))
    assert reported.hint is hint
    assert reported.finish is None


@pytest.mark.parametrize(
    ("hint", "value", "reported"),
    [
        (Code, "b", "Expected `str` matching regex '^a'"),
        (list[Code], ["a", "b"], "Expected `str` matching regex '^a' - at `$[1]`"),
        (dict[str, list[Code]], {"я": ["b"]}, "Expected `str` matching regex '^a' - at `$.я[0]`"),
        (dict[Code, int], {"b": 1}, "Expected `str` matching regex '^a' - at `$.b`"),
        (list[Item], [{"code": "b"}], "Expected `str` matching regex '^a' - at `$[0].code`"),
        (Closed, {"longName": "b"}, "Expected `str` matching regex '^a' - at `$.longName`"),
        (Row, ["a", "b"], "Expected `str` matching regex '^a' - at `$[1]`"),
        (Pair, ["a", "b"], "Expected `str` matching regex '^a' - at `$[1]`"),
        (Order, {"code": "a", "after": {"code": "b"}}, "Expected `str` matching regex '^a' - at `$.after.code`"),
        (list[Tags], [{"more": {"code": "b"}}], "Expected `str` matching regex '^a' - at `$[0].more.code`"),
        (list[Frozen], [{"code": "abc"}], "not this one - at `$[0]`"),
        (Checked, {"code": "abc"}, "nor this"),
        (Item, {"code": 1}, "Expected `str`, got `int` - at `$.code`"),
    ],
)
def test_a_fault_has_its_path(hint: Any, value: Any, reported: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        matching.decoder(hint, type_of(hint))(msgspec.json.encode(value))
    assert str(caught.value) == reported


@pytest.mark.parametrize(
    "hint",
    [
        Code | list[str], Code | dict[str, int] | None, list[Code | set[str]], Alias | list[int],
        Code | tuple[int, ...], dict[str, list[Code | list[int]]], Code | list[Code] | int,
    ],
)  # fmt: skip
def test_what_msgspec_breaks_its_memory_with_is_refused(hint: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        type_of(hint)
    assert "a text with a pattern stands beside a list or a dict" in str(caught.value)
    assert "`input:`" in caught.value.hint


class Mixed(msgspec.Struct):
    value: Code | list[Mixed]


class MixedBox(msgspec.Struct, Generic[T]):
    value: T | list[int]


@pytest.mark.parametrize("hint", [Mixed, list[Mixed], MixedBox[Code], dict[str, Mixed | None]])
def test_also_where_it_stands_in_a_class(hint: Any) -> None:
    with pytest.raises(Unsupported, match="beside a list or a dict"):
        type_of(hint)


def test_what_looks_like_it_is_not_refused() -> None:
    for hint in (Code | tuple[int, str], Code | Item, str | list[Code], MixedBox[int], dict[Code, list[int]]):
        type_of(hint)


HEAD = 'Code = Annotated[str, Meta(pattern="^a")]\n'


def test_every_place_of_a_signature_asks_its_pattern(compiled: Compiled) -> None:
    signature = compiled(f"{HEAD}@process\ndef say(x: Code, room: Code, y: Code = 'z', **more: Code): ...\n", "room")
    assert read(signature, '{"x": "a", "m": "ab"}', room="a") == {"x": "a", "y": "z", "m": "ab", "room": "a"}
    for text, path in (('{"x": "b"}', "$.x"), ('{"x": "a", "y": "b"}', "$.y"), ('{"x": "a", "m": "b"}', "$.m")):
        with pytest.raises(msgspec.ValidationError) as caught:
            signature.decode(text)
        assert str(caught.value) == f"Expected `str` matching regex '^a' - at `{path}`"
    assert signature.params["room"]("ab") == "ab"
    with pytest.raises(ValueError, match="must match the pattern"):
        signature.params["room"]("b")


def test_a_default_is_neither_checked_nor_shared(compiled: Compiled) -> None:
    code = f"{HEAD}@dataclasses.dataclass\nclass Item:\n    code: Code\n"
    signature = compiled(f"{code}@process\ndef say(x: list[Item] = [Item('b')], y: Code = None): ...\n")
    first, second = read(signature, "{}"), read(signature, "{}")
    assert first["x"] == second["x"]
    assert first["x"][0] is not second["x"][0]
    assert first["x"][0].code == "b"
    assert first["y"] is None
    assert signature.input_schema["properties"]["y"] == {"type": "string", "pattern": "^a"}


def test_a_path_parameter_that_may_be_text_or_number(compiled: Compiled) -> None:
    convert = compiled(f"{HEAD}@process\ndef say(room: Code | int): ...\n", "room").params["room"]
    assert convert("a5") == "a5"
    for text in ("b", "5"):  # as for every `str | int`, what is text already stays text
        with pytest.raises(ValueError, match="must match the pattern"):
            convert(text)


def test_input_that_the_decoder_checks_leaves_the_pattern_where_it_is(compiled: Compiled) -> None:
    code = f"{HEAD}@process\ndef say(x: Code, y: Code = 'a'): ...\n"
    signature = compiled(code, narrowing={"properties": {"x": {"maxLength": 2}}, "required": ["y"]})
    assert signature.narrowed
    assert read(signature, '{"x": "ab", "y": "a"}') == {"x": "ab", "y": "a"}
    for text in ('{"x": "abc", "y": "a"}', '{"x": "b", "y": "a"}', '{"x": "a", "y": "b"}', '{"x": "a"}'):
        with pytest.raises(msgspec.ValidationError):
            signature.decode(text)


@pytest.mark.parametrize(
    ("hint", "good", "bad", "path"),
    [
        ("Code", "a", "b", "$.result"),
        ("list[Item]", [{"code": "a"}], [{"code": "b"}], "$.result[0].code"),
        ("Item", {"code": "a"}, {"code": "b"}, "$.code"),
    ],
)
def test_replies_are_checked_by_the_same_engine(compiled: Compiled, hint: str, good: Any, bad: Any, path: str) -> None:
    code = f"{HEAD}class Item(TypedDict):\n    code: Code\n@process\ndef say() -> {hint}: ...\n"
    check = compiled(code).check_reply
    assert check(good) is None
    assert check(bad) == f"Expected `str` matching regex '^a' - at `{path}`"


@pytest.mark.parametrize(
    ("head", "code", "column", "reported"),
    [
        ("", "c: P('(?=a)')", 9, 'bad_hint "(?=a)" is no regular expression'),
        ("", "c: list[P('a++')]", 9, 'bad_hint "a++" is no regular expression'),
        ("", "c: dict[P('(a{1000}){1000}'), int]", 9, 'bad_hint "(a{1000}){1000}" is too large'),
        ("", "c: P('(?=a)') | int = 1", 9, 'bad_hint "(?=a)" is no regular expression'),
        ("", "**c: P('(?=a)')", 11, 'bad_hint "(?=a)" is no regular expression'),
        ("", "room: P('(?=a)')", 9, 'bad_hint "(?=a)" is no regular expression'),
        ("@dataclasses.dataclass\nclass D:\n    x: P('(?=a)')", "c: list[D]", 9, 'bad_hint D: "(?=a)" is no regular'),
        ("class D(TypedDict):\n    x: P('(?=a)')", "c: D | None", 9, 'bad_hint D: "(?=a)" is no regular'),
        ("", "c: Annotated[str, Meta(extra_json_schema={'pattern': '(?=a)'})]", 9, 'bad_hint "(?=a)" is no regular'),
        ("", "c: P('a') | list[int]", 9, "bad_hint in `"),
    ],
)  # fmt: skip
def test_a_pattern_that_is_not_taken_is_a_problem_with_its_place(
    faults: Faults, head: str, code: str, column: int, reported: str
) -> None:
    head = f"def P(pattern): return Annotated[str, Meta(pattern=pattern)]\n{head}"
    (problem,) = faults(f"{head}\n@process\ndef say({code}): ...\n", "room")
    name = code.partition(":")[0].lstrip("*")
    assert reported in f"{problem.code} {problem.message}".replace(f'parameter "{name}": ', "")
    assert (problem.file, problem.column) == ("processes/p.py", column)
    assert problem.hint


def test_a_reply_with_such_a_pattern_too(faults: Faults) -> None:
    (problem,) = faults("@process\ndef say() -> Annotated[str, Meta(pattern='(?=a)')]: ...\n")
    assert problem.code == "bad_reply"
    assert "no regular expression" in problem.message


def test_the_schema_is_published_as_the_hint_was_written(compiled: Compiled) -> None:
    code = (
        f"{HEAD}@dataclasses.dataclass\nclass Item:\n    code: Code\n@process\ndef say(x: Item, y: list[Code]): ...\n"
    )
    found = compiled(code).input_schema
    assert found["properties"]["y"] == {"type": "array", "items": {"type": "string", "pattern": "^a"}}
    assert found["$defs"]["Item"]["properties"] == {"code": {"type": "string", "pattern": "^a"}}
    assert json.dumps(found).count("Item") == 3, "the class is called what it is called"
