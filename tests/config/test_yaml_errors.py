from __future__ import annotations

import pytest

from jackfield.config.source import compose

QUOTES = "put the text in quotes"


@pytest.mark.parametrize(
    ("text", "words", "line", "column"),
    [
        ("a: b: c\n", QUOTES, 1, 5),
        ("a: text, with: colon\n", QUOTES, 1, 14),
        ("- x\n- a: b: c\n", QUOTES, 2, 7),
        ("a: {m: x #5}\nb: 1\n", QUOTES, 1, 4),
        ("a: {m: x: y}\n", QUOTES, 1, 4),
        ("a: {m: ?}\n", QUOTES, 1, 8),
        ("a: [,]\n", QUOTES, 1, 5),
        ("a: {b:}\n", "no value", 1, 6),
        ("a: [\n", "the file ends", 2, 1),
        ("a: @x\n", QUOTES, 1, 4),
        ("a: %x\n", QUOTES, 1, 4),
        ("a: `x`\n", QUOTES, 1, 4),
        ("a: *\n", QUOTES, 1, 4),
        ("a: &\n", QUOTES, 1, 4),
        ("a: |x\n", QUOTES, 1, 4),
        ("a: - b\n", QUOTES, 1, 4),
        ("a: [b]]\n", QUOTES, 1, 7),
        ("a:\n\tb: 1\n", "use spaces", 2, 1),
        ("a: |\n\tx\n", "use spaces", 2, 1),
        ("a:b\nc: d\n", "put a blank after the colon: `a: b`", 1, 1),
        ("a:\n  url:/ws/g\n  c: d\n", "put a blank after the colon: `url: /ws/g`", 2, 3),
        ("a:\n  c: d\n  url:/ws/привет\n", "put a blank after the colon: `url: /ws/привет`", 3, 3),
        ("a:\n  url:\xa0/ws/g\n  c: d\n", "put a blank after the colon: `url: /ws/g`", 2, 3),
        ("a:\n  c: d\n  http://x\n", "a key without a colon", 3, 3),
        ("a:\n  b:\n\xa0\xa0\xa0 url: x\n    c: d\n", "no-break space U+00A0 cannot indent", 3, 1),
        ("a:\n  b:\n    url: x\n  \xa0 c: d\n", "ordinary blanks in its place", 4, 3),
        ("a: |\n  x\n  \xa0ещё\nb: c: d\n", QUOTES, 4, 5),
        ("имя:\n\u2003б: в\n", "em space U+2003", 2, 1),
        ("a:\n\u200b  b: c\n", "zero width space U+200B", 2, 1),
        ("a: b\n  c: d\n", "does not fit the one above", 2, 4),
        ("a:\n  b: 1\n c: 2\n", "indentation fits nothing", 3, 2),
        ("a: 'it's'\n", "after its closing quote", 1, 8),
        ('a: "x" y\n', "after its closing quote", 1, 8),
        ("a: 'x\nb: 1\n", "never closed", 1, 4),
        ('a: "x\n---\n', "never closed", 1, 4),
        ("a: [1\nb: 2\n", "closing ] is missing", 1, 4),
        ("a: {x: 1\nb: 2\n", "closing } is missing", 1, 4),
        ("a: 1\nb\n", "a key without a colon", 2, 1),
        ('a: "C:\\dir"\n', "backslash", 1, 7),
        ('a: "\\ud800"\n', "backslash", 1, 7),
        ("- a\nb: c\n", "begins with a dash", 2, 1),
        ("a: {room} is open\n", QUOTES, 1, 11),
        ("a: [beta] чат\n", QUOTES, 1, 11),
        ("a: {x}, {y}\n", QUOTES, 1, 7),
        ("- {room} x\n- b\n", QUOTES, 1, 10),
        ('- "x" y\n', "after its closing quote", 1, 7),
        ("a:\n  c: d\n  url:/ws/g\n\n  e: f\n", "put a blank after the colon: `url: /ws/g`", 3, 3),
        ("a:\n  c: d\n  url:\u2009/ws/g\n", "(the thin space U+2009 that stands there is none)", 3, 3),
        ("--- a\n...\nb: 1\n", "end of the document", 3, 1),
        ("%YAML 3.0\n---\na: 1\n", "%YAML", 1, 1),
        ("a: %\n%", "%", 1, 4),
    ],
)
def test_a_fault_of_yaml_is_reported_in_plain_words(text: str, words: str, line: int, column: int) -> None:
    found = compose(text.encode(), "endpoints.yaml")
    assert found.broken
    (problem,) = found.problems
    assert problem.code == "yaml_syntax"
    assert words in f"{problem.message}; {problem.hint}"
    assert (problem.line, problem.column) == (line, column)


def test_what_has_no_translation_is_passed_on() -> None:
    (problem,) = compose(b"%x y\n%", "endpoints.yaml").problems
    assert problem.message.startswith("this is not well-formed YAML: ")


@pytest.mark.parametrize("text", ["a: |\n  x\n  \xa0ещё\n", '"\xa0a": b\n', "{a: б, \xa0c: d}\n", "a: x\n  \xa0ещё\n"])
def test_an_odd_blank_that_indents_no_key_is_a_letter_of_its_text(text: str) -> None:
    assert compose(text.encode(), "endpoints.yaml").problems == ()
