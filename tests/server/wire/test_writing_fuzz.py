"""The direct path against the class that it stands on: the same bytes, the same messages, the same bytes back.

The parent is fed byte by byte: then no read holds the end of one frame and the beginning of the next, and it
loses nothing. Ours is fed in pieces, or frame by frame, is paused by the receiver and by a network that takes
nothing, gets some pieces before its 101, and answers every text. What is known to differ stands in
`Heard.as_the_parents` alone.

`python -m tests.server.wire.test_writing_fuzz 100000 [SEED]` runs more.
"""

from __future__ import annotations

import itertools
import random
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from jackfield.messages import judge_utf8
from jackfield.server.wire.fragments import Machine
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.transport import TURN_SECONDS
from tests.server.frames import SIZE_LIMIT, cut, stream
from tests.server.sockets import Still, Wire, accept, begin, opened

EVENT = b"an event of a group"
STREAMS = 1_500
SEED = 20_261


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
            if data[:length] == EVENT:
                pass
            elif opcode == 1:
                self.replies.append(data[:length].decode())
            else:  # of a close the code alone: the reasons are each one's own
                self.others.append((opcode, data[: 2 if opcode == 8 else length]))
            data = data[length:]

    def as_the_parents(self) -> Heard:
        """Ours, with what is known to differ put back.

        The parent calls a connection that ended without a close frame 1005, which the RFC calls 1006.
        """
        return Heard(self.messages, [], self.others, self.closed, 1005 if self.code == 1006 else self.code)


class Recorder:
    """The receiver: notes and answers every message, some by itself, and now and then asks for a pause."""

    def __init__(self, protocol: WebSocketProtocol, wire: Wire, heard: Heard, may_pause: Callable[[], bool]) -> None:
        self.paused = False
        self._protocol = protocol
        self._wire = wire
        self._heard = heard
        self._may_pause = may_pause

    def received(self, text: bytes) -> bytes | None:
        judge_utf8(text)
        if len(text) % 3 == 1:
            self._protocol.write(text)
        self._hear(text.decode())
        return None if len(text) % 3 == 1 else text

    def write(self, text: bytes) -> None:
        assert self._wire.full
        self._protocol.write(text)

    def hear(self, text: bytes) -> None:
        self._protocol.write(text)

    def wrote(self, pending: int) -> None:
        pass

    def received_binary(self, _payload: bytes) -> None:
        self._hear(None)

    def lost(self, code: int, reason: str = "") -> None:
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


def by_the_parent(data: bytes) -> Heard:
    """What the parent makes of a stream that comes byte by byte."""
    heard = Heard()
    protocol = opened(WebSocketsSansIOProtocol, Still(), SIZE_LIMIT)
    protocol.conn.__class__ = Machine  # what it knows of fragments has its own tests
    wire = Wire(protocol)
    begin(protocol, wire)
    accept(protocol, wire)
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
    heard.closed = wire.closed or protocol.close_sent  # ours waits for the client
    heard.send(bytes(wire.written))
    return heard


def by_frames(data: bytes) -> list[bytes]:
    """`data` as it comes from a client that waits for each answer: each read one frame, as far as it has such."""
    pieces = []
    while len(data) > 1:
        length, head = data[1] & 0x7F, 6
        if length > 125:
            size = 2 if length == 126 else 8
            length, head = int.from_bytes(data[2 : 2 + size], "big"), 6 + size
        pieces.append(data[: head + length])
        data = data[head + length :]
    return [*pieces, data] if data else pieces


def by_ours(data: bytes, dice: random.Random) -> Heard:
    """What ours makes of it in pieces, disturbed in every way in which a stream can be."""
    heard = Heard()
    loop = Still()
    protocol = opened(WebSocketProtocol, loop, SIZE_LIMIT)
    calm = dice.random() < 0.5
    steps = itertools.count()
    protocol.clock = lambda: 0.0 if calm else next(steps) * TURN_SECONDS / 3
    wire = Wire(protocol, lambda: not calm and dice.random() < 0.1)
    recorder = Recorder(protocol, wire, heard, lambda: not calm and dice.random() < 0.1)
    begin(protocol, wire)
    pieces = by_frames(data) if dice.random() < 0.3 else cut(dice, data)
    if dice.random() < 0.1 and pieces:
        protocol.data_received(pieces.pop(0))  # before the 101
    accept(protocol, wire)
    protocol.attach(recorder)
    protocol.post_limit = 0 if calm else 100
    loop.turn()
    while pieces and not (wire.closed or protocol.close_sent):
        if wire.reading:
            protocol.data_received(pieces.pop(0))
        if dice.random() < 0.5:
            recorder.go_on()
        if dice.random() < 0.5:
            wire.empty()
        if dice.random() < 0.3:
            protocol.post(EVENT)
        if dice.random() < 0.5:
            loop.turn()
    while not wire.closed and (recorder.paused or wire.full or loop.soon):
        recorder.go_on()
        wire.empty()
        loop.turn()
    protocol.connection_lost(ConnectionResetError())
    heard.closed = wire.closed or protocol.close_sent  # ours waits for the client
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
