"""`jackfield refusals`: who was refused lately, and why. Browsers and Postman hide it; this does not."""

from __future__ import annotations

import json

import click

from jackfield.cli.publish import speak
from jackfield.cli.settings import state_options
from jackfield.cli.status import local_time
from jackfield.state import State

__all__ = ["command"]


@click.command("refusals")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@state_options
def command(state: State, as_json: bool) -> None:
    """Tell the last 200 refusals of the running server, the newest last."""
    found = speak(state, "refusals")["refusals"]
    if as_json:
        text = json.dumps(found, ensure_ascii=False, indent=2)
        click.echo("".join(map(_escaped, text)))
        return
    for refused in found:
        who = refused["login"] or "nobody"
        origin = f" from a page of {refused['origin']}" if refused["origin"] else ""
        line = f"{local_time(refused['time'])}  {refused['status']} {refused['code']}  {refused['path']}  {who}"
        click.echo(_printable(f"{line} at {refused['client']}{origin}: {refused['detail']}"))
    if not found:
        click.echo("nobody was refused since the server started", err=True)


def _printable(text: str) -> str:
    """The text with escapes for what would control the terminal: clients have sent parts of it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _escaped(letter: str) -> str:
    """A letter of a JSON text, which may have line ends and no other character that acts."""
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]
