"""One live routing table with its processes and resources, from its first call to its last."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from jackfield.logs import log
from jackfield.process.generation_groups import GenerationGroups
from jackfield.process.groups import Backend, Groups
from jackfield.process.resources import CLOSE_LIMIT, NotClosed, Opened, open_all
from jackfield.routing.table import Route, RoutingTable

__all__ = ["Generation"]

T = TypeVar("T")

OPEN_LIMIT = 30.0
"""Seconds that all resources together have to open."""


class Generation:
    """A routing table, its open resources, and the number of calls that are still in it.

    Whoever calls a process holds the generation between `enter` and `leave`; `retire` closes the
    resources after the last call has left. `site` is the folder of its pages, where it has some. `groups` is what its
    resources say to groups; it speaks only while the generation is live.
    """

    def __init__(
        self, number: int, table: RoutingTable, opened: Opened, groups: GenerationGroups | None = None
    ) -> None:
        self.number = number
        self.table = table
        self.site: Path | None = None
        self.groups = groups or GenerationGroups()
        self._opened = opened
        self._calls = 0
        self._retiring = False
        self._empty = asyncio.Event()  # set only for `retire`, since calls come and go by the thousand

    @classmethod
    async def open(
        cls,
        number: int,
        table: RoutingTable,
        backend: Backend | None = None,
        *,
        only: Route | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Generation:
        """Open the table's resources, or those of `only` one route; `given` has values by name in place of some.

        `backend` is the node's, where there is one already. Raises PlanError when one fails; none stays open then.
        """
        groups = GenerationGroups(backend)
        resources = table.resources(only)
        opened = await open_all(resources, time_limit=OPEN_LIMIT, groups=Groups(groups), given=given)
        return cls(number, table, opened, groups)

    @property
    def resources(self) -> Mapping[str, Any]:
        """The open resources by name."""
        return self._opened.values

    @property
    def calls(self) -> int:
        """How many calls are in it; a feed is one."""
        return self._calls

    def enter(self) -> None:
        """One more call is in this generation."""
        self._calls += 1

    def leave(self) -> None:
        """One call less."""
        self._calls -= 1
        if self._retiring and self._calls == 0:
            self._empty.set()

    async def in_thread(self, make: Callable[[], T]) -> T:
        """What is made of it in a thread, as a call of its own; it may run code of the project."""
        self.enter()
        try:
            return await asyncio.to_thread(make)
        finally:
            self.leave()

    def hurry(self) -> None:
        """Let `retire` wait for no call any more."""
        self._empty.set()

    async def retire(self, time_limit: float | None) -> None:
        """Wait for the last call, at most `time_limit` seconds, then close the resources and free the modules.

        With None until `hurry`.

        A resource that fails to close is logged.
        """
        self._retiring = True
        with suppress(TimeoutError):
            async with asyncio.timeout(time_limit):
                if self._calls:
                    await self._empty.wait()
        if self._calls:
            log.warning("generation_kept_busy", generation=self.number, calls=self._calls)
        try:
            await self._opened.close(CLOSE_LIMIT)
        except NotClosed as exc:
            incident = secrets.token_hex(4)
            log.error(
                "resource_not_closed",
                generation=self.number,
                resources=list(exc.names),
                incident=incident,
                exc_info=exc,
            )
        finally:
            self.table.catalog.release()
