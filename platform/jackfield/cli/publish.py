"""`jackfield publish`: make the files live in the running server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from jackfield.cli.settings import Failure, counted, state_options
from jackfield.server.node.control import ANSWER_LIMIT, UNKNOWN_VERB, NoServer, ask
from jackfield.server.publish.outcome import outcome
from jackfield.state import State

__all__ = ["command", "speak"]

STATUS_LIMIT = 10.0
"""Seconds that a server has to answer `status` and `refusals`; one that is held up counts as not running."""


@click.command("publish")
@click.option("--dry-run", is_flag=True, help="Only tell what would change and which connections that concerns.")
@click.option("--back", is_flag=True, help="Return to what was live before; the files stay as they are.")
@state_options
def command(state: State, dry_run: bool, back: bool) -> None:
    """Make the files live in the running server.

    Tells which endpoints, groups and settings are new, renamed, gone or others than before, how many files of the
    site, which connections are closed, how many feeds begin anew, and how many feeds, waits, tasks and calls go on in
    the code they began in. With problems the old plan goes on serving and all are told (exit 1). Exit 3 where no
    server runs.
    """
    answer = speak(state, "publish", dry_run=dry_run, back=back)
    if answer.get("locked"):
        raise Failure("the server was started with --locked and refuses publishing; roll out and restart instead")
    click.echo(outcome(answer))
    if back and not dry_run:
        click.echo("  the files stay as they are, and the next publish or save makes them live again")


def speak(state: State, verb: str, **options: Any) -> Mapping[str, Any]:
    """Send a verb to the project's running server; returns its answer. Raises Failure."""
    try:
        # loading may take a minute; the others answer at once
        answer = ask(state.server_json, verb, time_limit=ANSWER_LIMIT if verb == "publish" else STATUS_LIMIT, **options)
    except NoServer as exc:
        where = f"no server is running on {state.folder}"
        start = "start one with: jackfield serve, or the application that this project is part of"
        raise Failure(f"{where}; {start}; or name the folder that it has with --state", 3) from exc
    if "problems" in answer:
        for problem in answer["problems"]:
            click.echo(problem["text"])
        number = sum(problem["severity"] == "error" for problem in answer["problems"])
        raise Failure(f"{counted(number, 'problem')}; the old plan goes on serving")
    if answer.get("error") == UNKNOWN_VERB:
        raise Failure(f"the running server is of another version, and does not know `{verb}`; restart it")
    if "error" in answer:
        raise Failure(str(answer["error"]))
    found = answer["ok"]
    assert isinstance(found, Mapping)
    return found
