"""Differences between what was expected and what came, as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.testing.difference import MOST, differences, shown


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ({"a": 1, "б": [1, {"c": None}]}, {"б": [1, {"c": None}], "a": 1.0}),
        ({}, {}),
        ([True, "x"], [True, "x"]),
    ],
)
def test_what_is_equal_has_no_difference(expected: Any, came: Any) -> None:
    assert differences(expected, came) == []
    assert differences(expected, came, partial=True) == []


@pytest.mark.parametrize(
    ("expected", "came", "lines"),
    [
        ({"message": "Привет!"}, {"message": "Привет?"}, ['/message: expected "Привет!", came "Привет?"']),
        (
            {"заказ": {"lines": [{"item": "Чай", "count": 2}, {"item": "Мёд"}]}},
            {"заказ": {"lines": [{"item": "Чай", "count": 3, "цена": "2.50"}]}},
            [
                "/заказ/lines/0/count: expected 2, came 3",
                '/заказ/lines/0/цена: not expected, came "2.50"',
                '/заказ/lines/1: missing, expected {"item": "Мёд"}',
            ],
        ),
        ({"a": 1}, {"a": True}, ["/a: expected 1, came true"]),
        ({"a": False}, {"a": 0}, ["/a: expected false, came 0"]),
        ({"a": None}, {}, ["/a: missing, expected null"]),
        ({"a": "1"}, {"a": 1}, ['/a: expected "1", came 1']),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, ["/a~1b/~0: expected 1, came 2"]),
        ([1], [1, 2], ["/1: not expected, came 2"]),
        ("a", "b", ['/: expected "a", came "b"']),
    ],
)
def test_each_difference_has_its_place(expected: Any, came: Any, lines: list[str]) -> None:
    assert differences(expected, came) == lines


def test_partial_lets_more_keys_come_at_every_depth_and_no_longer_lists() -> None:
    came = {"a": {"b": 1, "more": 2}, "list": [{"c": 1, "more": 3}], "more": 4}
    assert differences({"a": {"b": 1}, "list": [{"c": 1}]}, came, partial=True) == []
    assert differences({"list": []}, came, partial=True) == ['/list/0: not expected, came {"c": 1, "more": 3}']
    assert differences({"a": {"x": 1}}, came, partial=True) == ["/a/x: missing, expected 1"]


def test_a_long_text_is_cut_around_the_place_where_it_parts() -> None:
    (line,) = differences({"t": "а" * 500 + "б" + "а" * 500}, {"t": "а" * 500 + "в" + "а" * 500})
    assert line.startswith('/t: expected at letter 481: …"' + "а" * 20 + "б")
    assert 'came at letter 481: …"' + "а" * 20 + "в" in line
    assert len(line) < 350


@pytest.mark.parametrize(
    ("expected", "came", "line"),
    [
        ("мо\u0439", "мо\u0438\u0306", r'/t: expected "\u043c\u043e\u0439", came "\u043c\u043e\u0438\u0306"'),
        ("5\u202f000", "5 000", r'/t: expected "5\u202f000", came "5 000"'),
        ("a\u200eb", "ab", r'/t: expected "a\u200eb", came "ab"'),
        ("x" * 200 + "\u00e9", "x" * 200 + "e\u0301", ""),
    ],
)
def test_texts_that_look_alike_are_reported_by_their_letters(expected: str, came: str, line: str) -> None:
    (found,) = differences({"t": expected}, {"t": came})
    assert found == line if line.startswith("/t") else r"\u00e9" in found and r"e\u0301" in found


def test_only_so_many_differences_are_reported() -> None:
    lines = differences(list(range(100)), list(range(1, 101)))
    assert len(lines) == MOST + 1
    assert lines[-1] == "… and 80 more"


def test_a_value_is_shown_as_json_and_cut() -> None:
    assert shown({"м": "👋"}) == '{"м": "👋"}'
    assert len(shown("x" * 1000)) == 100
