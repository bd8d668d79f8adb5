"""`jackfield keys`: made and printed once, listed, rotated, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.projects import write

from .conftest import run

OFF = """
auth: {login: off, verify: accounts.who}
groups: {"quotes:{symbol}": {may_join: {roles: ["trader-{symbol}"]}}}
endpoints:
  meter: {url: /ws/meter, process: echo.same, auth: {roles: [device]}}
  desk: {url: /ws/desk, actions: {say: {process: echo.same, auth: {roles: [продавец]}}}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "endpoints: {}\n")
    return tmp_path


def fine(project: Path, *arguments: str) -> str:
    result = run("-C", project, "keys", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_key_is_printed_alone_and_once(project: Path) -> None:
    value = fine(project, "add", "магазин", "--role", "publisher", "--groups", "order:*", "--groups", "news", "--users")
    assert value.startswith("jf_")
    assert len(value) == 47
    assert fine(project, "list") == "магазин  publisher to news, order:*, users\n"
    (row,) = json.loads(fine(project, "list", "--format", "json"))
    assert (row["name"], row["groups"], row["users"]) == ("магазин", ["news", "order:*"], True)
    assert value.strip() not in fine(project, "list", "--format", "json")


def test_a_key_is_rotated_and_removed(project: Path) -> None:
    first = fine(project, "add", "meter", "--role", "device", "--expires", "90d")
    assert ", until 20" in fine(project, "list")
    assert fine(project, "rotate", "meter", "--overlap", "1h") != first
    assert run("-C", project, "keys", "remove", "meter").stderr == "Removed meter.\n"
    assert fine(project, "list") == ""
    gone = run("-C", project, "keys", "rotate", "meter")
    assert (gone.exit_code, gone.stderr.partition(".")[0]) == (1, "jackfield: There is no key meter")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("shop", "--role", "publisher"), 1, "What the key may send to must be said."),
        (("shop", "--role", "admin", "--users"), 1, "cannot have the role admin"),
        (("shop",), 1, "A key without a role opens nothing."),
        (("shop", "--role", "device", "--expires", "soon"), 2, "a time is written like"),
        (
            ("shop", "--role", "publisher", "--groups", "комната:*"),
            1,
            "in values other letters are percent-encoded: '%D0%BA%D0%BE%D0%BC%D0%BD%D0%B0%D1%82%D0%B0:*'.",
        ),
        (("shop", "--role", "publisher", "--groups", ""), 1, "'' is the name of no group."),
        (("two words", "--role", "device"), 1, "no word that can stand in an address"),
    ],
)
def test_a_key_of_no_use_is_refused(project: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = run("-C", project, "keys", "add", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_keys_are_kept_where_people_log_in_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, OFF, accounts="def who(credential, request):\n    return None\n")
    assert run("-C", tmp_path, "keys", "add", "meter", "--role", "device").stderr == ""


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("device", ""),
        ("продавец", ""),
        ("trader-A", ""),
        ("publisher", ""),
        ("devise", "warning: no endpoint asks for the role devise; did you mean device?\n"),
        ("nosuch", "warning: no endpoint asks for the role nosuch; write `auth: {roles: [nosuch]}` at one\n"),
    ],
)
def test_a_role_that_nothing_asks_for_is_warned_of(tmp_path: Path, role: str, said: str) -> None:
    write(tmp_path, OFF, accounts="def who(credential, request):\n    return None\n")
    users = ("--users",) if role == "publisher" else ()
    result = run("-C", tmp_path, "keys", "add", "meter", "--role", role, *users)
    assert (result.exit_code, result.stderr) == (0, said)
