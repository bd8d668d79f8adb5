"""Hooks on a real server: nothing is said before the first frame, and every end is told, that by a stop too."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.server.frames import masked

from .conftest import LIMIT, Server, write

pytestmark = pytest.mark.walk

VISITS = """\
groups:
  page: {presence: count}
endpoints:
  visits:
    {url: "/ws/visits/{page}", auth: public, group: page, process: visits.say, on_connect: visits.enter,
     on_disconnect: visits.leave}
"""
CODE = """\
import asyncio
from jackfield import Connection, Groups, Reject, process

MAY_ENTER = asyncio.Event()

@process
async def enter(page: str, connection: Connection) -> dict[str, str]:
    if page == "closed":
        raise Reject("closed", "Закрыто 🔒")
    if page == "late":
        print("waits", flush=True)
        await MAY_ENTER.wait()
    connection.start(watch(page, connection))
    return {"event": "welcome", "page": page}

async def watch(page: str, connection: Connection) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        print("closed", page, connection.closed, flush=True)

@process
def say(text: str) -> str:
    if text == "впусти":
        MAY_ENTER.set()
    return text

@process
async def leave(page: str, code: int, connection: Connection, groups: Groups) -> None:
    await asyncio.sleep(0)
    print("left", page, code, connection.headers["user-agent"][:6], flush=True)
    await groups.send("page", {"event": "gone", "page": page})
"""


def hear(one: ClientConnection, event: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = json.loads(one.recv(timeout=LIMIT))
        if found.get("event") == event:
            return found


def early(server: Server, page: str) -> socket.socket:
    """A client that does not wait for its 101 with its first message."""
    host, port = server.http.removeprefix("http://").split(":")
    opened = socket.create_connection((host, int(port)), timeout=LIMIT)
    head = (
        f"GET /ws/visits/{page} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "User-Agent: before\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    opened.sendall(head.encode() + masked(1, json.dumps({"text": "рано"}, ensure_ascii=False).encode()))
    return opened


def read_until(one: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        piece = one.recv(65536)
        assert piece, data
        data += piece
    return data


def test_the_first_frame_comes_first_and_every_end_is_told(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=VISITS, visits=CODE)
    server = start(tmp_path)
    with server.socket("/ws/visits/a") as stays:
        assert hear(stays, "welcome") == {"event": "welcome", "page": "a"}
        with pytest.raises(InvalidStatus) as caught:
            server.socket("/ws/visits/closed")
        assert json.loads(caught.value.response.body)["error"]["code"] == "closed"

        with early(server, "late") as late, early(server, "late") as lost:
            lost.close()
            stays.send(json.dumps({"text": "впусти"}))
            said = read_until(late, '"рано"'.encode())
            assert said.startswith(b"HTTP/1.1 101")
            assert said.index(b"welcome") < said.index(b'"members"') < said.index('"рано"'.encode())
            hear(stays, "gone")
        hear(stays, "gone")
        assert server.stop() == 0
    lines = server.stdout.splitlines()
    assert sorted(line for line in lines if line.startswith("left")) == [
        "left a 1012 Python",
        "left late 1006 before",
        "left late 1006 before",
    ]
    assert lines.count("closed a True") == 1
