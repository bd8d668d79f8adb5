"""One accepted socket: its inbox, its outbox, one message at a time and in order, and its end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from jackfield import messages
from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.server.dispatch import Dispatcher, InPlace
from jackfield.server.generation import Generation
from jackfield.server.handshake import Standing
from jackfield.server.metrics import Meter
from jackfield.server.transport import Transport

__all__ = ["INBOX", "Conversation", "Live"]

INBOX = 16
"""Messages that wait while a process works; then the network is paused, not the client told off."""

ROOM = 64 * 1024
"""Bytes in the outbox at which the next reply waits for the client to take some."""

STALL = 30.0
"""Seconds that a reply waits for a client that takes nothing before that one is closed 4408."""


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
        meter: Meter,
        *,
        queue_limit: int,
        tune: Callable[[Limits], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection: Connection  # set by `begin`: the two know each other
        self.close_code = 0
        self.standing = standing
        self._transport = transport
        self._live = live
        self._dispatcher = dispatcher
        self._meter = meter
        self._queue_limit = queue_limit
        self._tune = tune
        self._clock = clock
        self._began = clock()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._inbox: deque[bytes | None] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._streaming = False
        self._paused = False
        self._over = False
        self._generation: Generation | None = None
        self._in_place: InPlace | None = None
        self._behind = False  # the client has not read the last answers: the next ones wait for it
        self._draining = False
        self._lost = False
        self._tell: Callable[[], None] | None = None
        self._crossing: deque[bytes | tuple[int, str]] = deque()  # frames and closes on their way from threads
        self._crossing_size = 0
        self._border = threading.Lock()

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

    def adapt(self, params: Mapping[str, Any], limits: Limits) -> None:
        """Take over what a publish changed for a connection that stays."""
        self.connection.params = params
        self._queue_limit = limits.queue
        self._generation = self._in_place = None  # an idle connection must not keep the old generation alive
        if self._tune is not None:
            self._tune(limits)

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table; what waits in the inbox is not processed any more."""
        self._close(CODES[name].close, reason or CODES[name].sentence)

    async def drain(self) -> None:
        """Take no more messages, answer those that are here, then close 1012."""
        self._draining = True
        self._transport.pause()
        await self.finished()
        await self._transport.room(1)
        self.end("restart", "the server restarts")

    # what the transport tells

    def received(self, text: bytes) -> None:
        """One message came. It is answered after those before it; at once where nothing has to wait."""
        if self._over or self._draining:
            return
        if self._worker is None and not self._behind:
            generation = self._live.generation
            if generation is not self._generation:
                self._turn_to(generation)
            if self._in_place is not None:
                frame = self._in_place(self.connection, text)
                if frame is not None:
                    self.write(frame)
                return
        self._queue(text)

    def _turn_to(self, generation: Generation) -> None:
        """The first message in a generation: look up what will answer those in it."""
        route = generation.table.routes.get(self.endpoint)
        self._generation = generation
        self._in_place = None
        if route is not None and route.in_place:
            self._in_place = self._dispatcher.in_place(route, generation.resources, self._meter)

    def received_binary(self) -> None:
        """A binary message came; it is refused in its turn."""
        if not (self._over or self._draining):
            self._queue(None)

    def lost(self, code: int) -> None:
        """The client has left: a call that has begun is finished, a generator is cancelled."""
        self.close_code = self.close_code or code
        self._over = self._lost = True
        self._inbox.clear()
        if self._worker is not None and self._streaming:
            self._worker.cancel()
        elif self._worker is None:
            self._ended()

    def when_over(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once, when the client is gone and the call that has begun has ended."""
        self._tell = tell

    async def finished(self) -> None:
        """Wait for the call that has begun; bounded by the endpoint's `limits.time`."""
        worker = self._worker
        if worker is None:
            return
        try:
            await asyncio.wait((worker,))
        except asyncio.CancelledError:
            worker.cancel()
            await asyncio.wait((worker,))
            raise

    # what processes ask for, from any thread

    def send_event(self, event: object) -> None:
        """See Connection.send."""
        text = messages.event(event)
        if threading.get_ident() == self._thread:
            self.write(text)
        else:
            self._from_thread(text, len(text))

    def close(self, code: int, reason: str) -> None:
        """See Connection.close."""
        if threading.get_ident() == self._thread:
            self._close(code, reason)
        else:
            self._from_thread((code, reason), 0)

    # what the dispatcher writes

    def write(self, text: bytes) -> None:
        """Queue one frame. A client that lets more than the limit pile up is closed 4408."""
        if self._over:
            return
        pending = self._transport.write(text)
        self._behind = pending >= ROOM
        if pending > self._queue_limit:
            self._too_slow(f"more than {self._queue_limit:,} bytes were not read")

    async def room(self) -> None:
        """Wait until the client has read enough; one that reads nothing for STALL seconds is closed 4408.

        Raises CancelledError when the conversation is over, so that a generator ends even if it has caught one.
        """
        if self._transport.pending >= ROOM:
            try:
                async with asyncio.timeout(STALL):
                    await self._transport.room(ROOM)
            except TimeoutError:
                self._too_slow(f"nothing was read for {STALL:g} s")
        if self._over:
            raise asyncio.CancelledError

    def _queue(self, data: bytes | None) -> None:
        self._inbox.append(data)
        if self._worker is None:
            self._worker = self._loop.create_task(self._work())
        elif len(self._inbox) >= INBOX:
            self._paused = True
            self._transport.pause()

    async def _work(self) -> None:
        try:
            while self._inbox:
                data = self._inbox.popleft()
                if self._paused and not self._draining and len(self._inbox) < INBOX // 2:
                    self._paused = False
                    self._transport.resume()
                if self._behind:
                    await self.room()
                    self._behind = False
                await self._answer(data)
                if self._inbox:
                    await self.room()  # answers pile up no further than the client reads them
                    await asyncio.sleep(0)  # other connections have their turn
        except (Exception, GeneratorExit):  # noqa: BLE001 - the root of this task; logged with its stack
            log.exception("conversation_failed", endpoint=self.endpoint, connection=self.connection.id)
            self.end("failed")
        finally:
            self._worker = None
            if self._lost:
                self._ended()

    def _ended(self) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()

    async def _answer(self, data: bytes | None) -> None:
        """One message, from its first to its last byte in the generation that was live when it began."""
        generation = self._live.generation
        route = generation.table.routes.get(self.endpoint)
        if route is None:
            self.end("restart", "the endpoint is gone")
            return
        generation.enter()
        self._streaming = route.process.kind in ("generator", "async_generator")
        try:
            await self._dispatcher.answer(route, self.connection, generation.resources, data, self, self._meter)
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

    def _too_slow(self, reason: str) -> None:
        self._close(CODES["too_slow_reader"].close, reason, at_once=True)

    def _from_thread(self, item: bytes | tuple[int, str], size: int) -> None:
        """Hand a frame or a close to the loop. What crosses is bounded like the outbox that it crosses to."""
        with self._border:
            first = not self._crossing
            if self._crossing_size + size > self._queue_limit:
                self._crossing.clear()
                item = (CODES["too_slow_reader"].close, f"more than {self._queue_limit:,} bytes were not read")
            self._crossing.append(item)
            self._crossing_size += size
        if first:
            with suppress(RuntimeError):  # the loop is closed: to send after the close does nothing
                self._loop.call_soon_threadsafe(self._arrive)

    def _arrive(self) -> None:
        with self._border:
            arrived = tuple(self._crossing)
            self._crossing.clear()
            self._crossing_size = 0
        for item in arrived:
            if isinstance(item, bytes):
                self.write(item)
            else:
                self._close(*item)


def _cut(reason: str) -> str:
    """A close reason within the 123 bytes of a control frame (RFC 6455, section 5.5)."""
    return reason.encode()[:123].decode("utf-8", "ignore")
