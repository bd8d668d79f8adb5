"""`jackfield new endpoint` and `jackfield new example`: put into files of which nothing else changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jackfield import messages
from jackfield.cli.settings import Failure, count_errors, counted, failure_of, given_folder, project_folder
from jackfield.config.additions import Addition, NewEndpoint, with_endpoint, with_example
from jackfield.errors import Refusal
from jackfield.server.editing.adding import add
from jackfield.server.editing.project_files import ProjectFiles

__all__ = ["endpoint", "example"]

_MOST = 262_144  # bytes of an example's steps


@click.command("endpoint")
@click.argument("name")
@click.option("--url", required=True, help="The path of the address, like /ws/rooms/{room}.")
@click.option("--process", required=True, help="The process that answers, like chat.say, or a table: prices.")
@click.option("--auth", type=click.Choice(["required", "optional", "public"]), help="Who may enter; required if not.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="One of the roles that may enter; repeatable.")
@click.option("--summary", help="One line for the documents.")
@click.option("--group", help='The group that each connection is in, like "room:{room}".')
@click.option("--reply-to", type=click.Choice(["sender", "group", "others"]), help="Who gets the reply.")
@click.option("--presence", type=click.Choice(["names", "count"]), help="Members of the group hear who is there.")
@click.option("--history", type=int, metavar="N", help="The last N events of the group are for who enters.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
def endpoint(*, auth: str | None, roles: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Put a new endpoint into endpoints.yaml; what stands there stays as it is, with its comments.

    It is checked first, as `check --no-import` does: with a new problem, nothing is written (exit 1). `--presence`
    and `--history` go below `groups:`.
    """
    if auth and roles:
        raise Failure("--auth and --role are both given; keep one of them", 2)
    who: Any = {"roles": list(roles)} if roles else None if auth == "required" else auth
    if given["presence"] == "names":
        given["presence"] = True
    wanted = NewEndpoint(**given, auth=who)
    _finish(lambda folder: with_endpoint(folder, wanted), dry_run=dry_run)


@click.command("example")
@click.argument("endpoint_name", metavar="ENDPOINT")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
def example(endpoint_name: str, name: str, *, dry_run: bool) -> None:
    """Put an example below its endpoint, whose steps come as JSON on stdin: [{"send": {…}, "expect": {…}}].

    An object on stdin is the example's other keys as well: {"params": {…}, "steps": […]}. It is checked first; with a
    new problem, nothing is written (exit 1).
    """
    body = sys.stdin.buffer.read(_MOST + 1)
    if len(body) > _MOST:
        raise Failure(f"standard input holds more than {_MOST:,} bytes")
    found: Any = None
    if not messages.too_deep(body):
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, list | dict):
        raise Failure('standard input is no JSON list of steps, like [{"send": {"message": "Привет"}}]', 2)
    whole = {"name": name, **(found if isinstance(found, dict) else {"steps": found})}
    _finish(lambda folder: with_example(folder, endpoint_name, whole), dry_run=dry_run)


def _finish(make: Callable[[Path], Addition], *, dry_run: bool) -> None:
    """Add it to the project's files, and say what became of it. Raises Failure."""
    try:
        added = add(ProjectFiles(project_folder(given_folder())), make, dry_run=dry_run)
    except Refusal as refusal:
        raise failure_of(refusal) from refusal
    for problem in added.problems:
        click.echo(str(problem), err=True)
    if errors := count_errors(added.problems):
        raise Failure(f"{counted(errors, 'problem')} with it; nothing was written")
    click.echo(added.text, nl=False)
    if added.written:
        click.echo(f"It stands in {added.file}:{added.line}; `jackfield publish` makes it live.", err=True)
