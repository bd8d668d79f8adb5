"""The threads of blocking processes: a message finds one free or is refused, what has to run waits for its turn."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from jackfield.server.connection.contexts import for_thread

__all__ = ["THREADS", "Busy", "Threads"]

THREADS = 32
"""Calls of blocking processes that run at once on this node; one more is the error `busy`."""


class Busy(Exception):
    """All threads for blocking processes are taken."""


class Threads:
    """`number` threads, of one node. `pool` has as many workers. Called on the loop's thread.

    A call that outlives its time limit keeps its thread until it returns: threads cannot be ended.
    """

    def __init__(self, number: int = THREADS, pool: ThreadPoolExecutor | None = None) -> None:
        self._free = threading.BoundedSemaphore(number)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.pool = pool or ThreadPoolExecutor(number, thread_name_prefix="jackfield-process")

    def close(self) -> None:
        """Give the threads back; calls that still run are not waited for."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, function: Callable[[], Any]) -> Any:
        """Run `function` in a thread. Raises Busy when all are taken, or others wait for one."""
        if self._waiting or not self._free.acquire(blocking=False):
            raise Busy
        return await self._run(function)

    async def run_in_turn(self, function: Callable[[], Any]) -> Any:
        """Run `function` when there is a thread for it. The caller bounds how many wait, and how long."""
        if self._waiting or not self._free.acquire(blocking=False):
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            self._hand_on()  # one may have become free before this stood in the line
            try:
                await place
            except asyncio.CancelledError:
                if place in self._waiting:
                    self._waiting.remove(place)
                elif not place.cancelled():
                    self._free.release()  # it came in this very step
                    self._hand_on()
                raise
        return await self._run(function)

    async def _run(self, function: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()

        def freed(_done: Future[Any]) -> None:  # also where it is cancelled before a thread took it
            self._free.release()
            if self._waiting:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(self._hand_on)

        future = self.pool.submit(for_thread(_call), function)
        future.add_done_callback(freed)
        return await asyncio.wrap_future(future)

    def _hand_on(self) -> None:
        while self._waiting and self._free.acquire(blocking=False):
            place = self._waiting.popleft()
            if place.done():
                self._free.release()  # cancelled in this very step
            else:
                place.set_result(None)


def _call(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except (StopIteration, GeneratorExit) as exc:  # a future cannot carry the one, and the other ends its awaiter
        raise RuntimeError(f"the process raised {type(exc).__name__}") from exc
