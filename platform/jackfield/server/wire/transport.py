"""What a conversation needs from the network.

Strategy: the transport calls the conversation (`received`, `lost`), the conversation calls the transport
(`write`, `close`, `pause`, `resume`), and none of these calls waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from jackfield.config.plan import Limits

__all__ = [
    "EXTENSION",
    "LAST_STALL",
    "RESTARTS",
    "ROOM",
    "STALL",
    "TURN_SECONDS",
    "Receiver",
    "Socket",
    "Transport",
    "cut",
    "room_in_time",
]


ROOM = 64 * 1024
"""Bytes in the outbox at which the next message waits for the client."""

STALL = 30.0
"""Seconds without taking a reply after which a client is closed 4408."""

LAST_STALL = 3.0
"""Seconds without taking anything after which a stop does not wait for a client; work it does wait for."""

TURN_SECONDS = 0.005
"""Seconds of the loop for one connection's messages before others have their turn."""

RESTARTS = "the server restarts"


def cut(reason: str) -> str:
    """A close reason within the 123 bytes of a control frame (RFC 6455, section 5.5)."""
    return reason.encode()[:123].decode("utf-8", "ignore")


class Receiver(Protocol):
    """Receives what the network brings. Implemented by the conversation."""

    def received(self, text: bytes) -> bytes | None:
        """One whole text message. Called in order; any failure but messages.NotUtf8, which closes 1007, closes 1011.

        The receiver checks whether it is UTF-8: its decoder does that anyway. Gives the answer, where it is
        ready at once; the transport writes it. None where there is none, or where it comes later through
        Transport.write.
        """

    def received_binary(self, payload: bytes) -> None:
        """One whole binary message. Called in order with the texts; what answers it comes through Transport.write."""

    def write(self, text: bytes) -> None:
        """Send an answer that `received` gave, by Transport.write and within the receiver's own limits.

        Called where the network takes nothing more for now.
        """

    def hear(self, text: bytes) -> None:
        """An event that `Socket.post` does not write itself: send it within the receiver's limits."""

    def wrote(self, pending: int) -> None:
        """So many bytes wait for the network after `Socket.post` wrote an event."""

    def lost(self, code: int, reason: str = "") -> None:
        """Nothing more will come and nothing can be sent. Called once. `reason` is the sentence of our close frame.

        `code` is the client's, or ours where we closed for what it sent, or 1006 where neither side closed or the
        client answered no ping.
        """


class Transport(Protocol):
    """One accepted WebSocket, as a conversation sees it. No call waits; all belong on the loop's thread.

    A client that does not take its answers is not read any further, and closed 4408 after STALL seconds.
    """

    @property
    def pending(self) -> int:
        """Bytes written and not yet taken by the network."""

    def write(self, text: bytes) -> int:
        """Queue one frame, a text one where it is not messages.Binary; dropped once a close was asked for.

        Gives the bytes that wait for the network, or 0 where it takes them as they come.
        """

    def hold(self) -> None:
        """Let what is written until the loop's next turn leave together, since more is about to follow."""

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """Close after what is queued has left; `at_once` drops the queue. A second call does nothing."""

    def pause(self) -> None:
        """Take no more messages from the network; control frames go on."""

    def resume(self) -> None:
        """Take messages again."""

    async def room(self, limit: int) -> None:
        """Wait until fewer than `limit` bytes are pending, or the connection is lost."""


class Socket(Transport, Protocol):
    """A transport without a task of its own; an ASGI application finds it under EXTENSION in the scope's extensions."""

    def tune(self, limits: Limits) -> None:
        """Close a message over twice the limit 1009 before its body is read, and ping as the endpoint says."""

    post_limit: int
    """Bytes of an event that `post` may write: none where events may be dropped or are counted."""

    def post(self, text: bytes) -> None:
        """Send an event that many others get in the same step, by the shortest way where nothing stands against it.

        All else goes to `Receiver.hear`, behind what is kept back.
        """

    def attach(self, receiver: Receiver) -> None:
        """Give messages to `receiver` from here on, after the accept was sent.

        The application may return: the connection ends with `receiver.lost`, not with its task.
        """


EXTENSION = "jackfield.socket"
"""The key in `scope["extensions"]` under which an application finds its Socket."""


async def room_in_time(transport: Transport, limit: int, patience: Callable[[], float]) -> bool:
    """Wait as `Transport.room` does; False where the client took nothing for `patience()` seconds.

    These are asked for again every LAST_STALL seconds, so that a stop may shorten them.
    """
    waited = 0.0
    while True:
        before, step = transport.pending, min(patience(), LAST_STALL)
        try:
            async with asyncio.timeout(step):
                await transport.room(limit)
        except TimeoutError:
            waited = waited + step if transport.pending >= before else 0.0
        else:
            return True
        if waited >= patience():
            return False
