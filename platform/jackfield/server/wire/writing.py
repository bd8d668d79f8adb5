"""What leaves: frames that are collected for one write, and a watch over clients that take nothing.

Strategy. What is written in the middle of a read is kept back, and leaves with its replies in one write. The
network says when it takes no more; then nothing more is read, so that no client can have more answered than it
reads, and one that reads nothing at all is closed.
"""

from __future__ import annotations

import asyncio

from jackfield.errors import CODES
from jackfield.messages import Binary
from jackfield.server.wire import guards
from jackfield.server.wire.frames import HEADS, binary_head, long_head
from jackfield.server.wire.transport import STALL, Transport

__all__ = ["CORK", "Cork", "StallWatch"]

CORK = 64 * 1024
"""Bytes of replies that are kept back within one read; more leave at once, so that the pause can work."""


class Cork(list[bytes]):
    """Heads and texts of frames that leave together. A list, since the direct path adds to it without a call."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        super().__init__()
        self.size = 0  # bytes that were added by `put`

    def put(self, text: bytes) -> bool:
        """Add a frame; whether there is more than should be kept back."""
        length = len(text)
        if type(text) is Binary:
            self.append(binary_head(length))
        else:
            self.append(HEADS[length] if length < 126 else long_head(length))
        self.append(text)
        self.size += length + 10  # the longest head
        return self.size > CORK

    def pull(self) -> bytes:
        """All bytes, which are the caller's from here on."""
        frames = b"".join(self)
        self.clear()
        self.size = 0
        return frames


class StallWatch:
    """Closes a client that takes nothing of what waits for it within STALL seconds; a little gives it time again."""

    __slots__ = ("_before", "_loop", "_timer", "_transport", "added")

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._start()

    def _start(self) -> None:
        self.added = 0  # bytes that were written since
        self._before = self._transport.pending
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(STALL, self._last_look)

    def cancel(self) -> None:
        """The client has taken enough, or is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _last_look(self) -> None:
        """The time is over; what the client read in it, while our loop stood still, still counts."""
        self._timer = self._loop.call_later(guards.GRACE, self._check)

    def _check(self) -> None:
        self._timer = None  # which refers to us
        if self._transport.pending < self._before + self.added:
            self._start()
        else:
            code, reason = CODES["too_slow_reader"].close, f"nothing was read for {STALL:g} s"
            self._transport.close(code, reason, at_once=True)
