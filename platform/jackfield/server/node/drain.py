"""A stop: no new connection, every conversation answers what it has, and not all clients come back in one moment.

Strategy. Each connection is served as ever until its turn; then it takes no more messages, answers those that are
here and closes 1012. The turns are spread, in random order: ten thousand clients that were
closed in one instant would all connect to the next server in the one after.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from jackfield.logs import log
from jackfield.server.connection.calls import CANCEL_LIMIT
from jackfield.server.live import Live

__all__ = ["PER_SECOND", "SPREAD", "drain", "stop_serving"]

SPREAD = 5.0
"""Seconds over which the closes are spread at most; less where there are few, and at most half of the drain."""

PER_SECOND = 200
"""Closes per second while SPREAD suffices for all of them; 1,000 connections and more take all of it."""

STEP = 0.1
"""Seconds between two batches."""


class Drained(Protocol):
    """One connection, as the drain sees it. Implemented by the conversation."""

    async def drain(self) -> None:
        """Take no more messages, answer those that are here, then close 1012. Cancelled when the time is over."""


async def stop_serving(live: Live, time_limit: float) -> None:
    """Admit no connection, let every conversation answer what it has, close all 1012; at most `time_limit` seconds."""
    live.ready, live.stops_at = False, live.passed() + time_limit
    if not await drain(live.hub, time_limit):
        log.warning("drain_too_long", limit=time_limit, connections=len(live.hub))


async def drain(
    members: Iterable[Drained],
    time_limit: float,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> bool:
    """Close all of `members` within `time_limit` seconds; gives whether all had answered by then.

    `pause` waits between two batches.
    """
    waiting = list(members)
    random.shuffle(waiting)
    batches = _batches(len(waiting), time_limit)
    draining: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(time_limit):
            for number in range(batches):
                if number:
                    await pause(STEP)
                draining += [asyncio.create_task(member.drain()) for member in waiting[number::batches]]
            await asyncio.gather(*draining, return_exceptions=True)
    except TimeoutError:
        return False
    finally:
        await _cancel(draining)
    return True


async def _cancel(draining: list[asyncio.Task[None]]) -> None:
    """Cancel what is left, and log what failed. A process that swallows its cancellation is not waited for."""
    for task in draining:
        task.cancel()
    if not draining:
        return
    done, _ = await asyncio.wait(draining, timeout=CANCEL_LIMIT + STEP)
    for task in done:
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log.error("drain_failed", exc_info=fault)


def _batches(number: int, time_limit: float) -> int:
    seconds = min(SPREAD, number / PER_SECOND, time_limit / 2)
    return max(1, round(seconds / STEP))
