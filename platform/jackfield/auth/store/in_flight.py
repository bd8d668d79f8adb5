"""What is in flight under some keys, and the callers that wait for one of them to end. For one event loop."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable

__all__ = ["InFlight"]


class InFlight:
    """Counts what is in flight under each key; callers wait for one to end."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def __getitem__(self, key: str) -> int:
        return self._count[key]

    @property
    def waiting(self) -> int:
        """How many wait for one to end."""
        return sum(map(len, self._waiting.values()))

    def begin(self, keys: Iterable[str]) -> None:
        """One more is in flight under these keys."""
        self._count.update(keys)

    def end(self, keys: Iterable[str]) -> None:
        """One has ended. The longest waiter of each key goes on, and all do where nothing is left to wait for."""
        for key in keys:
            self._count[key] -= 1
            if not self._count[key]:
                del self._count[key]
            waiters = self._waiting.get(key)
            while waiters:
                turn = waiters.popleft()
                if not turn.done():  # else it was cancelled
                    turn.set_result(None)
                    if key in self._count:
                        break

    async def wait(self, key: str) -> None:
        """Return when one under this key has ended; the caller then checks again."""
        turn = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(key, deque())
        waiters.append(turn)
        try:
            await turn
        finally:
            if turn in waiters:
                waiters.remove(turn)
            if not waiters and self._waiting.get(key) is waiters:
                del self._waiting[key]
