"""The calls of one connection: those that run, each in a task of its own, and the messages that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, Literal, Protocol

from jackfield import messages
from jackfield.logs import log
from jackfield.process.connection import Connection, Gone
from jackfield.server.answers import InTask, MessageId, Task, Way
from jackfield.server.connection.contexts import context_of
from jackfield.server.connection.inbox import Answered, Inbox, Item
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.code_location import waiting
from jackfield.server.wire import transport as wire
from jackfield.server.wire.transport import Transport
from jackfield.tasks import begin_at_once, end, hide

__all__ = ["CANCEL_LIMIT", "NO_CALL", "TURN", "Call", "Calls", "Host"]

TURN = 16
"""Messages of one connection that are answered from its inbox before others have their turn."""

CANCEL_LIMIT = 1.0
"""Seconds that calls have to end which were broken off; what swallows that is ended by force then."""


NO_CALL = "next() is for an async process or generator, while it answers a message and limits.concurrency is 1"


class Host(Protocol):
    """The conversation, as its calls see it."""

    connection: Connection
    is_over: bool
    is_draining: bool
    live: Live
    now: Callable[[], float]
    """The dispatcher's clock."""
    transport: Transport
    generation: Generation | None
    """The one that `in_task` is of."""
    ready: Callable[[Connection, bytes, float], bytes | None] | None
    """What takes the next message at once; None where something may keep it from that."""
    in_task: InTask | None
    """What answers messages; None where the endpoint is gone."""
    concurrency: int
    """Calls of the connection that may run at a time."""
    is_behind: bool
    """Whether the client has not read the last answers, so that the next ones wait for it."""

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""

    def turn_to(self, generation: Generation) -> None:
        """The first message in a generation: look up what answers those in it."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client; never waits."""

    def room(self) -> Coroutine[Any, Any, None]:
        """Wait until the client has taken enough for more to be made; cancelled when the client is gone."""

    def pause(self) -> None:
        """Read no more from the network until `resume`."""

    def resume(self) -> None:
        """Read on."""

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table of errors."""

    def cancelled(self, message_id: MessageId) -> bytes:
        """The frame that tells of a message that it is not answered any more; counted."""

    def ended(self) -> None:
        """A call has ended."""


_BEGUN = Answered(b"")


class Call:
    """A task that answers messages one after the other; a Writer for the many answers of one."""

    __slots__ = (
        "_host",
        "cancelled",
        "generation",
        "item",
        "message_id",
        "streaming",
        "task",
        "waits",
        "wanted",
        "way",
    )

    def __init__(self, host: Host, item: Item) -> None:
        self._host = host
        self.item: Item = item  # what comes next, _BEGUN when it has come
        self.task: Task | None = None
        self.way: Way | None = None
        self.message_id: MessageId = None
        self.generation: Generation | None = None  # that in which it answers
        self.wanted: asyncio.Future[None] | None = None  # set while the process waits for the next message
        self.streaming = self.cancelled = False
        self.waits = False  # whether it waits for the client, or has done so: it may go on for long

    @property
    def can_be_cancelled(self) -> bool:
        """Whether a process works that can be cancelled."""
        return self.way is not None and self.way.cut is not None

    def wake(self) -> None:
        """There may be a next message, or none any more."""
        if self.wanted is not None and not self.wanted.done():
            self.wanted.set_result(None)

    def write(self, text: bytes) -> None:
        """Queue one frame for the client."""
        self._host.write(text)

    @property
    def is_behind(self) -> bool:
        """See Host."""
        return self._host.is_behind

    def room(self) -> Coroutine[Any, Any, None]:
        """See Host."""
        return self._host.room()


class Calls:
    """The calls of a connection. It does not hold its host: the two would live until a garbage collection."""

    __slots__ = ("_context", "_loop", "_paused", "inbox", "running")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._paused = False
        self._context: Context | None = None  # made with the first call; each has a copy
        self.inbox: Inbox | None = None  # made when the first message has to wait
        self.running: list[Call] = []

    def put(self, item: Item, host: Host) -> None:
        """Begin a call for one message, or let it wait for its turn."""
        if not self.wait(item, host):
            self.start(item, host)

    def wait(self, item: Item, host: Host) -> bool:
        """Let a message wait for its turn; False where it has it now."""
        if not self.inbox and self._has_place(host):
            return False
        if self.inbox is None:
            self.inbox = Inbox()
        is_full = self.inbox.put(item)
        if self.running[0].wanted is not None:
            self.running[0].wake()
        if is_full and not self._paused and self.inbox.is_full(ahead=self._reads_ahead):
            self._paused = True
            host.pause()
        return True

    def _has_place(self, host: Host) -> bool:
        return len(self.running) < host.concurrency and not (self.running and self.running[0].wanted)

    def fill(self, host: Host) -> None:
        """Begin calls for what waits, where more may run than do."""
        while self.inbox and self._has_place(host):
            self.start(self._next(host), host)

    def start(self, item: Item, host: Host, begin: Callable[..., Task] = begin_at_once) -> None:
        """Begin a task for one message and for those that come while it works; an eager one where Python has them."""
        host.ready = None  # what comes next has to wait, or takes something back
        if self._context is None:
            self._context = context_of(host.connection)
        call, context = Call(host, item), self._context.copy()
        self.running.append(call)
        task = begin(self._work(call, context, host), loop=self._loop, context=context)
        if not task.done():
            hide(task)  # a process that cancels all tasks means its own
            call.task = task

    def cancel(self, which: str | int | Literal[True], host: Host) -> None:
        """Answer no more the message with this "$id", or none that has come; each is told so."""

        def is_meant(message_id: MessageId) -> bool:
            return which is True or (type(message_id) is type(which) and message_id == which)

        def told(item: Item) -> bytes | None:
            if type(item) is not bytes or not is_meant(message_id := messages.id_of(item)) or messages.aside(item):
                return None
            return host.cancelled(message_id)

        for call in self.running:
            if call.item is not _BEGUN:
                if (frame := told(call.item)) is not None:
                    call.item = Answered(frame)
            elif call.can_be_cancelled and is_meant(call.message_id):
                assert call.way is not None
                assert call.way.cut is not None
                assert call.task is not None
                call.cancelled = call.way.cut(call.task) or call.cancelled
        place = 0
        while self.inbox and place < len(self.inbox):  # a write may end the connection, and with it the inbox
            frame = told(self.inbox[place])
            if frame is None:
                place += 1
            else:
                self.inbox.take_at(place)
                host.write(frame)
        self._make_room(host)

    def generation(self) -> Generation | None:
        """That of the call whose task asks; None where there is none."""
        task = asyncio.current_task()
        return next((call.generation for call in self.running if call.task is task), None)

    def held(self, generation: Generation | None) -> tuple[int, int]:
        """How many calls work in a generation, or in any, and how many wait in it."""
        working = [call for call in self.running if call.way is not None]
        waits = [call.waits for call in working if generation in (None, call.generation)]
        return waits.count(False), waits.count(True)

    async def next(self, within: float, host: Host) -> dict[str, Any]:
        """The connection's next message, for the process that runs. Raises TimeoutError, Gone, RuntimeError."""
        call = self.running[0] if self.running else None
        if host.concurrency > 1 or len(self.running) > 1 or call is None or call.way is None or call.way.cut is None:
            raise RuntimeError(NO_CALL)
        if call.wanted is not None:
            raise RuntimeError("next() is waited for already")
        try:
            with self.halted():
                async with asyncio.timeout(within):
                    while True:
                        if host.is_over or host.is_draining:
                            raise Gone
                        found = self._take_for(call, call.way, host)
                        if found is not None:
                            return found
                        call.wanted = self._loop.create_future()
                        await call.wanted
        finally:
            call.wanted = None
            self.fill(host)  # where a publish let more run meanwhile

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Let the time limit of the call whose task asks stand still."""
        task = asyncio.current_task()
        call = next((call for call in self.running if call.task is task), None)
        if task is None or call is None or (way := call.way) is None:
            yield
            return
        call.waits = True
        left = way.halt(task)
        try:
            yield
        finally:
            way.go_on(task, left)

    def _take_for(self, call: Call, way: Way, host: Host) -> dict[str, Any] | None:
        """The oldest message that is for the process, by the names of its parameters; None where there is none."""
        place = 0
        while self.inbox and place < len(self.inbox):
            item = self.inbox[place]
            if isinstance(item, Answered):
                host.write(item.frame)
            elif way.owns is not None and not (type(item) is bytes and way.owns(item)):
                place += 1
                continue
            self.inbox.take_at(place)
            self._make_room(host)
            if isinstance(item, Answered):
                continue
            try:
                message_id, values = way.take(host.connection, item)
            except Exception as exc:  # noqa: BLE001 - what is wrong with a message; the way makes it a frame
                frame = way.refuse(host.connection, exc)
                if frame is not None:
                    host.write(frame)
                continue
            if call.message_id is not None:
                host.write(messages.done(call.message_id))
            call.message_id = message_id
            return values
        return None

    def stop(self) -> None:
        """The connection is over: nothing that waits is answered, and generators are cancelled."""
        self.inbox = None
        self.wake()
        for call in self.running:
            if call.streaming and call.task is not None:
                call.task.cancel()

    def wake(self) -> None:
        """Let those that wait for a message look whether there will be one."""
        for call in self.running:
            call.wake()

    async def finished(self, host: Host) -> None:
        """Wait for the calls that have begun, and what waits; bounded by the endpoint's `limits.time`."""
        while tasks := {call.task for call in self.running if call.task is not None}:  # one hands on what waits
            try:
                await asyncio.wait(tasks)
            except asyncio.CancelledError:
                await end(tasks, CANCEL_LIMIT, lambda task: _not_ended(task, host))
                raise

    async def _work(self, call: Call, context: Context, host: Host) -> None:
        """Carry out what comes in a task whose context is `context`, until something is left in that by a call."""
        if call.task is None:
            call.task = asyncio.current_task()  # an eager one; to ask costs a system call before Python 3.12
        task = call.task
        assert task is not None, "a coroutine runs in a task"
        goes_on: Item = _BEGUN
        left, until = TURN, 0.0
        try:
            while not host.is_over:  # a task begins some time after it was made, before Python 3.12
                if host.is_behind:
                    await host.room()  # answers pile up no further than the client reads them
                    host.is_behind = False
                generation = host.live.generation
                if generation is not host.generation:
                    host.turn_to(generation)
                answer = host.in_task
                item, call.item = call.item, _BEGUN
                if isinstance(item, Answered):
                    host.write(item.frame)
                elif answer is None:
                    host.end("restart", "the endpoint is gone")
                else:
                    call.generation = generation
                    generation.enter()  # from its first to its last byte in the generation that is live now
                    answering, item = answer(host.connection, item, task, call), _BEGUN  # its text goes when decoded
                    try:
                        frame = await answering
                    finally:
                        generation.leave()
                        call.way = None
                        if call.streaming or call.cancelled or call.waits:
                            call.streaming = call.cancelled = call.waits = False
                    if frame is not None:
                        if host.is_behind:
                            await host.room()  # other calls were ready before it
                        if self.inbox:
                            host.transport.hold()
                        host.write(frame)
                if not self.inbox or len(self.running) > host.concurrency:
                    return
                if len(context) > 1:  # what comes next must not see what is in it
                    goes_on = self._next(host)
                    return
                left -= 1
                now = host.now()
                until = until or now + wire.TURN_SECONDS  # nearly every task has but one message, and asks for no time
                if not left or now > until:
                    left, until = TURN, now + wire.TURN_SECONDS
                    await asyncio.sleep(0)
                    if not self.inbox:
                        return  # the conversation ended meanwhile
                call.item = self._next(host)
        except asyncio.CancelledError:
            if not (host.is_over or host.is_draining):
                # a process cancelled its own task: the messages that wait have no other
                log.error("call_cancelled", endpoint=host.endpoint, connection=host.connection.id)
                host.end("failed")
            raise
        except (Exception, GeneratorExit):  # noqa: BLE001 - the root of this task; logged with its stack
            log.exception("conversation_failed", endpoint=host.endpoint, connection=host.connection.id)
            host.end("failed")
        finally:
            self.running.remove(call)
            if goes_on is not _BEGUN:
                self.start(goes_on, host, Task)  # no eager one: they would begin inside each other
            else:
                host.ended()

    def _next(self, host: Host) -> Item:
        """The message whose turn it is; the network goes on where there is room again."""
        assert self.inbox
        item = self.inbox.take()
        if self._paused:
            self._make_room(host)
        return item

    @property
    def _reads_ahead(self) -> bool:
        return any(call.item is not _BEGUN or call.can_be_cancelled for call in self.running)

    def _make_room(self, host: Host) -> None:
        """Let the network go on where there is room again."""
        if self._paused and not host.is_draining and (not self.inbox or self.inbox.has_room(ahead=self._reads_ahead)):
            self._paused = False
            host.resume()


def _not_ended(task: Task, host: Host) -> None:
    log.error("call_not_ended", endpoint=host.endpoint, connection=host.connection.id, at=waiting(task))
