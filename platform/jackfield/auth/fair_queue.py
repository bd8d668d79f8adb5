"""A semaphore whose waiters are served fairly by network, not by arrival.

Strategy. The next waiter is of the network that was served longest ago: the widest networks first, then the narrower
ones within, down to the address. So one waiter alone in its network is next after as many as there are other networks,
however many wait in these. Where the queue is full, the newest waiter of the most crowded network loses its place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

__all__ = ["FairQueue", "QueueFull"]


class QueueFull(Exception):
    """There is no room to wait, and no other network has more waiters."""


class _Network:
    """The waiters of one network: in the networks within it, or in this one itself."""

    __slots__ = ("size", "waiters", "within")

    def __init__(self) -> None:
        self.size = 0
        self.within: dict[str, _Network] = {}  # the one served longest ago first
        self.waiters: deque[asyncio.Future[None]] = deque()


class FairQueue:
    """Lets `at_once` callers in at once and `waiting` more wait. For one event loop."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._room = waiting
        self._all = _Network()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._all.size

    async def acquire(self, networks: Sequence[str], until: float) -> None:
        """Wait for a turn; call `release` at its end.

        `networks` are those of the caller, the widest first, `until` is by the clock of the loop. Raises QueueFull
        and TimeoutError; then there is nothing to release.
        """
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._add(networks, turn)
        if self.waiting > self._room:
            self._drop_one()
        try:
            async with asyncio.timeout_at(until):
                await asyncio.shield(turn)  # so that only this class ends it
        except BaseException:
            if not turn.done():
                self._remove(networks, turn)
            elif turn.exception() is None:
                self.release()  # the turn came in the same moment
            raise

    def release(self) -> None:
        """End a turn; the next waiter gets its own."""
        if not self.waiting:
            self._free += 1
            return
        path, place = [], self._all
        while place.within:
            name = next(iter(place.within))
            path.append(name)
            place.within[name] = inner = place.within.pop(name)  # now behind its neighbours
            place = inner
        turn = place.waiters[0]
        self._remove(path, turn)
        turn.set_result(None)

    def _drop_one(self) -> None:
        """Refuse the newest waiter of the most crowded network; of two equal ones that of the newer."""
        path, place = [], self._all
        while place.within:
            name = max(reversed(place.within), key=lambda name: place.within[name].size)
            path.append(name)
            place = place.within[name]
        turn = place.waiters[-1]
        self._remove(path, turn)
        turn.set_exception(QueueFull)

    def _add(self, networks: Sequence[str], turn: asyncio.Future[None]) -> None:
        place = self._all
        place.size += 1
        for name in networks:
            place = place.within.setdefault(name, _Network())
            place.size += 1
        place.waiters.append(turn)

    def _remove(self, networks: Sequence[str], turn: asyncio.Future[None]) -> None:
        place = self._all
        place.size -= 1
        for name in networks:
            inner = place.within[name]
            inner.size -= 1
            if not inner.size:
                del place.within[name]
                return
            place = inner
        place.waiters.remove(turn)
