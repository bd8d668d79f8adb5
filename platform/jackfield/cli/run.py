"""`jackfield run`: one message to one process, and what it answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from jackfield import files
from jackfield.cli.check import lines_of
from jackfield.cli.settings import Failure, count_errors, counted, given_folder, project_folder
from jackfield.errors import PlanError
from jackfield.identity import ANONYMOUS, Identity
from jackfield.messages import Unsendable
from jackfield.process.calling import one_line
from jackfield.process.connection import GONE, Connection
from jackfield.process.python.import_errors import frames_of
from jackfield.process.table.keep import nothing_kept
from jackfield.process.table.tracing import Failed, Trace, as_json, cut, trace
from jackfield.server.node.event_loop import run as run_loop
from jackfield.server.observe.lag import Place
from jackfield.testing.alone import Alone
from jackfield.testing.client import Closed
from jackfield.testing.stall import STALL_LIMIT, watched

__all__ = ["command", "shown_trace"]

_TRIED = 30  # rows of a trace that are shown
_CELL = 60  # characters of a cell or a value


@dataclass(slots=True)
class _Outcome:
    """What came of a message. `explained` are sentences on it; `closed` is how the process closed the connection."""

    frames: list[Any] = field(default_factory=list)
    trace: Trace | None = None
    explained: list[str] = field(default_factory=list)
    closed: str | None = None

    def tell(self, form: str) -> None:
        """Print it: replies to stdout and all else to stderr, or one JSON object."""
        if form == "json":
            told = {"frames": self.frames, "trace": as_json(self.trace) if self.trace else None}
            _print({**told, "explained": self.explained, "closed": self.closed, "problems": []})
            return
        closed = [f"the process closed the connection: {self.closed}"] if self.closed is not None else []
        for line in shown_trace(self.trace) if self.trace else ():
            click.echo(line, err=True)
        for sentence in self.explained + closed:
            click.echo(f"jackfield: {sentence}", err=True)
        for frame in self.frames:
            _print(frame)


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
@click.option("--no-keep", is_flag=True, help="Keep nothing of what tables `keep`.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    process: str,
    messages: tuple[str, ...],
    login: str | None,
    form: str,
    *,
    traced: bool,
    within: float,
    no_keep: bool,
) -> None:
    """Send one message to PROCESS and print what it answers, each reply on a line of its own.

    \b
    jackfield run greeting.answer '{"message": "Привет"}'
    jackfield run prices '{"item": "tea"}' --trace

    MESSAGE is a JSON object, `{}` where none is given, and read from stdin where it is `-`. No server is needed and no
    endpoint: what an address would give as a path parameter stands in the message, too. The project is loaded as
    `test` does it, its resources are opened and closed, and what tables `keep` is kept. Replies go to stdout,
    everything else to stderr; with `--format json` all of it to stdout as one object. Exit 1 where an error is
    answered, or where the project has problems.
    """
    if len(messages) > 1:
        raise Failure(f"put the message in single quotes: jackfield run {process} '{' '.join(messages)}'", 2)
    message = messages[0] if messages else "{}"
    if not process.strip():
        raise Failure("PROCESS is empty; name one, like prices or greeting.answer", 2)
    folder = project_folder(given_folder())
    outcome = _Outcome()
    try:
        # what processes print is no reply
        with redirect_stdout(sys.stderr), nothing_kept() if no_keep else nullcontext():
            given = _text(message)
            run_loop(_run(folder, process, given, login, outcome, within=within, traced=traced, form=form))
    except PlanError as exc:
        _fail(exc, folder, form)
    outcome.tell(form)
    if any("error" in frame for frame in outcome.frames):
        raise click.exceptions.Exit(1)


def _text(message: str) -> str:
    """The message, which stdin has where it is `-`. Raises Failure for what is no UTF-8."""
    try:
        data = sys.stdin.buffer.read() if message == "-" else message.encode()
        return files.unmarked(data).decode()
    except UnicodeError:
        raise Failure(f"{'standard input' if message == '-' else 'the message'} is not UTF-8", 2) from None


def _fail(exc: PlanError, folder: Path, form: str) -> NoReturn:
    """End for want of a process, or of a project without problems."""
    unknown = [one for one in exc.problems if one.code == "unknown_process" and one.path.startswith("endpoints.the p")]
    sentence = f"{unknown[0].message}; {unknown[0].hint}" if unknown else ""
    if form == "json":
        problems = [] if unknown else [asdict(problem) for problem in exc.problems]
        told = {"frames": [], "trace": None, "explained": [sentence] if unknown else [], "closed": None}
        _print({**told, "problems": problems})
    if unknown:
        raise Failure(sentence) from None
    if form == "text":
        for line in lines_of(exc.problems, "text", folder):
            click.echo(line, err=True)
    raise Failure(f"{counted(count_errors(exc.problems), 'problem')} in {folder}") from None


def _print(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


async def _run(
    folder: Path,
    process: str,
    message: str,
    login: str | None,
    outcome: _Outcome,
    *,
    within: float,
    traced: bool,
    form: str,
) -> None:
    def stalled(place: Place) -> NoReturn:
        """Called in another thread: nothing that the event loop would have to do is done any more."""
        _break_off(outcome, form, f"the process has not returned for {STALL_LIMIT:g} s, at {place.at}")

    try:
        async with watched(stalled), Alone(folder, process, login) as client:
            if traced:
                _trace(client, message, login, outcome)
            await client.send(message)
            try:
                outcome.frames += await client.rest(within)
            except TimeoutError:
                outcome.frames += await _came(client)
                outcome.explained.append(f"it had not ended after {within:g} s, and was stopped")
            outcome.explained += [said for frame in outcome.frames if (said := _explained(client, frame))]
            outcome.closed = None if client.closed is None else str(client.closed)
    except TimeoutError as exc:  # of the way out: a process in a thread that does not return
        _break_off(outcome, form, str(exc))


async def _came(client: Alone) -> list[Any]:
    found = []
    try:
        while True:
            found.append(await client.receive(within=0.01))
    except (TimeoutError, Closed):
        return found


def _explained(client: Alone, frame: Any) -> str:
    """What a process raised, or what is wrong with its reply: the client only gets an id."""
    error = frame.get("error", {}) if isinstance(frame, dict) else {}
    exc = client.failure(error.get("incident", "")) if error.get("code") == "process_failed" else None
    if exc is None:
        return ""
    own = [one for one in frames_of(exc) if f"{os.sep}processes{os.sep}" in one.filename]
    at = f"{Path(own[-1].filename).name}:{own[-1].lineno}: " if own else ""
    return at + (str(exc) if isinstance(exc, Unsendable) else one_line(exc))


def _trace(client: Alone, message: str, login: str | None, outcome: _Outcome) -> None:
    answering, signature = client.answering, client.route.signature
    if answering is None:
        outcome.explained.append(f"{client.route.process.name} is no table, so there is no trace")
        return
    try:
        values = signature.values(signature.decode(message))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return  # the answer says what is wrong with it
    identity = Identity(login, frozenset(), "run", None) if login else ANONYMOUS
    someone = Connection(GONE, id="", endpoint="", identity=identity, params={}, query={})
    outcome.trace = trace(answering.table, answering.values(values, someone))


def shown_trace(found: Trace) -> Iterator[str]:
    """A trace as lines for a terminal: each row that was tried, with the cells that the message did not fit."""
    yield f"{found.table.file}: {found.outcome}"
    left = len(found.tried) - _TRIED
    if left > 0:
        yield f"  … {left:,} rows above did not fit" if found.table.policy != "collect" else f"  … {left:,} rows above"
    shown = found.tried[max(0, left) :]
    width = min(max((len(tried.name) for tried in shown), default=0), 20)
    for tried in shown:
        sign = "→" if tried.fits else "✗"
        yield f"  {sign} {tried.name[:20]:<{width}}  {_reasons(tried.failed)}".rstrip()


def _reasons(failed: Sequence[Failed]) -> str:
    return "; ".join(
        f"{one.column.head.text.partition(' (')[0]}: {one.cell.name} says {cut(one.cell.text, _CELL)}, and it is "
        f"{'missing' if one.value is None else cut(json.dumps(one.value, ensure_ascii=False, default=str), _CELL)}"
        for one in failed
    )


def _break_off(outcome: _Outcome, form: str, why: str) -> NoReturn:
    """End at once. Python would wait for threads of processes, which cannot be ended."""
    outcome.explained.append(why)
    with redirect_stdout(sys.__stdout__):
        outcome.tell(form)
        sys.stdout.flush()
    os._exit(1)
