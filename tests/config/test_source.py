from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from jackfield.config import source
from jackfield.config.plan import Place
from jackfield.config.source import Source, compose, read
from tests.test_files import NONE


def composed(text: str | bytes) -> Source:
    return compose(text if isinstance(text, bytes) else text.encode(), "endpoints.yaml")


def codes(found: Source) -> list[str]:
    return [problem.code for problem in found.problems]


def test_data_and_the_place_of_every_key_and_item() -> None:
    found = composed('a: "Привет 👋"\nb:\n  - c: {d: 1}\n  - 2\n')
    assert found.data == {"a": "Привет 👋", "b": [{"c": {"d": 1}}, 2]}
    assert not found.problems
    assert found.places["b", 0] == Place("endpoints.yaml", 3, 5)
    assert found.places["b", 0, "c", "d"] == Place("endpoints.yaml", 3, 9)
    assert found.places["b", 1] == Place("endpoints.yaml", 4, 5)
    assert set(found.places) == {(), ("a",), ("b",), ("b", 0), ("b", 0, "c"), ("b", 0, "c", "d"), ("b", 1)}


def test_columns_count_letters() -> None:
    assert composed('{"Привет 👋": 1, x: 2}').places["x",] == Place("endpoints.yaml", 1, 17)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("on: no\nyes: 12:30\nt: 2026-11-22\n", {"on": "no", "yes": "12:30", "t": "2026-11-22"}),  # texts, keys too
        ("a: {message: Как дела?}", {"a": {"message": "Как дела?"}}),  # a question mark ends a text in braces
        ("a: &x [1, 2]\nb: *x\nc: {d: *x}\n", {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}}),
    ],
)
def test_what_a_text_means(text: str, data: object) -> None:
    found = composed(text)
    assert found.data == data
    assert not found.problems


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n"])
def test_a_file_without_content_is_nothing_and_not_broken(text: str) -> None:
    found = composed(text)
    assert found.data is None
    assert not found.broken
    assert not found.problems


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    found = composed(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert found.data == {"a": 1, "b": 2}
    assert found.places["b",] == Place("endpoints.yaml", 2, 1)


@pytest.mark.shows("CF-1", "CF-2")
@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", 3, 1),
        ("a:\n  <<: {b: 1}\n", "yaml_feature", 2, 3),
        ("a: !!python/object/apply:os.system ['x']\n", "yaml_feature", 1, 4),
        ("a: !!python/name:os.system\n", "yaml_feature", 1, 4),
        ("a: !!set {a}\n", "yaml_feature", 1, 4),
        ("a: !x y\n", "yaml_feature", 1, 4),
        ("a: *b\n", "yaml_feature", 1, 4),
        ("a: &a\n  - *a\n", "yaml_feature", 2, 5),
        ("a: 1\n---\nb: 2\n", "yaml_syntax", 2, 1),
        ("1: x\n", "wrong_type", 1, 1),
        ("a: {true: x}\n", "wrong_type", 1, 5),
        ("~: x\n", "wrong_type", 1, 1),
        ("? [a]\n: b\n", "wrong_type", 1, 3),
        ("a: .nan\n", "wrong_value", 1, 4),
        ("a: " + "9" * 5000, "wrong_value", 1, 4),
        ("a: Заказ #5\n", "cut_by_comment", 1, 4),
        ("a:\n  - Room #5\n", "cut_by_comment", 2, 5),
        ("summary: Заказ # 5\n", "cut_by_comment", 1, 10),
        ("a: “Привет”\n", "curly_quotes", 1, 4),
        ("a: {message: Привет, как дела?}\n", "yaml_syntax", 1, 22),
        ("a: {b: 1, c, d: 2}\n", "yaml_syntax", 1, 11),
        ("a: x\u2028\n", "yaml_syntax", 1, 5),
        ("a: 1\nb: \x00\n", "yaml_syntax", 2, 4),
        (b"a: 1\nb: \xff\n", "file_unreadable", 2, 4),
        ("я: ".encode() + b"\xff\n", "file_unreadable", 1, 4),
        (b"#" * (1024 * 1024 + 1), "file_unreadable", 0, 0),
        ("[" * 500, "yaml_feature", 1, 66),
        ("a:\n" + "".join(" " * n + "b:\n" for n in range(1, 80)), "yaml_feature", 65, 65),
    ],
)
def test_faults_have_code_and_place(text: str | bytes, code: str, line: int, column: int) -> None:
    found = composed(text)
    assert codes(found) == [code]
    assert (found.problems[0].line, found.problems[0].column) == (line, column)


@pytest.mark.shows("CF-2")
def test_nesting_without_end_is_one_fault_whoever_counts_it() -> None:
    for text in ("[" * 100_000, "a: " + "{b: " * 5_000, "- " * 5_000):
        found = composed(text)
        assert found.broken
        assert [(p.code, p.line, p.message) for p in found.problems] == [
            ("yaml_feature", 1, "nested deeper than 64 levels")
        ]


@pytest.mark.shows("CF-2")
def test_a_bomb_of_aliases_is_not_followed() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{b}: &{b} [{','.join(['*' + a] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    found = composed("\n".join(lines))
    assert found.broken
    assert codes(found) == ["yaml_feature"]
    assert "10,000 values" in found.problems[0].message


@pytest.mark.shows("CF-2")
def test_the_first_of_two_keys_counts_and_is_named() -> None:
    found = composed("a: 1\na: {b: 2}\n")
    assert found.data == {"a": 1}
    assert ("a", "b") not in found.places
    assert "endpoints.yaml:1:1" in found.problems[0].hint


def test_several_faults_are_reported_in_one_go() -> None:
    found = composed("a: 1\na: 2\n<<: x\n5: y\nb: *c\nd: !x z\n")
    assert codes(found) == ["duplicate_key", "yaml_feature", "wrong_type", "yaml_feature", "yaml_feature"]
    assert found.data["a"] == 1


def test_a_file_of_nothing_but_faults_is_left_early() -> None:
    found = composed("a: 1\n" * 5000)
    assert len(found.problems) == 100
    assert found.broken


@pytest.mark.parametrize(
    "text",
    ["a: x # a comment\n", "a: 30s   #comment\n", "a: 'Заказ #5'\n", "a: Заказ#5\n", "a: # nothing\n", "a: x #\n",
     "a: x ## y\n", "a: x"],
)  # fmt: skip
def test_ordinary_comments_are_not_warned_of(text: str) -> None:
    assert not composed(text).problems


def test_the_cut_is_a_warning() -> None:
    found = composed("summary: Заказ #5\n")
    assert found.problems[0].severity == "warning"
    assert '"Заказ"' in found.problems[0].message
    assert found.data == {"summary": "Заказ"}


def test_the_pure_parser_takes_over_where_libyaml_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_Parser", yaml.SafeLoader)
    assert composed("a: {b: [1, on]}\n").data == {"a": {"b": [1, "on"]}}
    for text in ('a: "\\ud800"\n', "a: b: c\n", 'a: "\\UFFFFFFFF"\n', 'a: "\\U00110000"\n'):
        assert codes(composed(text)) == ["yaml_syntax"]


def test_files_that_are_none(tmp_path: Path) -> None:
    assert codes(read(tmp_path / "no.yaml", "no.yaml")) == ["file_missing"]
    assert codes(read(tmp_path, "folder")) == ["file_unreadable"]
    os.mkfifo(tmp_path / "pipe")
    assert codes(read(tmp_path / "pipe", "pipe")) == ["file_unreadable"]


@pytest.mark.parametrize(("make", "reported"), NONE, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_file_is_a_problem_and_not_read(tmp_path: Path, make: Callable[[Path], None], reported: str) -> None:
    make(tmp_path / "x")
    (problem,) = read(tmp_path / "x", "endpoints/x.yaml").problems
    assert problem.code == ("file_missing" if "No such file" in reported else "file_unreadable")
    assert problem.file == "endpoints/x.yaml"
    said = {"it is longer than 100 bytes": "over 1 MiB", "No such file or directory": "there is no such file"}
    assert said.get(reported, reported) in problem.message


def test_a_file_is_called_by_the_name_given(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1\na: 2\n")
    found = read(tmp_path / "x.yaml", "endpoints/x.yaml")
    assert found.problems[0].file == found.places["a",].file == "endpoints/x.yaml"
