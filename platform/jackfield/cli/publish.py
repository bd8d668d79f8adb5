"""`jackfield publish`: make the files live in the running server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from jackfield.cli.settings import Failure, counted, state_options
from jackfield.server.node.control import ANSWER_LIMIT, UNKNOWN_VERB, NoServer, ask
from jackfield.state import State

__all__ = ["command", "outcome", "speak"]

STATUS_LIMIT = 10.0
"""Seconds that a server has to answer `status` and `refusals`; one that is held up counts as not running."""


_ALIVE = {
    "feeds_anew": "feeds of groups that begin anew",
    "feeds_ended": "feeds of groups that end",
    "feeds_kept": "feeds of connections that go on in the code they began in, for 10 minutes at most",
    "waits": "calls that wait for their client in the code they began in, for 10 minutes at most",
    "tasks": "tasks of connections that go on in the code they began in, for 10 minutes at most",
    "calls": "calls that end in the code they began in",
}


_NAMED = {
    "added": "added",
    "changed": "changed",
    "removed": "removed",
    "groups_added": "groups added",
    "groups_renamed": "groups renamed",
    "groups": "groups changed",
    "groups_removed": "groups removed",
    "settings": "settings changed",
}
_NOTHING = {
    **dict.fromkeys((*_NAMED, "closes", "lost", "warnings"), ()),
    **dict.fromkeys(("pages", "open", *_ALIVE), 0),
    **dict.fromkeys(("hash", "before", "generation"), "?"),
    "dry_run": False,
}


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


def outcome(report: Any) -> str:
    """A publish's report as lines for people. A server of another version may say less, which is told then."""
    silent = [key for key in _NOTHING if key not in report]
    report = {**_NOTHING, **report}
    verb = "would publish" if report["dry_run"] else "published"
    lines = [f"{verb} {report['hash']} as plan {report['generation']}, in place of {report['before']}"]
    renamed = [f"{before} to {after}" for before, after in report["groups_renamed"]]
    named = {**report, "groups_renamed": renamed}
    moved = [f"  {what}: {', '.join(named[key])}" for key, what in _NAMED.items() if named[key]]
    moved += [f"  site: {counted(report['pages'], 'file')} changed"] if report["pages"] else []
    lines += moved or ["  no endpoint is added, changed or removed"]
    if silent:
        lines.append(
            "  the server is of another version and does not say all of it; both are alike when it is restarted"
        )
    close = "would close" if report["dry_run"] else "closed"
    touched = 0
    for item in report["closes"]:
        touched += item["connections"]
        lines.append(f"  {close}: {item['connections']} of {item['endpoint']} ({item['code']} {item['reason']})")
    if report["open"]:
        lines.append(f"  untouched: {report['open'] - touched} of {report['open']} open connections")
    if report["lost"]:
        gone = "would be gone" if report["dry_run"] else "is gone"
        names = ", ".join(report["lost"])
        lines.append(f"  what {names} held {gone}; keep such data in a database, or in the state of a group")
    lines += [f"  {what}: {report[key]}" for key, what in _ALIVE.items() if report[key]]
    return "\n".join([*lines, *(f"  {warning}" for warning in report["warnings"])])
