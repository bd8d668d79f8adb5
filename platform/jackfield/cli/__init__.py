"""The command line: one file per command, loaded when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click

from jackfield import __version__
from jackfield.cli.settings import PREFIX, Context, variables, warn_unknown

__all__ = ["main"]

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serve", "Start the server."),
    "check": ("check", "Tell every problem of the project, without starting anything."),
    "test": ("test_command", "Run the examples of the project, here or against a server."),
    "publish": ("publish", "Make the files live in the running server."),
    "status": ("status", "Tell what the running server serves."),
    "refusals": ("refusals", "Tell who was refused lately, and why."),
    "call": ("call", "Talk to an endpoint from the terminal."),
    "users": ("users", "Add, list and change the users who may log in."),
    "token": ("token_command", "Open a session for a user and print its token."),
    "new": ("new", "Begin a project in a new folder."),
    "export": ("export", "Write documents, a Postman collection, a typed client."),
    "schema": ("schema", "Print the JSON Schema of endpoints.yaml for editors."),
}


class _Lazy(click.Group):
    """A group that imports a command's file when the command is called, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found = import_module(f"jackfield.cli.{_COMMANDS[cmd_name][0]}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The project's folder; by default the nearest one upwards with endpoints.yaml.",
)
@click.version_option(__version__, prog_name="jackfield", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context, folder: Path | None) -> None:
    """Bind WebSocket URLs to business processes.

    Exit codes: 0 fine, 1 problems or refused, 2 wrong usage, 3 no server reached.
    """
    context.obj = Context(folder)
    if any(name.startswith(PREFIX) for name in os.environ):
        warn_unknown(os.environ, variables(main))
    # replies and problems hold any language; a terminal of another encoding must not end us with a traceback
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
