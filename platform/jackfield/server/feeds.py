"""Feeds at work: the generators of groups, each in a task of its own and in the generation that was live at its begin.

When they begin, end and begin again is for jackfield/groups/feeds.py to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from jackfield import messages
from jackfield.errors import Refusal, Reject
from jackfield.groups.names import Pattern
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.process.signature.signature import GROUPS
from jackfield.routing.feeds import Feed
from jackfield.server.connection.clean_up import CLEAN_UP, clean_up
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.code_location import waiting
from jackfield.tasks import end, hide

__all__ = ["LONGEST_EVENT", "GroupFeeds"]

LONGEST_EVENT = 1024 * 1024
"""Bytes of one event of a group's feed."""

Task = asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class _Named:
    """What stands in the place of a connection where a process takes the parameters of a group's name."""

    params: Mapping[str, Any]


class _Run:
    """One generator. `stopped` from the step on that ends it: what it still yields goes nowhere."""

    __slots__ = ("_close", "stopped", "task")

    def __init__(self, close: Callable[[Task], None]) -> None:
        self.task: Task  # set by who begins it
        self.stopped = False
        self._close = close

    def stop(self) -> None:
        """End it."""
        self.stopped = True
        self._close(self.task)


class GroupFeeds:
    """The Runner of one node's feeds. Holds their tasks and ends them."""

    def __init__(self, live: Live, dispatcher: Dispatcher) -> None:
        self._live = live
        self._dispatcher = dispatcher
        self._running: set[Task] = set()
        self._closing: set[Task] = set()
        self._closers: set[Task] = set()

    @property
    def closing(self) -> int:
        """How many that were stopped have not come to their end yet."""
        return len(self._closing)

    def judge(self, pattern: Pattern, group: str) -> None:
        """Raise Refusal `not_found` where the name is none that the feed takes."""
        try:
            self._live.generation.table.feeds[pattern.text].params(pattern.match(group) or {})
        except ValueError as exc:
            raise Refusal("not_found", _sentence(exc)) from None

    def begin(self, pattern: Pattern, group: str, over: Callable[[bytes | None, bool], None]) -> _Run:
        """Begin the feed of a group, in a task of its own."""
        generation = self._live.generation
        feed = generation.table.feeds[pattern.text]
        run = _Run(self._close)
        work = self._work(run, feed, pattern, group, generation.resources, over)
        generation.enter()
        run.task = asyncio.get_running_loop().create_task(work, context=Context())
        hide(run.task)  # a process that cancels all tasks means its own
        self._running.add(run.task)
        run.task.add_done_callback(partial(self._ended, generation))
        return run

    async def close(self) -> None:
        """Stop all and wait until they have ended, twice CLEAN_UP at most."""
        self._live.groups.feeds.close()
        if self._closers:
            await asyncio.wait(self._closers)

    def _close(self, task: Task) -> None:
        if task.done():
            return
        self._closing.add(task)
        closer = asyncio.get_running_loop().create_task(end((task,), 2 * CLEAN_UP, _not_ended))
        hide(closer)
        self._closers.add(closer)
        closer.add_done_callback(self._closers.discard)

    def _ended(self, generation: Generation, task: Task) -> None:
        self._running.discard(task)
        self._closing.discard(task)
        generation.leave()
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("feed_ended", exc_info=fault)

    async def _work(
        self,
        run: _Run,
        feed: Feed,
        pattern: Pattern,
        group: str,
        resources: Mapping[str, Any],
        over: Callable[[bytes | None, bool], None],
    ) -> None:
        frame, failed = None, False
        try:
            params = feed.params(pattern.match(group) or {})
        except ValueError as exc:  # it fitted the plan before
            over(messages.error("not_found", _sentence(exc), more={"group": group}), False)
            return
        try:
            opened = {**resources, GROUPS: self._dispatcher.groups}
            values = feed.signature.call(feed.process.function, None, cast(Connection, _Named(params)), opened)
            await self._speak(run, feed, values, group)
        except BaseException as exc:
            if run.stopped and isinstance(exc, asyncio.CancelledError):
                raise
            frame = self._told(feed, group, exc)
            failed = frame is None
        if not run.stopped:
            over(frame, failed)

    async def _speak(self, run: _Run, feed: Feed, values: Any, group: str) -> None:
        make = messages.feed_events(feed.process.reply, LONGEST_EVENT, group=True)
        check = feed.signature.check_reply if self._dispatcher.check_replies else None
        try:
            async for value in values:
                if run.stopped:
                    return
                if check is not None and (fault := check(value)) is not None:
                    raise messages.Unsendable("", f"the event is not what the annotation says: {fault}")
                if (frame := make(value)) is not None:
                    self._live.groups.send(group, frame)
                await asyncio.sleep(0)  # others have their turn, whatever the generator waits for
        finally:
            await clean_up(feed.process, values)

    def _told(self, feed: Feed, group: str, exc: BaseException) -> bytes | None:
        """The frame for a Reject; None for all else, which is an incident."""
        if issubclass(type(exc), Reject):
            try:
                return messages.rejection(cast(Reject, exc), LONGEST_EVENT, group=group)
            except BaseException as fault:  # noqa: BLE001 - to write it may call the project's own code
                exc = fault
        self._dispatcher.incident(exc, process=feed.process.name, group=group)
        with suppress(AttributeError):
            cast(Task, asyncio.current_task()).uncancel()
        return None


def _not_ended(task: asyncio.Task[Any]) -> None:
    log.error("generator_not_ended", at=waiting(task))


def _sentence(exc: ValueError) -> str:
    text = str(exc)
    return f"{text[0].upper()}{text[1:]}."
