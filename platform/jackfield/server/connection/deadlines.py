"""Time limits of calls, at the price of a dictionary entry per call.

`asyncio.timeout` arms and cancels a timer for each call, which costs more than most calls. Here one timer
stands for all: it is armed for the earliest deadline it knew of, and when it fires, calls that are overdue
are cancelled and it is armed anew for the earliest that is left. A call that swallows that is ended by force.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from jackfield.logs import log
from jackfield.server.observe.code_location import waiting
from jackfield.tasks import fail

__all__ = ["INSIST", "Deadlines"]

INSIST = 10.0
"""Seconds after the end of its time until a call that goes on is ended by force; by then it has cleaned up."""

Task = asyncio.Task[Any]


class Deadlines:
    """The calls that run now, each in a task of its own, and until when they may. For one event loop."""

    def __init__(self) -> None:
        self._until: dict[Task, float] = {}
        self._next = math.inf  # when the timer fires
        self._timer: asyncio.TimerHandle | None = None
        self._overdue: dict[Task, asyncio.TimerHandle] = {}

    def begin(self, task: Task, seconds: float) -> None:
        """A call begins in `task`; it is cancelled when it has not ended after `seconds`."""
        self._until[task] = until = time.perf_counter() + seconds
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
        now = time.perf_counter()
        for task, until in list(self._until.items()):
            if until <= now:
                del self._until[task]
                task.cancel()
                self._overdue[task] = loop.call_later(INSIST, _insist, task)
        if self._until:
            until = min(self._until.values())
            self._arm(loop, until, until - now)


def _insist(task: Task) -> None:
    log.error("call_not_ended", at=waiting(task))
    fail(task)
