"""Feeds at work: generators that speak in a group or on a connection, each in a task and a generation of its own.

When they begin and begin again is for jackfield/groups/feeds.py to say.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from jackfield import messages
from jackfield.errors import Refusal, Reject
from jackfield.groups.feeds import Repeated
from jackfield.groups.names import Pattern
from jackfield.groups.presence import Later
from jackfield.logs import Facts, log, within
from jackfield.process.connection import Connection, facts_of
from jackfield.process.signature.written import GROUPS
from jackfield.routing.feeds import Feed
from jackfield.routing.table import Route
from jackfield.server.connection import payloads
from jackfield.server.connection.clean_up import CLEAN_UP, clean_up
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.code_location import waiting
from jackfield.tasks import end, hide

__all__ = ["LONGEST_EVENT", "ConnectionFeeds", "GroupFeeds"]

LONGEST_EVENT = 1024 * 1024
"""Bytes of one event of a group's feed."""

Task = asyncio.Task[None]
Over = Callable[[bytes | None, bool], None]


@dataclass(frozen=True, slots=True)
class _Named:
    """What stands in the place of a connection where a process takes the parameters of a group's name."""

    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Script:
    """What a generator is, and what becomes of what it yields.

    `about` gives the connection that it is called with, or raises ValueError where the name of a group does not fit.
    `where` stands in the log, `facts` in what it logs itself, and `group` in what members are told. `is_over`: nobody
    is left who could hear it. `listener` is the connection that it is for, where it is for one.
    """

    feed: Feed
    about: Callable[[], Connection]
    make: Callable[[object], bytes | None]
    deliver: Callable[[bytes], Awaitable[None]]
    most: int
    where: Mapping[str, str]
    facts: Facts
    group: str = ""
    is_over: Callable[[], bool] = lambda: False
    listener: object = None


class _Run:
    """One generator. `stopped` from the step on that ends it: what it still yields goes nowhere."""

    __slots__ = ("_close", "generation", "listener", "stopped", "task")

    def __init__(self, generation: Generation, listener: object, close: Callable[[Task], None]) -> None:
        self.generation = generation
        self.listener = listener
        self.task: Task | None = None  # set by who begins it, until it ends: the two would live until a collection
        self.stopped = False
        self._close = close

    def stop(self) -> None:
        """End it."""
        self.stopped = True
        if self.task is not None:
            self._close(self.task)


class _Stage:
    """Carries generators out. Holds their tasks, and ends those that are stopped."""

    def __init__(self, live: Live, dispatcher: Dispatcher) -> None:
        self._live = live
        self._dispatcher = dispatcher
        self._runs: set[_Run] = set()
        self._closing: set[Task] = set()
        self._closers: set[Task] = set()

    @property
    def closing(self) -> int:
        """How many that were stopped have not come to their end yet."""
        return len(self._closing)

    def held(self, generation: Generation | None) -> Counter[object]:
        """How many generators hold a generation, or any, by the connection that they are for; None: for a group."""
        return Counter(run.listener for run in self._runs if generation in (None, run.generation))

    async def close(self) -> None:
        """Stop all and wait until they have ended."""
        for run in self._runs:
            if not run.stopped:
                run.stop()
        if self._closers:
            await asyncio.wait(self._closers)  # twice CLEAN_UP at most

    def _begin(self, script: _Script, over: Over) -> _Run:
        """Begin a generator, in a later step of the loop; in the live generation, which is held to its end."""
        generation = self._live.generation
        run = _Run(generation, script.listener, self._close)
        generation.enter()
        run.task = asyncio.get_running_loop().create_task(self._work(run, script, over), context=within(script.facts))
        hide(run.task)  # a process that cancels all tasks means its own
        self._runs.add(run)
        run.task.add_done_callback(partial(self._ended, run))
        return run

    def _close(self, task: Task) -> None:
        if task.done():
            return
        self._closing.add(task)
        closer = asyncio.get_running_loop().create_task(end((task,), 2 * CLEAN_UP, _not_ended))
        hide(closer)
        self._closers.add(closer)
        closer.add_done_callback(self._closers.discard)

    def _ended(self, run: _Run, task: Task) -> None:
        self._runs.discard(run)
        self._closing.discard(task)
        run.task = None
        run.generation.leave()
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("task_failed", exc_info=fault)

    async def _work(self, run: _Run, script: _Script, over: Over) -> None:
        feed, frame, failed = script.feed, None, False
        try:
            connection = script.about()
        except ValueError as exc:  # it fitted the plan before
            if not run.stopped:
                over(messages.error("not_found", _sentence(exc), more={"group": script.group}), False)
            return
        try:
            opened = {**run.generation.resources, GROUPS: self._dispatcher.groups}
            await self._speak(run, script, feed.signature.call(feed.process.function, None, connection, opened))
        except BaseException as exc:
            if isinstance(exc, asyncio.CancelledError) and (run.stopped or script.is_over()):
                raise
            frame = self._told(script, exc)
            failed = frame is None
        if not run.stopped:
            over(frame, failed)

    async def _speak(self, run: _Run, script: _Script, values: Any) -> None:
        process = script.feed.process  # what blocks the loop below is named by it
        check = script.feed.signature.check_reply if self._dispatcher.check_replies else None
        try:
            async for value in values:
                if run.stopped:
                    return
                if check is not None and (fault := check(value)) is not None:
                    raise messages.Unsendable("", f"the event is not what the annotation says: {fault}")
                if (frame := script.make(value)) is not None:
                    await script.deliver(frame)
                await asyncio.sleep(0)  # others have their turn, whatever the generator waits for
        finally:
            await clean_up(process, values)

    def _told(self, script: _Script, exc: BaseException) -> bytes | None:
        """The frame for a Reject; None for all else, which is an incident."""
        if issubclass(type(exc), Reject):
            try:
                return messages.rejection(cast(Reject, exc), script.most, group=script.group)
            except BaseException as fault:  # noqa: BLE001 - to write it may call the project's own code
                exc = fault
        self._dispatcher.incident(exc, process=script.feed.process.name, **script.where)
        return None


class GroupFeeds(_Stage):
    """The Runner of one node's feeds of groups."""

    def judge(self, pattern: Pattern, group: str) -> None:
        """Raise Refusal `not_found` where the name is none that the feed takes."""
        try:
            self._live.generation.table.feed(pattern.text).params(pattern.match(group) or {})
        except ValueError as exc:
            raise Refusal("not_found", _sentence(exc)) from None

    def begin(self, pattern: Pattern, group: str, over: Over) -> _Run:
        """Begin the feed of a group."""
        feed = self._live.generation.table.feed(pattern.text)
        send = self._live.groups.send

        async def deliver(frame: bytes) -> None:
            send(group, frame)

        script = _Script(
            feed,
            lambda: cast(Connection, _Named(feed.params(pattern.match(group) or {}))),
            messages.feed_events(feed.process.reply, LONGEST_EVENT, group=True),
            deliver,
            LONGEST_EVENT,
            {"group": group},
            lambda: {"group": group},
            group,
        )
        return self._begin(script, over)

    async def close(self) -> None:
        """Stop all and wait until they have ended."""
        self._live.groups.feeds.close()
        await super().close()


class ConnectionFeeds(_Stage):
    """The feeds of endpoints: one generator for each connection, which waits for its reader.

    `later` is a loop's `call_later`, `clock` gives seconds that nobody sets.
    """

    def __init__(
        self,
        live: Live,
        dispatcher: Dispatcher,
        *,
        later: Later | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(live, dispatcher)
        self._later = later or _call_later
        self._clock = clock
        self._closed = False

    def begin(self, conversation: Conversation) -> Callable[[], None] | None:
        """Begin the feed of a connection that has its 101; gives what ends it. None where its endpoint has none."""
        route = self._live.generation.table.route(conversation.endpoint)
        if route is None or route.feed is None or conversation.close_code:
            return None

        def rested(frame: bytes | None) -> None:
            if frame is not None:
                conversation.hear(frame)

        work = Repeated(lambda over: self._run(conversation, over), rested, self._later, self._clock)
        work.begin()
        return work.stop

    async def close(self) -> None:
        """Stop all and wait until they have ended; none begins any more."""
        self._closed = True
        await super().close()

    def _run(self, conversation: Conversation, over: Over) -> _Run | None:
        route = self._live.generation.table.route(conversation.endpoint)
        if route is None or route.feed is None or self._closed:
            return None  # a publish took it away
        feed, most = route.feed, route.endpoint.limits.queue

        async def deliver(frame: bytes) -> None:
            if not self._live.ready:
                raise asyncio.CancelledError  # a stop waits until all that was written is read
            conversation.hear(frame)
            await conversation.room()

        script = _Script(
            feed,
            lambda: conversation.connection,
            _framer(route, feed, conversation.connection),
            deliver,
            most,
            {"endpoint": route.name, "connection": conversation.connection.id},
            partial(facts_of, conversation.connection),
            is_over=lambda: bool(conversation.close_code) or not self._live.ready,
            listener=conversation,
        )
        return self._begin(script, over)


def _framer(route: Route, feed: Feed, connection: Connection) -> Callable[[object], bytes | None]:
    """What makes a value of a connection's feed a frame: of an event, or of a payload."""
    if route.endpoint.messages == "json":
        return messages.feed_events(feed.process.reply, route.endpoint.limits.queue, group=False)
    make = payloads.framer(route)
    return lambda value: make(value, None, connection)


def _call_later(seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, act)


def _not_ended(task: asyncio.Task[Any]) -> None:
    log.error("generator_not_ended", at=waiting(task))


def _sentence(exc: ValueError) -> str:
    text = str(exc)
    return f"{text[0].upper()}{text[1:]}."
