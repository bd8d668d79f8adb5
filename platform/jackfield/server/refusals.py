"""The refusals that are kept: written in the background in batches, found again, removed when their time is over.

Strategy: what waits, and how much of it, is for the rules in auth/refused.py; the rows are in auth/store/refusals.py.
At most BATCH rows are written each PAUSE seconds, however many are refused, so that a flood takes neither the store
from the logins nor the disk. A store that does not answer is asked again every AGAIN seconds; what finds no room
meanwhile is lost, which is logged with the next sweep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from jackfield.auth.refused import Refusals, Refused, Wanted
from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from jackfield.logs import log

__all__ = ["AGAIN", "BATCH", "CLOSING", "PAUSE", "SWEEP", "RefusalKeeper"]

BATCH = 100
"""Refusals that are written at once."""

PAUSE = 1.0
"""Seconds between two batches; a crash may lose so much."""

AGAIN = 5.0
"""Seconds until a store that did not answer is asked again."""

SWEEP = 600.0
"""Seconds between two looks for what is too old, and too much of all."""

CLOSING = 2.0
"""Seconds that a stop takes at most to write refusals that wait."""

_MANY = 2000  # rows after which it is looked sooner


class RefusalKeeper:
    """The Keeper of one node's `refusals`. `open_store` gives the store, which is closed elsewhere.

    `has_store` says that the store is open anyhow; else it is opened when the first refusal is kept, or asked for.
    """

    def __init__(
        self, refusals: Refusals, open_store: Callable[[], Awaitable[Store]], *, has_store: bool = True
    ) -> None:
        self._refusals = refusals
        self._open_store = open_store
        self._has_store = has_store
        self._to_write = asyncio.Event()
        self._written = 0  # since the last sweep
        self._failed = False
        self._lost = 0  # of those that were lost, how many the log tells of

    def write(self) -> None:
        """Something waits to be written."""
        self._to_write.set()

    async def find(self, wanted: Wanted) -> Sequence[Refused]:
        """What is kept of what is asked for. Raises Refusal `store_unavailable`.

        What still waits is not in it: it is the newest, and in memory.
        """
        store = await self._open_store()
        return await store.refusals.find(wanted)

    async def watch(self) -> None:
        """Write and remove what is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_on())
            tasks.create_task(self._sweep_on())

    async def close(self) -> None:
        """Write what waits, within CLOSING seconds; `watch` has ended."""
        try:
            async with asyncio.timeout(CLOSING):
                while self._refusals.waiting and await self.write_once():
                    pass
        except TimeoutError:
            pass
        self._refusals.lost += self._refusals.waiting
        self._tell_lost()

    async def write_once(self) -> bool:
        """Write a batch; False where the store does not take it, which then waits."""
        batch, done = self._refusals.take(BATCH), False
        try:
            if batch:
                await (await self._open_store()).refusals.write(batch)
                self._has_store = True
                self._written += len(batch)
            done, self._failed = True, False
        except Exception as exc:  # noqa: BLE001 - the root of a task: without it nothing is kept
            self._tell_failed(exc)
        finally:  # also where it is cancelled
            if not done:
                self._refusals.put_back(batch)
        if not self._refusals.waiting:
            self._to_write.clear()
        return done

    async def sweep(self) -> None:
        """Remove what is too old, and too much of all."""
        if not self._has_store:
            return
        self._written = 0
        try:
            await (await self._open_store()).refusals.purge()
        except Exception as exc:  # noqa: BLE001 - the root of a task: without it nothing is removed
            self._tell_failed(exc)

    async def _write_on(self) -> None:
        while True:
            await self._to_write.wait()
            await asyncio.sleep(PAUSE)
            if not await self.write_once():
                await asyncio.sleep(AGAIN)
            if self._written >= _MANY:
                await self.sweep()

    async def _sweep_on(self) -> None:
        while True:
            await self.sweep()
            self._tell_lost()
            await asyncio.sleep(SWEEP)

    def _tell_failed(self, exc: Exception) -> None:
        """Log once that nothing is written or removed."""
        if self._failed:
            return
        self._failed = True
        if isinstance(exc, Refusal):
            log.warning("refusals_not_kept", reason=str(exc.__cause__ or exc))
        else:
            log.error("refusals_failed", reason=type(exc).__name__, exc_info=exc)

    def _tell_lost(self) -> None:
        lost = self._refusals.lost
        if lost > self._lost:
            log.warning("refusals_lost", refusals=lost - self._lost, reason="more came than are written")
            self._lost = lost
