"""Places for what runs before the 101: so many on a node, and so many of them for one address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Turns"]


class Turns:
    """At most `most` at a time, `most_of_one` of one address; the others wait, each address in its own order."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._most_of_one = most_of_one
        self._of: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}  # with one entry for each that has or wants one

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Have a place; waits where there is none. Cancelled, it leaves none behind."""
        of_one, users = self._of.setdefault(address, (asyncio.Semaphore(self._most_of_one), []))
        users.append(None)
        try:
            async with of_one, self._all:
                yield
        finally:
            users.pop()
            if not users:
                del self._of[address]
