"""One accepted socket: its inbox, its outbox, one message at a time and in order, and its end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from jackfield import messages
from jackfield.errors import CODES
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.server.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.handshake import Standing
from jackfield.server.transport import Transport

__all__ = ["INBOX", "Conversation", "Live"]

INBOX = 16
"""Messages that wait while a process works; then the network is paused, not the client told off."""

ROOM = 64 * 1024
"""Bytes in the outbox at which a generator waits for the client before its next reply."""


class Live(Protocol):
    """Where the conversation finds what is live now. Implemented by the gateway."""

    generation: Generation


class Conversation:
    """The life of one connection after the upgrade. A hub's Member, a transport's Receiver, a Connection's Outbox."""

    def __init__(
        self,
        transport: Transport,
        live: Live,
        dispatcher: Dispatcher,
        standing: Standing,
        *,
        queue_limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection: Connection  # set by `begin`: the two know each other
        self.close_code = 0
        self.standing = standing
        self._transport = transport
        self._live = live
        self._dispatcher = dispatcher
        self._queue_limit = queue_limit
        self._clock = clock
        self._began = clock()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._inbox: deque[str | bytes] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._streaming = False
        self._paused = False
        self._over = False
        self._draining = False

    # what the hub and the gateway see

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.connection.endpoint

    @property
    def identity(self) -> Identity:
        """Who is connected."""
        return self.connection.identity

    @property
    def duration(self) -> float:
        """Seconds since the conversation began."""
        return self._clock() - self._began

    def begin(self, connection: Connection) -> None:
        """Bind the public Connection; the conversation may receive from here on."""
        self.connection = connection

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table; what waits in the inbox is not processed any more."""
        self._close(CODES[name].close, reason or CODES[name].sentence)

    async def drain(self) -> None:
        """Take no more messages, answer those that are here, then close 1012."""
        self._draining = True
        self._transport.pause()
        await self.finished()
        self.end("restart", "the server restarts")

    # what the transport tells

    def received(self, data: str | bytes) -> None:
        """One message came. It is answered after those before it."""
        if self._over or self._draining:
            return
        self._inbox.append(data)
        if self._worker is None:
            self._worker = self._loop.create_task(self._work())
        elif len(self._inbox) >= INBOX:
            self._paused = True
            self._transport.pause()

    def lost(self) -> None:
        """The client has left: a call that has begun is finished, a generator is cancelled."""
        self._over = True
        self._inbox.clear()
        if self._worker is not None and self._streaming:
            self._worker.cancel()

    async def finished(self) -> None:
        """Wait for the call that has begun; bounded by the endpoint's `limits.time`."""
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)

    # what processes ask for, from any thread

    def send_event(self, event: object) -> None:
        """See Connection.send."""
        text = messages.event(event)
        if threading.get_ident() == self._thread:
            self.write(text)
        else:
            self._from_thread(lambda: self.write(text))

    def close(self, code: int, reason: str) -> None:
        """See Connection.close."""
        if threading.get_ident() == self._thread:
            self._close(code, reason)
        else:
            self._from_thread(lambda: self._close(code, reason))

    # what the dispatcher writes

    def write(self, text: bytes) -> None:
        """Queue one frame. A client that lets more than the limit pile up is closed 4408."""
        if self._over:
            return
        self._transport.write(text)
        if self._transport.pending > self._queue_limit:
            self._close(
                CODES["too_slow_reader"].close,
                f"more than {self._queue_limit:,} bytes were not read",
                at_once=True,
            )

    async def room(self) -> None:
        """Wait until the client has read enough."""
        await self._transport.room(ROOM)

    async def _work(self) -> None:
        try:
            while self._inbox:
                data = self._inbox.popleft()
                if self._paused and not self._draining and len(self._inbox) < INBOX // 2:
                    self._paused = False
                    self._transport.resume()
                await self._answer(data)
        except Exception:  # noqa: BLE001 - the root of this task; logged with its stack
            log.exception("conversation_failed", endpoint=self.endpoint, connection=self.connection.id)
            self.end("failed")
        finally:
            self._worker = None

    async def _answer(self, data: str | bytes) -> None:
        """One message, from its first to its last byte in the generation that was live when it began."""
        generation = self._live.generation
        route = generation.table.routes.get(self.endpoint)
        if route is None:
            self.end("restart", "the endpoint is gone")
            return
        generation.enter()
        self._streaming = route.process.kind in ("generator", "async_generator")
        try:
            await self._dispatcher.answer(route, self.connection, generation.resources, data, self)
        finally:
            self._streaming = False
            generation.leave()

    def _close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        if self._over:
            return
        self._over = True
        self.close_code = code
        self._inbox.clear()
        if self._worker is not None and self._streaming:
            self._worker.cancel()
        self._transport.close(code, _cut(reason), at_once=at_once)

    def _from_thread(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: to send after the close does nothing
            self._loop.call_soon_threadsafe(call)


def _cut(reason: str) -> str:
    """A close reason within the 123 bytes of a control frame (RFC 6455, section 5.5)."""
    return reason.encode()[:123].decode("utf-8", "ignore")
