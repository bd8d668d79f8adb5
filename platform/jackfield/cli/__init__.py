"""The command line: one file per command, loaded when it is called."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from jackfield import __version__, stdio
from jackfield.cli.settings import Context, Failure, check_environment
from jackfield.similar import did_you_mean

__all__ = ["main"]

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serve", "Start the server."),
    "check": ("check", "Tell every problem of the project, without starting anything."),
    "run": ("run", "Send one message to a process and print what it answers."),
    "test": ("test_command", "Run the examples of the project, here or against a server."),
    "publish": ("publish", "Make the files live in the running server."),
    "status": ("status", "Tell what the running server serves."),
    "connections": ("connections", "Tell who is connected to the running server."),
    "refusals": ("refusals", "Tell who was refused lately, and why."),
    "call": ("call", "Talk to an endpoint from the terminal."),
    "users": ("users", "Add, list and change the users who may log in."),
    "keys": ("keys", "Make, list, rotate and remove the keys of other programs."),
    "data": ("data", "List what tables keep, or print one of these files."),
    "unmatched": ("unmatched", "List messages that no row of a table was for."),
    "send": ("send", "Send an event to a group or to a user."),
    "token": ("token_command", "Open a session for a user and print its token."),
    "docs": ("docs", "Print a page of the documents."),
    "new": ("new", "Begin a project in a new folder, or a table."),
    "export": ("export", "Write documents, a Postman collection, a typed client."),
    "schema": ("schema", "Print the JSON Schema of endpoints.yaml for editors."),
}


class _Lazy(click.Group):
    """A group that imports a command's file when the command is called, so that each starts fast.

    What the system refuses one of them, and no command has a sentence of its own for, is one line here.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if parent is None:
            _open_streams()
        for arg in args:
            if _is_no_argument(arg):
                raise Failure(f"an argument holds what no program can be given: {arg[:80]!a}", 2)
        with _in_one_line():  # `--help` is printed here
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_line():
            try:
                found = super().invoke(ctx)
            except click.NoSuchOption as exc:
                raise _misplaced(exc, self) or exc from exc
            sys.stdout.flush()  # Python would do it when it ends, and show a traceback for a full disk
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found = import_module(f"jackfield.cli.{_COMMANDS[cmd_name][0]}").command
        assert isinstance(found, click.Command)
        return _with_folder(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and args[0][:1] != "-":
            hint = did_you_mean(args[0], _COMMANDS) or "jackfield --help lists all"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _with_folder(command: click.Command) -> click.Command:
    """The command, and those below it, with `-C` behind it as well; but for one that takes any word with a dash."""
    taken = command.context_settings.get("ignore_unknown_options")
    if not taken and not any("-C" in param.opts for param in command.params):
        option = click.Option(["-C", "of_project"], type=click.Path(path_type=Path), hidden=True, expose_value=False)
        option.is_eager, option.callback = True, _choose_folder  # before what looks for the project
        command.params.append(option)
    for part in getattr(command, "commands", {}).values():
        _with_folder(part)
    return command


def _choose_folder(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    shared = ctx.find_object(Context)
    if value is not None and shared is not None:
        if shared.folder is not None and shared.folder != value:
            raise click.UsageError("-C names two folders; keep one", ctx)
        ctx.find_root().obj = ctx.obj = Context(value)


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
    check_environment(os.environ, main)


def _misplaced(exc: click.NoSuchOption, group: click.Group) -> click.UsageError | None:
    """The error for an option of ours that stands behind a command."""
    if exc.ctx is None or not any(exc.option_name in param.opts for param in group.params):
        return None
    return click.UsageError(f"{exc.option_name} stands alone: jackfield {exc.option_name}", exc.ctx)


def _is_no_argument(text: str) -> bool:
    """Whether a text could not have come from a shell: a test may still hand it over."""
    try:
        return b"\0" in os.fsencode(text)
    except UnicodeEncodeError:
        return True


def _open_streams() -> None:
    """Open what we were started without (`<&-`): the next file would get its number, and be written into by mistake.

    Standard output is what a command was asked for, so what is opened for it takes nothing: writing is an OSError then.
    """
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            stream = open(os.open(os.devnull, flags), mode, encoding="utf-8")  # noqa: SIM115, PTH123 - until the end
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)  # `serve` writes to it as to any, and is not ended by it
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Replies and problems hold any language. What a program or a file takes is UTF-8; a terminal has an
            # encoding of its own, and what it cannot show must not end us with a traceback.
            more = {} if stream.isatty() else {"encoding": "utf-8"}
            stream.reconfigure(errors="backslashreplace", **more)
    stdio.install(["stderr"])


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn the system's fault into one line on stderr and exit code 1."""
    try:
        yield
    except OSError as exc:
        _leave_stdout()
        if exc.errno == errno.EPIPE:
            raise  # the reader has closed the pipe; click ends silently then
        place = os.fsdecode(exc.filename) if isinstance(exc.filename, str | bytes) else ""
        if not place and exc.errno in _OF_STREAMS:
            place = "standard output"
        raise Failure(f"{place}: {exc.strerror or exc}" if place else str(exc)) from exc


_OF_STREAMS = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT)


def _leave_stdout() -> None:
    """Let what standard output does not take be: Python would try again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
