"""`jackfield call`: talk to an endpoint from the terminal, as Postman would."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from jackfield import files
from jackfield.addresses import is_loopback
from jackfield.bodies import PLAIN, BadBody, Body
from jackfield.cli.settings import (
    Failure,
    check_token,
    file_option,
    find_project,
    given_folder,
    is_address,
    option,
    secret_of,
)
from jackfield.cli.status import UNKNOWN
from jackfield.server.node.control import NoServer, ask
from jackfield.state import State, StateError

__all__ = ["command", "facts", "log_in"]

LIMIT = 10.0
"""Seconds for the login and for the handshake."""

MAX_ANSWER = 1024 * 1024
"""Bytes of one answer over HTTP that are read."""

AHEAD = 16
"""Lines that are read before they can be sent."""

MOST = 64 * 1024 * 1024
"""Bytes of a line that is sent and of a frame that comes; the largest `limits.message` and `limits.queue`."""

PATIENCE = 0.25
"""Seconds that the next line waits for an answer to the one before; not every process answers every message."""


@click.command("call")
@click.argument("url")
@click.option("--login", help="Log in as this user; the password is asked for.")
@click.option("--password", help="The password for --login, where there is no terminal to ask on.")
@file_option("password")
@click.option("--token", help="The token to send as the cookie.")
@file_option("token")
@click.option(
    "--wait", type=click.FloatRange(0), default=1.0, show_default=True, help="Seconds of silence that end it."
)
@click.option("--print", "only_print", is_flag=True, help="Print lines for other clients instead of connecting.")
@option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The project's state folder; .jackfield beside endpoints.yaml by default.",
)
def command(
    url: str,
    login: str | None,
    password: str | None,
    password_file: Path | None,
    token: str | None,
    token_file: Path | None,
    wait: float,
    only_print: bool,
    state: Path | None,
) -> None:
    """Send each line of standard input to the endpoint at URL, and print each frame that comes back.

    URL is ws://…, wss://…, http(s)://…, or a path such as /ws/greeting of this project's running server.
    A line that the server refuses because it came too fast is sent again when the server takes it.
    Exit 1 where the server refuses or ends the connection, 3 where none is reached.
    """
    password, token = secret_of("password", password, password_file), secret_of("token", token, token_file)
    if login and token:
        raise Failure("give --login or --token, not both", 2)
    check_token(token or "")
    shown, address = _addresses(url, state)
    found = asyncio.run(facts(address))
    if login:
        if shown != address:  # the login is found by its public address as well
            path = urlsplit(found["login"]["url"]).path
            url = f"http{urlsplit(address)._replace(path=path, query='').geturl().removeprefix('ws')}"
            found["login"] = {**found["login"], "url": url}
        token = asyncio.run(log_in(found, login, password))
    cookie = f"{found['cookie'].partition('=')[0]}={token}" if token else ""
    if only_print:
        asks = found.get("would") is not None  # without a credential it would be refused
        for line in _other_clients(shown, cookie or (found["cookie"] if asks else ""), found.get("send")):
            click.echo(line)
        return
    asyncio.run(_talk(address, cookie, wait))


def _addresses(url: str, state: Path | None) -> tuple[str, str]:
    """The address of an endpoint that others use, and the one to use here.

    They differ for a path of this project's server under --public-url, which this machine may not resolve.
    """
    if not url.startswith("/"):
        return _address(url), _address(url)
    folder = find_project(given_folder())
    running: Mapping[str, str] = {}
    if folder is not None or state is not None:
        with suppress(NoServer, StateError, KeyError):
            running = ask(State.open(folder or Path(), state=state).server_json, "status")["ok"]
    if not running:
        raise Failure("a path alone needs this project's running server; start it, or give the whole ws:// address", 3)
    shown = running["address"]
    if not shown:
        raise Failure(f"the server's address is {UNKNOWN}; give the whole one, ws://host:port/path", 3)
    return _address(shown + url), _address(running.get("listener", shown) + url)


def _address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    names = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if scheme not in names or not is_address(url):
        raise Failure(f"{url} is not an address; write ws://host:port/path, or /path for this project's server", 2)
    return f"{names[scheme]}://{rest}"


def _near(address: str) -> bool:
    """Whether the address is this machine's; no proxy is used then, whatever the environment has."""
    return is_loopback(urlsplit(address).hostname or "")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    cookies: Mapping[str, str]
    body: Mapping[str, Any]


async def _ask(method: str, url: str, body: object = None) -> _Answer:
    """One request over HTTP, answered within LIMIT seconds in all. Raises httpx.HTTPError, TimeoutError and BadBody."""
    # the certificates that the WebSocket client trusts as well, SSL_CERT_FILE among them
    trust = ssl.create_default_context()
    async with (
        asyncio.timeout(LIMIT),
        httpx.AsyncClient(verify=trust, trust_env=not _near(url), timeout=LIMIT) as client,
        client.stream(method, url, headers=PLAIN, json=body) as response,
    ):
        came = Body(response.headers.get_list("content-encoding"), MAX_ANSWER)
        async for part in response.aiter_raw():
            came.add(part)
        return _Answer(response.status_code, dict(response.cookies), _object(came.whole()))


_FAULTS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, BadBody)


async def facts(address: str) -> dict[str, Any]:
    """What the 426 of a plain GET holds: the cookie's name, where to log in, what to send.

    Raises Failure: exit 3 where no server is reached, 1 where none of ours answers.
    """
    try:
        answer = await _ask("GET", f"http{address.removeprefix('ws')}")
    except _FAULTS as exc:
        hint = "; where you made the certificate yourself, name it: SSL_CERT_FILE=cert.pem jackfield call …"
        hint = hint if "CERTIFICATE_VERIFY_FAILED" in str(exc) else ""
        raise Failure(f"no server was reached at {address}: {_why(exc)}{hint}", 3) from exc
    if answer.status != 426 or not {"cookie", "login"} <= answer.body.keys():
        raise Failure(_refused(answer.status, answer.body))
    return dict(answer.body)


async def log_in(found: Mapping[str, Any], login: str, password: str | None) -> str:
    """The token of a new session; `found` is what `facts` gave. Asks for a password that is None. Raises Failure."""
    if password is None:
        if not sys.stdin.isatty():
            raise Failure("there is no terminal to ask for the password on; give --password-file FILE", 2)
        password = click.prompt(f"Password of {login}", hide_input=True, err=True)
    try:
        answer = await _ask("POST", found["login"]["url"], {"login": login, "password": password})
    except _FAULTS as exc:
        raise Failure(f"the login did not reach the server: {_why(exc)}", 3) from exc
    token = answer.cookies.get(found["cookie"].partition("=")[0])
    if answer.status != 200 or not token:
        raise Failure(_refused(answer.status, answer.body))
    return token


def _why(exc: Exception) -> str:
    return f"no whole answer within {LIMIT:g} s" if isinstance(exc, TimeoutError) else str(exc)


def _object(body: bytes | bytearray | None) -> dict[str, Any]:
    """The JSON object in an answer; an empty one where something else answered."""
    try:
        found = json.loads(body or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refused(status: int, body: Mapping[str, Any]) -> str:
    parts = (str(status), body.get("code", ""), "-", body.get("detail", "no reason given"), body.get("fix", ""))
    return "refused: " + " ".join(part for part in parts if part)


async def _talk(address: str, cookie: str, wait: float) -> None:
    headers = {"Cookie": cookie} if cookie else {}
    try:
        async with connect(
            address,
            additional_headers=headers,
            open_timeout=LIMIT,
            proxy=None if _near(address) else True,
            compression=None,
            max_size=MOST,
        ) as socket:
            await _exchange(socket, wait)
    except InvalidStatus as exc:
        raise Failure(_refused(exc.response.status_code, _object(exc.response.body))) from exc
    except (OSError, InvalidHandshake, TimeoutError) as exc:
        raise Failure(f"no connection to {address}: {exc}", 3) from exc


async def _exchange(socket: ClientConnection, wait: float) -> None:
    """Lines out, frames in, both at once; ends after the input's end and `wait` seconds of silence."""
    if sys.stdin.isatty():
        click.echo("Connected. Type a message and press Enter; Ctrl+D ends.", err=True)
    heard = asyncio.Event()
    turns = _Turns()
    printing = asyncio.create_task(_print_frames(socket, heard, turns))
    sending = asyncio.create_task(_send_lines(socket, turns))
    try:
        await asyncio.wait((printing, sending), return_when=asyncio.FIRST_COMPLETED)
        while not printing.done():
            heard.clear()
            try:
                async with asyncio.timeout(wait):
                    await heard.wait()
            except TimeoutError:
                break
        if sending.done():
            sending.result()  # raises what is wrong with a line
        if printing.done() and isinstance(fault := printing.exception(), OSError):
            raise Failure(f"standard output: {fault.strerror or fault}") from fault
    finally:
        for task in (printing, sending):
            task.cancel()
        await asyncio.gather(printing, sending, return_exceptions=True)
    if socket.close_code not in (None, 1000):
        raise Failure(f"the server closed the connection: {socket.close_code} {socket.close_reason}")


class _Turns:
    """One line at a time: `answered` takes each frame, and `send` sends a line again that was refused as too fast.

    A refusal does not name its line. It is the last line's, as long as each line before was answered; once one
    was not, within PATIENCE, refusals are printed instead.
    """

    def __init__(self) -> None:
        self._turn: asyncio.Future[float | None] | None = None
        self._lost_count = False

    def answered(self, frame: str | bytes) -> bool:
        """Take a frame; returns whether it is a refusal after which the line is sent again."""
        body = _object(frame.encode() if isinstance(frame, str) else frame)
        if self._turn is None or self._turn.done() or "event" in body:
            return False
        error = body.get("error")
        wait = error.get("retry_after") if isinstance(error, dict) and error.get("code") == "rate_limited" else None
        self._turn.set_result(wait if isinstance(wait, int | float) and not self._lost_count else None)
        return self._turn.result() is not None

    async def send(self, socket: ClientConnection, line: str) -> None:
        """Send a line until it is taken, and wait at most PATIENCE for its answer."""
        wait: float | None = 0
        while wait is not None:
            await asyncio.sleep(wait)
            self._turn = asyncio.get_running_loop().create_future()
            await socket.send(line)
            answers, _ = await asyncio.wait((self._turn,), timeout=PATIENCE)
            self._lost_count |= not answers
            wait = self._turn.result() if answers else None


async def _send_lines(socket: ClientConnection, turns: _Turns) -> None:
    lines: asyncio.Queue[str | Failure | None] = asyncio.Queue(AHEAD)
    loop = asyncio.get_running_loop()
    # A daemon: a read from the terminal must not keep the command from ending when the server has closed.
    threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
    while (line := await lines.get()) is not None:
        if isinstance(line, Failure):
            raise line
        if line.strip():
            with suppress(ConnectionClosed):
                await turns.send(socket, line)


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | Failure | None]) -> None:
    with suppress(RuntimeError):  # the loop is closed: the command has ended
        try:
            for line in _lines(sys.stdin.fileno()):
                _put(loop, lines, line)
        except Failure as exc:
            _put(loop, lines, exc)
        _put(loop, lines, None)


def _put(
    loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | Failure | None], line: str | Failure | None
) -> None:
    putting = lines.put(line)
    try:
        asyncio.run_coroutine_threadsafe(putting, loop).result()
    except RuntimeError:
        putting.close()  # the loop would have run it
        raise


def _lines(source: int) -> Iterator[str]:
    """The lines of a file descriptor; `sys.stdin` would hold a lock that Python needs when it ends. Raises Failure."""
    rest = bytearray()
    first = True
    try:
        while chunk := os.read(source, 65536):
            *ends, beginning = chunk.split(b"\n")
            for end in ends:
                line = bytes(rest + end)
                yield (files.unmarked(line) if first else line).decode("utf-8", "replace").rstrip("\r")
                first = False
                rest.clear()
            rest += beginning
            if len(rest) > MOST:
                raise Failure(f"a line of standard input has more than {MOST:,} bytes, which no endpoint takes")
    except OSError as exc:
        raise Failure(f"cannot read standard input: {exc.strerror or exc}") from exc
    if rest:
        yield (files.unmarked(bytes(rest)) if first else bytes(rest)).decode("utf-8", "replace")


async def _print_frames(socket: ClientConnection, heard: asyncio.Event, turns: _Turns) -> None:
    async for frame in socket:
        if not turns.answered(frame):
            click.echo(frame if isinstance(frame, str) else f"binary: {frame.hex()}")
            heard.set()


def _other_clients(address: str, cookie: str, send: object) -> list[str]:
    """Lines to paste, for other clients; without a cookie they send none."""
    message = json.dumps(send or {}, ensure_ascii=False)
    headers = f", additional_headers={{'Cookie': {cookie!r}}}" if cookie else ""
    script = (
        "import asyncio, websockets\n"
        "async def main():\n"
        f"    async with websockets.connect({address!r}{headers}) as ws:\n"
        f"        await ws.send({message!r})\n"
        "        print(await ws.recv())\n"
        "asyncio.run(main())"
    )
    at, said = shlex.quote(address), shlex.quote(message)
    header = f"-H {shlex.quote(f'Cookie: {cookie}')} " if cookie else ""
    text = json.dumps(message, ensure_ascii=False)
    return [
        "# wscat (npm install -g wscat)",
        f"wscat -c {at} {header}-x {said}",
        "",
        "# websocat",
        f"printf '%s\\n' {said} | websocat {header}{at}",
        "",
        "# Python (pip install websockets)",
        script,
        "",
        "// JavaScript in a page of the same site; the browser sends its own cookie",
        f"const socket = new WebSocket({json.dumps(address)}); socket.onopen = () => socket.send({text});",
        "socket.onmessage = (event) => console.log(event.data);",
    ]
