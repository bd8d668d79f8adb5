"""What waits for a client that reads slower than we send, where the oldest may go (`slow_consumer: drop_oldest`)."""

from __future__ import annotations

import asyncio
from collections import deque

from jackfield.config.plan import Limits
from jackfield.server.observe.metrics import Meter
from jackfield.server.wire.transport import ROOM, Transport

__all__ = ["Backlog", "keep"]


def keep(before: Backlog | None, limits: Limits, transport: Transport, meter: Meter) -> Backlog | None:
    """The backlog that these limits ask for, with what waits already; None where a slow client is closed instead."""
    if limits.slow_consumer == "close":
        if before is not None:
            before.stop()
        return None
    kept = before or Backlog(transport, meter)
    kept.limit = limits.queue
    return kept


class Backlog:
    """Events of one connection on their way to the transport; bounded, the oldest are dropped and counted.

    Events alone: a reply belongs to a message and is never dropped, so it may overtake events that wait here. A
    client that takes nothing at all is closed by the transport in spite of this.
    """

    __slots__ = ("_events", "_meter", "_pouring", "_size", "_transport", "limit")

    def __init__(self, transport: Transport, meter: Meter) -> None:
        self.limit = 0  # bytes
        self._transport = transport
        self._meter = meter
        self._events: deque[bytes] = deque()
        self._size = 0
        self._pouring: asyncio.Task[None] | None = None

    def send(self, text: bytes) -> None:
        """Send one event, now or when the client has read enough. Never waits."""
        if not self._events and self._transport.pending < min(ROOM, self.limit):
            self._transport.write(text)
            return
        self._events.append(text)
        self._size += len(text)
        while self._events and self._size > self.limit:
            self._size -= len(self._events.popleft())
            self._meter.dropped += 1
        if self._events and self._pouring is None:
            self._pouring = asyncio.get_running_loop().create_task(self._pour())

    def stop(self) -> None:
        """Hand all that waits to the transport, which closes behind it; from here on nothing waits."""
        while self._events:
            self._transport.write(self._events.popleft())
        self._size = 0
        self.limit = -1
        if self._pouring is not None:
            self._pouring.cancel()
            self._pouring = None

    async def _pour(self) -> None:
        while self._events:
            await self._transport.room(min(ROOM, self.limit))  # at once where the connection is lost
            if self._events:
                text = self._events.popleft()
                self._size -= len(text)
                self._transport.write(text)
        self._pouring = None
