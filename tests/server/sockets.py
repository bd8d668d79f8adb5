"""One connection without a network: a loop in which no time passes, and a transport that keeps what is written."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from jackfield.server.wire.reading import WebSocketProtocol
from tests.server.raw import request

__all__ = ["Still", "Wire", "accept", "begin", "opened"]

Kind = TypeVar("Kind", bound=WebSocketsSansIOProtocol)

SILENT = logging.getLogger("jackfield.tests.silent")
SILENT.setLevel(logging.CRITICAL + 1)


class Wire(asyncio.Transport):
    """The network's end: keeps what is written, hands on nothing that comes after the close."""

    def __init__(self, protocol: WebSocketsSansIOProtocol, may_fill: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.reading = True
        self.full = False
        self.writes = 0
        self.buffered = 0  # bytes that the network has not taken, as the test says
        self.late = 0  # messages that were heard since the network is full
        self._protocol = protocol
        self.may_fill = may_fill

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            return
        self.written += data
        self.writes += 1
        if data and not self.full and self.may_fill():
            self.full = True
            self.late = 0
            self._protocol.pause_writing()

    def empty(self) -> None:
        """The client has read everything."""
        if self.full:
            self.full = False
            self._protocol.resume_writing()

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert self.reading or self.closed, "paused twice"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading or self.closed, "resumed twice"
        self.reading = True

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Still:
    """A loop in which no time passes; what is to be called soon or later is called by hand."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.later: Callable[[], object] | None = None  # what was asked for last

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[None]:
        work.close()
        return cast("asyncio.Future[None]", self)

    def add_done_callback(self, _act: object) -> None:
        pass

    def call_soon(self, act: Callable[[], object]) -> None:
        self.soon.append(act)

    def call_later(self, _delay: float, act: Callable[..., object], *arguments: object) -> Still:
        self.later = functools.partial(act, *arguments)
        return self

    def cancel(self) -> None:
        self.later = None

    def run_later(self, times: int = 1) -> None:
        """Call what was asked for last, and as often what that asks for."""
        for _ in range(times):
            assert self.later is not None
            self.later()

    def time(self) -> float:
        return 0.0

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for act in soon:
            act()


async def _nobody(_scope: object, _receive: object, _send: object) -> None:
    """The application; its place is taken by the test."""


_config = uvicorn.Config(_nobody, lifespan="off", interface="asgi3", log_config=None, ws_per_message_deflate=False)
_config.load()


def opened(kind: type[Kind], loop: Still, limit: int) -> Kind:
    """A protocol with the size limit `limit`, not connected yet."""
    made = kind(_config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    made.logger = SILENT
    made.conn.max_message_size = limit
    if isinstance(made, WebSocketProtocol):
        made.clock = lambda: 0.0  # else a read has several turns where this machine is slow
    return made


def begin(protocol: WebSocketsSansIOProtocol, wire: Wire) -> None:
    """Bring the upgrade request."""
    protocol.connection_made(wire)
    protocol.data_received(request())
    protocol.queue.get_nowait()


def accept(protocol: WebSocketsSansIOProtocol, wire: Wire) -> None:
    """Send the accept; it waits for nothing."""
    sending = protocol.send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    try:
        sending.send(None)
    except StopIteration:
        wire.written.clear()
        wire.writes = 0
        return
    raise AssertionError("the accept waited")
