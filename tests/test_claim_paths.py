"""The path of a claim: what it leads to, and what it is called in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import claim_paths


@pytest.mark.parametrize(
    ("path", "reported"),
    [
        ("sub", 'the claim "sub"'),
        ("realm_access.roles", 'the claim "realm_access", in it "roles", unless a claim has the whole name'),
        (r"a.пульт\.веб.b", 'the claim "a", in it "пульт.веб", in it "b"'),
        (r"https://desk\.example/roles", 'the claim "https://desk.example/roles"'),
    ],
)
def test_a_path_is_reported_in_words(path: str, reported: str) -> None:
    assert claim_paths.described(path) == reported


@pytest.mark.parametrize("path", ["a\\", r"a\b", "\\"])
def test_a_backslash_that_means_nothing_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="a backslash stands before a dot"):
        claim_paths.parts(path)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_every_name_can_be_written(names: list[str]) -> None:
    path = ".".join(name.replace("\\", "\\\\").replace(".", "\\.") for name in names)
    assert claim_paths.parts(path) == tuple(names)
    found: object = "here"
    for name in reversed(names):
        found = {name: found}
    assert isinstance(found, dict)
    assert claim_paths.at(found, path) == "here"
