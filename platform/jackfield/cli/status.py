"""`jackfield status`: what the running server serves."""

from __future__ import annotations

import json
from datetime import datetime

import click

from jackfield.cli.publish import speak
from jackfield.cli.settings import state_options
from jackfield.state import State

__all__ = ["UNKNOWN", "command", "local_time"]

UNKNOWN = "not known: it is that of another application, unless application(public_url=...) tells it"
"""What stands in place of the address of a project inside another application."""


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@state_options
def command(state: State, as_json: bool) -> None:
    """Tell what the running server serves. Exit 3 where none runs."""
    found = speak(state, "status")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    click.echo(f"address      {found['address'] or UNKNOWN}")
    if "admin" in found:
        click.echo(f"admin        {found['admin']}")
    click.echo(f"started      {local_time(found['began'])}")
    click.echo(f"published    {found['hash']}, {local_time(found['published_at'])}")
    click.echo(f"connections  {found['connections']}")
    if found["fell_back"]:
        click.echo("the files had problems at the start; this is what was last published")
    base = found["address"].replace("http", "ws", 1)
    for endpoint in found["endpoints"]:
        click.echo(
            f"  {endpoint['name']}  {base}{endpoint['url']}  {endpoint['shape']}  {endpoint['connections']} open"
        )


def local_time(seconds: float) -> str:
    """A moment as people here read it."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
