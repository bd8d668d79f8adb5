from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.auth.store.tables import Change, Kind, Session, User, login_of, new_login, normal_login, normal_role
from jackfield.errors import Refusal
from jackfield.identity import ANONYMOUS, Identity

ANNA = Identity("anna", frozenset({"support"}), "s1")
OTHERS = Identity("anna", session="jwt:1")
"""A caller of that name whom another authority knows."""


@pytest.mark.parametrize("login", ["anna", "Анна", "安娜", "anna@example.com", "O'Neil", "👩‍🚀", "я" * 128, "a b"])
def test_a_login_may_be_in_any_language(login: str) -> None:
    assert normal_login(login) == login


def test_a_login_has_an_address() -> None:
    """Clients take `.` and `..` out of an address; who has them elsewhere, at a provider say, may keep them."""
    assert new_login("...") == "..."
    for none in (".", ".."):
        assert normal_login(none) == none
        with pytest.raises(Refusal, match=re.escape(f"/api/users/{none} too")):
            new_login(none)
    for others in ("jwt:анна", "verify:анна", "~анна"):
        assert normal_login(others) == others
        with pytest.raises(Refusal, match="begin those of others"):
            new_login(others)


def test_two_spellings_of_one_letter_are_one_login_and_two_cases_are_two() -> None:
    assert normal_login("Zoe\u0308") == "Zo\u00eb"
    assert normal_login("й") == normal_login("и\u0306")
    assert normal_login("Anna") != normal_login("anna")


@pytest.mark.parametrize(
    ("login", "word"),
    [
        ("", "1 to 128"),
        ("я" * 129, "1 to 128"),
        ("an\nna", "control"),
        ("an\x00na", "control"),
        ("an\x1b[31mna", "control"),
        ("an\u2028na", "control"),
        ("an\u202ena", "control"),
        ("an\ud800na", "control"),
        (" anna", "blank"),
        ("anna\u00a0", "blank"),
    ],
)
def test_ops_1_a_login_that_would_confuse_a_reader_is_refused(login: str, word: str) -> None:
    with pytest.raises(Refusal, match=word) as caught:
        normal_login(login)
    assert caught.value.code == "invalid_request"
    assert caught.value.detail.isprintable()


@given(st.text(max_size=140))
def test_a_normal_login_stays_as_it_is(text: str) -> None:
    login = login_of(text)
    assert login_of(login) == login


@pytest.mark.parametrize("role", ["a b", "a,b", "+a", "-a", "", "a\n"])
def test_a_role_is_one_word(role: str) -> None:
    with pytest.raises(Refusal):
        normal_role(role)
    assert normal_role("поддержка") == "поддержка"


OF_SESSION = "session_ended password_changed session_refreshed"
OF_USER = "user_disabled user_removed roles_changed"


@pytest.mark.parametrize(
    ("kinds", "login", "session", "caller", "concerned"),
    [
        (OF_SESSION, "anna", "s1", ANNA, True),
        (OF_SESSION, "anna", "s2", ANNA, False),
        (OF_SESSION, "anna", "", ANNA, False),
        (OF_SESSION, "anna", "", Identity("anna"), False),
        (OF_USER, "anna", "", ANNA, True),
        (OF_USER, "Anna", "", ANNA, False),
        (OF_USER, "anna", "", OTHERS, False),
        ("connections_closed", "anna", "", OTHERS, True),
        ("connections_closed", "bob", "", OTHERS, False),
        ("connections_closed", "anna", "", ANNA, False),  # its sessions have rows of their own; one opened since stays
        ("store_silent", "", "", ANNA, True),
        ("store_silent", "", "", OTHERS, False),
        ("store_silent", "", "", ANONYMOUS, False),
        ("user_added user_enabled name_changed", "anna", "", ANNA, False),
    ],
)
def test_whom_a_change_concerns(kinds: str, login: str, session: str, caller: Identity, concerned: bool) -> None:
    for kind in kinds.split():
        assert Change(login, session, kind).concerns(caller) is concerned, kind  # type: ignore[arg-type]  # a Kind


def test_other_roles_and_a_moved_end_end_nothing() -> None:
    going_on = {kind for kind in get_args(Kind) if not Change("anna", "s1", kind).ends}
    of_keys = {"key_added", "key_rotated", "key_removed"}  # see auth/keys.py
    assert going_on == {"roles_changed", "session_refreshed"} | of_keys


def test_what_ends_a_connection_says_why() -> None:
    kinds = {kind for kind in get_args(Kind) if Change("", "", kind).ends} - {
        "user_added",
        "user_enabled",
        "name_changed",
    }
    reasons = {Change("anna", "s1", kind).reason for kind in kinds}
    assert len(reasons) == len(kinds)
    assert all(1 < len(reason.encode()) <= 123 for reason in reasons)


def test_a_session_says_who_is_calling_and_a_user_shows_no_hash() -> None:
    session = Session("s1", "anna", frozenset({"support"}), 1.0, 2.0, 1.0)
    assert session.identity == Identity("anna", frozenset({"support"}), "s1", 2.0)
    assert "geheim" not in repr(User("anna", frozenset(), False, 1.0, "geheim"))
