"""What the rows about floods and handshakes share: an application that takes all, a server, rough clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.server.frames import request
from tests.server.served import LIMIT
from tests.server.sockets import Peer, Scope
from tests.walk.conftest import Server, write

ENDPOINTS = "endpoints:\n  say: {url: /ws/say, process: p.say, auth: public, limits: {connections: 3}}\n"
ENDPOINTS += "  free: {url: /ws/free, process: p.say, auth: public}\n"
ENDPOINTS += "  few: {url: /ws/few, process: p.say, auth: public, limits: {per_address: 2}}\n"
ENDPOINTS += "  mine: {url: /ws/mine, process: p.say, limits: {per_user: 1}}\n"
CODE = "from jackfield import process\n\n@process\ndef say(message: str) -> str:\n    return message\n"


def begun(folder: Path, endpoints: str = ENDPOINTS, code: str = CODE, *options: str) -> Iterator[Server]:
    """A server of this project, for a fixture."""
    made = Server(write(folder, endpoints, p=code), *options)
    yield made
    made.stop()


async def app(scope: Scope, receive: Any, send: Any) -> None:
    """Takes every upgrade; reads the whole body of any other request and answers 200."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    more = scope["path"] != "/deaf"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def all_of(peer: Peer) -> bytes:
    """What comes until the server closes, or resets, the connection."""
    found = b""
    async with asyncio.timeout(LIMIT):
        with contextlib.suppress(ConnectionError):
            while data := await peer.reader.read(65536):
                found += data
    return found


def refused(answer: bytes) -> tuple[int, str]:
    """Status and code of an answer in our own form."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)["code"]


def address(server: Server) -> tuple[str, int]:
    host, _, port = server.http.removeprefix("http://").partition(":")
    return host, int(port)


def healthy(server: Server) -> bool:
    with urllib.request.urlopen(server.http + "/health", timeout=LIMIT) as answer:
        return bool(answer.status == 200)


def upgraded(server: Server, path: str, source: str = "127.0.0.1", **headers: str) -> tuple[int, socket.socket, bytes]:
    """Ask for an upgrade; gives the status, the connection and the answer's head."""
    client = socket.create_connection(address(server), source_address=(source, 0))
    client.settimeout(LIMIT)
    client.sendall(request(path, Host=server.http.removeprefix("http://"), **headers))
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = client.recv(65536)
        assert data, answer
        answer += data
    return int(answer.split()[1]), client, answer


def reset(client: socket.socket) -> None:
    """Leave without a word."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def admitted(server: Server, path: str, source: str = "127.0.0.1", **headers: str) -> socket.socket:
    """Ask until there is room: what left before is let go within moments."""
    for _ in range(1_000):
        status, client, _ = upgraded(server, path, source, **headers)
        if status == 101:
            return client
        client.close()
    raise AssertionError("the room never came back")
