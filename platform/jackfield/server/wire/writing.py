"""A WebSocket protocol that is a Transport itself: what leaves on the direct path, and whether more is read.

Strategy. What is written in the middle of a read is kept back, and leaves with its replies in one write. The
network says when it takes no more; then nothing more is read, so that no client can have more answered than it
reads, and one that reads nothing at all is closed. Nor is anything read while what was read waits to be used.
"""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.protocol import State

from jackfield.errors import CODES
from jackfield.server.wire import guards
from jackfield.server.wire.patched import FLOOD, STUCK, MendedProtocol
from jackfield.server.wire.transport import STALL, Receiver

__all__ = ["CORK", "HEADS", "DirectTransport", "long_head"]

CORK = 64 * 1024
"""Bytes of replies that are kept back within one read; more leave at once, so that the pause can work."""

HEADS = tuple(bytes((0x81, length)) for length in range(126))
"""The head of a text frame as a server sends it, by the length of the text (RFC 6455, section 5.2)."""


def long_head(length: int) -> bytes:
    """The head of a text frame of 126 bytes and more."""
    return b"\x81\x7e" + length.to_bytes(2, "big") if length < 65536 else b"\x81\x7f" + length.to_bytes(8, "big")


class DirectTransport(MendedProtocol):
    """The Transport of a receiver that is attached; reads are the subclass's."""

    __slots__ = (
        "_asked_to_pause",
        "_busy",
        "_cork",
        "_corked",
        "_drained",
        "_ended_early",
        "_full",
        "_held",
        "_poured",
        "_receiver",
        "_stall",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiver: Receiver | None = None
        self._busy = False  # in the middle of a read, whose replies leave together
        self._cork: list[bytes] = []
        self._corked = 0
        self._full = False  # the network takes nothing more for now
        self._poured = 0  # bytes that were written all the same
        self._stall: asyncio.TimerHandle | None = None
        self._ended_early: tuple[int, str] | None = None  # a close that was asked for before our 101
        self._asked_to_pause = False
        self._held = False  # no message is handed on for now
        self._drained: asyncio.Event | None = None

    # what a conversation asks for

    @property
    def pending(self) -> int:
        """See Transport."""
        return self._corked + self.transport.get_write_buffer_size()

    def write(self, text: bytes) -> int:
        """See Transport."""
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return 0
        length = len(text)
        head = HEADS[length] if length < 126 else long_head(length)
        if not self._busy:
            self.transport.write(head + text)
        else:
            self._cork.append(head)
            self._cork.append(text)
            self._corked += length + 10
            if self._corked > CORK:
                self._flush()
        if not self._full:
            return 0
        self._poured += length
        return self.pending

    def hold(self) -> None:
        """See Transport."""
        if not self._busy:
            self._busy = True
            self.loop.call_soon(self._let_go)

    def _let_go(self) -> None:
        self._busy = False
        if self._cork:
            self._flush()
        self._reading_changed()  # what may be read again since then had to wait for this

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """See Transport."""
        if self.conn.state is State.CONNECTING:
            self._ended_early = self._ended_early or (code, reason)
            return
        if self.transport.is_closing():
            return
        if self._cork:
            self._flush()
        if code == FLOOD:
            self._shut_out(reason)
        else:
            self._close_frame(code, reason)
            self._expect_the_end(STUCK if at_once and self._full else None)
        if self._drained is not None:
            self._drained.set()
        self._judge_reading()

    def pause(self) -> None:
        """See Transport."""
        self._asked_to_pause = True
        self._judge_reading()

    def resume(self) -> None:
        """See Transport."""
        self._asked_to_pause = False
        self._judge_reading()

    async def room(self, limit: int) -> None:
        """See Transport."""
        while self._full and self.pending >= limit and not self.disconnected and not self.close_sent:
            self._drained = self._drained or asyncio.Event()
            self._drained.clear()
            await self._drained.wait()

    def shutdown(self) -> None:
        """Called by the server when it stops."""
        super().shutdown()
        self._judge_reading()  # for the client's answer

    def _flush(self) -> None:
        frames = b"".join(self._cork)
        self._cork.clear()
        self._corked = 0
        if not self.transport.is_closing():  # uvloop raises for a write after the loss
            self.transport.write(frames)

    # what the network tells

    def pause_writing(self) -> None:
        """The client does not read: take no more of its messages until it does."""
        super().pause_writing()
        self._full = True
        if self._receiver is not None:
            self._judge_reading()
            self._watch_for_stall()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._full = False
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._drained is not None:
            self._drained.set()
        if self._receiver is not None:
            self._judge_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, once."""
        super().connection_lost(exc)
        if self._stall is not None:
            self._stall.cancel()
        if self._drained is not None:
            self._drained.set()
        self._tell_lost()

    def _tell_lost(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            close = self.conn.close_sent  # ours, or our answer to the client's
            if close is None:
                receiver.lost(1006)
                return
            reason = "" if close is self.conn.close_rcvd else close.reason  # the client's own words are not logged
            receiver.lost(1006 if self._vanished else close.code, reason)

    def _judge_reading(self) -> None:
        """Hand messages on, or not."""
        held = self._must_hold()
        if held != self._held:
            self._held = held
            self._reading_changed()

    def _must_hold(self) -> bool:
        """Whether the application asked for a pause, the client does not read, or the connection is over."""
        if self._lingers:
            return False
        if self._full or self.disconnected or self.transport.is_closing():
            return True
        return self._asked_to_pause and not self.close_sent  # after our close only the client's is waited for

    def _reading_changed(self) -> None:
        """Hook: `_held` is not what it was."""

    def _set_reading(self, wanted: bool) -> None:
        """Take bytes from the network, or leave them there."""
        if wanted != self.read_paused or self.transport.is_closing():
            return
        self.read_paused = not wanted
        if wanted:
            self._pings_due = 0.0  # what piled up meanwhile is no flood
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _watch_for_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._poured = 0
        self._stall = self.loop.call_later(STALL, self._last_look, self.pending)

    def _last_look(self, before: int) -> None:
        """The time is over; what the client read in it, while our loop stood still, still counts."""
        self._stall = self.loop.call_later(guards.GRACE, self._judge_stall, before)

    def _judge_stall(self, before: int) -> None:
        """Close a client that took nothing since; what little it takes gives it time again."""
        if self.pending < before + self._poured:
            self._watch_for_stall()
            return
        self._stall = None
        self.close(CODES["too_slow_reader"].close, f"nothing was read for {STALL:g} s", at_once=True)
