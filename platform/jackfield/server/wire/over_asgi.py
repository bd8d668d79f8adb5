"""The transport over plain ASGI, for a server of others: two tasks wait, one for messages and one for the network."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from jackfield.errors import CODES
from jackfield.messages import Binary
from jackfield.server.asgi import Receive, Send
from jackfield.server.wire.transport import ROOM, STALL, TURN_SECONDS, Receiver

__all__ = ["CLOSE_LIMIT", "AsgiTransport"]

CLOSE_LIMIT = 10.0
"""Seconds that a client has to take what is queued and the close frame."""


class AsgiTransport:
    """The transport over an ASGI server's `receive` and `send`, after the connection was accepted."""

    clock: Callable[[], float] = staticmethod(time.perf_counter)
    """Seconds, by which turns are measured."""

    def __init__(self, receive: Receive, send: Send, abort: Callable[[], None] | None = None) -> None:
        self._pending = 0
        self._code = 1006
        self._receiver: Receiver
        self._receive = receive
        self._send = send
        self._abort = abort
        self._queue: deque[bytes] = deque()
        self._closing: tuple[int, str] | None = None
        self._wake = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._drained = asyncio.Event()
        self._gone = False
        self._cut_timer: asyncio.TimerHandle | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def write(self, text: bytes) -> int:
        """See Transport."""
        if self._closing is None and not self._gone:
            self._queue.append(text)
            self._pending += len(text)
            self._wake.set()
        return self._pending

    @property
    def pending(self) -> int:
        """See Transport."""
        return self._pending

    def hold(self) -> None:
        """See Transport. ASGI has no way to say it."""

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """See Transport."""
        if self._closing is None and not self._gone:
            self._closing = (code, reason)
            if at_once:
                self._queue.clear()
                self._pending = 0
            self._may_read.set()
            self._wake.set()
            self._drained.set()
            self._cut_timer = asyncio.get_running_loop().call_later(CLOSE_LIMIT, self._cut_off)

    def pause(self) -> None:
        """See Transport."""
        if self._closing is None:  # after that, what is read is the client's answer to our close
            self._may_read.clear()

    def resume(self) -> None:
        """See Transport."""
        self._may_read.set()

    async def room(self, limit: int) -> None:
        """See Transport."""
        while self.pending >= limit and not self._gone and self._closing is None:
            self._drained.clear()
            await self._drained.wait()

    def attach(self, receiver: Receiver) -> None:
        """Give messages to `receiver` from here on."""
        self._receiver = receiver

    async def run(self, receiver: Receiver) -> None:
        """Carry messages both ways until the connection has ended; owns the reading and the writing task."""
        self.attach(receiver)
        writing = asyncio.create_task(self._write_all())
        reading = asyncio.create_task(self._read_all())
        self._tasks = (writing, reading)
        try:
            # the reader ends with the client; the writer ends after our close frame, and then the reader
            # waits for the client's answer to it until the timer of `close` cuts the connection off
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if writing in done and not writing.cancelled() and writing.exception() is None:
                await asyncio.wait((reading,))
        finally:
            self._end()
            # wait, not gather: gather would answer a cancellation of ours with one of its children's
            await asyncio.wait(self._tasks)
            self._receiver.lost(self._code)
        for task in (reading, writing):
            fault = None if task.cancelled() else task.exception()
            if fault is not None and not isinstance(fault, OSError):  # OSError: the client has left
                raise fault

    def _end(self) -> None:
        self._gone = True
        self._drained.set()
        if self._cut_timer is not None:
            self._cut_timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _cut_off(self) -> None:
        if self._abort is not None:
            self._abort()
        for task in self._tasks:
            task.cancel()

    async def _read_all(self) -> None:
        until = self.clock() + TURN_SECONDS
        while True:
            if self.clock() > until:  # what waits is given out without a pause
                await asyncio.sleep(0)
                until = self.clock() + TURN_SECONDS
            await self._may_read.wait()
            if self._pending >= ROOM:
                await self._room_or_close()
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._code = int(message.get("code") or 1005)
                return
            if self._closing is not None:
                continue  # what comes after our close was asked for is dropped
            text = message.get("text")
            if text is None:
                self._receiver.received_binary(message["bytes"])
                continue
            answer = self._receiver.received(text.encode())
            if answer is not None:
                self._receiver.write(answer)

    async def _room_or_close(self) -> None:
        while self._pending >= ROOM and not self._gone and self._closing is None:
            self._drained.clear()
            try:
                async with asyncio.timeout(STALL):
                    await self._drained.wait()
            except TimeoutError:
                self.close(CODES["too_slow_reader"].close, f"nothing was read for {STALL:g} s", at_once=True)

    async def _write_all(self) -> None:
        while True:
            while self._queue:
                text = self._queue.popleft()
                frame = {"bytes": bytes(text)} if type(text) is Binary else {"text": text.decode()}
                await self._send({"type": "websocket.send", **frame})
                self._pending = max(0, self._pending - len(text))
                self._drained.set()
            if self._closing is not None:
                code, reason = self._closing
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._wake.clear()
            await self._wake.wait()
