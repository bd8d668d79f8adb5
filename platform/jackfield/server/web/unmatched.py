"""`/api/unmatched`: messages that no row of a table was for, for administrators and for who may change tables."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from jackfield.auth.store.unmatched import KeptMessage
from jackfield.errors import Refusal
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.process.table.tables import read_tables
from jackfield.server.live import Live
from jackfield.server.unmatched import Unmatched
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.paging import limit_of, not_next, query
from jackfield.server.web.rights import Rights

__all__ = ["UnmatchedMessages"]

_PLACE = re.compile(r"([0-9]{1,12}\.[0-9]{1,9})-([0-9a-f]{16})")  # time and id of the last message before


class UnmatchedMessages:
    """The addresses of one gateway."""

    def __init__(self, live: Live, rights: Rights) -> None:
        self._live = live
        self._rights = rights

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {"/unmatched": {"GET": self._list}, "/unmatched/{one}": {"DELETE": self._remove}}

    async def _list(self, asked: Asked) -> Response:
        given = query(asked, "endpoint", "limit", "after")
        limit, after = limit_of(given), _place(given.get("after", ""))
        store = await self._kept.store()
        found = await store.unmatched.list(given.get("endpoint"), after=after, limit=limit + 1)
        following = "{!r}-{}".format(*found[limit - 1].place) if len(found) > limit else None
        return reply({"messages": await asyncio.to_thread(self._told, found[:limit]), "next": following})

    async def _remove(self, asked: Asked) -> Response:
        store = await self._kept.store()
        by = await self._rights.answerer(asked.request)
        endpoint = await store.unmatched.remove(asked.name)
        if endpoint is None:
            raise Refusal("not_found", "There is no such message.", "GET /api/unmatched lists them.")
        log.info("unmatched_removed", message=asked.name, endpoint=endpoint, by=by.login, client=asked.request.client)
        return reply({})

    def _told(self, found: Sequence[KeptMessage]) -> list[dict[str, Any]]:
        """The messages, each with the row that is for it by now; reads the tables of the files that may be edited."""
        live, files = self._live.generation.table.catalog.tables, self._live.files
        saved = read_tables(files.folder, files.folder).answering if files is not None and found else {}
        told = []
        for one in found:
            message = msgspec.json.decode(one.noted.message)
            rows = [
                tables[name].answered(message) if (name := one.noted.process) in tables else 0
                for tables in (live, saved)
            ]
            row = rows[0] or rows[1]
            told.append(_as_json(one, message) | {"answered": {"row": row, "live": bool(rows[0])} if row else None})
        return told

    @property
    def _kept(self) -> Unmatched:
        assert self._live.unmatched is not None, "whoever opens the gateway gives it"
        return self._live.unmatched


def _place(after: str) -> tuple[float, str] | None:
    """What `next` of a page has; None for nothing. Raises Refusal."""
    if not after:
        return None
    place = _PLACE.fullmatch(after)
    if place is None:
        raise not_next()
    return float(place[1]), place[2]


def _as_json(one: KeptMessage, message: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": moment(one.last_at),
        "first_at": moment(one.first_at),
        "count": one.count,
        "endpoint": one.noted.endpoint,
        "process": one.noted.process,
        "message": message,
        "why": one.noted.why,
    }
