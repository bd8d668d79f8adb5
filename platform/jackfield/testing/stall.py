"""A run that stands still: a plain function that never returns keeps the event loop, and every time limit with it.

Strategy. A task on the loop says every second that it still runs. A thread beside it sleeps until that is overdue by
the limit; then it is the only one that can report it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from jackfield.server.observe.lag import Place, place_of

__all__ = ["STALL_LIMIT", "watched"]

STALL_LIMIT = 30.0
"""Seconds that `jackfield test` lets the event loop stand still."""

_TICK = 1.0


class _Watch:
    """What the loop's task and the thread beside it share."""

    def __init__(self, report: Callable[[Place], None], limit: float) -> None:
        self.over = threading.Event()
        self._report = report
        self._limit = limit
        self._loops = threading.get_ident()
        self._seen = time.monotonic()

    async def beat(self) -> None:
        """Say that the loop runs, until cancelled."""
        while True:
            self._seen = time.monotonic()
            await asyncio.sleep(min(_TICK, self._limit / 2))

    def look(self) -> None:
        """Wait for the end, or for a loop that stands still; the thread's work."""
        while (patience := self._seen + self._limit - time.monotonic()) > 0:
            if self.over.wait(patience):
                return
        frame = sys._current_frames().get(self._loops)
        if frame is not None:
            self._report(place_of(frame))


@asynccontextmanager
async def watched(report: Callable[[Place], None], limit: float = STALL_LIMIT) -> AsyncIterator[None]:
    """Call `report` with the place that holds the loop up, once, where that lasts `limit` seconds.

    It is called in another thread, while the loop still stands; nothing but the end of the program frees that.
    """
    watch = _Watch(report, limit)
    thread = threading.Thread(target=watch.look, name="jackfield-test-stall", daemon=True)
    task = asyncio.create_task(watch.beat(), name="jackfield test stall")
    thread.start()
    try:
        yield
    finally:
        watch.over.set()
        thread.join()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
