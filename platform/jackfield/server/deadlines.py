"""Time limits of calls, at the price of a dictionary entry per call.

`asyncio.timeout` arms and cancels a timer for each call, which costs more than most calls. Here one timer
stands for all: it is armed for the earliest deadline it knew of, and when it fires, calls that are overdue
are cancelled and it is armed anew for the earliest that is left.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Deadlines"]

Task = asyncio.Task[Any]


class Deadlines:
    """The calls that run now, each in a task of its own, and until when they may."""

    def __init__(self) -> None:
        self._until: dict[Task, float] = {}
        self._overdue: set[Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: Task, seconds: float) -> None:
        """A call begins in `task`; it is cancelled when it has not ended after `seconds`."""
        loop = task.get_loop()
        until = loop.time() + seconds
        self._until[task] = until
        if self._timer is None or until < self._timer.when():
            self._arm(loop, until)

    def end(self, task: Task) -> bool:
        """The call in `task` has ended; tells whether that was because it took too long."""
        self._until.pop(task, None)
        if task not in self._overdue:
            return False
        self._overdue.discard(task)
        task.uncancel()
        return True

    def close(self) -> None:
        """Disarm; nobody is cancelled any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self.close()
        self._timer = loop.call_at(until, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for task, until in list(self._until.items()):
            if until <= now:
                del self._until[task]
                self._overdue.add(task)
                task.cancel()
        if self._until:
            self._arm(loop, min(self._until.values()))
