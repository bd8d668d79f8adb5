"""`jackfield run`: one message to one process, and what it answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from jackfield.cli.check import lines_of
from jackfield.cli.settings import Failure, count_errors, counted, given_folder, project_folder
from jackfield.errors import PlanError
from jackfield.identity import ANONYMOUS, Identity
from jackfield.messages import Unsendable
from jackfield.process.calling import one_line
from jackfield.process.connection import GONE, Connection
from jackfield.process.python.import_errors import frames_of
from jackfield.process.table.tracing import Failed, Trace, trace
from jackfield.server.node.event_loop import run as run_loop
from jackfield.server.observe.lag import Place
from jackfield.testing.alone import Alone
from jackfield.testing.client import Closed
from jackfield.testing.stall import STALL_LIMIT, watched

__all__ = ["command", "shown_trace"]

_TRIED = 30  # rows of a trace that are shown
_CELL = 60  # characters of a cell or a value


@click.command("run")
@click.argument("process")
@click.argument("messages", nargs=-1, metavar="[MESSAGE]")
@click.option("--login", metavar="LOGIN", help="Who sends it; without it nobody is logged in.")
@click.option("--trace", "traced", is_flag=True, help="Of a table: the row that answers, and why those above do not.")
@click.option(
    "--within",
    type=click.FloatRange(0.1, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the last reply.",
)
def command(process: str, messages: tuple[str, ...], login: str | None, *, traced: bool, within: float) -> None:
    """Send one message to PROCESS and print what it answers, each reply on a line of its own.

    \b
    jackfield run greeting.answer '{"message": "Привет"}'
    jackfield run prices '{"item": "tea"}' --trace

    MESSAGE is a JSON object, `{}` where none is given. No server is needed and no endpoint: what an address would give
    as a path parameter stands in the message, too. The project is loaded as `test` does it, its resources are opened
    and closed, and what tables `keep` is kept. Replies go to stdout, everything else to stderr. Exit 1 where an error
    is answered, or where the project has problems.
    """
    if len(messages) > 1:
        raise Failure(f"put the message in single quotes: jackfield run {process} '{' '.join(messages)}'", 2)
    message = messages[0] if messages else "{}"
    folder = project_folder(given_folder())
    frames: list[Any] = []
    try:
        with redirect_stdout(sys.stderr):  # what processes print is no reply
            run_loop(_run(folder, process, message, login, frames, within=within, traced=traced))
    except PlanError as exc:
        unknown = [
            one for one in exc.problems if one.code == "unknown_process" and one.path.startswith("endpoints.the p")
        ]
        if unknown:
            raise Failure(f"{unknown[0].message}; {unknown[0].hint}") from None
        for line in lines_of(exc.problems, "text", folder):
            click.echo(line, err=True)
        raise Failure(f"{counted(count_errors(exc.problems), 'problem')} in {folder}") from None
    for frame in frames:
        click.echo(json.dumps(frame, ensure_ascii=False))
    if any("error" in frame for frame in frames):
        raise click.exceptions.Exit(1)


async def _run(
    folder: Path, process: str, message: str, login: str | None, frames: list[Any], *, within: float, traced: bool
) -> None:
    try:
        async with watched(_stalled), Alone(folder, process, login) as client:
            if traced:
                for line in _traced(client, message, login):
                    click.echo(line, err=True)
            await client.send(message)
            try:
                frames += await client.rest(within)
            except TimeoutError:
                frames += await _came(client)
                click.echo(f"jackfield: it had not ended after {within:g} s, and was stopped", err=True)
            for frame in frames:
                _explain(client, frame)
            if client.closed is not None:
                click.echo(f"jackfield: the process closed the connection: {client.closed}", err=True)
    except TimeoutError as exc:  # of the way out: a process in a thread that does not return
        _break_off(str(exc))


async def _came(client: Alone) -> list[Any]:
    found = []
    try:
        while True:
            found.append(await client.receive(within=0.01))
    except (TimeoutError, Closed):
        return found


def _explain(client: Alone, frame: Any) -> None:
    """Say what a process raised, or what is wrong with its reply: the client only gets an id."""
    error = frame.get("error", {}) if isinstance(frame, dict) else {}
    exc = client.failure(error.get("incident", "")) if error.get("code") == "process_failed" else None
    if exc is None:
        return
    own = [one for one in frames_of(exc) if f"{os.sep}processes{os.sep}" in one.filename]
    at = f"{Path(own[-1].filename).name}:{own[-1].lineno}: " if own else ""
    said = str(exc) if isinstance(exc, Unsendable) else one_line(exc)
    click.echo(f"jackfield: {at}{said}", err=True)


def _traced(client: Alone, message: str, login: str | None) -> Iterator[str]:
    answering, signature = client.answering, client.route.signature
    if answering is None:
        yield f"jackfield: {client.route.process.name} is no table, so there is no trace"
        return
    try:
        values = signature.values(signature.decode(message))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return  # the answer says what is wrong with it
    identity = Identity(login, frozenset(), "run", None) if login else ANONYMOUS
    someone = Connection(GONE, id="", endpoint="", identity=identity, params={}, query={})
    yield from shown_trace(trace(answering.table, answering.values(values, someone)))


def shown_trace(found: Trace) -> Iterator[str]:
    """A trace as lines for a terminal: each row that was tried, with the cells that the message did not fit."""
    yield f"{found.table.file}: {_outcome(found)}"
    left = len(found.tried) - _TRIED
    if left > 0:
        yield f"  … {left:,} rows above did not fit" if found.table.policy != "collect" else f"  … {left:,} rows above"
    shown = found.tried[max(0, left) :]
    width = min(max((len(tried.name) for tried in shown), default=0), 20)
    for tried in shown:
        sign = "→" if tried.fits else "✗"
        yield f"  {sign} {tried.name[:20]:<{width}}  {_reasons(tried.failed)}".rstrip()


def _outcome(found: Trace) -> str:
    names = [tried.name for tried in found.tried if tried.fits][: len(found.chosen) or None]
    if not found.chosen:
        return "no row fits"
    if found.silent:
        return f"row {names[0]} gives no reply: {found.silent} {'are' if ' ' in found.silent else 'is'} empty"
    return (
        f"{'rows' if len(names) > 1 else 'row'} {', '.join(names[:_TRIED])} {'answer' if len(names) > 1 else 'answers'}"
    )


def _reasons(failed: Sequence[Failed]) -> str:
    return "; ".join(
        f"{one.column.head.text.partition(' (')[0]}: {one.cell.name} says {_cut(one.cell.text)}, and it is "
        f"{'missing' if one.value is None else _cut(json.dumps(one.value, ensure_ascii=False, default=str))}"
        for one in failed
    )


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _stalled(place: Place) -> NoReturn:
    """Called in another thread: nothing that the event loop would have to do is done any more."""
    _break_off(f"the process has not returned for {STALL_LIMIT:g} s, at {place.at}")


def _break_off(why: str) -> NoReturn:
    """End at once. Python would wait for threads of processes, which cannot be ended."""
    click.echo(f"jackfield: {why}", err=True)
    os._exit(1)
