"""Calls of a function of the project on behalf of callers who wait: few at once, fairly, each within a time limit.

Strategy. Callers wait in a queue that is fair to networks (fair_queue.py). A call that does not return in time is
abandoned: a thread cannot be ended, nor a coroutine that swallows its cancellation, so it goes on, counts as hanging
until it returns, and another one takes its turn. How many may hang is bounded, and for each network of its own whose
calls hang a caller finds half as much room: a credential on which the function hangs uses up a part, and others still
come in. A function that was published anew begins with no calls that hang.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import Any

from jackfield.auth.fair_queue import FairQueue, QueueFull
from jackfield.logs import log, within

__all__ = ["CALLS", "CLEAN_UP", "HANGING", "PATIENCE", "THREADS", "TIME_LIMIT", "WAITING", "Calls", "NoRoom", "TooLate"]

TIME_LIMIT = 5.0
"""Seconds that one call of the function may take."""

THREADS = 8
"""Calls in threads at once, those that hang aside."""

CALLS = 64
"""Calls of an async function at once, those that hang aside; less than HANGING, so that not all of it hangs before any
is known to."""

WAITING = 128
"""Calls that wait at most; one more takes the place of the newest from the most crowded network."""

PATIENCE = 10.0
"""Seconds that a call waits for its turn."""

HANGING = 128
"""Calls that may go on after TIME_LIMIT; where so many do, no other is begun. Half of them from a network of which some
do, a quarter from a narrower one, and so on down to the address.
"""

CLEAN_UP = 1.0
"""Seconds after its cancellation from which an async function counts as hanging."""


class NoRoom(Exception):
    """The function is not called; the text says why."""


class TooLate(Exception):
    """The function gave no answer within TIME_LIMIT."""


class Calls:
    """Calls one function, or the one that was published in its place. `close` at the end."""

    def __init__(self) -> None:
        self._threads = FairQueue(at_once=THREADS, waiting=WAITING)
        self._tasks = FairQueue(at_once=CALLS, waiting=WAITING)
        self._workers = _Workers(lambda: None)  # until a function is called

    @property
    def hanging(self) -> int:
        """How many calls of the function go on after they were abandoned."""
        return self._workers.hanging

    def close(self) -> None:
        """Begin no other call; a thread that does not return is not waited for."""
        self._workers.close()

    async def call(self, function: Callable[..., Any], networks: Sequence[str], *given: object) -> Any:
        """What the function returns, for a caller of these networks, the widest first.

        Raises NoRoom, TooLate and whatever the function raises, be it SystemExit.
        """
        if self._workers.function is not function:
            self._workers = _Workers(function)  # the threads of the one before end with their calls
        workers = self._workers
        queue = self._tasks if inspect.iscoroutinefunction(function) else self._threads
        workers.check_room(networks)
        try:
            await queue.acquire(networks, asyncio.get_running_loop().time() + PATIENCE)
        except (QueueFull, TimeoutError):
            raise NoRoom("More credentials come than can be judged at once.") from None
        try:
            return await workers.call(networks, given)
        finally:
            queue.release()


class _Workers:
    """The threads of one function, and its calls that hang."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._pool = ThreadPoolExecutor(THREADS + HANGING, thread_name_prefix="jackfield-verify")
        self.hanging = 0
        self._networks: Counter[str] = Counter()  # of those that hang

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def check_room(self, networks: Sequence[str]) -> None:
        """Raise NoRoom where as many calls hang as may, for a caller of these networks."""
        if self.hanging >= HANGING >> sum(name in self._networks for name in networks):
            raise NoRoom("Calls of the function that says who this is do not return.")

    async def call(self, networks: Sequence[str], given: Sequence[object]) -> Any:
        self.check_room(networks)  # once more: some may hang since the caller began to wait
        until = asyncio.get_running_loop().time() + TIME_LIMIT
        context = within(lambda: {"process": "auth.verify"})  # what one call sets in it, no other sees
        if inspect.iscoroutinefunction(self.function):
            return await self._await(self.function(*given), context, until, networks)
        job = asyncio.wrap_future(self._pool.submit(context.run, _in_thread, self.function, given))
        await asyncio.wait({job}, timeout=until - asyncio.get_running_loop().time())
        if not job.done():
            self._abandon(job, networks)
            raise TooLate
        answer = job.result()
        # async, under a decorator that is not
        return await self._await(answer, context, until, networks) if inspect.isawaitable(answer) else answer

    async def _await(self, answer: Awaitable[Any], context: Context, until: float, networks: Sequence[str]) -> Any:
        """The result of a coroutine, in a task of its own, since it may swallow its cancellation."""
        job = asyncio.create_task(_outcome(answer), context=context)
        try:
            await asyncio.wait({job}, timeout=until - asyncio.get_running_loop().time())
            if job.done():
                value, fault = job.result()
                if fault is not None:
                    raise fault
                return value
        finally:
            job.cancel()
        await asyncio.wait({job}, timeout=CLEAN_UP)
        if not job.done():
            self._abandon(job, networks)
        raise TooLate

    def _abandon(self, job: asyncio.Future[Any], networks: Sequence[str]) -> None:
        """Count a call as hanging until it returns."""
        self.hanging += 1
        self._networks.update(networks)
        log.error(
            "verify_hanging", hanging=self.hanging, most=HANGING, fix="give what the function waits for a time limit"
        )
        job.add_done_callback(partial(self._returned, networks))

    def _returned(self, networks: Sequence[str], job: asyncio.Future[Any]) -> None:
        self.hanging -= 1
        self._networks -= Counter(networks)  # without those that are nothing now
        if not job.cancelled():
            job.exception()  # so that asyncio does not log it as never retrieved


async def _outcome(answer: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """The result or the exception, as a value: a task that raised SystemExit would end the loop."""
    try:
        return await answer, None
    except BaseException as exc:  # noqa: BLE001 - the project's code
        return None, exc


def _in_thread(function: Callable[..., Any], given: Sequence[object]) -> Any:
    try:
        return function(*given)
    except (StopIteration, GeneratorExit) as exc:  # a future cannot carry the one, the other would end its awaiter
        raise RuntimeError(f"the function raised {type(exc).__name__}") from exc
