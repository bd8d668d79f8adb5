from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jackfield.auth.credentials import Credential
from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.cli import token_command, users
from jackfield.cli.settings import Context
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.state import State

PASSWORD = "пароль 🙂🙂"
ADD = ("add", "--password-stdin")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "endpoints.yaml").write_text("auth: {session: 1h}\nendpoints: {}\n")
    return tmp_path


def run(project: Path, *arguments: str, given: str | bytes | None = None) -> Result:
    command: click.Command = token_command.command if arguments[0] == "token" else users.command
    rest = arguments[1:] if arguments[0] == "token" else arguments
    return CliRunner().invoke(command, rest, obj=Context(project), input=given)


def fine(project: Path, *arguments: str, given: str | None = None) -> str:
    result = run(project, *arguments, given=given)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def wrong(project: Path, *arguments: str, given: str | bytes | None = None, code: int = 1) -> str:
    result = run(project, *arguments, given=given)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    return result.stderr


def add(project: Path, login: str, *roles: str) -> None:
    options = [part for role in roles for part in ("--role", role)]
    assert fine(project, *ADD, login, *options, given=PASSWORD + "\n") == ""


def token_of(project: Path, login: str = "anna") -> str:
    """A new token; it is printed alone."""
    token = fine(project, "token", login)
    assert token.count("\n") == 1
    return token.strip()


def listed(project: Path) -> list[tuple[str, list[str], bool]]:
    rows = json.loads(fine(project, "list", "--format", "json"))
    return [(row["login"], row["roles"], row["disabled"]) for row in rows]


def enter(project: Path, *, login: str = "", password: str = "", token: str = "") -> Identity:
    """What a server would say to this login and password, or to this token."""

    async def ask() -> Identity:
        state = State.open(project)
        store = await Store.open(state.store_url, time.time)
        passwords = Passwords()
        tokens = Tokens(state.keys(), clock=time.time)
        sessions = Sessions(store, tokens, passwords, lifetime=60, idle=None, clock=time.time)
        try:
            if token:
                return await sessions.identify(Credential(token, "cookie"))
            return (await sessions.login(login, password)).identity
        finally:
            await passwords.close()
            await store.close()

    return asyncio.run(ask())


def test_a_user_who_was_added_can_log_in(project: Path) -> None:
    result = run(project, *ADD, "Анна", "--role", "support", "--role", "поддержка", given=PASSWORD)
    assert (result.stdout, result.stderr) == ("", "Added Анна (roles: support, поддержка).\n")
    assert listed(project) == [("Анна", ["support", "поддержка"], False)]
    assert enter(project, login="Анна", password=PASSWORD).roles == {"support", "поддержка"}


def test_the_list_is_for_people_and_for_programs(project: Path) -> None:
    assert fine(project, "list", "--format", "json") == "[]\n"
    result = run(project, "list")
    assert result.stdout == ""
    assert "jackfield users add" in result.stderr
    add(project, "Анна", "support")
    add(project, "安")
    run(project, "disable", "安")
    assert fine(project, "list") == "Анна  support\n安    -  (disabled)\n"


def test_a_name_is_given_shown_and_changed(project: Path) -> None:
    result = run(project, *ADD, "анна", "--name", "Анна Петрова", "--role", "a", given=PASSWORD)
    assert result.stderr == 'Added анна  "Анна Петрова" (roles: a).\n'
    assert fine(project, "list") == 'анна  a  "Анна Петрова"\n'
    assert fine(project, "name", "анна") == "Анна Петрова\n"
    assert run(project, "name", "анна", "Аня 😀").stderr == "Name of анна now: Аня 😀.\n"
    assert json.loads(fine(project, "list", "--format", "json"))[0]["name"] == "Аня 😀"
    assert enter(project, login="анна", password=PASSWORD).name == "Аня 😀"
    assert "control character" in wrong(project, "name", "анна", "a\nb")
    assert "128" in wrong(project, "add", "bob", "--name", "x" * 129)
    assert run(project, "name", "анна", "").stderr == "Name of анна now: none.\n"


def test_only_the_end_of_the_line_is_taken_off_the_password(project: Path) -> None:
    fine(project, *ADD, "anna", given="\ufeff  blanks  \r\nmore\n")
    assert enter(project, login="anna", password="  blanks  ")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("short\n", "at least 8"),
        ("", "short"),
        ("x" * 5000, "at most 1024"),
        (b"\xff" * 9, "UTF-8"),
        ("a\0" * 8, "NUL"),
    ],
)
def test_a_password_that_cannot_be_is_refused_with_the_rule(project: Path, given: str | bytes, word: str) -> None:
    assert word in wrong(project, *ADD, "anna", given=given)
    assert listed(project) == []


def test_without_a_terminal_the_way_is_reported(project: Path) -> None:
    add(project, "anna")
    for command in (("add", "bob"), ("passwd", "anna")):
        assert "--password-stdin" in wrong(project, *command, code=2)


def test_on_a_terminal_the_password_is_asked_for_twice(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(text: str, **settings: object) -> str:
        asked.append(text)
        assert settings == {"hide_input": True, "confirmation_prompt": True, "err": True}
        return PASSWORD

    monkeypatch.setattr(click, "prompt", ask)
    monkeypatch.setattr(users, "_is_terminal", lambda: True)
    assert fine(project, "add", "anna") == ""
    assert asked == ["Password for anna"]
    assert enter(project, login="anna", password=PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("anna",), "users passwd anna"),
        (("",), "1 to 128"),
        (("..",), "cannot be a login"),
        (("anna", "--role", "a b"), "one word"),
    ],
)
def test_who_cannot_be_added_is_reported_before_a_password_is_asked_for(
    project: Path, arguments: tuple[str, ...], word: str
) -> None:
    add(project, "anna")
    assert word in wrong(project, "add", *arguments)


def test_passwd_changes_the_password_and_ends_the_sessions(project: Path) -> None:
    add(project, "anna")
    token = token_of(project)
    result = run(project, "passwd", "anna", "--password-stdin", given="another one\n")
    assert result.stderr == "Changed the password of anna; 1 session ended.\n"
    assert enter(project, login="anna", password="another one")
    assert_kept_out(project, token)


def assert_kept_out(project: Path, token: str) -> None:
    """Neither the password that was given first nor the token opens anything any more."""
    for attempt in ({"login": "anna", "password": PASSWORD}, {"token": token}):
        with pytest.raises(Refusal):
            enter(project, **attempt)


def test_disable_keeps_out_and_enable_lets_in(project: Path) -> None:
    add(project, "anna")
    token = token_of(project)
    fine(project, "disable", "anna")
    assert listed(project) == [("anna", [], True)]
    assert "users enable anna" in wrong(project, "token", "anna")
    assert_kept_out(project, token)
    fine(project, "enable", "anna")
    assert enter(project, login="anna", password=PASSWORD)


def test_roles_are_given_taken_and_printed(project: Path) -> None:
    add(project, "anna", "support")
    result = run(project, "roles", "anna", "+admin", "-support", "+поддержка")
    assert (result.stdout, result.stderr) == ("", "Roles of anna now: admin, поддержка.\n")
    assert fine(project, "roles", "anna") == "admin\nподдержка\n"
    fine(project, "roles", "anna", "-поддержка", "-admin", "-never-had")
    assert listed(project) == [("anna", [], False)]


@pytest.mark.parametrize(
    ("changes", "word"),
    [(("admin",), "write +admin"), (("+",), "neither"), (("+a", "-a"), "at once"), (("+a b",), "blank")],
)
def test_a_change_of_roles_that_is_none_is_wrong_usage(project: Path, changes: tuple[str, ...], word: str) -> None:
    add(project, "anna")
    reported = wrong(project, "roles", "anna", *changes, code=2)
    assert word in reported
    assert reported.count("\n") == 1


def test_logout_ends_the_sessions_and_reports_how_many(project: Path) -> None:
    add(project, "anna")
    tokens = [token_of(project) for _ in range(2)]
    assert run(project, "logout", "anna").stderr == "Ended 2 sessions of anna.\n"
    for token in tokens:
        with pytest.raises(Refusal):
            enter(project, token=token)


@pytest.mark.parametrize(
    "arguments",
    [("remove",), ("disable",), ("enable",), ("logout",), ("roles",), ("passwd", "--password-stdin"), ("token",)],
)
def test_a_user_who_is_not_there_is_one_line(project: Path, arguments: tuple[str, ...]) -> None:
    reported = wrong(project, arguments[0], "Никто", *arguments[1:], given=PASSWORD)
    assert reported == "jackfield: There is no user Никто. `jackfield users list` shows them all.\n"


def test_token_prints_the_token_alone_and_it_lives_as_long_as_the_file_says(project: Path) -> None:
    add(project, "Анна", "support")
    who = enter(project, token=token_of(project, "Анна"))
    assert (who.login, who.roles) == ("Анна", frozenset({"support"}))
    assert who.expires_at is not None
    assert 3500 < who.expires_at - time.time() <= 3600


def test_a_store_that_does_not_answer_is_one_line(project: Path) -> None:
    (project / ".jackfield").mkdir(mode=0o700)
    (project / ".jackfield" / "store.db").write_text("not a database, but long enough to be looked at" * 9)
    reported = wrong(project, "list")
    assert reported.startswith("jackfield: The store of users and sessions does not answer. (file is not a database)")
    assert reported.count("\n") == 1


def test_a_role_that_is_not_declared_is_warned_of(project: Path) -> None:
    (project / "endpoints.yaml").write_text('roles: {support: "Отдел"}\nendpoints: {}\n', encoding="utf-8")
    result = run(project, "add", "анна", "--role", "suport", "--password-stdin", given="длинный пароль\n")
    assert result.exit_code == 0
    assert "warning: endpoints.yaml declares no role suport; did you mean support?" in result.stderr
    result = run(project, "roles", "анна", "+support", "-suport")
    assert "warning" not in result.stderr


def test_users_whom_no_server_reads_are_reported_of(project: Path) -> None:
    settings = "auth: {login: off, verify: accounts.who}\nendpoints: {}\n"
    (project / "endpoints.yaml").write_text(settings)
    assert "no server of this project reads these users" in run(project, "list").stderr
    (project / "endpoints.yaml").write_text("endpoints: {}\n")
    assert "warning" not in run(project, "list").stderr


@pytest.mark.parametrize("command", [("remove", "anna"), ("disable", "anna"), ("roles", "anna", "-admin")])
def test_who_takes_the_last_administrator_is_warned(project: Path, command: tuple[str, ...]) -> None:
    add(project, "anna", "admin")
    add(project, "bob", "admin")
    fine(project, "disable", "bob")
    assert "warning: no administrator is left" in run(project, *command).stderr


def test_nobody_is_warned_while_there_is_another_or_never_was_one(project: Path) -> None:
    add(project, "bob")
    assert "warning" not in run(project, "disable", "bob").stderr
    add(project, "anna", "admin")
    add(project, "eva", "admin")
    assert run(project, "remove", "anna").stderr == "Removed anna.\n"
    assert "warning" not in run(project, "roles", "eva", "+support").stderr
    assert [login for login, _, _ in listed(project)] == ["bob", "eva"]
