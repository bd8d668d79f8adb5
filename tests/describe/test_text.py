"""YAML for people, which reads back as what it was."""

from __future__ import annotations

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.describe.text import as_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
@example({"a": "one\x85two\nthree"})
@example({"a": "one\u2028two\nthree", "b": "\r\n", "c": "no", "d": "1.0", "e": "  \n x"})
def test_what_is_written_is_read_back(document: dict[str, object]) -> None:
    assert yaml.safe_load(as_yaml(document)) == document


def test_it_is_written_as_a_person_would() -> None:
    same = {"text": "Привет 🎉"}
    assert as_yaml({"one": same, "two": same, "more": "first\nsecond\n"}) == (
        "one:\n  text: Привет 🎉\ntwo:\n  text: Привет 🎉\nmore: |\n  first\n  second\n"
    )
