"""`jackfield users`: who may log in. What changes here reaches running servers within half a second."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence

import click

from jackfield import files
from jackfield.auth.passwords import Passwords, check_password
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import User, new_login, normal_login, normal_name, normal_role
from jackfield.cli.in_store import in_store, report, warn_undeclared
from jackfield.cli.settings import Failure, counted, failure_of, state_options
from jackfield.cli.users_import import import_
from jackfield.errors import Refusal
from jackfield.identity import ADMIN
from jackfield.state import State

__all__ = ["command"]

_LINE = 8192  # bytes that --password-stdin reads at most
_SHOWN = ("login", "name", "roles", "disabled", "created_at")  # of a user, in the list as JSON


@click.group("users")
def command() -> None:
    """Add, list and change the users who may log in."""


command.add_command(import_)

_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)


@command.command()
@click.argument("login")
@click.option("--role", "roles", multiple=True, metavar="R", help="What the user may do; can be repeated.")
@click.option("--name", default="", help="What people call the user; others in a group see it.")
@_from_stdin
@state_options
def add(state: State, login: str, roles: tuple[str, ...], name: str, password_stdin: bool) -> None:
    """Add a user, with a password that is asked for."""

    async def action(store: Store) -> User:
        if await store.get(login) is not None:
            raise Refusal(
                "invalid_request",
                f"There is a user {normal_login(login)} already.",
                f"For another password: jackfield users passwd {login}",
            )
        hashed = await _hash(_password(login, password_stdin))
        return await store.add(login, hashed, roles, name=name)

    _check_names(login, roles, name)
    user = in_store(state, action)
    roles_of = f" (roles: {', '.join(sorted(user.roles))})" if user.roles else ""
    report(f"Added {user.login}{_called(user)}{roles_of}.")
    warn_undeclared(user.roles)


@command.command("list")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@state_options
def list_(state: State, style: str) -> None:
    """Print all users: login, roles, name, and whether they are disabled."""
    users = in_store(state, lambda store: store.list())
    if style == "json":
        rows = [{key: getattr(user, key) for key in _SHOWN} for user in users]
        click.echo(json.dumps(rows, default=sorted, ensure_ascii=False, indent=2))
        return
    width = max((_width(user.login) for user in users), default=0)
    for user in users:
        note = "  (disabled)" if user.disabled else ""
        gap = " " * (width - _width(user.login))
        click.echo(f"{user.login}{gap}  {', '.join(sorted(user.roles)) or '-'}{_called(user)}{note}")
    if not users:
        report("There are no users yet; add one: jackfield users add LOGIN")


@command.command()
@click.argument("login")
@state_options
def remove(state: State, login: str) -> None:
    """Remove a user; the sessions end."""
    _take_out(state, login, lambda store: store.remove(login), f"Removed {login}.")


@command.command()
@click.argument("login")
@state_options
def disable(state: State, login: str) -> None:
    """Keep a user out without removing the account; the sessions end."""
    _take_out(state, login, lambda store: store.disable(login), f"Disabled {login}; all sessions ended.")


def _take_out(state: State, login: str, act: Callable[[Store], Awaitable[None]], done: str) -> None:
    async def action(store: Store) -> bool:
        last = await _is_last_admin(store, login)
        await act(store)
        return last

    last = in_store(state, action)
    report(done)
    _warn_no_admin(last)


@command.command()
@click.argument("login")
@state_options
def enable(state: State, login: str) -> None:
    """Let a disabled user in again."""
    in_store(state, lambda store: store.enable(login))
    report(f"Enabled {login}.")


@command.command()
@click.argument("login")
@_from_stdin
@state_options
def passwd(state: State, login: str, password_stdin: bool) -> None:
    """Give a user another password; the sessions end."""

    async def action(store: Store) -> int:
        await store.known(login)
        hashed = await _hash(_password(login, password_stdin))
        return await store.set_password_hash(login, hashed) or 0

    ended = in_store(state, action)
    report(f"Changed the password of {login}; {counted(ended, 'session')} ended.")


@command.command()
@click.argument("login")
@click.argument("name", required=False)
@state_options
def name(state: State, login: str, name: str | None) -> None:
    """Print what people call a user, or say it anew; "" takes it away. Connections from then on have it."""
    user = in_store(state, lambda store: store.known(login) if name is None else store.change(login, name=name))
    if name is None:
        click.echo(user.name)
    else:
        report(f"Name of {user.login} now: {user.name or 'none'}.")


# A role after a minus looks like an option: what click does not know is passed on to us. There is no -h here, which
# every role with that letter would hold: `-chat` printed the help, and took nothing.
@command.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("login")
@click.argument("changes", nargs=-1, type=click.UNPROCESSED, metavar="[+R | -R]...")
@state_options
def roles(state: State, login: str, changes: tuple[str, ...]) -> None:
    """Print a user's roles, or give (+R) and take (-R) some. Open connections follow at once."""
    given, taken = _parsed(changes)

    async def action(store: Store) -> tuple[User, bool]:
        user = await store.known(login)
        last = ADMIN in taken and await _is_last_admin(store, login)
        wanted = (user.roles | given) - taken
        return await store.change(login, roles=wanted), last

    user, last = in_store(state, action)
    if not changes:
        for role in sorted(user.roles):
            click.echo(role)
        return
    report(f"Roles of {user.login} now: {', '.join(sorted(user.roles)) or 'none'}.")
    warn_undeclared(user.roles)
    _warn_no_admin(last)


@command.command()
@click.argument("login")
@state_options
def logout(state: State, login: str) -> None:
    """End all sessions of a user; a new login is possible at once."""
    ended = in_store(state, lambda store: store.end_all(login))
    report(f"Ended {counted(ended, 'session')} of {login}.")


def _check_names(login: str, roles: Iterable[str], name: str) -> None:
    """What can be refused is refused before a password is asked for."""
    try:
        new_login(login)
        normal_name(name)
        for role in roles:
            normal_role(role)
    except Refusal as refusal:
        raise failure_of(refusal) from refusal


def _parsed(changes: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The roles to give and those to take."""
    for change in changes:
        if change[:1] not in ("+", "-") or len(change) < 2:
            raise Failure(f"{change!r} is neither +ROLE nor -ROLE; write +{change.lstrip('+-') or 'support'}", 2)
    try:
        given = frozenset(normal_role(change[1:]) for change in changes if change[0] == "+")
        taken = frozenset(normal_role(change[1:]) for change in changes if change[0] == "-")
    except Refusal as refusal:
        raise failure_of(refusal, 2) from refusal
    if both := given & taken:
        raise Failure(f"the role {min(both)} is given and taken at once; keep one", 2)
    return given, taken


def _password(login: str, from_stdin: bool) -> str:
    """A new password, checked: one line of standard input, or typed twice on the terminal."""
    if from_stdin:
        password = _first_line()
    elif _is_terminal():
        password = str(click.prompt(f"Password for {login}", hide_input=True, confirmation_prompt=True, err=True))
    else:
        raise Failure("there is no terminal to ask for the password on; send it with --password-stdin", 2)
    check_password(password)
    return password


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _first_line() -> str:
    line = files.unmarked(sys.stdin.buffer.readline(_LINE))
    try:
        # Only the line's end is taken off: blanks at the end may belong to the password.
        return line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Failure("the password on standard input is not UTF-8") from None


async def _hash(password: str) -> str:
    passwords = Passwords(threads=1)
    try:
        return await passwords.hash(password)
    finally:
        await passwords.close()


def _width(text: str) -> int:
    """Columns on a terminal: wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _called(user: User) -> str:
    """What people call a user, behind what stands before it."""
    return f'  "{user.name}"' if user.name else ""


async def _is_last_admin(store: Store, login: str) -> bool:
    """Whether this user alone may log in and has the role."""
    admins = [user.login for user in await store.list() if ADMIN in user.roles and not user.disabled]
    return admins == [normal_login(login)]


def _warn_no_admin(was_last: bool) -> None:
    """The owner of the machine may take the role from the last administrator, with a warning."""
    if was_last:
        report(f"warning: no administrator is left who may log in; make one: jackfield users roles LOGIN +{ADMIN}")
