"""`jackfield unmatched`: the messages that no row of a table was for."""

from __future__ import annotations

import json

import click

from jackfield.auth.store.store import Store
from jackfield.auth.store.unmatched import KeptMessage
from jackfield.cli import printable
from jackfield.cli.in_store import in_store
from jackfield.cli.settings import Failure, state_options
from jackfield.cli.status import local_time
from jackfield.state import State

__all__ = ["command"]


@click.command("unmatched")
@click.option("--endpoint", metavar="NAME", help="Only those of one endpoint.")
@click.option("--remove", metavar="ID", help="Forget one of them.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@state_options
def command(state: State, endpoint: str | None, remove: str | None, as_json: bool) -> None:
    """List messages that no row of a table was for, the latest first: those of endpoints with `inspect: unmatched`."""
    if remove is not None:
        _remove(state, remove)
        return
    found = in_store(state, lambda store: store.unmatched.list(endpoint), of_users=False)
    if as_json:
        click.echo(printable.as_json([_as_json(one) for one in found]))
        return
    for one in found:
        why = "fell to the last row of" if one.noted.why == "last_row" else "fits no row of"
        times = f"{one.count:,} times, " if one.count > 1 else ""
        said = printable.printable(one.noted.message)
        where = f"{one.noted.process} at {one.noted.endpoint}"
        click.echo(f"{one.id}  {said}  {why} {where}, {times}{local_time(one.last_at)}")
    if not found:
        click.echo("there is none; messages are kept at endpoints with `inspect: unmatched`", err=True)


def _remove(state: State, message: str) -> None:
    async def action(store: Store) -> bool:
        return await store.unmatched.remove(message) is not None

    if not in_store(state, action, of_users=False):
        raise Failure(f"there is no message {message}; `jackfield unmatched` lists them", 2)
    click.echo(f"Removed {message}.", err=True)


def _as_json(one: KeptMessage) -> dict[str, object]:
    facts = {"id": one.id, "at": one.last_at, "first_at": one.first_at, "count": one.count}
    said = {"endpoint": one.noted.endpoint, "process": one.noted.process, "message": json.loads(one.noted.message)}
    return {**facts, **said, "why": one.noted.why}
