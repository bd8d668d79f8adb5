"""`jackfield export`: what the project promises, in the formats of other tools. All of it is made from the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from jackfield.cli.check import load
from jackfield.cli.settings import Failure, count_errors, counted, given_folder, project_folder, server_address
from jackfield.describe.clients import python, typescript
from jackfield.describe.contract import Contract, contract
from jackfield.describe.documents import asyncapi, markdown, openapi, postman
from jackfield.describe.documents.as_yaml import as_yaml
from jackfield.errors import PlanError

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

ADDRESS = "http://127.0.0.1:8000"
"""Where `jackfield serve` listens when nothing else is said."""


@click.group("export")
def command() -> None:
    """Write what the project promises in the formats of other tools.

    The project is loaded as `check` does it; with problems nothing is written (exit 1). The same project gives
    the same bytes.
    """


_url = click.option(
    "--url",
    "address",
    default=ADDRESS,
    show_default=True,
    callback=lambda _context, _parameter, value: server_address(value, "http"),
    help="Where the server is, as its callers address it.",
)
_form = click.option("--format", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True)


@command.command("asyncapi")
@_form
@_url
@click.option(
    "--version",
    type=click.Choice(asyncapi.VERSIONS),
    default=asyncapi.VERSIONS[0],
    show_default=True,
    help="The version of AsyncAPI; some tools do not know the newest.",
)
def _asyncapi(form: str, address: str, version: str) -> None:
    """Print the AsyncAPI document: endpoints, messages, replies, events, errors."""
    _print(asyncapi.document(_contract(), address, version), form)


@command.command("openapi")
@_form
@_url
def _openapi(form: str, address: str) -> None:
    """Print the OpenAPI 3.1 document: logging in, administration, and what plain HTTP gets from an endpoint."""
    _print(openapi.document(_contract(), address), form)


@command.command("markdown")
@_url
def _markdown(address: str) -> None:
    """Print the reference as Markdown: each endpoint with its shapes, examples, limits, errors and close codes."""
    click.echo(markdown.reference(_contract(), address), nl=False)


@command.command("postman")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@_url
def _postman(folder: Path, address: str) -> None:
    """Write a collection and an environment for Postman to DIR, and the HTTP part as v2.1 JSON.

    A collection that is there already is written over; what it holds besides stays, and is told.
    """
    _write(folder, postman.files(_contract(), address))


_CLIENTS: Mapping[str, tuple[str, Callable[[Contract], str]]] = {
    "typescript": ("jackfield_client.ts", typescript.client),
    "python": ("jackfield_client.py", python.client),
}


@command.command("client")
@click.option("--lang", "language", type=click.Choice(sorted(_CLIENTS)), required=True, help="The language.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def _client(language: str, folder: Path) -> None:
    """Write a typed client to DIR: one file with the messages, replies and errors of each endpoint."""
    name, write = _CLIENTS[language]
    _write(folder, {name: write(_contract())})


def _contract() -> Contract:
    folder = project_folder(given_folder())
    try:
        return contract(load(folder))
    except PlanError as exc:
        for problem in exc.problems:
            click.echo(str(problem), err=True)
        problems = counted(count_errors(exc.problems), "problem")
        raise Failure(f"nothing is exported: {problems} in {folder}") from exc


def _print(document: Mapping[str, Any], form: str) -> None:
    text = as_yaml(document) if form == "yaml" else json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    click.echo(text, nl=False)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files; what lies in the same folders from before is named, since it may be of an older plan."""
    rooms = {folder / Path(path).parent for path in files if Path(path).parent != Path()}
    try:
        before = {found for room in rooms if room.is_dir() for found in room.iterdir() if found.is_file()}
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as exc:
        raise Failure(f"{exc.filename or folder} cannot be written: {exc.strerror}") from exc
    left = sorted(before - {folder / path for path in files})
    for found in left:
        click.echo(f"left as it was, and not part of this export: {found}", err=True)
    click.echo(f"wrote {counted(len(files), 'file')} to {folder}", err=True)
