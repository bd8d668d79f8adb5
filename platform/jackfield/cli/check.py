"""`jackfield check`: all that `serve` checks before it listens."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

import click

from jackfield import claim_paths
from jackfield.cli.settings import PREFIX, Failure, count_errors, counted, given_folder, project_folder, warn_of_state
from jackfield.config.plan import Plan
from jackfield.errors import PlanError, Problem
from jackfield.github_annotations import of_problem
from jackfield.routing.build import problems_of
from jackfield.routing.table import RoutingTable
from jackfield.server.publish.building import built
from jackfield.state import State

__all__ = ["command", "lines_of", "load"]


@click.command("check")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option("--no-import", "no_import", is_flag=True, help="Import no process; types are not checked then.")
def command(form: str, no_import: bool) -> None:
    """Tell every problem of the project at once: file:line:column, what is wrong, how to mend it.

    Problems go to stdout. Exit 0 without problems (warnings are none), 1 with some. The modules of
    processes/ are imported, unless --no-import; resources are not opened. A state folder in which others can read or
    write is warned of on stderr.
    """
    folder = project_folder(given_folder())
    problems, plan = _find(folder, no_import=no_import)
    for line in lines_of(problems, form, folder):
        click.echo(line)
    state = os.environ.get(f"{PREFIX}STATE")
    warn_of_state(State.found(folder, Path(state) if state else None))
    if errors := count_errors(problems):
        raise Failure(f"{counted(errors, 'problem')} in {folder}")
    if form == "text" and plan is not None:
        for line in _claims(plan):
            click.echo(line, err=True)
        warnings = f", {counted(len(problems), 'warning')}" if problems else ""
        click.echo(f"fine: {counted(len(plan.endpoints), 'endpoint')}{warnings}", err=True)


def _find(folder: Path, *, no_import: bool) -> tuple[tuple[Problem, ...], Plan | None]:
    if no_import:
        return problems_of(folder)
    try:
        table = load(folder)
    except PlanError as exc:
        return exc.problems, None
    return table.warnings, table.plan


def load(folder: Path) -> RoutingTable:
    """A project's table, of which nothing stays imported. Raises PlanError."""
    with redirect_stdout(sys.stderr):  # what modules print while they are imported is not what the command prints
        table = asyncio.run(built(folder, 0))
    table.catalog.release()
    return table


def lines_of(problems: Sequence[Problem], form: str, folder: Path) -> list[str]:
    """Problems as text, as JSON or as annotations for GitHub."""
    if form == "json":
        return [json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2)]
    if form == "github":
        return [of_problem(problem, folder) for problem in problems]
    return [str(problem) for problem in problems]


def _claims(plan: Plan) -> Iterator[str]:
    """Where the login, the roles and the name are read in a provider's token: dots in a path can mean two things."""
    jwt = plan.auth.jwt
    for key, path in (("login", jwt.login), ("roles", jwt.roles), ("name", jwt.name)) if jwt else ():
        yield f"auth.jwt.{key}: {claim_paths.described(path) if path else 'taken from no claim'}"
