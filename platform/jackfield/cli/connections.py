"""`jackfield connections`: who is connected to the running server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from jackfield.cli.printable import as_json as in_json
from jackfield.cli.printable import printable
from jackfield.cli.publish import speak
from jackfield.cli.settings import counted, state_options
from jackfield.state import State

__all__ = ["command"]


@click.command("connections")
@click.argument("search", default="")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@state_options
def command(state: State, search: str, as_json: bool) -> None:
    """Tell who is connected, the newest first: the last 1,000, or those with SEARCH in what is shown.

    Messages are those that came from the client. Exit 3 where no server runs.
    """
    answer = speak(state, "connections", search=search)
    found = answer["connections"]
    if as_json:
        click.echo(in_json(found))
        return
    for one in found:
        click.echo(printable(_line(one)))
    if len(found) < answer["of"]:
        click.echo(f"these are {len(found):,} of {answer['of']:,}", err=True)


def _line(one: Mapping[str, Any]) -> str:
    who = one["login"] or "visitor"
    facts = [f"{one['seconds']} s", counted(one["messages"], "message")]
    if one["silent"] is not None:
        facts.append(f"the last {one['silent']} s ago")
    if one["waiting"]:
        facts.append(f"{one['waiting']:,} bytes wait")
    if one["groups"]:
        facts.append(f"in {' '.join(one['groups'])}")
    return f"{one['id']}  {one['endpoint']}  {who} at {one['address']}  {', '.join(facts)}"
