"""`/api/unmatched`: messages that no row of a table was for, for administrators and for who may change tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from jackfield.auth.store.unmatched import KeptMessage
from jackfield.errors import Refusal
from jackfield.logs import log
from jackfield.messages import moment
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
        return reply({"messages": [_as_json(one) for one in found[:limit]], "next": following})

    async def _remove(self, asked: Asked) -> Response:
        store = await self._kept.store()
        by = await self._rights.answerer(asked.request)
        endpoint = await store.unmatched.remove(asked.name)
        if endpoint is None:
            raise Refusal("not_found", "There is no such message.", "GET /api/unmatched lists them.")
        log.info("unmatched_removed", message=asked.name, endpoint=endpoint, by=by.login, client=asked.request.client)
        return reply({})

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


def _as_json(one: KeptMessage) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": moment(one.last_at),
        "first_at": moment(one.first_at),
        "count": one.count,
        "endpoint": one.noted.endpoint,
        "process": one.noted.process,
        "message": msgspec.json.decode(one.noted.message),
        "why": one.noted.why,
    }
