"""Time limits of calls, at the price of a dictionary entry per call.

`asyncio.timeout` arms and cancels a timer for each call, which costs more than most calls. Here one timer
stands for all: it is armed for the earliest deadline it knew of, and when it fires, calls that are overdue
are cancelled and it is armed anew for the earliest that is left. A call that swallows that is ended by force.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

from jackfield.logs import log
from jackfield.server.observe.code_location import waiting
from jackfield.tasks import fail

__all__ = ["INSIST", "Deadlines"]

INSIST = 10.0
"""Seconds after its time until a call that goes on is ended by force; by then it has cleaned up."""

Task = asyncio.Task[Any]


class Deadlines:
    """The calls that run now, each in a task of its own, and until when they may. For one event loop.

    `clock` gives seconds that pass as those of the loop.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._until: dict[Task, float] = {}
        self._next = math.inf  # when the timer fires
        self._timer: asyncio.TimerHandle | None = None
        self._overdue: dict[Task, asyncio.TimerHandle] = {}

    def begin(self, task: Task, seconds: float) -> None:
        """A call begins in `task`; it is cancelled when it has not ended after `seconds`."""
        self._until[task] = until = self._clock() + seconds
        if until < self._next:
            self._arm(task.get_loop(), until, seconds)

    def end(self, task: Task) -> bool:
        """The call in `task` has ended; gives whether that was because it took too long."""
        if self._until.pop(task, None) is not None:
            return False
        insist = self._overdue.pop(task, None)
        if insist is not None:
            insist.cancel()
        task.uncancel()  # it was overdue: `_look` took it out and cancelled it
        return True

    def cut(self, task: Task) -> bool:
        """Cancel the call in `task` now, as one that took too long; False where that is done, or there is none."""
        if self._until.pop(task, None) is None:
            return False
        self._cancel(task, task.get_loop())
        return True

    def halt(self, task: Task) -> float:
        """Let the time of the call in `task` stand still; gives what is left of it, for `go_on`."""
        left = self._until.get(task, math.inf) - self._clock()
        if task in self._until:
            self._until[task] = math.inf
        return left

    def go_on(self, task: Task, seconds: float) -> None:
        """Let it go on, for so many seconds at most; one that was cancelled meanwhile, or ended, is left alone."""
        if task in self._until:
            self.begin(task, seconds)

    def close(self) -> None:
        """Disarm: no call is cancelled any more."""
        self._next = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, until: float, seconds: float) -> None:
        self.close()
        self._next = until
        self._timer = loop.call_later(seconds, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.close()
        now = self._clock()
        for task, until in list(self._until.items()):
            if until <= now:
                del self._until[task]
                self._cancel(task, loop)
        until = min(self._until.values(), default=math.inf)
        if until < math.inf:
            self._arm(loop, until, until - now)

    def _cancel(self, task: Task, loop: asyncio.AbstractEventLoop) -> None:
        task.cancel()
        self._overdue[task] = loop.call_later(INSIST, _insist, task)


def _insist(task: Task) -> None:
    log.error("call_not_ended", at=waiting(task))
    fail(task)
