"""The direct path against the class that it stands on: the same bytes, the same messages, the same bytes back.

The parent is fed byte by byte: then no read holds the end of one frame and the beginning of the next, and it
loses nothing. Ours is fed in pieces, is paused by the receiver and by a network that takes nothing, gets some
pieces before its 101, and answers every text. What is known to differ stands in `Heard.as_the_parents` alone.

`python -m tests.server.test_direct_fuzz 100000 [SEED]` runs more.
"""

from __future__ import annotations

import asyncio
import logging
import random
import struct
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from jackfield.server.protocol import WebSocketProtocol

from .frames import LIMIT, cut, stream
from .raw import request

STREAMS = 1_500
SEED = 20_261

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
        self.late = 0  # messages that were heard since the network is full
        self._protocol = protocol
        self._may_fill = may_fill

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            return
        self.written += data
        if data and not self.full and self._may_fill():
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

    def get_write_buffer_size(self) -> int:
        return 0


class Still:
    """A loop in which no time passes; what is to be called soon is called by hand."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[None]:
        work.close()
        return cast("asyncio.Future[None]", self)

    def add_done_callback(self, _act: object) -> None:
        pass

    def call_soon(self, act: Callable[[], object]) -> None:
        self.soon.append(act)

    def call_later(self, _delay: float, _act: object, *_arguments: object) -> Still:
        return self

    def cancel(self) -> None:
        pass

    def time(self) -> float:
        return 0.0

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for act in soon:
            act()


@dataclass
class Heard:
    """What came out of one protocol: messages, frames sent (text frames are replies), the end."""

    messages: list[str | None] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    others: list[tuple[int, bytes]] = field(default_factory=list)
    closed: bool = False
    code: int = 0

    def send(self, data: bytes) -> None:
        """Take apart what was sent; it must be whole frames, and nothing after a close."""
        while data:
            assert all(opcode != 8 for opcode, _ in self.others), "sent after the close frame"
            opcode, length, data = data[0] & 0x0F, data[1], data[2:]
            if length == 126:
                (length,), data = struct.unpack("!H", data[:2]), data[2:]
            assert length < 1 << 16
            assert len(data) >= length
            if opcode == 1:
                self.replies.append(data[:length].decode())
            else:
                self.others.append((opcode, data[:length]))
            data = data[length:]

    def as_the_parents(self) -> Heard:
        """Ours, with what is known to differ put back.

        The parent names no reason where it closes for text that is no UTF-8, and calls a connection that ended
        without a close frame 1005, which the RFC calls 1006.
        """
        others = [(opcode, data.replace(b"a text frame is not UTF-8", b"")) for opcode, data in self.others]
        return Heard(self.messages, [], others, self.closed, 1005 if self.code == 1006 else self.code)


class Ear:
    """The receiver: notes and answers every message, and now and then asks for a pause."""

    def __init__(self, protocol: WebSocketProtocol, wire: Wire, heard: Heard, may_pause: Callable[[], bool]) -> None:
        self.paused = False
        self._protocol = protocol
        self._wire = wire
        self._heard = heard
        self._may_pause = may_pause

    def received(self, text: bytes) -> None:
        self._protocol.write(text)
        self._hear(text.decode())

    def received_binary(self) -> None:
        self._hear(None)

    def lost(self, code: int) -> None:
        assert not self._heard.code
        self._heard.code = code

    def _hear(self, message: str | None) -> None:
        assert not self.paused, "heard in a pause"
        self._wire.late += self._wire.full
        # one may be on its way to the library while the answers before it leave
        assert self._wire.late <= 1, "heard while the client does not read"
        self._heard.messages.append(message)
        if self._may_pause():
            self.paused = True
            self._protocol.pause()

    def go_on(self) -> None:
        if self.paused:
            self.paused = False
            self._protocol.resume()


async def _nobody(_scope: object, _receive: object, _send: object) -> None:
    """The application; its place is taken by the test."""


_config = uvicorn.Config(_nobody, lifespan="off", interface="asgi3", log_config=None, ws_per_message_deflate=False)
_config.load()


def _opened(kind: type[WebSocketsSansIOProtocol], loop: Still) -> WebSocketsSansIOProtocol:
    made = kind(_config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    made.logger = SILENT
    made.conn.max_message_size = LIMIT
    return made


def _begin(protocol: WebSocketsSansIOProtocol, wire: Wire) -> None:
    protocol.connection_made(wire)
    protocol.data_received(request())
    protocol.queue.get_nowait()


def _accept(protocol: WebSocketsSansIOProtocol, wire: Wire) -> None:
    """Send the accept; it waits for nothing."""
    sending = protocol.send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    try:
        sending.send(None)
    except StopIteration:
        wire.written.clear()
        return
    raise AssertionError("the accept waited")


def by_the_parent(data: bytes) -> Heard:
    """What the parent makes of a stream that comes byte by byte."""
    heard = Heard()
    protocol = _opened(WebSocketsSansIOProtocol, Still())
    wire = Wire(protocol)
    _begin(protocol, wire)
    _accept(protocol, wire)
    for place in range(len(data)):
        if wire.closed:
            break
        protocol.data_received(data[place : place + 1])
        if protocol.read_paused:
            protocol.read_paused = False
            wire.resume_reading()
    protocol.connection_lost(ConnectionResetError())
    while not protocol.queue.empty():
        event = cast("dict[str, Any]", protocol.queue.get_nowait())
        if event["type"] == "websocket.receive":
            heard.messages.append(event.get("text"))
        elif not heard.code:
            heard.code = event["code"]
    heard.closed = wire.closed
    heard.send(bytes(wire.written))
    return heard


def by_ours(data: bytes, dice: random.Random) -> Heard:
    """What ours makes of it in pieces, disturbed in every way in which a stream can be."""
    heard = Heard()
    loop = Still()
    protocol = cast("WebSocketProtocol", _opened(WebSocketProtocol, loop))
    calm = dice.random() < 0.5
    wire = Wire(protocol, lambda: not calm and dice.random() < 0.1)
    ear = Ear(protocol, wire, heard, lambda: not calm and dice.random() < 0.1)
    _begin(protocol, wire)
    pieces = cut(dice, data)
    if dice.random() < 0.1 and pieces:
        protocol.data_received(pieces.pop(0))  # before the 101
    _accept(protocol, wire)
    protocol.attach(ear)
    loop.turn()
    while pieces and not wire.closed:
        if wire.reading:
            protocol.data_received(pieces.pop(0))
        if dice.random() < 0.5:
            ear.go_on()
        if dice.random() < 0.5:
            wire.empty()
    while not wire.closed and (ear.paused or wire.full):
        ear.go_on()
        wire.empty()
    protocol.connection_lost(ConnectionResetError())
    heard.closed = wire.closed
    heard.send(bytes(wire.written))
    return heard


def compare(seed: int) -> Heard:
    """Compare one stream; gives what was heard."""
    dice = random.Random(seed)
    data = stream(dice)
    ours, theirs = by_ours(data, dice), by_the_parent(data)
    texts = [message for message in ours.messages if message is not None]
    assert ours.replies == texts, (seed, "a reply is missing", data)
    assert ours.as_the_parents() == theirs, (seed, data)
    return ours


def test_the_direct_path_hears_and_says_what_its_parent_does() -> None:
    heard = [compare(SEED + number) for number in range(STREAMS)]
    # what the streams are worth: all ends are among them, and most messages come through
    assert {1000, 1002, 1006, 1007, 1009} <= {one.code for one in heard}
    assert sum(len(one.messages) for one in heard) > 2 * STREAMS
    assert sum(opcode == 10 for one in heard for opcode, _ in one.others) > STREAMS / 2


if __name__ == "__main__":
    number, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    began = time.perf_counter()
    ends: dict[int, int] = {}
    for seed in range(first, first + number):
        code = compare(seed).code
        ends[code] = ends.get(code, 0) + 1
    print(f"{number:,} streams in {time.perf_counter() - began:.0f} s; ends: {dict(sorted(ends.items()))}")
