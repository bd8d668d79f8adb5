"""Places for what takes the processor of the server: so many at a time, and a few wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jackfield.errors import Refusal

__all__ = ["MOST_WAITING", "WAIT", "Places"]

MOST_WAITING = 8
"""Requests that wait for a place."""

WAIT = 10.0
"""Seconds that one waits for it."""


class Places:
    """`at_once` places. `waiting` counts those that have none yet."""

    def __init__(self, at_once: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self.waiting = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a place. Raises Refusal `too_busy` where MOST_WAITING wait already, or none came within WAIT seconds."""
        if self.waiting >= MOST_WAITING:
            raise Refusal("too_busy", retry_after=1)
        self.waiting += 1
        try:
            async with asyncio.timeout(WAIT):
                await self._places.acquire()
        except TimeoutError:
            raise Refusal("too_busy", retry_after=1) from None
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._places.release()
