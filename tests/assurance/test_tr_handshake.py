"""Rows TR-6 and TR-7: what a request may cost before anybody knows whose it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import uvicorn

from jackfield.server.node.listener import bind, listen
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.server.wire import guards
from jackfield.server.wire.eviction import SharedState
from jackfield.server.wire.head import HEAD
from jackfield.server.wire.http1 import HttpProtocol
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.state import State
from tests.server.frames import request
from tests.server.served import LIMIT
from tests.server.sockets import Listening, Still, Wire
from tests.walk.conftest import Server, write
from tests.walk.test_tls import certificate

from .rough import CODE, ENDPOINTS, address, all_of, app, healthy, refused

pytestmark = pytest.mark.walk

SOON = 0.15
"""Seconds that stand for the five of guards.REQUEST_LIMIT."""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "REQUEST_LIMIT", SOON)


# TR-6


class Armed(Still):
    """A loop in which no time passes and every timer is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, act: Callable[[], object]) -> Armed:
        self.timers.append((when, act))
        return self

    def call_later(self, delay: float, act: Callable[..., object], *_arguments: object) -> Armed:
        return self.call_at(self.now + delay, act)

    def cancel(self) -> None:
        self.timers.clear()

    def run_out(self) -> None:
        """Call the one timer, and what it armed for a last look."""
        for _ in range(2):
            ((_, act),) = self.timers
            self.timers.clear()
            act()


def unconnected(loop: Armed) -> tuple[HttpProtocol, Wire]:
    config = uvicorn.Config(app, ws=WebSocketProtocol, lifespan="off", interface="asgi3", log_config=None)
    config.load()
    protocol = HttpProtocol(config, SharedState(), {}, cast("asyncio.AbstractEventLoop", loop))
    return protocol, Wire(cast("WebSocketProtocol", protocol))


def test_tr_6_a_request_has_five_seconds_from_the_accept_on() -> None:
    assert guards.REQUEST_LIMIT == 5.0
    loop = Armed()
    protocol, wire = unconnected(loop)
    loop.now += 2  # TLS took so long
    protocol.connection_made(wire)
    assert [when for when, _ in loop.timers] == [1_005.0]
    for byte in b"GET / HT":  # whatever is sent, it does not begin anew
        loop.now += 0.5
        protocol.data_received(bytes([byte]))
    assert [when for when, _ in loop.timers] == [1_005.0]
    loop.run_out()
    assert refused(bytes(wire.written)) == (408, "request_too_slow")


def test_tr_6_a_body_has_five_seconds_from_its_head_on() -> None:
    loop = Armed()
    protocol, wire = unconnected(loop)
    protocol.connection_made(wire)
    loop.now += 3
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
    assert [when for when, _ in loop.timers] == [1_008.0]
    loop.now += 1
    protocol.data_received(b" of ")
    assert [when for when, _ in loop.timers] == [1_008.0]
    loop.run_out()
    assert refused(bytes(wire.written)) == (408, "request_too_slow")


def test_tr_6_what_came_in_time_and_was_not_read_yet_counts() -> None:
    """While our loop stood still; uvloop looks at its timers before it reads."""
    loop = Armed()
    protocol, wire = unconnected(loop)
    protocol.connection_made(wire)
    ((_, act),) = loop.timers
    loop.timers.clear()
    act()
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert not wire.closed
    assert loop.timers == []


def test_tr_6_a_whole_request_disarms_the_limit() -> None:
    loop = Armed()
    protocol, wire = unconnected(loop)
    protocol.connection_made(wire)
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert loop.timers == []


SLOW = {
    "nothing": b"",
    "half a head": request()[:-30],
    "upgrade with a length": request(Content_Length="10"),
    "upgrade with chunks": request(Transfer_Encoding="chunked"),
    "a body that does not come": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    "a body that nobody reads": b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    "the next request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo",
}


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("drips", [False, True])
async def test_tr_6_a_slow_client_is_cut_off(connect: Listening, sent: bytes, *, drips: bool) -> None:
    peer = await connect()
    if sent:
        await peer.send(sent)
    ended = asyncio.ensure_future(all_of(peer))
    async with asyncio.timeout(LIMIT):
        while not ended.done():
            if drips:
                with contextlib.suppress(ConnectionError):
                    await peer.send(b"x")
            await asyncio.wait((ended,), timeout=SOON / 10)
    answer = await ended
    if not sent and not drips:
        assert answer == b"", "who said nothing is told nothing"
    else:
        assert answer.startswith(b"HTTP/1.1 ")


@pytest.mark.usefixtures("soon")
async def test_tr_6_the_second_request_of_a_connection_has_the_same_limit(connect: Listening) -> None:
    peer = await connect()
    await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await peer.answer())[0] == 200
    await peer.send(b"GET / HT")
    assert refused(await all_of(peer)) == (408, "request_too_slow")


@pytest.mark.usefixtures("soon")
async def test_tr_6_an_open_websocket_has_no_such_limit(connect: Listening) -> None:
    peer = await connect(upgrade=True)
    other = await connect()
    await other.ended()  # later than the limit of the first
    await peer.send(struct.pack("!BBI", 0x89, 0x80, 0))
    assert (await peer.frame()).opcode == 10


async def test_tr_6_five_hundred_slow_clients_do_not_keep_a_good_one_out(connect: Listening) -> None:
    slow = await asyncio.gather(*(connect() for _ in range(500)))
    for peer in slow:
        peer.writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\n")
    await connect(upgrade=True)
    assert len(connect.state.connections) == 501


@pytest.mark.usefixtures("soon")
async def test_tr_6_a_client_that_does_not_begin_tls_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path, endpoints=ENDPOINTS, p=CODE)
    cert, key = certificate(tmp_path)
    options = Options(port=0, tls_cert=str(cert), tls_key=str(key))
    listener = bind(options)
    began = asyncio.Event()
    async with open_node(tmp_path, State.open(tmp_path), options) as node:
        serving = asyncio.ensure_future(listen(node, listener, began.set))
        async with asyncio.timeout(LIMIT):
            await began.wait()
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        async with asyncio.timeout(LIMIT):
            assert await reader.read() == b""
        writer.close()
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(LIMIT):
            await serving


# TR-7


@pytest.mark.parametrize("length", [HEAD * 2, 64 * 1024, 200 * 1024])
@pytest.mark.parametrize("kind", ["one line", "many lines", "no end"])
async def test_tr_7_a_head_over_the_limit_is_refused(connect: Listening, length: int, kind: str) -> None:
    peer = await connect()
    lines = "x" * length if kind != "many lines" else "\r\n".join(f"X-{n}: 1" for n in range(length // 6))
    head = f"GET / HTTP/1.1\r\nHost: a\r\nCookie: {lines}" + ("" if kind == "no end" else "\r\n\r\n")
    peer.writer.write(head.encode())
    assert refused(await all_of(peer)) == (431, "headers_too_large")


async def test_tr_7_a_large_head_within_the_limit_is_taken(connect: Listening) -> None:
    peer = await connect()
    await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"x" * (HEAD - 100) + b"\r\n\r\n")
    assert (await peer.answer())[0] == 200


async def test_tr_7_frames_behind_a_large_upgrade_are_not_lost(connect: Listening) -> None:
    peer = await connect()
    ping = struct.pack("!BBI", 0x89, 0x80, 0)
    await peer.send(request(X_A="x" * 3_900, X_B="x" * 4_000) + ping * 3)
    assert (await peer.answer())[0] == 101
    assert [(await peer.frame()).opcode for _ in range(3)] == [10] * 3


def test_tr_7_sixty_megabytes_of_headers_cost_nothing(server: Server) -> None:
    before = server.memory()
    for _ in range(3):
        with socket.create_connection(address(server)) as client:
            client.settimeout(LIMIT)
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            with contextlib.suppress(ConnectionError):
                for n in range(60):
                    client.sendall(b"X-%d: " % n + b"x" * (1 << 20) + b"\r\n")
    assert healthy(server)
    assert server.memory() - before < 8 << 20
