from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.auth.store.tables import Change, Kind, Session, User, new_login, normal_login, normal_role
from jackfield.errors import Refusal
from jackfield.identity import ANONYMOUS, Identity

ANNA = Identity("anna", frozenset({"support"}), "s1")


def refused(text: str) -> str:
    with pytest.raises(Refusal) as caught:
        normal_login(text)
    assert caught.value.code == "invalid_request"
    return caught.value.detail


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


def test_two_spellings_of_one_letter_are_one_login() -> None:
    assert normal_login("Zoe\u0308") == "Zo\u00eb"
    assert normal_login("й") == normal_login("и\u0306")


def test_upper_and_lower_case_differ() -> None:
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
    detail = refused(login)
    assert word in detail
    assert detail.isprintable()


@given(st.text(max_size=140))
def test_a_normal_login_stays_as_it_is(text: str) -> None:
    try:
        login = normal_login(text)
    except Refusal:
        return
    assert normal_login(login) == login


@pytest.mark.parametrize("role", ["a b", "a,b", "+a", "-a", "", "a\n"])
def test_a_role_is_one_word(role: str) -> None:
    with pytest.raises(Refusal):
        normal_role(role)
    assert normal_role("поддержка") == "поддержка"


@pytest.mark.parametrize("kind", ["session_ended", "password_changed"])
def test_a_change_of_one_session_concerns_that_session_alone(kind: str) -> None:
    assert Change("anna", "s1", kind).concerns(ANNA)  # type: ignore[arg-type]
    assert not Change("anna", "s2", kind).concerns(ANNA)  # type: ignore[arg-type]
    assert not Change("anna", "", kind).concerns(ANNA)  # type: ignore[arg-type]
    assert not Change("anna", "", kind).concerns(Identity("anna"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["user_disabled", "user_removed", "roles_changed"])
def test_a_change_of_a_user_concerns_all_sessions(kind: str) -> None:
    assert Change("anna", "", kind).concerns(ANNA)  # type: ignore[arg-type]
    assert not Change("Anna", "", kind).concerns(ANNA)  # type: ignore[arg-type]
    assert Change("anna", "", kind).ends is (kind != "roles_changed")  # type: ignore[arg-type]


def test_a_moved_end_concerns_its_session_and_ends_nothing() -> None:
    change = Change("anna", "s1", "session_refreshed", expires_at=5.0)
    assert change.concerns(ANNA)
    assert not change.concerns(Identity("anna", session="s2"))
    assert not change.ends


@pytest.mark.parametrize("kind", ["user_disabled", "user_removed", "roles_changed"])
def test_a_change_of_a_user_concerns_no_caller_that_another_authority_knows(kind: str) -> None:
    assert not Change("anna", "", kind).concerns(Identity("anna", session="jwt:1"))  # type: ignore[arg-type]


def test_connections_are_closed_of_those_who_have_no_session_of_ours() -> None:
    change = Change("anna", "", "connections_closed")
    assert change.concerns(Identity("anna", session="jwt:1"))
    assert not change.concerns(Identity("bob", session="jwt:1"))
    assert not change.concerns(ANNA)  # it has a row of its own; a session opened since is not meant


def test_a_silent_store_concerns_those_whose_session_it_keeps() -> None:
    change = Change("", "", "store_silent")
    assert change.concerns(ANNA)
    assert not change.concerns(Identity("anna", session="jwt:1"))
    assert not change.concerns(ANONYMOUS)


def test_what_ends_a_connection_says_why() -> None:
    kinds = set(get_args(Kind)) - {"session_refreshed", "roles_changed", "user_added", "user_enabled"}
    reasons = {Change("anna", "s1", kind).reason for kind in kinds}
    assert len(reasons) == len(kinds)
    assert all(1 < len(reason.encode()) <= 123 for reason in reasons)


@pytest.mark.parametrize("kind", ["user_added", "user_enabled"])
def test_what_lets_somebody_in_concerns_no_connection(kind: str) -> None:
    assert not Change("anna", "", kind).concerns(ANNA)  # type: ignore[arg-type]


def test_a_session_says_who_is_calling() -> None:
    session = Session("s1", "anna", frozenset({"support"}), 1.0, 2.0, 1.0)
    assert session.identity == Identity("anna", frozenset({"support"}), "s1", 2.0)


def test_a_password_hash_is_kept_out_of_repr() -> None:
    assert "geheim" not in repr(User("anna", frozenset(), False, 1.0, "geheim"))
