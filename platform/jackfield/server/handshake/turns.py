"""Places for what runs before the 101: so many on a node, and so many of them for one address."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Turns"]


class Turns:
    """At most `most` at a time, `most_of_one` of one address; the others wait: addresses in turn, each in its order."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._all = 0
        self._of: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def take(self, address: str) -> bool:
        """Take a place; False where there is none."""
        of_one = self._of.get(address, 0)
        if self._all >= self._most or of_one >= self._most_of_one:
            return False
        self._all += 1
        self._of[address] = of_one + 1
        return True

    async def wait(self, address: str) -> None:
        """Take a place when there is one. Cancelled, it takes none."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self.give(address)  # it came in this very step
            raise

    def give(self, address: str) -> None:
        """Give a place back; the next who may have it has it."""
        self._all -= 1
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]
        for other, queue in list(self._waiting.items()):
            while queue and queue[0].cancelled():
                queue.popleft()
            if queue and not self.take(other):
                continue
            del self._waiting[other]
            if queue:
                queue.popleft().set_result(None)
                if queue:
                    self._waiting[other] = queue  # behind the other addresses
                return
