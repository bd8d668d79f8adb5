"""The calls of one connection: those that run, each in a task of its own, and the messages that wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol

from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.server.answers import InTask, Task
from jackfield.server.connection.inbox import Answered, Inbox, Item
from jackfield.server.generation import Generation
from jackfield.server.observe.code_location import waiting
from jackfield.server.wire import transport as wire
from jackfield.tasks import begin_at_once, end, hide

__all__ = ["CANCEL_LIMIT", "TURN", "Call", "Calls", "Host"]

TURN = 16
"""Messages of one connection that are answered from its inbox before others have their turn."""

CANCEL_LIMIT = 1.0
"""Seconds that calls have to end which were broken off; what swallows that is ended by force then."""


class Host(Protocol):
    """The conversation, as its calls see it."""

    connection: Connection
    is_over: bool
    is_draining: bool
    is_behind: bool
    """Whether the client has not read the last answers, so that the next ones wait for it."""

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""

    def now(self) -> float:
        """The dispatcher's clock."""

    def way(self) -> tuple[Generation, InTask | None]:
        """The generation that is live now, and what answers messages in it; None where the endpoint is gone."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client; never waits."""

    def room(self) -> Coroutine[Any, Any, None]:
        """Wait until the client has taken enough for more to be made; cancelled when the client is gone."""

    async def caught_up(self) -> None:
        """Wait until the client has read the last answers."""

    def hold(self) -> None:
        """More frames follow in this step."""

    def pause(self) -> None:
        """Read no more from the network until `resume`."""

    def resume(self) -> None:
        """Read on."""

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table of errors."""

    def begins(self) -> None:
        """A call begins."""

    def ended(self) -> None:
        """A call has ended."""


class Call:
    """A task that answers messages one after the other; a Writer for the many answers of one."""

    __slots__ = ("_host", "streaming", "task")

    def __init__(self, host: Host) -> None:
        self._host = host
        self.streaming = False
        self.task: Task | None = None

    def write(self, text: bytes) -> None:
        """Queue one frame for the client."""
        self._host.write(text)

    def room(self) -> Coroutine[Any, Any, None]:
        """See Host."""
        return self._host.room()


class Calls:
    """The calls of a connection. It does not hold its host: the two would live until a garbage collection."""

    __slots__ = ("_loop", "_paused", "inbox", "running")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._paused = False
        self.inbox: Inbox | None = None  # made when the first message has to wait
        self.running: list[Call] = []

    def put(self, item: Item, host: Host) -> None:
        """Begin a call for one message, or let it wait for its turn."""
        if not self.running:
            self.start(item, host)
            return
        if self.inbox is None:
            self.inbox = Inbox()
        self.inbox.put(item)
        if self.inbox.is_full and not self._paused:
            self._paused = True
            host.pause()

    def start(self, item: Item, host: Host, begin: Callable[..., Task] = begin_at_once) -> None:
        """Begin a task for one message and for those that come while it works; an eager one where Python has them."""
        host.begins()
        call, context = Call(host), Context()
        self.running.append(call)
        task = begin(self._work(call, item, context, host), loop=self._loop, context=context)
        if not task.done():
            hide(task)  # a process that cancels all tasks means its own
            call.task = task

    def stop(self) -> None:
        """The connection is over: nothing that waits is answered, and generators are cancelled."""
        self.inbox = None
        for call in self.running:
            if call.streaming and call.task is not None:
                call.task.cancel()

    async def finished(self, host: Host) -> None:
        """Wait for the calls that have begun, and what waits; bounded by the endpoint's `limits.time`."""
        while tasks := {call.task for call in self.running if call.task is not None}:  # one hands on what waits
            try:
                await asyncio.wait(tasks)
            except asyncio.CancelledError:
                await end(tasks, CANCEL_LIMIT, lambda task: _not_ended(task, host))
                raise

    async def _work(self, call: Call, item: Item, context: Context, host: Host) -> None:
        """Carry out what comes in a task whose context is `context`, until something is left in that."""
        if call.task is None:
            call.task = asyncio.current_task()  # an eager one; to ask costs a system call before Python 3.12
        task = call.task
        assert task is not None, "a coroutine runs in a task"
        goes_on, left, until = False, TURN, 0.0
        try:
            while not host.is_over:  # a task begins some time after it was made, before Python 3.12
                if host.is_behind:
                    await host.caught_up()  # answers pile up no further than the client reads them
                generation, answer = host.way()
                if isinstance(item, Answered):
                    host.write(item.frame)
                elif answer is None:
                    host.end("restart", "the endpoint is gone")
                else:
                    generation.enter()  # from its first to its last byte in the generation that is live now
                    answering, item = answer(host.connection, item, task, call), None  # its text goes when decoded
                    try:
                        frame = await answering
                    finally:
                        call.streaming = False
                        generation.leave()
                    if frame is not None:
                        if self.inbox:
                            host.hold()
                        host.write(frame)
                if not self.inbox:
                    return
                if context:  # what comes next must not see what is in it
                    item, goes_on = self._next(host), True
                    return
                left -= 1
                now = host.now()
                until = until or now + wire.TURN_SECONDS  # nearly every task has but one message, and asks for no time
                if not left or now > until:
                    left, until = TURN, now + wire.TURN_SECONDS
                    await asyncio.sleep(0)
                    if not self.inbox:
                        return  # the conversation ended meanwhile
                item = self._next(host)
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
            if goes_on:
                self.start(item, host, Task)  # no eager one: they would begin inside each other
            else:
                host.ended()

    def _next(self, host: Host) -> Item:
        """The message whose turn it is; the network goes on where there is room again."""
        assert self.inbox
        item = self.inbox.take()
        if self._paused and not host.is_draining and self.inbox.has_room:
            self._paused = False
            host.resume()
        return item


def _not_ended(task: Task, host: Host) -> None:
    log.error("call_not_ended", endpoint=host.endpoint, connection=host.connection.id, at=waiting(task))
