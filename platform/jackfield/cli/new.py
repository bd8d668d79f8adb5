"""`jackfield new`: begin a project or a table, copy an example, add to endpoints.yaml. Never writes over anything."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from jackfield.beginnings import EXAMPLES, files, sentence
from jackfield.cli.new_endpoint import endpoint, example
from jackfield.cli.new_table import make_table
from jackfield.cli.schema import of_project
from jackfield.cli.settings import Failure, given_folder, project_folder
from jackfield.similar import nearest
from jackfield.state import State, StateError, write_private

__all__ = ["command"]


class _New(click.Group):
    """A command that takes the name of a folder, or of one of its commands in that place."""

    allow_interspersed_args = True

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of what is called; called by click."""
        below = self.commands.get(args[0]) if args else None
        if below is not None:
            return below.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    parse_args = click.Command.parse_args
    invoke = click.Command.invoke


@click.command("new", cls=_New, subcommand_metavar="")
@click.argument("words", metavar="[DIR] | table NAME | endpoint NAME", nargs=-1)
@click.option("--example", type=click.Choice(EXAMPLES), help="Copy this example; DIR is its name where none is given.")
@click.option("--examples", is_flag=True, help="List the examples and make nothing.")
@click.option("--excel", is_flag=True, help="With `table`: for an Excel that takes semicolons, as most in Europe do.")
def command(words: tuple[str, ...], example: str | None, *, examples: bool, excel: bool) -> None:
    """Begin a project in DIR: endpoints.yaml, a process, an example, a test, and settings for tools and VS Code.

    `jackfield new table NAME` writes processes/NAME.csv into the project that is there: a small table that works, and
    what to put into endpoints.yaml. `jackfield new endpoint NAME` and `jackfield new example ENDPOINT NAME` write into
    the files that are there. A folder of such a name is ./table.

    With --example the project is one that works as it is, to be changed: endpoints.yaml, a page, and a README that
    says what to try.
    """
    if examples:
        for one in EXAMPLES:
            click.echo(f"{one:<14} {sentence(one)}")
        return
    if words[:1] == ("table",):
        if len(words) != 2:
            raise Failure("name the table: jackfield new table prices (for a project in a folder `table`: ./table)", 2)
        make_table(project_folder(given_folder()), words[1], excel=excel)
        return
    if len(words) > 1 or excel:
        hint = f"; did you mean: jackfield new table {words[1]}" if words and nearest(words[0], ["table"]) else ""
        raise Failure("--excel is for tables" if excel else f"one DIR is wanted, and {words[1]} is one more{hint}", 2)
    name = "".join(words) or example or ""
    if not name.strip():  # an unset variable of a script, for example; a path makes the current folder of it
        raise Failure("DIR is empty; name the project's folder: jackfield new my-bot (or . for this one)", 2)
    folder, wanted = Path(name), files(example or "")
    taken = [part for part in wanted if os.path.lexists(folder / part)]
    if taken:
        raise Failure(f"{folder} has {', '.join(taken)} already; choose another folder")
    try:
        _write(folder, wanted)
    except StateError as exc:
        raise Failure(str(exc)) from exc
    except OSError as exc:
        raise Failure(f"cannot write into {folder}: {exc.strerror or exc}") from exc
    click.echo(f"Made a project in {folder}. Start it, publishing on each save, with:", err=True)
    click.echo(f"  jackfield -C {shlex.quote(str(folder))} serve --watch", err=True)
    if example:
        click.echo(f"{folder / 'README.md'} says what to try.", err=True)


command.add_command(endpoint)
command.add_command(example)


def _write(folder: Path, wanted: Mapping[str, str]) -> None:
    for part, text in wanted.items():
        path = folder / part
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:  # never through a link that leads elsewhere
            file.write(text)
    state = State.open(folder)
    for path, about_examples in ((state.endpoints_schema, False), (state.examples_schema, True)):
        found = of_project(folder, examples=about_examples)
        write_private(path, json.dumps(found, ensure_ascii=False, indent=2), 0o644)
