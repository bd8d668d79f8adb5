"""The feed of what changes in the store: a logout, a role, a removed user, whichever process did it.

Strategy. Each change is a row in the store's `changes`. A look reads the rows since the last one and calls the
subscribers. `watch` looks every half second; what is changed here is announced at once. Where no look has succeeded
for SILENCE seconds, it is unknown which sessions still stand: the change `store_silent` ends their
connections.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable

from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change
from jackfield.errors import Refusal
from jackfield.logs import log

__all__ = ["LOOK", "SILENCE", "Changes"]

SILENCE = 600.0
"""Seconds of a silent store after which sessions' open connections end."""

LOOK = 0.5
"""Seconds between two looks at what has changed in the store."""


class Changes:
    """The changes of one store. `now` gives steady seconds.

    `first` is called with the changes of a look, before the subscribers are called with each of them.
    """

    def __init__(self, store: Store, now: Callable[[], float], first: Callable[[Iterable[Change]], None]) -> None:
        self._store = store
        self._now = now
        self._first = first
        self._subscribers: list[Callable[[Change], None]] = []
        self._looking = asyncio.Lock()
        self._looked_at = -math.inf
        self._silent = False
        self.last: int | None = None
        """The id of the last change that was taken in, None before the first look."""

    @property
    def age(self) -> float:
        """Seconds since the last look that succeeded."""
        return self._now() - self._looked_at

    def subscribe(self, callback: Callable[[Change], None]) -> None:
        """Have `callback` called on the loop for every change, also those made here. It must not wait."""
        self._subscribers.append(callback)

    async def watch(self, look: Callable[[], Awaitable[None]]) -> None:
        """Call `look`, which calls `self.look` and does what else is due, every LOOK seconds until cancelled.

        Faults of the store, and faults of ours, are survived and logged once each time they begin.
        """
        failing = False
        while True:
            try:
                await look()
            except Exception as exc:  # noqa: BLE001 - the root of a task: without looks no change is heard of
                if not failing and isinstance(exc, Refusal):
                    log.warning("store_unavailable", reason=str(exc.__cause__ or exc))
                elif not failing:
                    log.error("store_failed", reason=type(exc).__name__, exc_info=exc)
                failing = True
                self.check_silence()
            else:
                failing = False
            await asyncio.sleep(LOOK)

    def check_silence(self) -> None:
        """End the open connections of sessions once the store has been silent for SILENCE seconds."""
        silent = SILENCE < self.age < math.inf
        if silent and not self._silent:
            log.error("store_silent", seconds=SILENCE)
            self._notify([Change("", "", "store_silent")])
        self._silent = silent

    async def announce(self, *known: Change) -> None:
        """Report at once what was just changed in the store, and is known to be at least this.

        After it no message of a connection concerned is processed on this node.
        """
        self._first(known)
        try:
            await self.look()
        except Refusal:  # it is changed all the same; the next look that succeeds reports it once more
            self._notify(known)

    async def look(self) -> None:
        """Take in what has changed since the last look. Raises Refusal `store_unavailable`."""
        async with self._looking:
            if self.last is None:
                self.last = await self._store.last_change()
            while news := await self._store.changes_since(self.last):
                self.last = news[-1].id
                self._first(news)
                self._notify(news)
            self._looked_at = self._now()

    def _notify(self, news: Iterable[Change]) -> None:
        for change in news:
            for callback in self._subscribers:
                try:
                    callback(change)
                except Exception:  # noqa: BLE001 - one that fails must not keep the others' connections open
                    log.exception("subscriber_failed", change=change.kind, login=change.login)
