"""What is on its way, and who waits for the end of it. For one event loop; nothing here is kept anywhere."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable

__all__ = ["InFlight"]


class InFlight:
    """How many are on their way under each of some keys, and who waits for one of them to end."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def __getitem__(self, key: str) -> int:
        return self._count[key]

    def begin(self, keys: Iterable[str]) -> None:
        """One more is on its way under these keys."""
        self._count.update(keys)

    def end(self, keys: Iterable[str]) -> None:
        """One has ended. Who waits longest goes on, and all do where nothing is left to wait for."""
        for key in keys:
            self._count[key] -= 1
            if not self._count[key]:
                del self._count[key]
            self._wake(key, everybody=key not in self._count)

    async def wait(self, key: str) -> None:
        """Return when one under this key has ended. Whether that is of use is to be seen then."""
        turn = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(key, deque())
        line.append(turn)
        try:
            await turn
        finally:
            if turn in line:
                line.remove(turn)
            if not line and self._waiting.get(key) is line:
                del self._waiting[key]

    def _wake(self, key: str, *, everybody: bool) -> None:
        line = self._waiting.get(key)
        while line:
            turn = line.popleft()
            if not turn.done():  # else who waited has given up
                turn.set_result(None)
                if not everybody:
                    return
