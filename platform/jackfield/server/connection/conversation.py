"""One accepted socket: what comes and leaves on it, and its end. Its calls are in calls.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import nullcontext
from typing import Any

from jackfield import messages
from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.identity import Identity
from jackfield.messages import Binary
from jackfield.process.connection import Connection
from jackfield.server.answers import InTask, MessageId
from jackfield.server.connection import idle
from jackfield.server.connection.asking import Asking
from jackfield.server.connection.calls import NO_CALL, Calls
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.inbox import Answered, Item
from jackfield.server.connection.membership import Membership
from jackfield.server.connection.outbox import TOO_SLOW, Outbox
from jackfield.server.connection.owned import Owned
from jackfield.server.connection.rate import TokenBucket, TokenBuckets
from jackfield.server.connection.session_timer import SessionEnd
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.metrics import Meter
from jackfield.server.request import Standing
from jackfield.server.wire import transport as wire
from jackfield.server.wire.transport import Socket, Transport

__all__ = ["Conversation"]

_CAUSES = {code.close: name for name, code in reversed(list(CODES.items())) if code.close not in (0, 1000)}
_CAUSES[1006] = "lost"

_DOLLAR = ord("$")  # to look for bytes takes ten times as long as for one: Python tries first whether they are a number
_First = Callable[[Connection, bytes, float], bytes | None]


class Conversation:
    """The life of one connection after the upgrade. A hub's Member, a transport's Receiver, a Connection's Outbox.

    What one of ten thousand idle connections has no need of is made with its first message.
    """

    __slots__ = (
        "__weakref__",
        "_asking",
        "_buckets",
        "_calls",
        "_first",
        "_idle",
        "_longest",
        "_lost",
        "_membership",
        "_meter",
        "_owned",
        "_shared",
        "address",
        "began",
        "bucket",
        "close_cause",
        "close_code",
        "close_reason",
        "concurrency",
        "connection",
        "dispatcher",
        "generation",
        "in_task",
        "is_behind",
        "is_draining",
        "is_entering",
        "is_over",
        "live",
        "now",
        "outbox",
        "ready",
        "session_end",
        "socket",
        "standing",
        "transport",
        "when_over",
    )

    def __init__(
        self,
        transport: Transport,
        live: Live,
        dispatcher: Dispatcher,
        buckets: TokenBuckets,
        standing: Standing,
        meter: Meter,
        *,
        limits: Limits,
        socket: Socket | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection: Connection  # set by `begin`: the two know each other
        self.close_code = 0
        self.close_cause = self.close_reason = ""
        self.standing = standing
        self.address = ""  # what `limits.per_address` counts by; set by the gateway where that limit stands
        self.session_end: SessionEnd | None = None  # where the session has an end
        self.transport, self.live = transport, live
        self._buckets = buckets
        self.dispatcher = dispatcher
        self.now = dispatcher.clock
        self._meter = meter
        self.socket = socket  # the transport, where it has the shortest ways
        self.began = clock()  # by the clock of Live.passed
        self._calls: Calls | None = None
        self._asking: Asking | None = None
        self._owned: Owned | None = None
        self.generation: Generation | None = None  # the one that the next three are of
        self._first: _First | None = None  # what takes a message that has none before it
        self.in_task: InTask | None = None
        self.ready: _First | None = None  # `_first` while nothing keeps a message from being taken at once
        self.is_behind = False  # the client has not read the last answers: the next ones wait for it
        self.is_over = self.is_draining = self.is_entering = self._lost = False
        self._membership: Membership | None = None
        self.when_over: Callable[[], None] | None = None  # called once, when the client and the last call are gone
        self.bucket = TokenBucket(live.lag)
        self._shared: TokenBucket | None = None  # of all connections of this user, where that has a limit
        self.outbox = Outbox(transport, meter, asyncio.get_running_loop(), live.outboxes)
        self._idle: idle.Idle | None = None
        self._take_limits(limits)

    def _take_limits(self, limits: Limits) -> None:
        self.bucket.take(limits.rate)
        self._idle = idle.watch(self._idle, limits.idle, self._mark, self.end)
        self.outbox.take(limits)
        self.concurrency, self._longest = limits.concurrency, limits.message
        if self.socket is not None:
            self.socket.tune(limits)
            self.socket.post_limit = limits.queue if limits.slow_consumer == "close" and limits.idle is None else -1

    def _mark(self) -> object:
        """Another value whenever something was said since the last call, or is being worked on; see idle.py."""
        return object() if self.is_working or self._asking else (self.bucket.due, self.outbox.sent)

    # what the hub, a publish and a stop see

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.connection.endpoint

    @property
    def identity(self) -> Identity:
        """The caller."""
        return self.connection.identity

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that it is in."""
        return () if self._membership is None else self._membership.names

    def begin(self, connection: Connection, limits: Limits) -> None:
        """Bind the public Connection; the conversation may receive from here on."""
        self.connection = connection
        self._share(limits)

    def _share(self, limits: Limits) -> None:
        self._shared = self._buckets.of(self.endpoint, self.identity.login, limits.rate_per_user, self.now())

    def adapt(self, params: Mapping[str, Any], limits: Limits) -> None:
        """Take over what a publish changed for a connection that stays; called in the step that publishes."""
        self.connection.params = params
        self._take_limits(limits)
        self._share(limits)
        # an idle connection must not keep the old generation alive
        self.generation = self._first = self.in_task = self.ready = None
        if self._calls is not None:
            self._calls.fill(self)

    def holds(self, generation: Generation | None) -> tuple[int, int, int]:
        """How many calls work in a generation, or in any, how many wait for the client, and how many tasks go on."""
        calls = self._calls.held(generation) if self._calls is not None else (0, 0)
        return *calls, self._owned.held(generation) if self._owned is not None else 0

    def become(self, identity: Identity) -> None:
        """Take over other roles or another end of the session."""
        self.connection.identity = identity

    def watch_session(self, warning: float | None) -> None:
        """Arm the timer of the session's end; the event comes `warning` seconds before it."""
        if self.session_end is not None:
            self.session_end.cancel()
        if self.identity.expires_at is not None:
            self.session_end = SessionEnd(self, warning, self.live.clock)
            self.session_end.arm()

    def move_session(self) -> None:
        """Arm that timer for the identity's new end, where it was armed before."""
        if self.session_end is not None:
            self.session_end.move()

    def clock_was_set(self) -> None:
        """The wall clock was set: end with the session where it is over sooner now."""
        if self.session_end is not None:
            self.session_end.look()

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table; what waits in the inbox is not processed any more."""
        self.close_now(CODES[name].close, reason or CODES[name].sentence, name)

    async def drain(self) -> None:
        """Take no more messages, answer those that are here, then close 1012."""
        self.is_draining, self.ready = True, None
        self.transport.pause()
        self._say_no_more_comes()
        await self.finished()
        await self._taken(1)
        self.end("restart", wire.RESTARTS)
        await self.owned.ended()

    # called by the transport

    def received(self, text: bytes) -> bytes | None:
        """One message came. Its answer where it is ready at once; otherwise it comes in its turn, by `write`."""
        now = self.now()
        bucket = self.bucket  # its rule stands here, too: a call would cost as much as all the rest of it
        bucket.came += 1
        due = bucket.due
        bucket.due = due = (due if due > now else now) + bucket.gap
        if due - now > bucket.slack and not bucket.spend(due - now):
            messages.judge_utf8(text)
            return self._too_fast(due - now, bucket)
        if self._shared is not None and (ahead := self._shared.over(now)):
            messages.judge_utf8(text)
            return self._too_fast(ahead, self._shared)
        answer = self.ready
        return self._received(text, now) if answer is None else answer(self.connection, text, now)

    def received_binary(self, payload: bytes) -> None:
        """A binary message came; where messages are JSON it is refused in its turn."""
        now = self.now()
        for bucket in filter(None, (self.bucket, self._shared)):
            if ahead := bucket.over(now):
                if (frame := self._too_fast(ahead, bucket)) is not None:
                    self.write(frame)
                return
        if self.kind == "json" and not (self.is_over or self.is_draining):
            self._queue(Binary(payload))
        elif (answer := self._received(Binary(payload), now)) is not None:
            self.write(answer)

    @property
    def kind(self) -> str:
        """What the endpoint's messages are."""
        route = self.live.generation.table.route(self.endpoint)
        return "json" if route is None else route.endpoint.messages

    def _received(self, text: bytes, now: float) -> bytes | None:
        if self.is_over or self.is_draining:
            return None
        if type(text) is not Binary:
            messages.judge_utf8(text)
        own = self._calls
        calls = own.running if own is not None else ()
        if (
            _DOLLAR in text
            and ((calls and text.find(b'"$cancel"') > 0) or (self._asking and text.find(b'"$answer"') > 0))
            and len(text) <= self._longest
            and self._put_aside(text)
        ):
            return None
        if calls and own is not None and own.wait(text, self):
            return None
        if self.generation is not self.live.generation:
            self.turn_to(self.live.generation)
        first = self.start_at_once if self.is_behind else self._first  # a call waits until the client has read
        if not (calls or self._asking):
            self.ready = first
        return first(self.connection, text, now) if first is not None else None

    def _put_aside(self, text: bytes) -> bool:
        """Whether this was said beside the messages, ahead of what waits."""
        found = messages.aside(text) if self.kind == "json" else None
        if found is not None and found.cancel is not None and self._calls is not None:
            self._calls.cancel(found.cancel, self)
        elif found is not None and found.answer is not None and self._asking is not None:
            self._asking.answered(found.answer, text, self)
        return found is not None

    def _too_fast(self, ahead: float, bucket: TokenBucket) -> bytes | None:
        """Refuse one message of a client that sent, at the allowed rate, for `ahead` seconds from now."""
        if self.is_over or self.is_draining:
            return None
        whose = "" if bucket is self.bucket else " from all connections of this user"
        if bucket.is_flood(ahead):
            self.end("flood", f"messages came much faster than {bucket.limit}{whose}")
            return None
        self._meter.others["rate_limited"] += 1
        text = f"Messages came faster than {bucket.limit}{whose}; this one was not processed."
        frame = messages.error("rate_limited", text, retry_after=bucket.wait(ahead))
        if not (self.is_working or self.is_behind):
            return frame
        self._queue(Answered(frame))
        return None

    def too_often(self, action: str, rate: float) -> float:
        """Count a message of an action; seconds until it may come again where it came too fast, else 0."""
        return self._buckets.wait(f"{self.endpoint} {action}", self.connection.id, rate, self.now())

    def turn_to(self, generation: Generation) -> None:
        """The first message in a generation: look up what will answer those in it."""
        route = generation.table.route(self.endpoint)
        self.generation = generation
        in_place, self.in_task = (None, None) if route is None else self.dispatcher.ways(generation, route, self._meter)
        self._first = in_place or self.start_at_once

    def lost(self, code: int, reason: str = "") -> None:
        """The client has left: a call that has begun is finished, a generator is cancelled."""
        if not self.close_code:
            self.close_code, self.close_cause, self.close_reason = code, _CAUSES.get(code, "client"), reason
        self._lost = True
        self._end_of_messages()
        self.ended()

    def _end_of_messages(self) -> None:
        self.is_over = True
        if self._idle is not None:
            self._idle.stop()
        self.outbox.stop()
        if self._membership is not None:
            self._membership.end()
        self.ready = None
        self._first = None  # it may be a method of ours: nothing that ended waits for the garbage collector
        if self._calls is not None:
            self._calls.stop()
        self._say_no_more_comes()

    def _say_no_more_comes(self) -> None:
        if self._calls is not None:
            self._calls.wake()
        if self._asking is not None:
            self._asking.stop()
        if self._owned is not None:
            self._owned.over(self.is_over)

    async def finished(self) -> None:
        """Wait for the calls that have begun, and those that wait; bounded by the endpoint's `limits.time`."""
        if self._calls is not None:
            await self._calls.finished(self)

    @property
    def is_working(self) -> bool:
        """Whether a call runs; messages wait for their turn only while one does."""
        return self._calls is not None and bool(self._calls.running)

    @property
    def membership(self) -> Membership:
        """The groups that it is in."""
        if self._membership is None:
            self._membership = Membership(self, self.live.groups)
        return self._membership

    def entered(self) -> None:
        """The client has its 101, and hears its groups from here on. Who is in none keeps no Membership."""
        self.is_entering = False
        if self._membership is not None and not self._membership.entered():
            self._membership = None

    def hear(self, frame: bytes) -> None:
        """Queue the frame of an event; on the loop's thread."""
        if not self.is_over:
            self.outbox.send(self, frame)

    def listen(self) -> Callable[[bytes], None]:
        """What queues frames of events, for a caller who sends many."""
        return self.hear if self.socket is None else self.socket.post

    # what processes ask for, from any thread

    def send_event(self, event: object) -> None:
        """See Connection.send."""
        self.outbox.put(messages.sent(event, self.kind if isinstance(event, messages.PAYLOADS) else "json"), self)

    def close(self, code: int, reason: str) -> None:
        """See Connection.close."""
        self.outbox.put((code, reason), self)

    async def next(self, within: float) -> Mapping[str, Any]:
        """See Connection.next."""
        if self._calls is None:
            raise RuntimeError(NO_CALL)
        return await self._calls.next(within, self)

    async def request(self, event: object, answer: Any, within: float) -> Any:
        """See Connection.request."""
        if self.kind != "json":
            raise RuntimeError("request() wants `messages: json`: what answers it is an object")
        if self._asking is None:
            self._asking = Asking()
        self.ready = None  # what comes may be the answer
        with self._calls.halted() if self._calls is not None else nullcontext():
            return await self._asking.ask(event, answer, within, self)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """See Connection.start."""
        self.owned.start(coroutine, self, self._calls.generation() if self._calls is not None else None)

    @property
    def closed(self) -> bool:
        """See Connection.closed."""
        return self.is_over or self.is_draining

    @property
    def owned(self) -> Owned:
        """What it owns."""
        self._owned = self._owned or Owned(asyncio.get_running_loop())
        return self._owned

    def write(self, text: bytes) -> None:
        """Queue one frame: a reply, of `limits.queue` at most. One begins while less than wire.ROOM waits."""
        if not self.is_over and (pending := self.transport.write(text)):
            self.wrote(pending, self.outbox.spare)

    def wrote(self, pending: int, spare: int = 0) -> None:
        """So many bytes wait for the client, who is closed 4408 where that is more than `spare` over its limit."""
        if pending >= wire.ROOM:
            self.is_behind, self.ready = True, None
            self.live.outboxes.waits(self)
        if pending > self.outbox.most + spare:
            self._too_slow(f"more than {self.outbox.limit:,} bytes were not read")

    async def room(self) -> None:
        """Wait until the client has read enough; one that reads nothing for wire.STALL seconds is closed 4408.

        Raises CancelledError when the conversation is over, so that a generator ends even if it has caught one.
        """
        if self.transport.pending >= wire.ROOM:
            await self._taken(wire.ROOM)
        if self.is_over:
            raise asyncio.CancelledError

    async def _taken(self, limit: int) -> None:
        """Wait until fewer than `limit` bytes wait for the client, or close one that takes none."""
        if await wire.room_in_time(self.transport, limit, lambda: wire.LAST_STALL if self.is_draining else wire.STALL):
            return
        if self.is_draining:
            self.close_now(CODES["restart"].close, wire.RESTARTS, "restart", at_once=True)
        else:
            self._too_slow(f"nothing was read for {wire.STALL:g} s")

    def _queue(self, item: Item) -> None:
        self._calls = self._calls or Calls(asyncio.get_running_loop())
        self._calls.put(item, self)

    def start_at_once(self, _connection: Connection, text: bytes, _came: float) -> None:
        """Called like what answers in place, for a process that may have to wait."""
        if not text.isascii() and type(text) is not Binary:
            messages.judge_utf8(text)
        self._calls = self._calls or Calls(asyncio.get_running_loop())
        self._calls.start(text, self)

    # what its calls need

    def pause(self) -> None:
        """Read no more from the network: too much waits."""
        self.bucket.paused(self.now())
        self.transport.pause()

    def resume(self) -> None:
        """Read on."""
        self.bucket.resumed(self.now())
        self.transport.resume()

    def cancelled(self, message_id: MessageId) -> bytes:
        """The frame that tells of a message that it is not answered any more; counted."""
        self._meter.others["cancelled"] += 1
        return messages.error("cancelled", message_id=message_id)

    def ended(self) -> None:
        """A call has ended, and nothing waits for it; or the client has left."""
        if self._calls is not None and self._calls.running:
            return
        if self._lost:
            callback, self.when_over = self.when_over, None
            if callback is not None:
                callback()
        elif not (self.is_behind or self.is_over or self.is_draining or self._asking):
            self.ready = self._first

    def close_now(self, code: int, reason: str, cause: str, *, at_once: bool = False) -> None:
        """Close behind what was queued, or `at_once` without it. A second call does nothing."""
        if self.is_over:
            return
        self.close_code, self.close_cause, self.close_reason = code, cause, reason
        self._end_of_messages()
        self.transport.close(code, wire.cut(reason), at_once=at_once)

    def _too_slow(self, reason: str) -> None:
        self.close_now(CODES[TOO_SLOW].close, reason, TOO_SLOW, at_once=True)
