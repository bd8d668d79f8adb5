"""One accepted socket: its inbox, its outbox, one message at a time and in order, and its end."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from jackfield import messages
from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.server.crossing import Crossing
from jackfield.server.dispatch import Dispatcher, InTask
from jackfield.server.generation import Generation
from jackfield.server.handshake import Standing
from jackfield.server.metrics import Meter
from jackfield.server.transport import ROOM, STALL, Transport

__all__ = ["BURST", "INBOX", "Conversation", "Live"]

INBOX = 16
"""Messages that wait while a process works; then the network is paused, not the client told off."""

TURN = 16
"""Messages of one connection that are answered from its inbox before others have their turn."""

BURST = 2.0
"""Seconds of `limits.rate` that may come at once; once more as much beyond that, and it is a flood."""

RESERVE = 60.0
"""Seconds of `limits.rate` at most that may have piled up in the network while we did not read, and for how long."""

ROUNDING = 1e-6
"""Seconds by which the sum of two clock readings may be off: a clock of a year counts in steps of 4e-9."""

_STREAMS = ("generator", "async_generator")


@dataclass(frozen=True, slots=True)
class _Told:
    """What waits in the inbox for its turn and has its answer already."""

    frame: bytes


Task = asyncio.Task[Any]
Item = bytes | _Told | None
_First = Callable[[Connection, bytes, float], bytes | None]

_begin: Callable[..., Task] = Task
if sys.version_info >= (3, 12):
    _begin = partial(Task, eager_start=True)


class Live(Protocol):
    """Where the conversation finds what is live now. Implemented by the gateway."""

    generation: Generation


class Conversation:
    """The life of one connection after the upgrade. A hub's Member, a transport's Receiver, a Connection's Outbox.

    What one of ten thousand idle connections has no need of is made with its first message.
    """

    __slots__ = (
        "__weakref__",
        "_began",
        "_behind",
        "_clock",
        "_crossing",
        "_dispatcher",
        "_draining",
        "_due",
        "_first",
        "_gap",
        "_generation",
        "_in_task",
        "_inbox",
        "_live",
        "_loop",
        "_lost",
        "_meter",
        "_now",
        "_over",
        "_paused",
        "_paused_at",
        "_queue_limit",
        "_ready",
        "_reserve",
        "_reserve_ends",
        "_slack",
        "_streaming",
        "_streams",
        "_tell",
        "_transport",
        "_tune",
        "_worker",
        "close_code",
        "connection",
        "standing",
    )

    def __init__(
        self,
        transport: Transport,
        live: Live,
        dispatcher: Dispatcher,
        standing: Standing,
        meter: Meter,
        *,
        limits: Limits,
        tune: Callable[[Limits], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection: Connection  # set by `begin`: the two know each other
        self.close_code = 0
        self.standing = standing
        self._transport = transport
        self._live = live
        self._dispatcher = dispatcher
        self._now = dispatcher.clock
        self._meter = meter
        self._tune = tune
        self._clock = clock
        self._began = clock()
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Item] | None = None
        self._worker: Task | None = None
        self._streaming = False
        self._paused = False
        self._over = False
        self._generation: Generation | None = None  # the one that the next three are of
        self._first: _First | None = None  # what takes a message that has none before it
        self._in_task: InTask | None = None
        self._streams = False
        self._ready: _First | None = None  # `_first` while nothing keeps a message from being taken at once
        self._behind = False  # the client has not read the last answers: the next ones wait for it
        self._draining = False
        self._lost = False
        self._tell: Callable[[], None] | None = None
        self._gap = 0.0
        self._slack = BURST
        self._reserve = 0.0  # seconds in which the client may have sent and we did not read
        self._reserve_ends = 0.0
        self._paused_at = 0.0
        self._due = 0.0  # when, by the dispatcher's clock, all that came would have come at the allowed rate
        self._crossing = Crossing(self._loop)
        self._take_limits(limits)

    def _take_limits(self, limits: Limits) -> None:
        self._queue_limit = limits.queue
        gap = 1 / limits.rate if limits.rate else 0.0
        if gap != self._gap:
            self._gap, self._due = gap, 0.0  # another rate begins with a full bucket
            self._slack = max(BURST, gap) + ROUNDING

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
        """Take over what a publish changed for a connection that stays; called in the step that publishes."""
        self.connection.params = params
        self._take_limits(limits)
        # an idle connection must not keep the old generation alive
        self._generation = self._first = self._in_task = self._ready = None
        if self._tune is not None:
            self._tune(limits)

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table; what waits in the inbox is not processed any more."""
        self._close(CODES[name].close, reason or CODES[name].sentence)

    async def drain(self) -> None:
        """Take no more messages, answer those that are here, then close 1012."""
        self._draining = True
        self._ready = None
        self._transport.pause()
        await self.finished()
        await self._transport.room(1)
        self.end("restart", "the server restarts")

    # what the transport tells

    def received(self, text: bytes) -> bytes | None:
        """One message came. Its answer where it is ready at once; otherwise it comes in its turn, by `write`."""
        now = self._now()
        # The rate's token bucket in one number, when the bucket would be full again; it holds `_slack` seconds.
        # Each message takes `_gap` of them; 0 where the rate is off.
        due = self._due
        self._due = due = (due if due > now else now) + self._gap
        if due - now > self._slack and not self._spend(due - now):
            messages.judge_utf8(text)
            return self._too_fast(due - now)
        answer = self._ready
        return self._received(text, now) if answer is None else answer(self.connection, text, now)

    def received_binary(self) -> None:
        """A binary message came; it is refused in its turn."""
        now = self._now()
        self._due = due = max(self._due, now) + self._gap
        if due - now > self._slack and not self._spend(due - now):
            frame = self._too_fast(due - now)
            if frame is not None:
                self.write(frame)
        elif not (self._over or self._draining):
            self._queue(None)

    def _received(self, text: bytes, now: float) -> bytes | None:
        if self._over or self._draining:
            return None
        messages.judge_utf8(text)
        if self._worker is not None or self._behind:
            self._queue(text)
            return None
        if self._generation is not self._live.generation:
            self._turn_to(self._live.generation)
        self._ready = self._first
        return self._ready(self.connection, text, now) if self._ready is not None else None

    def _save(self) -> None:
        """Reading goes on: what a full bucket could not hold meanwhile is kept for what the client sent meanwhile."""
        now = self._now()
        self._reserve = min(RESERVE, self._reserve + max(0.0, now - max(self._due, self._paused_at)))
        self._reserve_ends = now + RESERVE

    def _spend(self, ahead: float) -> bool:
        """Whether what came too fast may be what piled up while we ourselves did not read; used up by and by."""
        if self._due - ahead > self._reserve_ends:
            self._reserve = 0.0
        spent = min(self._reserve, ahead)
        self._reserve -= spent
        self._due -= spent
        return ahead - spent <= self._slack

    def _too_fast(self, ahead: float) -> bytes | None:
        """Refuse one message of a client that sent, at the allowed rate, for `ahead` seconds from now."""
        if self._over or self._draining:
            return None
        rate = _per(self._gap)
        if ahead > 2 * self._slack:
            self.end("flood", f"messages came much faster than {rate}")
            return None
        self._meter.others["rate_limited"] += 1
        wait = math.ceil((ahead + self._gap - self._slack) * 1000) / 1000
        text = f"Messages came faster than {rate}; this one was not processed."
        frame = messages.error("rate_limited", text, retry_after=wait)
        if self._worker is None and not self._behind:
            return frame
        self._queue(_Told(frame))
        return None

    def _turn_to(self, generation: Generation) -> None:
        """The first message in a generation: look up what will answer those in it."""
        route = generation.table.routes.get(self.endpoint)
        self._generation = generation
        self._first, self._in_task = self._start_at_once, None
        if route is not None:
            in_place, self._in_task = self._dispatcher.ways(generation, route, self._meter)
            self._first = in_place or self._start_at_once
            self._streams = route.process.kind in _STREAMS

    def lost(self, code: int) -> None:
        """The client has left: a call that has begun is finished, a generator is cancelled."""
        self.close_code = self.close_code or code
        self._lost = True
        self._end_of_messages()
        if self._worker is None:
            self._ended()

    def _end_of_messages(self) -> None:
        self._over = True
        self._inbox = self._ready = None
        self._first = None  # it may be a method of ours: nothing that ended waits for the garbage collector
        if self._worker is not None and self._streaming:
            self._worker.cancel()

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
        if self._crossing.needed:
            self._from_thread(text)
        else:
            self.write(text)

    def close(self, code: int, reason: str) -> None:
        """See Connection.close."""
        if self._crossing.needed:
            self._from_thread((code, reason))
        else:
            self._close(code, reason)

    # what the dispatcher writes

    def write(self, text: bytes) -> None:
        """Queue one frame. A client that lets more than the limit pile up is closed 4408."""
        if self._over:
            return
        pending = self._transport.write(text)
        if pending >= ROOM:
            self._behind = True
            self._ready = None
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

    def _queue(self, item: Item) -> None:
        if self._worker is None:
            self._start(item)
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(item)
        if len(self._inbox) >= INBOX and not self._paused:
            self._paused = True
            self._paused_at = self._now()
            self._transport.pause()

    def _start_at_once(self, _connection: Connection, text: bytes, _came: float) -> None:
        """Called like what answers in place, for a process that may have to wait."""
        if not text.isascii():
            messages.judge_utf8(text)
        self._start(text)

    def _start(self, item: Item) -> None:
        """Begin a task for one message and for those that come while it works; an eager one where Python has them."""
        self._ready = None
        task = _begin(self._work(item), loop=self._loop)
        if not task.done():
            self._worker = task

    async def _work(self, item: Item) -> None:
        if self._worker is None:
            self._worker = asyncio.current_task()  # an eager one; to ask costs a system call before Python 3.12
        task = self._worker
        assert task is not None, "a coroutine runs in a task"
        left = TURN
        try:
            while not self._over:  # a task begins some time after it was made, before Python 3.12
                if self._behind:
                    await self.room()  # answers pile up no further than the client reads them
                    self._behind = False
                generation = self._live.generation
                if generation is not self._generation:
                    self._turn_to(generation)
                answer = self._in_task
                if isinstance(item, _Told):
                    self.write(item.frame)
                elif answer is None:
                    self.end("restart", "the endpoint is gone")
                else:
                    self._streaming = self._streams
                    generation.enter()  # from its first to its last byte in the generation that is live now
                    try:
                        frame = await answer(self.connection, item, task, self)
                    finally:
                        self._streaming = False
                        generation.leave()
                    if frame is not None:
                        if self._inbox:
                            self._transport.hold()
                        self.write(frame)
                if not self._inbox:
                    return
                left -= 1
                if not left:
                    left = TURN
                    await asyncio.sleep(0)
                    if not self._inbox:
                        return  # the conversation ended meanwhile
                item = self._inbox.popleft()
                if self._paused and not self._draining and len(self._inbox) < INBOX // 2:
                    self._paused = False
                    self._save()
                    self._transport.resume()
        except asyncio.CancelledError:
            if not (self._over or self._draining):
                self.end("failed")  # a process cancelled its own task: nobody is left for what waits
            raise
        except (Exception, GeneratorExit):  # noqa: BLE001 - the root of this task; logged with its stack
            log.exception("conversation_failed", endpoint=self.endpoint, connection=self.connection.id)
            self.end("failed")
        finally:
            self._worker = None
            if self._lost:
                self._ended()
            elif not (self._behind or self._over or self._draining):
                self._ready = self._first

    def _ended(self) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()

    def _close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        if self._over:
            return
        self.close_code = code
        self._end_of_messages()
        self._transport.close(code, _cut(reason), at_once=at_once)

    def _too_slow(self, reason: str) -> None:
        self._close(CODES["too_slow_reader"].close, reason, at_once=True)

    def _from_thread(self, item: bytes | tuple[int, str]) -> None:
        """What crosses is bounded like the outbox that it crosses to."""
        reason = f"more than {self._queue_limit:,} bytes were not read"
        instead = (CODES["too_slow_reader"].close, reason)
        self._crossing.hand_over(item, self._queue_limit, instead, self._arrive)

    def _arrive(self, item: bytes | tuple[int, str]) -> None:
        if isinstance(item, bytes):
            self.write(item)
        else:
            self._close(*item)


def _per(gap: float) -> str:
    """A rate by the seconds between two messages, as one would say it."""
    span, name = (1, "a second") if gap <= 1 else (60, "a minute") if gap <= 60 else (3600, "an hour")
    return f"{span / gap:,.10g} {name}"


def _cut(reason: str) -> str:
    """A close reason within the 123 bytes of a control frame (RFC 6455, section 5.5)."""
    return reason.encode()[:123].decode("utf-8", "ignore")
