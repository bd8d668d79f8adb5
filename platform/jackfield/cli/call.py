"""`jackfield call`: talk to an endpoint from the terminal, as Postman would."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from jackfield.cli.settings import Context, Failure, find_project, option
from jackfield.server.control import NoServer, ask
from jackfield.state import State, StateError

__all__ = ["command"]

LIMIT = 10.0
"""Seconds for the login and for the handshake."""


@click.command("call")
@click.argument("url")
@click.option("--login", help="Log in as this user; the password is asked for.")
@option("--password", secret=True, help="The password for --login, where there is no terminal to ask on.")
@option("--token", secret=True, help="The token to send as the cookie.")
@click.option(
    "--wait", type=click.FloatRange(0), default=1.0, show_default=True, help="Seconds of silence that end it."
)
@click.option("--print", "only_print", is_flag=True, help="Print lines for other clients instead of connecting.")
@click.pass_context
def command(
    context: click.Context,
    url: str,
    login: str | None,
    password: str | None,
    token: str | None,
    wait: float,
    only_print: bool,
) -> None:
    """Send each line of standard input to the endpoint at URL, and print each frame that comes back.

    URL is ws://…, wss://…, http(s)://…, or a path such as /ws/greeting of this project's running server.
    Exit 1 where the server refuses, 3 where none is reached.
    """
    if login and token:
        raise Failure("give --login or --token, not both", 2)
    address = _address(url, context.ensure_object(Context))
    facts = _facts(address)
    if login:
        token = _log_in(facts, login, password)
    cookie = f"{facts['cookie'].partition('=')[0]}={token}" if token else ""
    if only_print:
        for line in _other_clients(address, cookie, facts.get("send")):
            click.echo(line)
        return
    asyncio.run(_talk(address, cookie, wait))


def _address(url: str, shared: Context) -> str:
    if url.startswith("/"):
        folder = find_project(shared.folder)
        try:
            base = ask(State.open(folder).server_json, "status")["ok"]["address"] if folder else None
        except (NoServer, StateError, KeyError):
            base = None
        if base is None:
            raise Failure(
                "a path alone needs this project's running server; start it, or give the whole ws:// address",
                3,
            )
        url = base + url
    scheme, found, rest = url.partition("://")
    names = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if not found or scheme not in names or not urlsplit(url).hostname:
        raise Failure(f"{url} is not an address; write ws://host:port/path", 2)
    return f"{names[scheme]}://{rest}"


def _facts(address: str) -> dict[str, Any]:
    """What the 426 of a plain GET says: the cookie's name, where to log in, what to send."""
    try:
        answer = httpx.get(f"http{address.removeprefix('ws')}", timeout=LIMIT)
    except httpx.HTTPError as exc:
        raise Failure(f"no server was reached at {address}: {exc}", 3) from exc
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if answer.status_code != 426 or "cookie" not in body:
        raise Failure(_refused(answer.status_code, body))
    return dict(body)


def _log_in(facts: dict[str, Any], login: str, password: str | None) -> str:
    if password is None:
        if not sys.stdin.isatty():
            raise Failure("there is no terminal to ask for the password on; set JACKFIELD_PASSWORD", 2)
        password = click.prompt(f"Password of {login}", hide_input=True, err=True)
    try:
        answer = httpx.post(facts["login"]["url"], json={"login": login, "password": password}, timeout=LIMIT)
    except httpx.HTTPError as exc:
        raise Failure(f"the login did not reach the server: {exc}", 3) from exc
    if answer.status_code != 200:
        raise Failure(_refused(answer.status_code, answer.json()))
    return answer.cookies[facts["cookie"].partition("=")[0]]


def _refused(status: int, body: dict[str, Any]) -> str:
    code = body.get("code", "")
    return f"refused: {status} {code}: {body.get('detail', 'no reason given')} {body.get('fix', '')}".strip()


async def _talk(address: str, cookie: str, wait: float) -> None:
    headers = {"Cookie": cookie} if cookie else {}
    try:
        async with connect(
            address,
            additional_headers=headers,
            open_timeout=LIMIT,
            proxy=None,
            compression=None,
            max_size=None,
        ) as socket:
            await _exchange(socket, wait)
    except InvalidStatus as exc:
        try:
            body = json.loads(exc.response.body or b"{}")
        except ValueError:
            body = {}
        raise Failure(_refused(exc.response.status_code, body)) from exc
    except (OSError, InvalidHandshake, TimeoutError) as exc:
        raise Failure(f"no connection to {address}: {exc}", 3) from exc


async def _exchange(socket: ClientConnection, wait: float) -> None:
    """Lines out, frames in, both at once; ends after the input's end and `wait` seconds of silence."""
    if sys.stdin.isatty():
        click.echo("Connected. Type a message and press Enter; Ctrl+D ends.", err=True)
    heard = asyncio.Event()
    printing = asyncio.create_task(_print_frames(socket, heard))
    sending = asyncio.create_task(_send_lines(socket))
    try:
        await asyncio.wait((printing, sending), return_when=asyncio.FIRST_COMPLETED)
        while not printing.done():
            heard.clear()
            try:
                async with asyncio.timeout(wait):
                    await heard.wait()
            except TimeoutError:
                break
    finally:
        for task in (printing, sending):
            task.cancel()
        await asyncio.gather(printing, sending, return_exceptions=True)
    if socket.close_code is not None:
        raise Failure(f"the server closed the connection: {socket.close_code} {socket.close_reason}")


async def _send_lines(socket: ClientConnection) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip():
            with suppress(ConnectionClosed):
                await socket.send(line.rstrip("\r\n"))


async def _print_frames(socket: ClientConnection, heard: asyncio.Event) -> None:
    async for frame in socket:
        click.echo(frame if isinstance(frame, str) else f"binary: {frame.hex()}")
        heard.set()


def _other_clients(address: str, cookie: str, send: object) -> list[str]:
    cookie = cookie or "gen_app_auth_token=…"
    message = json.dumps(send or {}, ensure_ascii=False)
    script = (
        "import asyncio, websockets\n"
        "async def main():\n"
        f"    async with websockets.connect({address!r}, additional_headers={{'Cookie': {cookie!r}}}) as ws:\n"
        f"        await ws.send({message!r})\n"
        "        print(await ws.recv())\n"
        "asyncio.run(main())"
    )
    page = json.dumps(address)
    return [
        "# wscat (npm install -g wscat)",
        f"wscat -c '{address}' -H 'Cookie: {cookie}' -x '{message}'",
        "",
        "# websocat",
        f"echo '{message}' | websocat -H 'Cookie: {cookie}' '{address}'",
        "",
        "# Python (pip install websockets)",
        script,
        "",
        "// JavaScript in a page of the same site; the browser sends its own cookie",
        f"const socket = new WebSocket({page}); socket.onopen = () => socket.send({json.dumps(message, ensure_ascii=False)});",
        "socket.onmessage = (event) => console.log(event.data);",
    ]
