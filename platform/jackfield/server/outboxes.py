"""What waits for all clients of a node: beyond a bound the connections with the fullest outboxes are closed.

Looked at where something is added, and at most once in PAUSE: between two looks the sum may pass the bound by what is
sent in that time. What still waits for a connection that is closed does not count: it goes by itself, within seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol
from weakref import WeakSet

from jackfield.errors import CODES
from jackfield.logs import log

__all__ = ["PAUSE", "Outboxes", "Pending", "Waiting"]

PAUSE = 0.25
"""Seconds between two looks."""

_TOO_SLOW = "too_slow_reader"
_REASON = "the outboxes of all clients together are full, and this is one of the fullest"


class Pending(Protocol):
    """An outbox."""

    @property
    def pending(self) -> int:
        """Bytes that wait for the client."""


class Waiting(Protocol):
    """A connection for whose client something waits. Implemented by the conversation."""

    is_over: bool
    """Whether it is closed: what waits then goes by itself, soon."""

    @property
    def outbox(self) -> Pending:
        """What waits."""

    def close_now(self, code: int, reason: str, cause: str, *, at_once: bool = False) -> None:
        """Close, `at_once` without what waits. A second call does nothing."""


class Outboxes:
    """All outboxes of a node. `most` is in bytes; `clock` gives seconds. On the loop's thread; never waits."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._behind: WeakSet[Waiting] = WeakSet()
        self._next = 0.0

    def waits(self, connection: Waiting) -> None:
        """Something waits for this client, and is more than it was."""
        self._behind.add(connection)
        now = self._clock()
        if now >= self._next:
            self._next = now + PAUSE
            self._close_fullest()

    def _close_fullest(self) -> None:
        sizes = {connection: connection.outbox.pending for connection in self._behind if not connection.is_over}
        self._behind = WeakSet(connection for connection, size in sizes.items() if size)
        total, closed = sum(sizes.values()), 0
        for connection in sorted(sizes, key=sizes.__getitem__, reverse=True) if total > self._most else ():
            if total <= self._most:
                break
            total -= sizes[connection]
            connection.close_now(CODES[_TOO_SLOW].close, _REASON, _TOO_SLOW, at_once=True)
            closed += 1
        if closed:
            log.warning("outboxes_full", closed=closed, bytes=sum(sizes.values()))
