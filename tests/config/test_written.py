from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.config.source import compose
from jackfield.config.written import WIDTH, Style, entry, flow, item

LEAVES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["<<", "null", "~", "1e3", "on"]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES | TEXTS, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4), max_leaves=12
)


def same(text: str, value: Any) -> bool:
    """Whether our reader finds this value in a text, to the type of each number."""
    found = compose(text.encode(), "x")
    return not found.problems and json.dumps(found.data) == json.dumps(value)


@example({"a": "x" * 200, "b": [{"c": ["y" * 120]}, {}, []]}, 2, 0, True)
@given(VALUES, st.integers(1, 4), st.integers(0, 3), st.booleans())
def test_what_is_written_is_read_as_what_it_was(value: Any, indent: int, dashes: int, bare: bool) -> None:
    for opened in (-1, 0, 3):
        style = Style(indent, dashes, bare=bare)
        assert same("\n".join(entry("url", value, 0, style, opened)), {"url": value})
        assert same("\n".join(item(value, 3, style, opened)), [value])
    assert same(flow(value, Style(json=True)), value)
    assert json.loads(flow(value, Style(json=True))) == value


@pytest.mark.parametrize(
    ("value", "opened", "text"),
    [
        ("/ws/rooms/{room}", 0, "url: /ws/rooms/{room}"),
        ("room:{room}", 0, 'url: "room:{room}"'),
        ("{room}", 0, 'url: "{room}"'),
        ("no blanks", 0, 'url: "no blanks"'),
        ("1.5", 0, 'url: "1.5"'),
        ("null", 0, 'url: "null"'),
        ({"roles": ["a", "б"]}, 0, 'url: {roles: [a, "б"]}'),
        ({"a": {"b": 1}}, 1, "url:\n  a: {b: 1}"),
        ([{"send": {"a": [{}]}}], 0, "url:\n  - send: {a: [{}]}"),
        ({"a": "x" * (WIDTH - len("url: {a: }"))}, 0, f"url: {{a: {'x' * (WIDTH - len('url: {a: }'))}}}"),
        ({"a": "x" * (WIDTH - len("url: {a: }") + 1)}, 0, f"url:\n  a: {'x' * (WIDTH - len('url: {a: }') + 1)}"),
        ("\x7f\x85\u2028\ufeff👋", 0, 'url: "\\u007f\\u0085\\u2028\\ufeff👋"'),
    ],
)
def test_it_is_written_as_people_do(value: Any, opened: int, text: str) -> None:
    assert "\n".join(entry("url", value, 0, Style(bare=True), opened)) == text
