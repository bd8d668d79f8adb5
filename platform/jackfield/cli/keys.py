"""`jackfield keys`: what other programs and devices show. What changes here reaches running servers within a second."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable

import click

from jackfield.auth.store.keys import Key
from jackfield.cli.in_store import in_store, project_plan
from jackfield.cli.settings import state_options
from jackfield.config import quantities
from jackfield.config.roles import may_be
from jackfield.identity import PUBLISHER
from jackfield.similar import nearest
from jackfield.state import State

__all__ = ["command"]


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """A time such as 90d; called by click."""
    try:
        return None if value is None else quantities.duration(value)
    except ValueError as exc:
        raise click.BadParameter(f"{exc}.") from exc


@click.group("keys")
def command() -> None:
    """Make, list, rotate and remove the keys of other programs."""


@command.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, metavar="R", help="publisher, or one that an endpoint asks for.")
@click.option("--groups", multiple=True, metavar="PATTERN", help="Groups to which it may send: 'order:*', '*' for all.")
@click.option("--users", is_flag=True, help="It may send to users.")
@click.option("--expires", callback=_seconds, metavar="TIME", help="How long it lasts, 90d for example.")
@state_options
def add(
    state: State, name: str, roles: tuple[str, ...], groups: tuple[str, ...], users: bool, expires: float | None
) -> None:
    """Make a key and print it, and nothing else, on standard output. It is shown this once."""
    key, value = in_store(
        state, lambda store: store.keys.add(name, roles, groups, users=users, lasts=expires), of_users=False
    )
    _warn_unnamed(key.roles)
    _show(f"Key {key.name}, {_may(key)}{_until(key)}:", value)


@command.command("list")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@state_options
def list_(state: State, style: str) -> None:
    """Print all keys: name, roles, what they may send to, and when they end."""
    keys = in_store(state, lambda store: store.keys.list(), of_users=False)
    if style == "json":
        names = ("name", "roles", "groups", "users", "created_at", "expires_at")
        rows = [{name: getattr(key, name) for name in names} for key in keys]
        click.echo(json.dumps(rows, default=sorted, ensure_ascii=False, indent=2))
        return
    for key in keys:
        click.echo(f"{key.name}  {_may(key)}{_until(key)}")
    if not keys:
        click.echo("There are no keys yet; make one: jackfield keys add NAME --role R", err=True)


@command.command()
@click.argument("name")
@state_options
def remove(state: State, name: str) -> None:
    """Remove a key; its connections close."""
    removed = in_store(state, lambda store: store.keys.remove(name), of_users=False)
    click.echo(f"Removed {removed}.", err=True)


@command.command()
@click.argument("name")
@click.option(
    "--overlap", callback=_seconds, default="24h", show_default=True, metavar="TIME", help="How long the old one opens."
)
@state_options
def rotate(state: State, name: str, overlap: float) -> None:
    """Print the next key of a name; the old one opens beside it for a while."""
    value = in_store(state, lambda store: store.keys.rotate(name, overlap), of_users=False)
    _show(f"The next key {name}; the old one opens until {_local(time.time() + overlap)}:", value)


def _warn_unnamed(roles: Iterable[str]) -> None:
    """Warn of roles that nothing in endpoints.yaml asks for; a key with them opens nothing."""
    plan = project_plan()
    if plan is None:
        return
    parts = [part for endpoint in plan.endpoints for part in (endpoint, *endpoint.parts)]
    rules = [one.may_join for one in plan.groups.values() if one.may_join is not None]
    named = {role for part in parts for role in part.access.roles} | {role for rule in rules for role in rule.roles}
    for role in sorted(set(roles) - {PUBLISHER}):
        if not any(may_be(role, one) for one in named):
            near = nearest(role, named)
            hint = f"did you mean {near}?" if near else f"write `auth: {{roles: [{role}]}}` at one"
            click.echo(f"warning: no endpoint asks for the role {role}; {hint}", err=True)


def _show(about: str, value: str) -> None:
    if sys.stdout.isatty():
        click.echo(about, err=True)
    click.echo(value)


def _may(key: Key) -> str:
    to = [*key.groups, *(["users"] if key.users else [])]
    return ", ".join(sorted(key.roles)) + (f" to {', '.join(to)}" if to else "")


def _until(key: Key) -> str:
    return "" if key.expires_at is None else f", until {_local(key.expires_at)}"


def _local(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
