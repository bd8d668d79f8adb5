"""How often Python looks for garbage in a server's memory; never in that of another application around us.

Strategy. An idle connection is some forty objects that stay, and a connection that ends is freed by counting
references alone. So looking through all connections is in vain nearly always, and it stops everybody: 0.22 s
with 10,000 connections. What was imported is taken out of the search before the first generation is loaded (a
generation itself has to be found when it has retired), the young are looked through less often, all objects
hardly ever, and on purpose some time after a publish while few are connected.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Sweep", "tuned"]

THRESHOLDS = (2_000, 20, 100)
"""Measured while 10,000 connections opened: 0.1 s in all and no pause above 9 ms, where Python's own (700, 10, 10)
took 0.8 s with five pauses up to 0.24 s. A first threshold of 5,000 or 10,000 saves nothing more and pauses for 15
or 40 ms. All objects are looked through after four million new ones, which is 100,000 connections.
"""

FEW = 1_000
"""Connections up to which a look through all objects takes some 25 ms."""

AFTER_PUBLISH = 60.0
"""Seconds after a publish in which the plan before it has usually retired."""


@contextmanager
def tuned() -> Iterator[None]:
    """Look for garbage as a server of many connections should, until the context is left."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Sweep:
    """Frees what publishes leave behind: modules of a generation refer to each other, and only a search finds them.

    With more than FEW connections the search is left to Python: a generation costs less than a pause.
    """

    def __init__(self, connections: Callable[[], int]) -> None:
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """A publish has gone live: search after AFTER_PUBLISH seconds, once for publishes that follow each other."""
        self.close()
        self._timer = asyncio.get_running_loop().call_later(AFTER_PUBLISH, self.now)

    def now(self) -> None:
        """Search, unless too many are connected."""
        self.close()
        if self._connections() <= FEW:
            gc.collect()

    def close(self) -> None:
        """Search no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
