"""Tasks of ours: out of the reach of code that cancels all of them, and one that will not end is ended.

Strategy. Code of a project may cancel whatever `asyncio.all_tasks` gives, and library functions for an orderly stop do
just that. So our tasks do not stand there. The other way round, a clean-up may swallow its cancellation: it is
cancelled twice, and then what it waits for fails with Ended, which passes by `except CancelledError` and `except
Exception`. Code that catches even that, again and again, goes on: nothing in Python ends it.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.tasks import _unregister_task
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

__all__ = ["Ended", "begin_at_once", "end", "fail", "hide", "immortal"]

Task = asyncio.Task[Any]

_immortal: list[Task] = []  # kept: that they are freed would run their code once more, without a loop
hide: Callable[[Task], None] = _unregister_task
"""Takes a task out of `asyncio.all_tasks`. The caller has to await or cancel it.

Python's manual names the function for this, https://docs.python.org/3/library/asyncio-extending.html.
"""

begin_at_once: Callable[..., Task] = Task if sys.version_info < (3, 12) else partial(Task, eager_start=True)  # type: ignore[call-arg]  # 3.12
"""Makes a task whose first step runs before the call returns, where Python has such; else in the loop's next turn."""

_TRIES = 3  # times that what a task waits for fails


class Ended(BaseException):
    """Raised where a task waits that has swallowed its cancellation."""


async def end(tasks: Collection[Task], time_limit: float, report: Callable[[Task], object]) -> None:
    """Cancel tasks and wait for them, `time_limit` seconds at most; what swallows that is ended by force.

    `report` is called with each such task while its stack is still as it was. What a task ended with is for its owner.
    """
    left: Collection[Task] = [task for task in tasks if not task.done()]
    for part in (2, 4):
        for task in left:
            task.cancel()
        left = await _left(left, time_limit / part)
    for task in left:
        report(task)
    for _ in range(_TRIES):
        for task in left:
            fail(task)
        left = await _left(left, time_limit / 4 / _TRIES)
    _immortal.extend(left)


def immortal() -> bool:
    """Whether a task of ours or of a project could not be ended and still runs."""
    return any(not task.done() for task in _immortal)


async def _left(tasks: Collection[Task], seconds: float) -> Collection[Task]:
    return (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else tasks


def fail(task: Task) -> None:
    """Let what a task waits for fail with Ended; of another task that it waits for the same."""
    waiter: Any = task
    while isinstance(waiter, asyncio.Task):
        waiter = waiter._fut_waiter  # type: ignore[attr-defined]  # typeshed leaves out what has no document
    if waiter is not None and not waiter.done():
        waiter.set_exception(Ended("it was cancelled and went on"))
