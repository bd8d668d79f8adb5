"""What processes send to one client without being asked: events and a close, from any thread, in order and bounded."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import Protocol

from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.server.observe.metrics import Meter
from jackfield.server.outboxes import Outboxes, Waiting
from jackfield.server.wire.transport import ROOM, Transport

__all__ = ["TOO_SLOW", "Outbox"]

TOO_SLOW = "too_slow_reader"
"""The code of a close for a client that reads too slowly."""

_HANDING_OVER = threading.Lock()  # one for all connections, held for an append

_Item = bytes | tuple[int, str]  # an event, or a close with its reason


class Owner(Waiting, Protocol):
    """The conversation, as its outbox sees it. Called on the loop's thread; never waits."""

    is_over: bool
    """Whether nothing can be queued any more."""

    def wrote(self, pending: int) -> None:
        """So many bytes wait for the client after a frame was queued; with too many it is closed."""


class Outbox:
    """The events of one connection. It does not hold its owner: the two would live until a garbage collection.

    `limit` is `limits.queue`, `most` the bytes that may wait in the transport, and with a reply `spare` more, since one
    begins while less than ROOM waits; `sent` is the number of events.
    """

    __slots__ = (
        "_backlog",
        "_items",
        "_loop",
        "_meter",
        "_outboxes",
        "_size",
        "_thread",
        "_transport",
        "limit",
        "most",
        "sent",
        "spare",
    )

    def __init__(self, transport: Transport, meter: Meter, loop: asyncio.AbstractEventLoop, outboxes: Outboxes) -> None:
        self._outboxes = outboxes
        self.limit = self.most = self.spare = 0
        self.sent = 0
        self._transport = transport
        self._meter = meter
        self._backlog: _Backlog | None = None
        self._loop = loop
        self._thread = threading.get_ident()
        self._items: list[_Item] = []  # on their way from other threads
        self._size = 0

    def turn_to(self, transport: Transport) -> None:
        """The client has its 101: what is sent leaves by its network."""
        self._transport = transport
        if self._backlog is not None:
            self._backlog.transport = transport

    def take(self, limits: Limits) -> None:
        """Take over the limits of an endpoint."""
        self.limit = self.most = limits.queue
        self.spare = ROOM if limits.slow_consumer == "close" and limits.queue > ROOM else 0
        if limits.slow_consumer == "close":
            self.stop()
            self._backlog = None
            return
        self.most += ROOM  # events that wait in the transport are no fault of the client's then
        if self._backlog is None:
            self._backlog = _Backlog(self._transport, self._meter)
        self._backlog.limit = limits.queue

    @property
    def pending(self) -> int:
        """Bytes that wait for the client."""
        return self._transport.pending + (0 if self._backlog is None else self._backlog.size)

    def stop(self) -> None:
        """The connection closes: hand what waits to the transport."""
        if self._backlog is not None:
            self._backlog.stop()

    def put(self, item: _Item, owner: Owner) -> None:
        """Send an event or close, from any thread; from another than the loop's, after what that sent before."""
        if threading.get_ident() == self._thread:
            self._arrive(item, owner)
            return
        with _HANDING_OVER:
            if self._size > self.limit:
                return  # the close for that is on its way
            first = not self._items
            self._size += len(item) if isinstance(item, bytes) else 0
            if self._size > self.limit:
                self._items = [(CODES[TOO_SLOW].close, f"more than {self.limit:,} bytes were not read")]
            else:
                self._items.append(item)
        if first:
            with suppress(RuntimeError):  # the loop is closed, and no client is connected
                self._loop.call_soon_threadsafe(self._arrive_all, owner)

    def send(self, owner: Owner, frame: bytes) -> None:
        """Send an event, on the loop's thread, while the owner is open."""
        self.sent += 1
        if self._backlog is not None:
            self._backlog.send(frame)
            if self._backlog.size:
                self._outboxes.waits(owner)
        elif len(frame) > self.limit:  # said here, or it would depend on how fast the network is
            reason = f"an event of {len(frame):,} bytes; limits.queue is {self.limit:,}"
            owner.close_now(CODES[TOO_SLOW].close, reason, TOO_SLOW)
        elif pending := self._transport.write(frame):
            owner.wrote(pending)

    def _arrive_all(self, owner: Owner) -> None:
        with _HANDING_OVER:
            items, self._items = self._items, []
            self._size = 0
        for item in items:
            self._arrive(item, owner)

    def _arrive(self, item: _Item, owner: Owner) -> None:
        if isinstance(item, tuple):
            owner.close_now(*item, TOO_SLOW if item[0] == CODES[TOO_SLOW].close else "process")
        elif not owner.is_over:
            self.send(owner, item)


class _Backlog:
    """Events on their way to the transport where the oldest may go (`slow_consumer: drop_oldest`).

    Events alone: a reply belongs to a message and is never dropped, so it may overtake events that wait here. A
    client that takes nothing at all is closed by the transport in spite of this.
    """

    __slots__ = ("_events", "_meter", "_pouring", "limit", "size", "transport")

    def __init__(self, transport: Transport, meter: Meter) -> None:
        self.limit = 0  # bytes
        self.transport = transport
        self._meter = meter
        self._events: deque[bytes] = deque()
        self.size = 0
        self._pouring: asyncio.Task[None] | None = None

    def send(self, text: bytes) -> None:
        """Send one event, now or when the client has read enough. Never waits."""
        if not self._events and self.transport.pending < min(ROOM, self.limit):
            self.transport.write(text)
            return
        self._events.append(text)
        self.size += len(text)
        while self._events and self.size > self.limit:
            self.size -= len(self._events.popleft())
            self._meter.dropped += 1
        if self._events and self._pouring is None:
            self._pouring = asyncio.get_running_loop().create_task(self._pour())

    def stop(self) -> None:
        """Hand all that waits to the transport, which closes behind it; from here on nothing waits."""
        while self._events:
            self.transport.write(self._events.popleft())
        self.size = 0
        self.limit = -1
        if self._pouring is not None:
            self._pouring.cancel()
            self._pouring = None

    async def _pour(self) -> None:
        while self._events:
            await self.transport.room(min(ROOM, self.limit))  # at once where the connection is lost
            if self._events:
                text = self._events.popleft()
                self.size -= len(text)
                self.transport.write(text)
        self._pouring = None
