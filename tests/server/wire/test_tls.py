"""Connections until TLS stands: they are known, have an end, and leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.server.wire import guards, tls
from jackfield.server.wire.eviction import SharedState
from jackfield.server.wire.tls import TlsListener
from tests.server.served import until
from tests.server.sockets import Listening, Scope, listening
from tests.walk.test_tls import certificate

Pair = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture
def contexts(tmp_path: Path) -> Pair:
    """The server's side and the client's."""
    cert, key = certificate(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(cert, key)
    return ours, ssl.create_default_context(cafile=str(cert))


async def hello(scope: Scope, receive: Any, send: Any) -> None:
    body = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def connect(contexts: Pair) -> AsyncIterator[Listening]:
    async with listening(hello, tls=contexts) as here:
        yield here
    assert here.state.idle.count == 0


async def plain(connect: Listening) -> asyncio.StreamReader:
    """A client that opens a connection and does not begin TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", connect.port)
    connect._stack.callback(writer.close)
    return reader


async def test_what_comes_over_tls_is_answered(connect: Listening) -> None:
    peer = await connect(source="127.0.0.2")
    for _ in range(2):
        await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        status, _, body = await peer.answer()
        assert (status, body) == (200, b"https 127.0.0.2")
    assert len(connect.state.connections) == 1


async def test_who_does_not_begin_tls_is_known_and_closed(connect: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "REQUEST_LIMIT", 0.05)
    reader = await plain(connect)
    await until(lambda: connect.state.connections)
    assert connect.state.idle.count == 1
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    await until(lambda: not connect.state.connections and not connect.state.tasks)
    assert connect.state.idle.count == 0


async def test_what_is_no_tls_is_closed_and_reported_nowhere(
    connect: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", connect.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()
    await until(lambda: not connect.state.connections and not connect.state.tasks)
    assert not caplog.records


async def test_who_does_not_begin_tls_gives_way(connect: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "most_connections", lambda: 1)
    monkeypatch.setattr(guards, "PLAIN", 1)
    readers = [await plain(connect) for _ in range(5)]
    peer = await connect()
    await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await peer.answer())[0] == 200
    for reader in readers[1:4]:  # the first of them came when half of the room was free
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""


async def test_a_stop_ends_those_that_have_not_begun(connect: Listening) -> None:
    reader = await plain(connect)
    await until(lambda: connect.state.connections)
    connect.shutdown()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    await until(lambda: not connect.state.connections and not connect.state.tasks)


async def test_who_gives_way_before_anything_was_done_is_closed(contexts: Pair) -> None:
    listener, state = socket.create_server(("127.0.0.1", 0)), SharedState()
    listener.setblocking(False)
    with socket.create_connection(listener.getsockname()) as client:
        client.settimeout(5)
        here = TlsListener(listener, contexts[0], state, lambda _began: asyncio.Protocol())
        here._accept()
        (opening,) = state.connections
        opening.shutdown()
        await until(lambda: not state.connections)
        with contextlib.suppress(ConnectionError):
            assert client.recv(1) == b""
        here.close()


async def test_without_descriptors_connections_wait_until_there_are_some(
    contexts: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_PAUSE", 0.01)

    class Listener(socket.socket):
        """The system has no descriptor at first."""

        exhausted = 3

        def accept(self) -> Any:
            if self.exhausted:
                self.exhausted -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    listener, state = Listener(socket.AF_INET, socket.SOCK_STREAM), SharedState()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    here = TlsListener(listener, contexts[0], state, lambda _began: asyncio.Protocol())
    with socket.create_connection(listener.getsockname()):
        await until(lambda: state.connections)
        assert listener.exhausted == 0
        for opening in list(state.connections):
            opening.shutdown()
        await until(lambda: not state.connections)
    here.close()
