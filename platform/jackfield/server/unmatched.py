"""Messages that no row of a table was for, as they come: counted in memory, written in batches.

Strategy: on the way of a message stands one encode and one look into a dict, bounded in entries and bytes; the store is
another task's. What comes while it is full, or is too long, is counted and told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from jackfield.auth.store.store import Store
from jackfield.auth.store.unmatched import Noted
from jackfield.errors import Refusal
from jackfield.logs import log

__all__ = ["AGAIN", "BATCH", "CLOSING", "LONGEST", "WAITING", "Unmatched"]

BATCH = 1.0
"""Seconds between two batches of unmatched messages that are written; a crash may lose so much."""

AGAIN = 5.0
"""Seconds until a store that did not take unmatched messages is asked again."""

CLOSING = 5.0
"""Seconds that a stop takes at most to write unmatched messages."""

LONGEST = 4096
"""Bytes of an unmatched message as JSON that is kept; a longer one is left out."""

WAITING = 1000
"""Unmatched messages that wait to be written, equal ones counted once; further ones are left out."""


class Unmatched:
    """The kept messages of one node. `open_store` gives the store, which is closed elsewhere."""

    def __init__(self, open_store: Callable[[], Awaitable[Store]]) -> None:
        self._open_store = open_store
        self._waiting: dict[tuple[str, str, str, bytes], int] = {}
        self._due = asyncio.Event()
        self._writing = asyncio.Lock()
        self._now: asyncio.Task[None] | None = None  # the last write, which may go on
        self._away = False  # whether the store did not take what was written last
        self.left_out = self._told = 0  # and how many of these the log has told

    def note(self, endpoint: str, process: str, why: str, message: dict[str, Any]) -> None:
        """Count a message of a process; never waits or fails."""
        try:
            text = msgspec.json.encode(message)
        except Exception:  # noqa: BLE001 - half of a surrogate pair, say: it must not cost the answer
            text = b""
        self._count((endpoint, process, why, text), 1) if 0 < len(text) <= LONGEST else self._leave_out(1)

    def _count(self, key: tuple[str, str, str, bytes], times: int) -> None:
        known = self._waiting.get(key)
        if known is None:
            if len(self._waiting) >= WAITING:
                self._leave_out(times)
                return
            self._due.set()
        self._waiting[key] = (known or 0) + times

    def _leave_out(self, times: int) -> None:
        self.left_out += times

    async def store(self) -> Store:
        """The store with all that was noted. Raises Refusal `store_unavailable`."""
        await self.write()
        return await self._open_store()

    async def write(self) -> None:
        """Write what waits; it goes on waiting where that fails. Raises Refusal `store_unavailable`.

        A batch is written to its end, whoever is cancelled meanwhile: nobody would know whether it counts. The next
        call waits for it, and so does `close`.
        """
        self._now = asyncio.create_task(self._write())
        await asyncio.shield(self._now)

    async def _write(self) -> None:
        async with self._writing:
            taken, self._waiting = self._waiting, {}
            self._due.clear()
            if not taken:
                return
            try:
                rows = [(Noted(*key[:3], key[3].decode()), times) for key, times in taken.items()]
                await (await self._open_store()).unmatched.write(rows)
            except BaseException:
                for key, times in taken.items():
                    self._count(key, times)
                raise

    async def watch(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            await self._due.wait()
            await asyncio.sleep(AGAIN if self._away else BATCH)
            await self._write_or_log()

    async def close(self) -> None:
        """Write what waits, within CLOSING seconds; `watch` has ended."""
        try:
            async with asyncio.timeout(CLOSING):
                await self._write_or_log()
        except TimeoutError:
            log.warning("unmatched_unavailable", reason="the store did not take them before the end")

    async def _write_or_log(self) -> None:
        try:
            await self.write()
            self._away = False
            if self.left_out > self._told:
                log.warning("unmatched_left_out", messages=self.left_out - self._told)
                self._told = self.left_out
        except Refusal as exc:
            if not self._away:
                log.warning("unmatched_unavailable", reason=str(exc.__cause__ or exc))
            self._away = True
