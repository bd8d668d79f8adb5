"""`jackfield refusals`: who was refused, and why. Browsers and Postman hide it; this does not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import click

from jackfield.auth.refused import REFUSALS_KEPT, Wanted
from jackfield.cli import printable
from jackfield.cli.publish import speak
from jackfield.cli.settings import Failure, state_options
from jackfield.cli.status import local_time
from jackfield.config import quantities
from jackfield.state import State

__all__ = ["command"]

_STORE = "jackfield.cli.in_store"  # what opens the store, which is not loaded where a server answers
_NO_SERVER = 3
_CAUSES = {
    "no_such_user": ("no user has this login", "The logins there are: jackfield users list"),
    "disabled": ("the user is disabled", "Let the user in again: jackfield users enable {login}"),
    "no_password": ("the user has no password", "Give one: jackfield users passwd {login}"),
    "wrong_password": (
        "the password is wrong",
        "Check upper and lower case, or give a new one: jackfield users passwd {login}",
    ),
}
"""What a failed login was refused for, in words, and what mends it."""


def _ago(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """A time such as 24h as the moment so long ago; called by click."""
    try:
        return None if value is None else time.time() - quantities.duration(value)
    except ValueError as exc:
        raise click.BadParameter(f"{exc}.") from exc


@click.command("refusals")
@click.option("--login", metavar="LOGIN", default="", help="Only of this login.")
@click.option("--since", metavar="TIME", callback=_ago, help="Only of this time back, 24h for example.")
@click.option("--id", "told", metavar="ID", default="", help="Only the one with the id that the caller was told.")
@click.option("--address", metavar="ADDRESS", default="", help="Only of clients at this address.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@state_options
def command(state: State, login: str, since: float | None, told: str, address: str, as_json: bool) -> None:
    """Tell who was refused, and why, the newest last: the last 200 of the running server.

    Refusals of known logins, and failed logins, are kept for 7 days: --login, --since, --id and --address look there
    too, also where no server runs.
    """
    texts = {"login": login, "id": told, "address": address}
    try:
        wanted = Wanted.typed(texts, since=since)
    except ValueError as exc:
        raise Failure(str(exc), 2) from exc
    found = _found(state, texts, wanted)
    if as_json:
        click.echo(printable.as_json(found))
        return
    for line in _lines(found, with_cure=wanted.anything):
        click.echo(printable.printable(line))
    if not found and wanted.anything:
        click.echo("nothing fits; of callers without a known login only the last 200 of a server are kept", err=True)
    elif not found:
        click.echo("nobody was refused since the server started", err=True)
    elif wanted.anything and len(found) == REFUSALS_KEPT:
        click.echo(f"these are the last {REFUSALS_KEPT}; ask for less to see others", err=True)


def _found(state: State, texts: Mapping[str, str], wanted: Wanted) -> list[dict[str, Any]]:
    """From the running server, or from the store where none runs. Raises Failure."""
    try:
        return list(speak(state, "refusals", since=wanted.since, **texts)["refusals"])
    except Failure as failure:
        if failure.exit_code != _NO_SERVER or not wanted.anything:
            raise
    kept = import_module(_STORE).in_store(state, lambda store: store.refusals.find(wanted), of_users=False)
    return [one.as_json() for one in reversed(kept)]


def _lines(found: Iterable[Mapping[str, Any]], *, with_cure: bool) -> Iterable[str]:
    for refused in found:
        who = refused["login"] or "nobody"
        origin = f" from a page of {refused['origin']}" if refused["origin"] else ""
        what = f"{refused['id']}  {refused['status']} {refused['code']}  {refused['path']}"
        times = f" ({refused['count']} times since {local_time(refused['first'])})" if refused["count"] > 1 else ""
        at = local_time(refused["time"])
        detail, fix = _CAUSES.get(refused.get("cause", ""), (refused["detail"], refused["fix"]))
        yield f"{at}  {what}  {who} at {refused['client']}{origin}: {detail}{times}"
        if with_cure and fix:
            yield f"    {fix.replace('{login}', refused['login'])}"
