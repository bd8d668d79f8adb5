"""A login that was refused: told as it is where it is one, and by a hash where it may be something else."""

from __future__ import annotations

import secrets

import pytest

from jackfield.auth import login_log
from jackfield.auth.login_log import LONGEST_SHOWN, Logins
from jackfield.auth.passwords import MIN_PASSWORD
from jackfield.auth.tokens import Tokens

KEYS = b"o" * 32, b"n" * 32
OWN = f"1.{secrets.token_urlsafe(32)}.1764353000000.1764396200000.{secrets.token_urlsafe(32)}"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiLQsNC90Y8ifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEYS[:1], clock=lambda: 0.0)


@pytest.fixture
def made(tokens: Tokens) -> Logins:
    return Logins(tokens.fingerprint)


@pytest.mark.parametrize(
    "login",
    [
        "anna.petrova",
        "anna@example.com",
        "Анна Петрова",
        "ann-marie_1987",
        "DOMAIN\\anna.b",
        "svcBackup2024Prod",
        "👍👍👍👍👍👍👍👍",
    ],
)
def test_a_login_that_somebody_has_is_reported(made: Logins, login: str) -> None:
    assert made.shown(login).startswith("hash:"), "it may be a password"
    made.note(login)
    assert made.shown(login) == login


@pytest.mark.parametrize("login", ["", "root", "анна", "admin", "x" * (MIN_PASSWORD - 1)])
def test_what_is_too_short_for_a_password_is_reported(made: Logins, login: str) -> None:
    assert made.shown(login) == login


@pytest.mark.parametrize(
    "login",
    [
        OWN,
        OWN.replace(".", "%2e"),
        OWN.replace(".", "/"),
        JWT,
        f"Bearer {OWN}",
        f"gen_app_auth_token={OWN}",
        "correct horse battery staple",
        "верный пароль-71",
        "x" * MIN_PASSWORD,
        "a" * (LONGEST_SHOWN + 1),
        "\x00\x01 control",
        " " * 20,
        "\ud800" * 20,
    ],
)
def test_what_may_be_a_secret_is_reported_by_a_hash(made: Logins, tokens: Tokens, login: str) -> None:
    reported = made.shown(login)
    assert reported == f"hash:{tokens.fingerprint(login)}"
    assert len(reported) == 17
    assert made.shown(login) == reported, "so that an operator sees that it is the same one"
    assert made.shown(login + "x") != reported


@pytest.mark.parametrize("login", ["a" * (LONGEST_SHOWN + 1), OWN.split(".")[1], JWT], ids=["long", "random", "jwt"])
def test_nor_what_somebody_has_with_the_shape_of_one(made: Logins, login: str) -> None:
    made.note(login)
    assert made.shown(login).startswith("hash:")


def test_the_hash_is_of_the_servers_key(made: Logins, tokens: Tokens) -> None:
    before = made.shown(OWN)
    assert Logins(Tokens(KEYS[:1], clock=lambda: 0.0).fingerprint).shown(OWN) == before, "on every server"
    tokens.rotate(KEYS)
    assert made.shown(OWN) == before
    tokens.rotate(KEYS[1:])
    assert made.shown(OWN) != before


def test_so_many_are_remembered(made: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_log, "_REMEMBERED", 3)
    names = [f"somebody {number}" for number in range(5)]
    for name in names:
        made.note(name)
        made.note(names[0])
    assert [made.shown(name) == name for name in names] == [True, False, False, True, True]
