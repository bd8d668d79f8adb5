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
from jackfield.identity import ADMIN
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
"""Bytes of a line that is sent and a frame that comes; the largest `limits.message` and `limits.queue`."""

SILENCE = 1.0
"""Seconds of silence that end an answer whose end is not told."""

TRIES = 4
LONGEST = 30
"""Tries of a refused handshake, and seconds between two at most."""

PATIENCE = 0.25
"""Seconds that a line waits for the answer to the one before; not every process answers every message."""


@click.command("call")
@click.argument("url")
@click.argument("messages", nargs=-1, metavar="[MESSAGE]...")
@click.option("--login", help="Log in as this user; the password is asked for.")
@click.option("--password", help="The password for --login, where there is no terminal to ask on.")
@file_option("password")
@click.option("--token", help="The token to send as the cookie.")
@file_option("token")
@click.option(
    "--wait", type=click.FloatRange(0), help="Seconds of silence that end it; by default the last answer does."
)
@click.option("--print", "only_print", is_flag=True, help="Print lines for other clients instead of connecting.")
@option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The project's state folder; .jackfield beside endpoints.yaml by default.",
)
def command(
    url: str,
    messages: tuple[str, ...],
    login: str | None,
    password: str | None,
    password_file: Path | None,
    token: str | None,
    token_file: Path | None,
    wait: float | None,
    only_print: bool,
    state: Path | None,
) -> None:
    """Send each MESSAGE, or each line of standard input, to the endpoint at URL, and print each frame that comes back.

    URL is ws://…, wss://…, http(s)://…, or a path such as /ws/greeting of this project's running server.
    A line that the server refuses because it came too fast is sent again when the server takes it. Objects go with
    an `$id`, which is not printed, so that the end of their answers is known.
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
    talk = _Talk(messages, _Turns(found.get("replies")), wait)
    try:
        asyncio.run(_talk(address, cookie, talk))
    except _Refused as exc:
        if exc.code == "not_logged_in" and not token and url.startswith("/") and found["login"]:
            here = f'On this machine: jackfield call {url} --token "$(jackfield token {ADMIN})"'
            raise Failure(f"{exc.message} {here}") from exc
        raise


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
        raise _Refused(answer.status, answer.body)
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
        raise _Refused(answer.status, answer.body)
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


class _Refused(Failure):
    """What a server of ours said instead of 101 or 200."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.code = body.get("code", "")
        told = f"[{body['refusal']}]" if "refusal" in body else ""
        parts = (str(status), self.code, "-", body.get("detail", "no reason given"), body.get("fix", ""), told)
        super().__init__("refused: " + " ".join(part for part in parts if part))


@dataclass(frozen=True, slots=True)
class _Talk:
    """What is said on a connection, and when it is over: `wait` are seconds of silence, None where answers say it."""

    messages: tuple[str, ...]
    turns: _Turns
    wait: float | None


async def _talk(address: str, cookie: str, talk: _Talk) -> None:
    """One conversation; where the server says when to try again, that is waited for, TRIES times."""
    headers = {"Cookie": cookie} if cookie else {}
    for tries_left in reversed(range(TRIES)):
        try:
            async with connect(
                address,
                additional_headers=headers,
                open_timeout=LIMIT,
                proxy=None if _near(address) else True,
                compression=None,
                max_size=MOST,
            ) as socket:
                await _exchange(socket, talk)
                return
        except InvalidStatus as exc:
            refused = _Refused(exc.response.status_code, _object(exc.response.body))
            after = exc.response.headers.get("Retry-After", "")
            if not tries_left or not after.isdecimal() or int(after) > LONGEST:
                raise refused from exc
            click.echo(f"{refused.message} Trying again in {after} s.", err=True)
            await asyncio.sleep(int(after))
        except (OSError, InvalidHandshake, TimeoutError) as exc:
            raise Failure(f"no connection to {address}: {exc}", 3) from exc


async def _exchange(socket: ClientConnection, talk: _Talk) -> None:
    """Lines out, frames in, both at once; ends after the input's end with the last answer, or in silence."""
    if not talk.messages and sys.stdin.isatty():
        click.echo("Connected. Type a message and press Enter; Ctrl+D ends.", err=True)
    heard = asyncio.Event()
    turns = talk.turns
    printing = asyncio.create_task(_print_frames(socket, heard, turns))
    sending = asyncio.create_task(_send_lines(socket, talk))
    try:
        await asyncio.wait((printing, sending), return_when=asyncio.FIRST_COMPLETED)
        while not printing.done() and not (talk.wait is None and turns.all_answered):
            heard.clear()
            try:
                async with asyncio.timeout(turns.patience if talk.wait is None else talk.wait):
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
    """One line at a time: `take` has each frame, and `send` sends a line again that was refused as too fast.

    An object is sent with an `$id` where `replies`, as the server says it, is known: its answers are told by it, and so
    is their end, of one with `many` by `$done` alone. A refusal that names no line is the last one's, as long as each
    line before was answered; once one was not, within PATIENCE, refusals are printed instead.
    """

    def __init__(self, replies: str | None) -> None:
        self._replies = replies
        self._open: dict[int, None] = {}
        self._marked = 0
        self._unmarked = 0
        self._turn: asyncio.Future[float | None] | None = None
        self._lost_count = False

    @property
    def all_answered(self) -> bool:
        """Whether all that was sent has its last answer; never where that cannot be known."""
        return self._all_marked and not self._open

    @property
    def _all_marked(self) -> bool:
        return self._marked > 0 and not self._unmarked

    @property
    def patience(self) -> float | None:
        """Seconds of silence after which nothing more is expected; None where the end will be told."""
        return None if self._all_marked and self._replies != "many" else SILENCE

    def take(self, frame: str | bytes) -> str | bytes | None:
        """What is to be printed of a frame; None for one that is only told to us."""
        body = _object(frame.encode() if isinstance(frame, str) else frame)
        if "event" in body:
            return frame
        error = body.get("error")
        number = body.get("$id")
        ours = isinstance(number, int) and number in self._open
        if isinstance(number, int) and ours and ("$done" in body or error is not None or self._replies != "many"):
            del self._open[number]
        elif error is not None and not ours and self._open:
            self._open.pop(next(reversed(self._open)))  # it was not read, so the error has no `$id`
        wait = error.get("retry_after") if isinstance(error, dict) and error.get("code") == "rate_limited" else None
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(wait if isinstance(wait, int | float) and not self._lost_count else None)
            if self._turn.result() is not None:
                return None
        if not ours or not isinstance(frame, str):
            return frame
        return None if "$done" in body else _without_id(frame, body)

    async def send(self, socket: ClientConnection, line: str) -> None:
        """Send a line until it is taken, and wait at most PATIENCE for its answer."""
        wait: float | None = 0
        while wait is not None:
            await asyncio.sleep(wait)
            self._turn = asyncio.get_running_loop().create_future()
            await socket.send(self._mark(line))
            answers, _ = await asyncio.wait((self._turn,), timeout=PATIENCE)
            self._lost_count |= not answers
            wait = self._turn.result() if answers else None

    def _mark(self, line: str) -> str:
        """The line with an `$id`, where it is an object without keys of ours."""
        try:
            body = json.loads(line)
        except (ValueError, RecursionError):
            body = None
        can = self._replies is not None and isinstance(body, dict) and not any(key.startswith("$") for key in body)
        if not can:
            self._unmarked += 1
            return line
        self._marked += 1
        self._open[self._marked] = None
        return line.rstrip()[:-1] + (", " if body else "") + f'"$id": {self._marked}}}'


def _without_id(frame: str, body: dict[str, Any]) -> str:
    """A frame as it would be without an `$id`, which stands at its end."""
    end = f'"$id":{body.pop("$id")}}}'
    if frame.endswith(end):
        return frame.removesuffix(end).removesuffix(",") + "}"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


async def _send_lines(socket: ClientConnection, talk: _Talk) -> None:
    if talk.messages:
        for message in talk.messages:
            with suppress(ConnectionClosed):
                await talk.turns.send(socket, message)
        return
    lines: asyncio.Queue[str | Failure | None] = asyncio.Queue(AHEAD)
    loop = asyncio.get_running_loop()
    # A daemon: a read from the terminal must not keep the command from ending when the server has closed.
    threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
    while (line := await lines.get()) is not None:
        if isinstance(line, Failure):
            raise line
        if line.strip():
            with suppress(ConnectionClosed):
                await talk.turns.send(socket, line)


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
        shown = turns.take(frame)
        if shown is not None:
            click.echo(shown if isinstance(shown, str) else f"binary: {shown.hex()}")
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
