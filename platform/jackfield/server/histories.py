"""The events that groups keep: read as a group opens, written in batches, removed when their time is over.

Strategy: the rules are in groups/histories.py, the tables in auth/store/histories.py. Reading and writing do not wait
for each other, so that nobody who enters waits for a batch. A store that does not answer is asked again every AGAIN
seconds, which is logged once when it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from jackfield.groups.groups import MAX_GROUPS
from jackfield.groups.histories import MAX_BATCH, Histories
from jackfield.logs import log

__all__ = ["AGAIN", "BATCH", "CLOSING", "TIDY", "HistoryKeeper"]

BATCH = 0.2
"""Seconds between two batches of events that are written; a crash may lose so much."""

AGAIN = 1.0
"""Seconds until a store that did not answer is asked again."""

TIDY = 600.0
"""Seconds between two looks for events whose time is over."""

CLOSING = 5.0
"""Seconds that a stop takes at most to write events that wait."""


class HistoryKeeper:
    """The Keeper of one node's `histories`. `open_store` gives the store, which is closed elsewhere.

    `has_store` says that the store is open anyhow; else it is opened when the first group keeps anything.
    """

    def __init__(
        self, histories: Histories, open_store: Callable[[], Awaitable[Store]], *, has_store: bool = True
    ) -> None:
        self._histories = histories
        self._open_store = open_store
        self._has_store = has_store
        self._to_read, self._to_write = asyncio.Event(), asyncio.Event()
        self._said: Mapping[str, float] = {}  # what the store knows of how long is kept
        self._faults: set[str] = set()  # what failed when it was tried last
        self._lost = 0  # of the events that were lost, how many the log tells of

    def read(self) -> None:
        """Something is to be read."""
        self._to_read.set()

    def write(self) -> None:
        """Something is to be written."""
        self._to_write.set()

    async def watch(self) -> None:
        """Read, write and remove what is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for task in (self._reading(), self._writing(), self._tidying()):
                tasks.create_task(task)

    async def close(self) -> None:
        """Write what waits, within CLOSING seconds; `watch` has ended."""
        try:
            async with asyncio.timeout(CLOSING):
                while self._histories.opening and await self.read_once():
                    pass
                while self._histories.waiting and await self.write_once():
                    pass
        except TimeoutError:
            pass
        if left := self._histories.waiting:
            log.warning("history_lost", events=left, reason="the store did not take them before the end")

    async def read_once(self) -> bool:
        """Read what is kept of the groups that open; False where the store does not answer."""
        wanted = self._histories.wanted()
        if not wanted:
            self._to_read.clear()
            return True
        try:
            found = await (await self._open_store()).histories.read(wanted)
        except Exception as exc:  # noqa: BLE001 - the root of a task: without it no group opens
            self._failed("read", exc)
            self._histories.failed()
            return False
        self._succeeded("read")
        self._histories.found(found)
        return True

    async def write_once(self) -> bool:
        """Write a batch; False where the store does not take it, which then waits."""
        batch = self._histories.take()
        done = False
        try:
            if batch.events:
                await self._say()
                await (await self._open_store()).histories.write(batch)
                self._histories.answered()
                self._succeeded("write")
            done = True
        except Exception as exc:  # noqa: BLE001 - the root of a task: without it nothing is kept
            self._failed("write", exc)
        finally:  # also where it is cancelled
            if done:
                self._histories.wrote()
            else:
                self._histories.put_back()
        if not self._histories.waiting:
            self._to_write.clear()
        return done

    async def tidy(self) -> None:
        """Remove what is older than its pattern keeps it."""
        self._histories.sweep(MAX_GROUPS)
        if not self._has_store and not self._histories.keeps:
            return
        try:
            await self._say()
            await (await self._open_store()).histories.purge()
        except Exception as exc:  # noqa: BLE001 - the root of a task: without it nothing is removed
            self._failed("remove", exc)
        else:
            self._succeeded("remove")

    async def _say(self) -> None:
        """Let the store know for how long what is kept, where that is new."""
        keeps = self._histories.keeps
        if keeps != self._said:
            await (await self._open_store()).histories.keep(keeps)
            self._said = keeps

    async def _reading(self) -> None:
        while True:
            await self._to_read.wait()
            if not await self.read_once():
                await asyncio.sleep(AGAIN)

    async def _writing(self) -> None:
        while True:
            await self._to_write.wait()
            if self._histories.waiting < MAX_BATCH:
                await asyncio.sleep(BATCH)
            if not await self.write_once():
                await asyncio.sleep(AGAIN)

    async def _tidying(self) -> None:
        while True:
            await self.tidy()
            await asyncio.sleep(TIDY)

    def _failed(self, what: str, exc: Exception) -> None:
        if isinstance(exc, Refusal):
            if not self._faults:
                log.warning("history_unavailable", reason=str(exc.__cause__ or exc))
        elif what not in self._faults:
            log.error("history_failed", what=what, reason=type(exc).__name__, exc_info=exc)
        self._faults.add(what)

    def _succeeded(self, what: str) -> None:
        """Log once how many events were lost, when no more are."""
        self._faults.discard(what)
        lost = self._histories.lost
        if lost > self._lost and not self._faults:
            log.warning("history_lost", events=lost - self._lost, reason="the store was away, or too slow")
            self._lost = lost
