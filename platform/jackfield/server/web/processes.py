"""`/api/processes`: what the live plan's processes are, for whom the documents are open to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from starlette.responses import Response

from jackfield.describe import processes
from jackfield.errors import Refusal
from jackfield.routing.table import RoutingTable
from jackfield.server.live import Live
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.paging import limit_of, page_of, query
from jackfield.server.web.rights import Rights
from jackfield.similar import did_you_mean
from jackfield.state.tested import Runs, read_tested

__all__ = ["Processes"]

T = TypeVar("T")


class Processes:
    """The addresses of one gateway. What is told is of the live generation, and not of the files as they are now."""

    def __init__(self, live: Live, rights: Rights) -> None:
        self._live = live
        self._rights = rights

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {"/processes": {"GET": self._list}, "/processes/{one}": {"GET": self._get}}

    async def _list(self, asked: Asked) -> Response:
        given = query(asked, "limit", "after")
        await self._rights.documents(asked.request)

        def listed(table: RoutingTable, tested: Runs) -> Mapping[str, Any]:
            known = table.catalog.known
            names, following = page_of(known, given, key=str)
            return {"processes": [processes.line(table, known[name], tested) for name in names], "next": following}

        return reply(await self._told(listed))

    async def _get(self, asked: Asked) -> Response:
        given = query(asked, "limit", "below")
        limit, below = limit_of(given), _row(given.get("below", "0"))
        await self._rights.documents(asked.request)

        def told(table: RoutingTable, tested: Runs) -> Mapping[str, Any]:
            process = table.catalog.known.get(asked.name)
            if process is None:
                raise Refusal("no_such_process", fix=did_you_mean(asked.name, table.catalog.known))
            found = processes.whole(table, process, tested)
            answering = table.catalog.tables.get(process.name)
            if answering is None:
                return found
            return {**found, "table": {**found["table"], "rows": processes.rows(answering.table, below, limit)}}

        return reply(await self._told(told))

    async def _told(self, make: Callable[[RoutingTable, Runs], T]) -> T:
        """What is made in a thread of the live table and of what is remembered of its examples."""
        generation, file = self._live.generation, self._live.tested

        def made() -> T:
            return make(generation.table, read_tested(file) if file is not None else {})

        return await generation.in_thread(made)


def _row(text: str) -> int:
    """The number of a row in the query. Raises Refusal."""
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise Refusal("invalid_request", "`below` is the number of a row of the table.", "Correct it in the query.")
    return int(text)
