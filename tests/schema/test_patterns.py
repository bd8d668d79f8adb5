"""Which patterns are taken, and that a text is asked of them in linear time."""

from __future__ import annotations

import contextlib
import re
import warnings

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield.config.plan import AuthSettings
from jackfield.describe.documents import http_schemas
from jackfield.schema import patterns
from jackfield.schema.patterns import DECIMAL, TIME

TAKEN = [
    "", "a", "^a$", r"^([a-z]+-?)*$", r"(a|aa)+$", r"a??", r"a+?b*?", r"a{2}", r"a{2,}", r"a{2,3}?", "(?:a)",
    "(?<n>a)",
    "(?i:a)", "(?im-s:a)", r"[a-z]", r"[^a]", r"[\w.-]", r"[(?=*+]", r"\(\?=", r"\\Z", r"\\1", r"\d\D\s\S\w\W\b\B",
    r"\n\t\cA", r"\x41\u0416\u{1F600}", r"\p{L}\P{Lu}", r"[\p{L}\p{N} .'-]+", r"\-\.\/\@\[\]", "Привет|😀", r"^[^<>]*$",
    r"^\p{L}[\p{L}\p{M}\p{N} .'-]*$", r"^[\w.-]{1,64}@[\w.-]{1,255}$", "^.{1,100}$", "[a&&b]", "[[]",
    "[[:alpha:]]", r"[-\w.-]", r"[\\0]", r"[a-z-\d]", DECIMAL, TIME,
]  # fmt: skip

REFUSED = [
    ("(?=a)b", "look-around"), ("(?!a)b", "look-around"), ("(?<=a)b", "look-around"), ("(?<!a)b", "look-around"),
    (r"(a)\1", r"\1"), (r"(?<n>a)\k<n>", r"\1"), ("(?P<n>a)(?P=n)", ""), ("(a)?(?(1)b|c)", r"\1"),
    (r"a\Z", "very end"), (r"\Aa", "beginning"), (r"a\z", "very end"), ("(?P<n>a)", "name of the group"),
    ("a++", "take + away"), ("a*+", "take + away"), ("a?+", "take + away"), ("a{2}+", "take + away"),
    ("a{2}{3}", "take {3} away"), ("a**", "take * away"), ("a???", "take ? away"),
    ("(?>a)", "ever goes back"), ("(?#note)a", "comments"), ("(?i)a", "(?i:…)"), ("(?x:a)", "i, m and s"),
    ("(?u)a", "i, m and s"), ("(?a:a)", "i, m and s"), ("(?-u:a)", "i, m and s"), (r"\<a", "edge of a word"),
    (r"a\>", "edge of a word"), (r"\b{start}a", "edge of a word"), ("[]a]", r"\]"), ("[^]", r"\]"), ("[]", r"\]"),
    (r"\x{41}", "by its number"), (r"\pL", "by its number"), (r"\U0001F600", "by its number"),
    (r"\e", r"\e is not known"), (r"\0", r"write \x00"), (r"[^\0]", r"write \x00"), (r"\07", r"write \x00"),
    (r"^[\w-\.]+@", r"write \- for -"), (r"[\p{L}-z]", r"write \- for -"), ("^{[a-z]+}$", r"write \{ for {"),
    (r"\p{Nope}", r"\p{Nope} is not known"),
    (r"[\b]", r"write \x08"), ("(", "bracket"), (")", "bracket"), ("a{", r"write \{ for {"),
    ("a{,3}", r"write \{ for {"), ("a{3,2}", "bracket"), ("*a", "bracket"), ("[a", "bracket"), ("\\", "is not known"),
]  # fmt: skip

LARGE = [
    "(a{1000}){1000}", "((a{1000}){1000}){1000}", r"\p{L}{1,100}", "^.{1,1000}$", "a" * 10_000, "(?:a{1,50}){1,50}b",
]  # fmt: skip


@pytest.mark.parametrize("pattern", TAKEN)
def test_patterns_of_json_schema_are_taken(pattern: str) -> None:
    assert patterns.check(pattern) is None
    patterns.matcher(pattern)


@pytest.mark.parametrize(("pattern", "hint"), REFUSED)
def test_others_are_refused_with_a_hint(pattern: str, hint: str) -> None:
    misfit = patterns.check(pattern)
    assert misfit is not None
    assert misfit.message == f'"{pattern}" is no regular expression that is taken here'
    assert hint in misfit.hint
    with pytest.raises(ValueError, match="no regular expression"):
        patterns.matcher(pattern)


@pytest.mark.parametrize("pattern", LARGE)
def test_what_grows_too_large_is_refused_with_what_to_write_instead(pattern: str) -> None:
    misfit = patterns.check(pattern)
    assert misfit is not None
    assert "is too large for a regular expression" in misfit.message
    assert len(misfit.message) < 120, "a long pattern is cut"
    assert "maxLength" in misfit.hint
    assert "max_length" in misfit.hint


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),  # anywhere
        ("^a$", "a", True),
        ("^a$", "a\n", False),  # Python's $ would take it
        ("^a$", "b\na", False),
        (r"^\d$", "7", True),
        (r"^\d$", "٧", False),  # a digit to Python
        (r"^\w$", "я", False),  # a letter to Python
        (r"^\p{L}+$", "Привет", True),
        (r"^\s$", "\u00a0", True),
        (r"^(?i:да)$", "ДА", True),
        ("^.$", "😀", True),
        ("^.$", "\n", False),
        ("[a&&b]", "&", True),
        ("[[:alpha:]]", "x", False),  # a set of these signs, and a bracket
        ("", "", True),
    ],
)
def test_what_a_pattern_means(pattern: str, text: str, found: bool) -> None:
    assert patterns.matcher(pattern)(text) is found


PIECES = st.sampled_from(
    ["a", "b", "-", ".", "^", "$", "|", "(", "(?:", "(?i:", ")", "[ab]", "[^a]", "[", "]", "*", "+", "?", "{2}",
     "\\d", "\\w", "\\b", "\\A", "\\Z", "\\<", "\\.", "&&", "--", "(?P<n>", "(?x)", "\\x61", "\\U00000061", "{", "}"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=6).map("".join), st.text("ab-A<{}&. ", max_size=5))
def test_python_and_the_engine_read_ascii_alike(pattern: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sets that Python may read otherwise some day
        try:
            expected = re.compile(pattern)
        except re.error:
            assume(False)
    assume(patterns.check(pattern) is None)
    assert patterns.matcher(pattern)(text) == (expected.search(text) is not None)


def test_every_pattern_of_a_schema_is_found_and_nothing_else() -> None:
    schema = {
        "pattern": "1",
        "patternProperties": {"2": {"pattern": "3"}},
        "properties": {"pattern": {"pattern": "4"}, "patternProperties": {"items": {"pattern": "5"}}},
        "anyOf": [{"propertyNames": {"pattern": "6"}}, True],
        "$defs": {"default": {"pattern": "7"}},
        "default": {"pattern": "("},
        "examples": [{"pattern": "("}],
        "enum": [{"pattern": "("}],
    }
    assert sorted(patterns.in_schema(schema)) == list("1234567")


def test_the_patterns_of_our_own_schemas_are_taken() -> None:
    found = list(patterns.in_schema({"$defs": http_schemas.schemas(AuthSettings())}))
    assert found
    assert [pattern for pattern in found if patterns.check(pattern) is not None] == []


@pytest.mark.parametrize(
    "pattern",
    [r"^\p{Lu}\p{Ll}+$", r"^[^a-z0-9]$", r"\bкот\b", "^(?i:a|b)+?$", r"^\x41\t.[\]]$", "a{3}|b", r"^[a-z]{2,}@[\w.]+$"],
)
def test_a_text_for_a_pattern_holds_it(pattern: str) -> None:
    assert patterns.matcher(pattern)(patterns.text_for(pattern, 1))


@pytest.mark.parametrize("pattern", ["", "(", ")", "a)b", "[", "*", "a{", "\\"])
def test_a_text_is_made_of_any_pattern(pattern: str) -> None:
    with contextlib.suppress(ValueError):  # of the engine, for a piece that is no pattern: those are refused at load
        assert isinstance(patterns.text_for(pattern), str)
