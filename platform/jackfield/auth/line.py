"""Who is next where many wait: networks in turn, and within each the narrower ones, down to the address.

Strategy. Who sends a thousand waits for themselves: of those who wait the next is of the network that was served
longest ago, of the widest first. So one who comes alone is next after as many as there are other networks, however
many wait in these. Where nobody else has room to wait, the newest of the most crowded network gives up its place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

__all__ = ["Crowded", "Line"]


class Crowded(Exception):
    """There is no room to wait, and nobody else's network has more people in line."""


class _Network:
    """Those of one network who wait: in the networks within it, or in this one itself."""

    __slots__ = ("people", "waiting", "within")

    def __init__(self) -> None:
        self.people = 0
        self.within: dict[str, _Network] = {}  # the one served longest ago first
        self.waiting: deque[asyncio.Future[None]] = deque()


class Line:
    """Lets `at_once` people in at once and `waiting` more wait. For one event loop."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._room = waiting
        self._all = _Network()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._all.people

    async def enter(self, networks: Sequence[str], until: float) -> None:
        """Wait until it is one's turn; then call `leave` at the end.

        `networks` are those of the caller, the widest first, `until` is by the clock of the loop. Raises Crowded
        and TimeoutError; then there is nothing to leave.
        """
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._add(networks, turn)
        if self.waiting > self._room:
            self._turn_out()
        try:
            async with asyncio.timeout_at(until):
                await asyncio.shield(turn)  # so that only this class ends it
        except BaseException:
            if not turn.done():
                self._remove(networks, turn)
            elif turn.exception() is None:
                self.leave()  # it came in the same moment
            raise

    def leave(self) -> None:
        """Who was let in goes; the next one may come."""
        if self.waiting:
            self._next().set_result(None)
        else:
            self._free += 1

    def _add(self, networks: Sequence[str], turn: asyncio.Future[None]) -> None:
        place = self._all
        place.people += 1
        for name in networks:
            place = place.within.setdefault(name, _Network())
            place.people += 1
        place.waiting.append(turn)

    def _next(self) -> asyncio.Future[None]:
        """Take out who is next; each network on the way goes behind its neighbours."""
        path, place = [], self._all
        while place.within:
            name = next(iter(place.within))
            path.append(name)
            place.within[name] = inner = place.within.pop(name)
            place = inner
        turn = place.waiting[0]
        self._remove(path, turn)
        return turn

    def _turn_out(self) -> None:
        """Take their place from the newest of the most crowded network; of two alike the newer one gives way."""
        path, place = [], self._all
        while place.within:
            name = max(reversed(place.within), key=lambda name: place.within[name].people)
            path.append(name)
            place = place.within[name]
        turn = place.waiting[-1]
        self._remove(path, turn)
        turn.set_exception(Crowded)

    def _remove(self, networks: Sequence[str], turn: asyncio.Future[None]) -> None:
        place = self._all
        place.people -= 1
        for name in networks:
            inner = place.within[name]
            inner.people -= 1
            if not inner.people:
                del place.within[name]
                return
            place = inner
        place.waiting.remove(turn)
