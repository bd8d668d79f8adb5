"""`jackfield test`: run the examples of endpoints.yaml, in this process or against a server."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import NoReturn

import click

from jackfield.cli.call import facts, log_in
from jackfield.cli.check import lines_of
from jackfield.cli.send import NEW_KEY, over_http
from jackfield.cli.settings import (
    PREFIX,
    Failure,
    check_token,
    count_errors,
    counted,
    file_option,
    given_folder,
    option,
    project_folder,
    secret_of,
    server_address,
)
from jackfield.describe.contract import contract
from jackfield.errors import PlanError, Problem
from jackfield.routing.table import RoutingTable
from jackfield.server.node.event_loop import run as run_loop
from jackfield.server.observe.lag import Place
from jackfield.server.publish.building import built
from jackfield.similar import did_you_mean
from jackfield.state import State
from jackfield.state.tested import note_tested
from jackfield.testing.client import Project
from jackfield.testing.examples import Case, Result, caller_of, cases, run
from jackfield.testing.examples import Failure as Failed
from jackfield.testing.live import Live, NoServer, Outside
from jackfield.testing.report import FORMATS, Report, as_json, junit_of_problems, summary
from jackfield.testing.stall import STALL_LIMIT, watched
from jackfield.testing.target import PushFailed

__all__ = ["command"]


@click.command("test")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--url", metavar="URL", help="The server to test, like wss://desk.example.com; without it none is needed."
)
@click.option("--login", help="With --url: log in as this user; the password is asked for.")
@click.option("--password", help="The password for --login, where there is no terminal to ask on.")
@file_option("password")
@click.option(
    "--token",
    "tokens",
    multiple=True,
    metavar="TOKEN",
    help="With --url: the token of every client that is logged in; or LOGIN=TOKEN for that login of the examples. "
    "May be given several times.",
)
@file_option("token")
@option("--key", secret=True, help="With --url: the service key for what examples push.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def command(
    names: tuple[str, ...],
    url: str | None,
    login: str | None,
    password: str | None,
    password_file: Path | None,
    tokens: tuple[str, ...],
    token_file: Path | None,
    key: str | None,
    form: str,
) -> None:
    """Run the examples of this project; NAME is an endpoint or an example, all of them without one.

    Without --url they run in this process, with the project's own resources: no server, no port, no login. With
    --url they run against that server; an example whose clients must be logged in is skipped where there is no
    token for them, and one that pushes where there is no service key. How those in this process went is remembered in
    the state folder, where there is one, and shown on the page.

    What a program reads goes to stdout, the summary to stderr. Exit 1 where one fails, where there are examples and
    none was run, or where the project has problems; 3 where no server is reached.
    """
    folder = project_folder(given_folder())
    password = secret_of("password", password, password_file)
    tokens = (*tokens, *(secret_of("token", None, token_file) or "").split())
    if url is None and (login or tokens):
        raise Failure("--login and --token belong to --url; in process nobody has to log in", 2)
    if login and tokens:
        raise Failure("give --login or --token, not both", 2)
    report = Report(form, folder, sys.stdout)
    try:
        with redirect_stdout(sys.stderr):  # what processes print is no report
            if url is None:
                run_loop(_in_process(folder, names, report, some=form != "json"))
            else:
                credentials = _Credentials(login, password, tokens, key)
                run_loop(_live(folder, names, server_address(url, "ws"), credentials, report))
    except PlanError as exc:
        for line in _told(exc.problems, form, folder):
            click.echo(line)
        raise Failure(f"{counted(count_errors(exc.problems), 'problem')} in {folder}") from None
    except (NoServer, KeyboardInterrupt) as exc:
        if report.results:  # what was run until then is not lost
            report.end()
            click.echo(summary(report.results), err=True)
        raise Failure(str(exc), 3) if isinstance(exc, NoServer) else exc from None
    report.end()
    _sum_up(report.results)


def _told(problems: Sequence[Problem], form: str, folder: Path) -> list[str]:
    """The problems of a project that cannot be run."""
    if form in ("json", "junit"):
        return [junit_of_problems(problems) if form == "junit" else as_json([], problems)]
    return lines_of(problems, form, folder)


def _sum_up(results: Sequence[Result]) -> None:
    if not results:
        click.echo("there are no examples; write some under `examples:` of an endpoint", err=True)
    elif any(result.failure for result in results):
        raise Failure(summary(results))
    elif all(result.skipped for result in results):  # which must not look like a success
        no_token = any(result.skipped.startswith("no token") for result in results)
        wanted = (
            "a token: give --token or --login" if no_token else f"a service key: set JACKFIELD_KEY, made with {NEW_KEY}"
        )
        raise Failure(f"{summary(results)}; no example was run for want of {wanted}")
    else:
        click.echo(summary(results), err=True)


async def _in_process(folder: Path, names: Sequence[str], report: Report, *, some: bool) -> None:
    try:
        async with Project(folder) as project:
            chosen = _chosen(project.table, names, some=some)
            known = [(case.endpoint, case.name) for case in cases(project.table)]
            async with watched(lambda place: _stalled(chosen, report, place)):
                async for result in run(chosen, project):
                    report.add(result)
        _remember(folder, known, report.results)
    except TimeoutError as exc:  # of the way out: a process in a thread that does not return
        _break_off(report, str(exc))


def _remember(folder: Path, known: Sequence[tuple[str, str]], results: Sequence[Result]) -> None:
    """Note how the examples went, for the page, where there is a state folder that can be written."""
    given = os.environ.get(f"{PREFIX}STATE")
    state = State.found(folder, Path(given) if given else None)
    if state is not None:
        ran = {(result.case.endpoint, result.case.name): result.failure is None for result in results}
        with suppress(OSError):
            note_tested(state.tested, known, ran, time.time())


def _stalled(chosen: Sequence[Case], report: Report, place: Place) -> None:
    """Called in another thread: nothing that the event loop would have to do is done any more."""
    if len(report.results) < len(chosen):
        case = chosen[len(report.results)]
        sentence = f"the process has not returned for {STALL_LIMIT:g} s, at {place.at}"
        stack = ("the calls, the innermost last:", *(f"  {line}" for line in place.stack))
        report.add(Result(case, STALL_LIMIT, Failed(sentence, case.place, stack)))
    _break_off(report, f"the run was ended: nothing has moved for {STALL_LIMIT:g} s, at {place.at}")


def _break_off(report: Report, why: str) -> NoReturn:
    """End at once. Python would wait for threads of processes, which cannot be ended."""
    report.end()
    click.echo(summary(report.results), err=True)
    click.echo(f"jackfield: {why}", err=True)
    os._exit(1)


async def _live(folder: Path, names: Sequence[str], address: str, credentials: _Credentials, report: Report) -> None:
    table = await built(folder, 0)
    try:
        chosen = _chosen(table, names)
        live = Live(address, table, await credentials.tokens(address, table), credentials.outside(address))
        async for result in run(map(live.fitted, chosen), live, live.skip):
            report.add(result)
        if all(result.skipped for result in report.results):
            operations = [case.operation for case in chosen] or contract(table).operations
            for operation in operations[:1]:
                await live.reach(operation.filled)
    finally:
        table.catalog.release()


def _chosen(table: RoutingTable, names: Sequence[str], *, some: bool = True) -> list[Case]:
    """The examples that are meant by `names`, in the order of the files. With `some`, none of them is a Failure."""
    found = cases(table)
    known = {*table.routes, *(case.name for case in found)}
    for name in names:
        if name not in known:
            parts = filter(None, (f'no endpoint and no example is called "{name}"', did_you_mean(name, known)))
            raise Failure("; ".join(parts), 2)
    chosen = [case for case in found if not names or {case.endpoint, case.name} & set(names)]
    if found and not chosen and some:
        raise Failure(f"no example was run: there is none of {', '.join(names)}")
    return chosen


class _Credentials:
    """What the command line says about logins, and the service key."""

    def __init__(self, login: str | None, password: str | None, tokens: Sequence[str], key: str | None) -> None:
        self._login = login
        self._password = password
        self._given = tokens
        self._key = key

    def outside(self, address: str) -> Outside | None:
        """What pushes with the key; None without one."""
        key = self._key
        if not key:
            return None

        async def send(frame: bytes, /, **target: str | None) -> int:
            try:
                answer = await asyncio.to_thread(over_http, server_address(address, "http"), frame, key, **target)
            except Failure as exc:
                raise (NoServer if exc.exit_code == 3 else PushFailed)(exc.message) from exc
            return int(answer["delivered_to"])

        return send

    async def tokens(self, address: str, table: RoutingTable) -> Mapping[str, str]:
        """The token of each login of the examples; the one under "" is for all others."""
        if self._login:
            path = next((operation.filled for operation in contract(table).operations), "")
            return {"": await log_in(await facts(address + path), self._login, self._password)}
        logins = {
            caller_of(guest, case.operation)[0] for case in cases(table) for guest in case.example.guests.values()
        }
        found: dict[str, str] = {}
        for given in self._given:
            login, sign, token = given.partition("=")
            # a token may end with signs of equality: base64 pads with them
            key, value = (login, token) if sign and token.strip("=") else ("", given)
            if key and key not in logins:
                known = ", ".join(sorted(filter(None, logins))) or "none"
                raise Failure(f"--token: no example has a client with the login {key[:40]}; there are: {known}", 2)
            if key in found:
                raise Failure(f"--token: there are two for {key or 'every login'}", 2)
            check_token(value)
            found[key] = value
        return found
