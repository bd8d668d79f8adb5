"""The wire: what leaves is one JSON object, and nothing arrives as something else."""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict, UserDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import messages
from jackfield.messages import MAX_DEPTH, Unsendable, too_deep

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = texts.filter(lambda name: name not in ("error", "event") and not name.startswith("$"))
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)
objects = st.dictionaries(keys, values, max_size=5)
ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=128) | st.integers(-(2**53), 2**53)


class Size(Enum):
    """A word of the tests."""

    SMALL = "маленький"


@dataclass
class Order:
    """A reply as a dataclass."""

    item: str
    size: Size = Size.SMALL


class Total(msgspec.Struct, rename={"total": "всего"}):
    """A reply as a Struct, with a key of another name."""

    total: Decimal


def reply(value: object, key: str, message_id: str | int | None = None) -> bytes | None:
    return messages.replies_under(key)(value, message_id)


def arrived(frame: bytes | None) -> Any:
    assert frame is not None
    return json.loads(frame.decode("utf-8"))


# how deep a message is


def depth_by_parsing(value: object) -> int:
    """Levels of objects and lists, counted on what a parser made of the text."""
    deepest, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        deepest += 1
        level = [inner for part in level for inner in (part.values() if isinstance(part, dict) else part)]
    return deepest


def nested(levels: int, brackets: str) -> str:
    inner = '"]}[{\\"" ' if levels % 2 else "1"
    for level in range(levels):
        inner = f'{{"[{{": {inner}}}' if brackets[level % len(brackets)] == "{" else f"[0, {inner}]"
    return inner


@given(st.integers(MAX_DEPTH - 3, MAX_DEPTH + 3), st.text("{[", min_size=1, max_size=4))
def test_depth_is_counted_as_a_parser_sees_it(levels: int, brackets: str) -> None:
    text = nested(levels, brackets)
    assert depth_by_parsing(json.loads(text)) == levels
    assert too_deep(text.encode()) == (levels > MAX_DEPTH)


@given(values)
def test_what_lies_side_by_side_is_not_deep(value: object) -> None:
    text = json.dumps([[value, '[{\\"']] * (MAX_DEPTH + 1), ensure_ascii=False)
    assert too_deep(text.encode()) == (depth_by_parsing(json.loads(text)) > MAX_DEPTH)


@pytest.mark.parametrize("text", ["[" * 100, "{" * 65, '"' + "[" * 100, "]" * 100, '"\\"' + "[" * 100])
def test_depth_of_what_is_no_json_is_reported_too(text: str) -> None:
    assert too_deep(text.encode()) == (not text.startswith(('"', "]")))


@given(st.binary(max_size=300))
def test_depth_is_reported_for_any_bytes(data: bytes) -> None:
    assert too_deep(data) in (True, False)


# replies


@given(objects, st.none() | ids)
def test_an_object_arrives_as_it_was_sent(value: dict[str, Any], message_id: str | int | None) -> None:
    frame = reply(value, "result", message_id)
    expected = value if message_id is None else {**value, "$id": message_id}
    assert arrived(frame) == expected


@given(values.filter(lambda value: not isinstance(value, dict) and value is not None), keys, ids)
def test_a_bare_value_goes_under_its_key(value: object, key: str, message_id: str | int) -> None:
    assert arrived(reply(value, key)) == {key: value}
    assert arrived(reply(value, key, message_id)) == {key: value, "$id": message_id}


def test_nothing_sends_nothing_but_that_a_message_with_an_id_is_done() -> None:
    assert reply(None, "result") is None
    assert reply(None, "result", 7) == b'{"$done":true,"$id":7}'
    assert messages.replies_under("result", many=True)(None, 7) is None


def test_an_empty_object_can_carry_an_id() -> None:
    assert reply({}, "result", 7) == b'{"$id":7}'
    assert reply({}, "result") == b"{}"


def test_text_goes_out_as_it_is_not_escaped() -> None:
    assert reply("Привет 👋", "message") == '{"message":"Привет 👋"}'.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Order("чай"), {"item": "чай", "size": "маленький"}),
        (Total(Decimal("1.50")), {"всего": "1.50"}),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({"at": datetime(2026, 11, 22, tzinfo=UTC)}, {"at": "2026-11-22T00:00:00Z"}),
        ({"id": UUID(int=5)}, {"id": "00000000-0000-0000-0000-000000000005"}),
        ({"many": (Order("a"), Total(Decimal(1)))}, {"many": [{"item": "a", "size": "маленький"}, {"всего": "1"}]}),
        (2**64 - 1, {"result": 2**64 - 1}),
        (True, {"result": True}),
    ],
)
def test_values_that_python_has_and_json_has_not(value: object, expected: object) -> None:
    assert arrived(reply(value, "result")) == expected


# what cannot be sent


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = [value]
    return value


BAD: dict[str, Callable[[], object]] = {
    "nan": lambda: math.nan,
    "infinity": lambda: -math.inf,
    "set": lambda: {1, 2},
    "frozenset": lambda: frozenset("a"),
    "half a pair": lambda: "\ud83d",
    "half a pair as a key": lambda: {"\udc4b": 1},
    "a key that is no text": lambda: {1: "one"},
    "itself": cycle,
    "an object of a class": lambda: object(),
}

wraps = st.lists(st.sampled_from(["list", "tuple", "dict", "dataclass", "mapping"]), max_size=6)


def wrapped(value: object, layers: list[str]) -> object:
    for layer in layers:
        match layer:
            case "list":
                value = [0, value]
            case "tuple":
                value = (value,)
            case "dict":
                value = {"в": value}
            case "mapping":
                value = MappingProxyType({"m": value})
            case _:
                value = Order(value)  # type: ignore[arg-type]  # what it holds is wrong on purpose
    return value


@given(st.sampled_from(sorted(BAD)), wraps)
def test_what_would_arrive_as_something_else_is_not_sent(name: str, layers: list[str]) -> None:
    value = wrapped(BAD[name](), layers)
    sends: list[Callable[[], object]] = [
        lambda: reply({"x": value}, "result"),
        lambda: reply([value], "result", 1),
        lambda: messages.event({"event": "e", "x": value}),
        lambda: messages.error("out", "Нет.", more={"x": value}),
    ]
    for send in sends:
        with pytest.raises(Unsendable) as unsendable:
            send()
        assert unsendable.value.problem


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, {"b": math.nan}]}, "/a/1/b"),
        ({"a": ({1},)}, "/a/0"),
        ({"список": ["\ud800"]}, "/список/0"),
        ({"a": {"\udc4b": 1}}, "/a"),
        (Order("\ud800"), "/item"),
        (Total(Decimal(1)), None),
        ([1, math.inf], "/result/1"),
    ],
)
def test_the_place_is_reported(value: object, path: str | None) -> None:
    if path is None:
        assert reply(value, "result")
        return
    with pytest.raises(Unsendable) as unsendable:
        reply(value, "result")
    assert unsendable.value.path == path
    assert str(unsendable.value).startswith(path)


@pytest.mark.parametrize("name", ["error", "event", "$id", "$done", "$"])
def test_our_own_keys_are_no_reply(name: str) -> None:
    with pytest.raises(Unsendable, match="Jackfield's own"):
        reply({name: 1}, "result")
    assert arrived(reply({"inner": {name: 1}}, "result")) == {"inner": {name: 1}}


# events, errors, the end


def test_an_event_has_a_name() -> None:
    assert arrived(messages.event({"event": "пришёл", "who": "анна"})) == {"event": "пришёл", "who": "анна"}
    unnamed: list[object] = [{"who": "анна"}, {"event": ""}, {"event": 5}, [], "пришёл", None]
    for bad in unnamed:
        with pytest.raises(Unsendable):
            messages.event(bad)


@pytest.mark.parametrize("name", ["error", "$id", "$done", "$"])
def test_an_event_has_none_of_the_keys_that_mark_an_answer(name: str) -> None:
    for forged in ({"event": "e", name: 1}, {name: {"code": "busy"}, "event": "e"}, MappingProxyType({name: 1})):
        with pytest.raises(Unsendable, match=f'an event may not have the key "{re.escape(name)}"') as unsendable:
            messages.event(forged)
        assert unsendable.value.path == f"/{name}"
    assert arrived(messages.event({"event": "e", "inner": {name: 1}})) == {"event": "e", "inner": {name: 1}}


def test_an_error_says_what_there_is_to_say_and_no_more() -> None:
    assert arrived(messages.error("busy")) == {
        "error": {"code": "busy", "message": "All threads for blocking processes are taken."}
    }
    full = messages.error(
        "invalid_message",
        "Не то.",
        details=[{"path": "/a", "problem": "…"}],
        example=msgspec.Raw(msgspec.json.encode({"message": "Привет"})),
        retry_after=2,
        incident="ab12",
        message_id="№1",
    )
    assert arrived(full) == {
        "error": {
            "code": "invalid_message",
            "message": "Не то.",
            "details": [{"path": "/a", "problem": "…"}],
            "example": {"message": "Привет"},
            "retry_after": 2,
            "incident": "ab12",
        },
        "$id": "№1",
    }


def test_a_process_cannot_write_over_code_and_message() -> None:
    frame = messages.error("out_of_stock", "Нет.", more={"code": "x", "message": "y", "left": 0})
    assert arrived(frame) == {"error": {"code": "out_of_stock", "message": "Нет.", "left": 0}}


@given(ids)
def test_done_carries_the_id(message_id: str | int) -> None:
    assert arrived(messages.done(message_id)) == {"$done": True, "$id": message_id}


# what is no message


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"NaN", "is no JSON"),
        (b'"\\ud800"', "is no JSON"),
        (b"9" * 5000, "is no JSON"),
        (b"[" * 65, "is nested more than 64 deep"),
        (b"[" * 60_000, "is nested more than 64 deep"),
        (b"[" * 500_000 + b"]" * 500_000, "is nested more than 64 deep"),
    ],
)
def test_a_text_from_elsewhere_is_read_or_reported_in_a_sentence(text: bytes, reported: str) -> None:
    with pytest.raises(ValueError, match=reported):
        messages.parse(text)


def test_a_text_from_elsewhere_says_what_it_says() -> None:
    assert messages.parse('{"имя": [1, null, "🍎", 1.5]}'.encode()) == {"имя": [1, None, "🍎", 1.5]}
    assert messages.parse(b"\xef\xbb\xbf[1]") == [1]
    assert messages.parse(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize(
    ("value", "event"),
    [
        ({"event": "tick", "цена": 1}, {"event": "tick", "цена": 1}),
        ({"цена": "😀"}, {"event": "message", "цена": "😀"}),
        ({}, {"event": "message"}),
        ([1], {"event": "message", "v": [1]}),
        ("текст", {"event": "message", "v": "текст"}),
        (Order("чай"), {"event": "message", "item": "чай", "size": "маленький"}),
        (Total(Decimal(1)), {"event": "message", "всего": "1"}),
    ],
)
@pytest.mark.parametrize("group", [True, False])
def test_what_a_feed_yields_is_an_event(value: object, event: dict[str, Any], group: bool) -> None:
    frame = messages.feed_events("v", 100, group=group)(value)
    assert frame is not None
    assert json.loads(frame) == event
    assert messages.feed_events("v", 100, group=group)(None) is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"event": ""}, "/event"),
        ({"event": 5}, "/event"),
        ({"error": "x"}, "/error"),
        ({"$n": 1}, "/$n"),
        ({"a": math.inf}, "/a"),
        ({"text": "x" * 100}, ""),
    ],
)
def test_what_is_no_event_is_none_of_a_feed_either(value: object, path: str) -> None:
    for group in (True, False):
        with pytest.raises(Unsendable) as caught:
            messages.feed_events("v", 100, group=group)(value)
        assert caught.value.path == path


@pytest.mark.parametrize(("value", "path"), [({"event": "left"}, "/event"), ({"group": "x"}, "/group")])
def test_what_is_ours_in_a_group_a_connection_may_hear(value: object, path: str) -> None:
    with pytest.raises(Unsendable) as caught:
        messages.feed_events("v", 100, group=True)(value)
    assert caught.value.path == path
    assert messages.feed_events("v", 100, group=False)(value) is not None


@given(objects)
def test_whatever_a_feed_yields_arrives_as_it_is(value: dict[str, Any]) -> None:
    frame = messages.feed_events("v", 10**6, group=False)(value)
    assert frame is not None
    assert json.loads(frame) == {"event": "message", **value}


@pytest.mark.parametrize("kind", ["text", "any"])
def test_a_payload_that_utf_8_cannot_hold_says_so(kind: str) -> None:
    assert messages.payload("я", kind) == "я".encode()
    with pytest.raises(Unsendable, match="surrogate"):
        messages.payload("\ud800", kind)
