"""`jackfield serve`: start the server."""

from __future__ import annotations

import asyncio
import errno
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from jackfield import stdio
from jackfield.auth.store.database import Unusable
from jackfield.cli.settings import (
    Failure,
    Number,
    count_errors,
    counted,
    failure_of,
    given_folder,
    option,
    project_folder,
    state_options,
)
from jackfield.describe.contract import contract
from jackfield.errors import PlanError, Refusal
from jackfield.identity import ADMIN
from jackfield.logs import last_resort, setup
from jackfield.logs import log as events
from jackfield.server.connection.contexts import about
from jackfield.server.node.event_loop import END_LIMIT, interrupt, leave, leave_within, run
from jackfield.server.node.first_admin import FirstAdmin, entrance
from jackfield.server.node.listener import CertificateLocked, bind, check_certificate, listen
from jackfield.server.node.node import Node, open_node
from jackfield.server.options import Options
from jackfield.server.publish.report import Report
from jackfield.state import State, StateError, write_private

if sys.platform != "win32":
    import uvloop

    _new_loop = uvloop.new_event_loop
else:
    _new_loop = asyncio.new_event_loop

__all__ = ["command"]

_DEFAULTS = Options()


class _Duration(click.ParamType[float]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|)", str(value))
        if match is None:
            self.fail(f"{value} is not a time; write 25s", param, ctx)
        return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "": 1}[match[2]]


class _Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d{1,9})(KiB|MiB|GiB)", str(value))
        if match is None:
            self.fail(f"{value} is not a size; write 512MiB or 1GiB", param, ctx)
        return int(match[1]) * {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}[match[2]]


@click.command("serve")
@option("--host", default=_DEFAULTS.host, show_default=True, help="The address to listen on.")
@option("--port", type=Number(0, 65535), default=_DEFAULTS.port, show_default=True, help="The port to listen on.")
@option("--workers", type=Number(1), default=1, help="Processes that serve; more than 1 is not supported yet.")
@option("--tls-cert", default="", type=click.Path(), help="The certificate chain (PEM) for wss://.")
@option("--tls-key", default="", type=click.Path(), help="The certificate's private key (PEM).")
@option(
    "--behind-proxy",
    default="",
    metavar="CIDR,…",
    help="The networks of your proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed.",
)
@option("--public-url", default="", help="The address that clients use, where it is not the listener's.")
@option("--insecure", is_flag=True, help="Serve without TLS on an address that other machines reach.")
@option("--watch", is_flag=True, help="Publish on each save.")
@option("--locked", is_flag=True, help="Refuse publishing: what is served is what was started.")
@option(
    "--edit",
    is_flag=False,
    flag_value="all",
    type=click.Choice(["tables", "all"]),
    help="Let files be changed over HTTP and published: all of them by admins on this machine, or tables by editors.",
)
@option("--drain", type=_Duration(), default="25s", show_default=True, help="How long a stop waits for replies.")
@option(
    "--outbox",
    type=_Size(),
    default="1GiB",
    show_default=True,
    help="What may wait for all clients together; beyond it the slowest are closed.",
)
@option(
    "--admin-port",
    type=Number(0, 65535),
    help="A second port, on 127.0.0.1: metrics, documents and administration are there and not in public.",
)
@option("--check-replies/--no-check-replies", default=None, help="Check replies against their types; on with --watch.")
@option(
    "--trace",
    type=click.Choice(["off", "handshakes", "messages"]),
    help="Spans for OpenTelemetry (jackfield[otel]); where they go is said by OTEL_….",
)
@option("--log", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The log's form.")
@state_options
def command(state: State, workers: int, log: str, **given: Any) -> None:
    """Start the server. The banner and the log go to stderr."""
    folder = project_folder(given_folder())
    if workers > 1:
        raise Failure(f"--workers {workers}: more than one is not supported yet [not_supported_yet]", 2)
    proxies = given["behind_proxy"]
    given["behind_proxy"] = tuple(part.strip() for part in proxies.split(",") if part.strip())
    if proxies and not given["behind_proxy"]:
        raise Failure("--behind-proxy names no network; write 10.0.0.0/8 or 127.0.0.1, or leave it out", 2)
    if given["check_replies"] is None:
        given["check_replies"] = given["watch"]
    options = Options(**given)
    if options.watch and options.locked:
        raise Failure("--watch publishes on each save and --locked refuses that; keep one of them", 2)
    for problem in options.problems():
        raise Failure(problem, 2)
    as_json = log == "json"
    try:
        with _logging(as_json):
            with state.locked():
                run(_serve(folder, state, options, as_json), _new_loop)
            leave()
    except StateError as exc:
        raise Failure(str(exc)) from exc
    except Unusable as exc:
        raise failure_of(exc, 2) from exc
    except Refusal as exc:
        raise _store_fault(exc, state) from exc
    except PlanError as exc:
        _print_problems(exc)
        raise Failure(f"{_count(exc)}; nothing is served") from exc


@contextmanager
def _logging(as_json: bool) -> Iterator[None]:
    """The log of a server; why it could not start stands behind it, for people."""
    stdio.install(["stdout"])  # what processes print
    out = events.out = setup("json" if as_json else "text", about=about)
    streams = sys.stdout, sys.stderr
    if as_json:
        stdio.told(out)  # no line that is no object
    last_resort()
    try:
        yield
    finally:
        events.out = None
        sys.stdout, sys.stderr = streams


def _store_fault(exc: Refusal, state: State) -> Failure:
    """What is wrong with the store; of our own file with its path, since the cause is most often a full disk."""
    if exc.__cause__ is None or not state.has_own_store:
        return failure_of(exc)
    way_out = "make room on its disk, and see that this user may write there"
    return Failure(f"cannot use the store of users and sessions in {state.folder}: {exc.__cause__}; {way_out}")


async def _serve(folder: Path, state: State, options: Options, as_json: bool) -> None:
    _check_tls(options)
    with ExitStack() as sockets:
        listener = sockets.enter_context(_bind(options))
        bound = replace(options, port=listener.getsockname()[1])
        admin = None
        if options.admin is not None:
            admin = sockets.enter_context(_bind(options.admin, "--admin-port"))
            bound = replace(bound, admin_port=admin.getsockname()[1])

        def admin_port() -> int:
            nonlocal admin
            admin = sockets.enter_context(_bind_next(bound.port))
            port: int = admin.getsockname()[1]
            return port

        async with AsyncExitStack() as stack:
            node = await _open(stack, folder, state, bound, admin_port)
            await listen(
                node,
                listener,
                lambda: (_log_start if as_json else _banner)(node, state),
                lambda: leave_within(options.drain + END_LIMIT),
                admin=admin,
            )
            signal.signal(signal.SIGINT, interrupt)  # a second one ends at once whatever still closes
            if hasattr(signal, "SIGHUP"):
                signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is too late to publish


async def _open(
    stack: AsyncExitStack, folder: Path, state: State, options: Options, admin_port: Callable[[], int]
) -> Node:
    """The node, until the end of `stack`. What the system refuses at the start is one line, and no fault of ours."""
    try:
        opening = open_node(folder, state, options, report=_report, admin_port=admin_port)
        return await stack.enter_async_context(opening)
    except OSError as exc:
        raise Failure(f"cannot start: {exc.filename or state.folder}: {exc.strerror or exc}") from exc


def _bind(options: Options, name: str = "--port") -> socket.socket:
    """The listening socket; `name` is the option that chose its port."""
    try:
        return bind(options)
    except OSError as exc:
        where = f"{options.host}:{options.port}"
        fault = f"cannot listen on {where}: {exc.strerror or exc}"
        if exc.errno == errno.EADDRINUSE:
            port = options.port + 1 if options.port < 65535 else 8000
            fault = f"{where} is taken by another program; stop it, or choose another port: {name} {port}"
        elif exc.errno == errno.EACCES:
            fault = f"{where} is not for you to listen on; choose a port above 1023: {name} 8000"
        raise Failure(fault) from exc


def _bind_next(port: int) -> socket.socket:
    """A listening socket for the administration on the next free port of this machine, or else on any."""
    for number in range(port + 1, min(port + 20, 65535)):
        with suppress(OSError):
            return bind(Options(port=number))
    return _bind(Options(port=0), "--admin-port")


def _check_tls(options: Options) -> None:
    if options.tls:
        try:
            check_certificate(options.tls_cert, options.tls_key)
        except CertificateLocked as exc:
            raise Failure("the key of --tls-key is protected by a passphrase; give one without", 2) from exc
        except (OSError, ssl.SSLError) as exc:
            reason = getattr(exc, "strerror", None) or str(exc)
            raise Failure(
                f"cannot use --tls-cert {options.tls_cert} with --tls-key {options.tls_key}: {reason}", 2
            ) from exc


def _log_start(node: Node, state: State) -> None:
    """The banner for programs: each line of stderr is an object then."""
    table = node.gateway.live.generation.table
    node.tell_older_plan()
    if node.first_admin is not None:
        _leave_admin(node, node.first_admin, state)
        events.info("first_admin_made", file=str(state.first_admin))
    events.info("started", address=node.options.address, endpoints=len(table.routes), hash=table.hash)


def _banner(node: Node, state: State) -> None:
    table = node.gateway.live.generation.table
    base = f"ws{node.options.address.removeprefix('http')}"
    if node.fell_back is not None:
        _print_problems(node.fell_back)
        _say(f"{_count(node.fell_back)}; serving what was last published instead.")
    for problem in table.warnings:
        _say(str(problem))
    rows = [(route.name, base + route.endpoint.url, route.signature.shape) for route in table.routes.values()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    _say(f"Jackfield serves {counted(len(rows), 'endpoint')}:")
    for name, address, shape in rows:
        _say(f"  {name:<{widths[0]}}  {address:<{widths[1]}}  {shape}")
    has_site = node.gateway.live.generation.site is not None
    if has_site:
        _say(f"Site: {node.options.address}/")
    _say(f"Page: {node.options.address}/{'console/' if has_site else ''}")
    if node.options.admin is not None:
        _say(f"Metrics, documents and administration: {node.options.admin.address}")
    elif node.gateway.live.elsewhere:
        _say("Metrics, documents and administration: nowhere, beside a site; give --admin-port to have them")
    else:
        whose = "" if node.options.local else " (for users with the role admin)"
        _say(f"Documents{whose}: {node.options.address}/docs and {node.options.address}/docs/reference")
    if node.options.edit is not None:
        _say(_editing(node.options, beside_site=has_site))
    _show_admin(node, state)
    if node.first_admin is None and node.has_admin:
        _say(f"To get in: `jackfield token {ADMIN}` prints a cookie; `jackfield users passwd {ADMIN}` sets a password.")
    if not node.has_users:
        _say("Nobody can log in yet; make the first user with: jackfield users add admin --role admin")
    _say("Stop with Ctrl+C.")


def _editing(options: Options, *, beside_site: bool) -> str:
    """Where files are edited, as `Rights.edits` lets them be."""
    listener = (options.admin or options) if options.edit == "all" else options
    if beside_site:
        if options.admin is None:
            return "Tables are edited nowhere, beside a site; give --admin-port"
        listener = options.admin
    return f"{'Files' if options.edit == 'all' else 'Tables'} are edited at {listener.address}/#processes"


def _show_admin(node: Node, state: State) -> None:
    if node.first_admin is None:
        return
    if sys.stderr.isatty():
        _say(f"\n{_admin_text(node, node.first_admin)}")
    else:
        _leave_admin(node, node.first_admin, state)
        _say(f"First start: the user admin was made; password and cookie are in {state.first_admin}")


def _leave_admin(node: Node, admin: FirstAdmin, state: State) -> None:
    """Write down the first password. Raises StateError; the user exists by then, with a password that is lost."""
    try:
        write_private(state.first_admin, _admin_text(node, admin))
    except OSError as exc:
        way_out = "mend that, give the user admin a password with `jackfield users passwd admin`, and start again"
        raise StateError(f"cannot write {state.first_admin}: {exc.strerror or exc}; {way_out}") from exc


def _admin_text(node: Node, admin: FirstAdmin) -> str:
    found = contract(node.gateway.live.generation.table)
    return admin.text(found.auth.cookie, node.options.address, entrance(found))


def _report(result: Report | PlanError) -> None:
    if isinstance(result, PlanError):
        _print_problems(result)
        _say(f"{_count(result)}; the old plan goes on serving.")
    else:
        _say("\n".join(result.lines))


def _print_problems(exc: PlanError) -> None:
    for problem in exc.problems:
        _say(str(problem))


def _count(exc: PlanError) -> str:
    return counted(count_errors(exc.problems), "problem")


def _say(text: str) -> None:
    click.echo(text, err=True)
