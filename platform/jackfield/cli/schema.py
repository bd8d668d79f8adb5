"""`jackfield schema`: the JSON Schema of endpoints.yaml, with this project's processes, roles and tags."""

from __future__ import annotations

import json

import click

from jackfield.cli.settings import Context, find_project
from jackfield.config import load, schema
from jackfield.process import catalog

__all__ = ["command"]


@click.command("schema")
@click.pass_context
def command(context: click.Context) -> None:
    """Print the JSON Schema of endpoints.yaml on stdout.

    Within a project it names the project's processes, roles and tags, so that editors complete them;
    nothing is imported for that. `serve` keeps a copy in .jackfield/endpoints.schema.json.
    """
    folder = find_project(context.ensure_object(Context).folder)
    if folder is None:
        found = schema.document()
    else:
        plan = load.load(folder).plan
        names = sorted(catalog.collect(folder, 0, only_names=True).processes)
        tags = sorted({tag for endpoint in plan.endpoints for tag in endpoint.tags})
        found = schema.document(names, tuple(plan.roles or ()), tags)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))
