"""`jackfield schema`: the JSON Schemas of endpoints.yaml and of examples/, with the names of this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from jackfield.cli.settings import check_folder, find_project, given_folder
from jackfield.config import editor_schema, load
from jackfield.process import catalog

__all__ = ["command", "of_project"]


@click.command("schema")
@click.option("--examples", is_flag=True, help="That of the files under examples/ instead.")
def command(*, examples: bool) -> None:
    """Print the JSON Schema of endpoints.yaml on stdout.

    Within a project it names the project's processes, roles and tags, so that editors complete them;
    nothing is imported for that. `serve` keeps a copy in .jackfield/endpoints.schema.json. With --examples it
    names the endpoints and roles.
    """
    given = given_folder()
    folder = find_project(given)
    if folder is None and given is not None:
        check_folder(given)  # a wrong folder is an error, and not the schema without a project
    found = (
        of_project(folder, examples=examples)
        if folder
        else editor_schema.examples()
        if examples
        else editor_schema.document()
    )
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


def of_project(folder: Path, *, examples: bool) -> dict[str, Any]:
    """The schema of a project's endpoints.yaml, or of its files under examples/; imports nothing of the project."""
    loaded = load.load(folder)
    plan, roles = loaded.plan, tuple(loaded.plan.roles or ())
    if examples:
        # an endpoint with a fault is not in the plan, and its examples are not to be underlined for that
        return editor_schema.examples([endpoint.name for endpoint in plan.endpoints] if loaded.fine else (), roles)
    names = sorted(catalog.collect(folder, 0, only_names=True).known)
    return editor_schema.document(names, roles, sorted({tag for endpoint in plan.endpoints for tag in endpoint.tags}))
