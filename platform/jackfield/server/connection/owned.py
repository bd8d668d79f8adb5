"""What a connection owns: the tasks that processes began on it, and those that wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from jackfield.logs import log
from jackfield.process.connection import Connection, Gone
from jackfield.server.connection.calls import CANCEL_LIMIT
from jackfield.server.connection.clean_up import CLEAN_UP
from jackfield.server.connection.contexts import context_of
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.code_location import waiting
from jackfield.tasks import fail, hide

__all__ = ["MOST", "Owned", "check_room"]

MOST = 16
"""Tasks of one connection that may run at a time."""


class Host(Protocol):
    """The conversation, as what it owns sees it."""

    connection: Connection
    dispatcher: Dispatcher
    is_over: bool
    live: Live

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""


Task = asyncio.Task[None]
Report = Callable[[BaseException], object]


class Owned:
    """The tasks of one connection. It does not hold its host: the two would live until a garbage collection."""

    __slots__ = ("_is_cut", "_loop", "_over", "_tasks")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: dict[Task, Generation] = {}
        self._is_cut = False
        self._over: asyncio.Future[None] | None = None

    def start(self, coroutine: Coroutine[Any, Any, Any], host: Host, within: Generation | None) -> None:
        """Begin a task. It holds the generation `within`, that of the call which begins it, or else the live one."""
        check_room(coroutine, len(self._tasks))
        if host.is_over:
            coroutine.close()
            raise Gone
        generation = within or host.live.generation
        generation.enter()
        report = partial(host.dispatcher.incident, endpoint=host.endpoint, connection=host.connection.id)
        task = self._loop.create_task(_run(coroutine, report), context=context_of(host.connection))
        hide(task)  # a process that cancels all tasks means its own
        self._tasks[task] = generation

        def ended(_task: Task) -> None:
            del self._tasks[task]
            coroutine.close()  # one that was cancelled before its first step
            generation.leave()

        task.add_done_callback(ended)

    def held(self, generation: Generation | None) -> int:
        """How many tasks go on in a generation, or in any."""
        return sum(generation in (None, one) for one in self._tasks.values())

    async def until_over(self) -> None:
        """Wait until nothing more comes."""
        if self._over is None:
            self._over = self._loop.create_future()
        await asyncio.shield(self._over)

    def over(self, ended: bool) -> None:
        """Nothing more comes; where the connection has `ended`, what runs is cancelled, in the end by force."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)
        if not ended or self._is_cut:
            return
        self._is_cut = True  # a second cancellation would break off what cleans up
        for task in self._tasks:
            task.cancel()
            task.add_done_callback(partial(_disarm, self._loop.call_later(CLEAN_UP, _insist, task)))

    async def ended(self) -> None:
        """Wait a moment for what was cancelled."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CANCEL_LIMIT)


def check_room(coroutine: Coroutine[Any, Any, Any], number: int) -> None:
    """Raise RuntimeError where so many tasks are all that may run, TypeError for what is no coroutine."""
    if not asyncio.iscoroutine(coroutine):
        raise TypeError("start takes a coroutine: connection.start(watch(connection))")
    if number >= MOST:
        coroutine.close()
        raise RuntimeError(f"{MOST} tasks of this connection run, which is all that may")


async def _run(coroutine: Coroutine[Any, Any, Any], report: Report) -> None:
    try:
        await coroutine
    except (asyncio.CancelledError, Gone, GeneratorExit):
        pass  # the connection is over, or the task has ended itself
    except BaseException as exc:  # noqa: BLE001 - whatever a user's code raises ends here, sys.exit too
        report(exc)


def _disarm(timer: asyncio.TimerHandle, _ended: Task) -> None:
    timer.cancel()


def _insist(task: Task) -> None:
    log.error("task_not_ended", at=waiting(task))
    fail(task)
