"""`/api/refusals`: who was refused and why, for callers with the role `admin`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from starlette.responses import Response

from jackfield.auth.refused import REFUSALS_KEPT, Refusals, Refused, Wanted
from jackfield.config import quantities
from jackfield.errors import Refusal
from jackfield.messages import moment
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.paging import limit_of, query

__all__ = ["RefusalAdministration"]


class RefusalAdministration:
    """The address of one gateway by which its refusals are found. `clock` gives seconds since the epoch."""

    def __init__(self, refusals: Refusals, clock: Callable[[], float]) -> None:
        self._refusals = refusals
        self._clock = clock

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {"/refusals": {"GET": self._find}}

    async def _find(self, asked: Asked) -> Response:
        wanted = self._wanted(query(asked, "login", "address", "id", "search", "since", "limit"))
        lists = [await self._refusals.find(one) for one in wanted]
        found = {(one.id, one.first): one for one in chain(*lists)}
        newest = sorted(found.values(), key=lambda one: one.time, reverse=True)[: wanted[0].limit]
        return reply({"refusals": [_as_json(one) for one in newest]})

    def _wanted(self, given: Mapping[str, str]) -> list[Wanted]:
        """What a query asks for, or may ask for with `search`. Raises Refusal."""
        limit = limit_of(given, REFUSALS_KEPT)
        try:
            since = self._clock() - quantities.duration(given["since"]) if "since" in given else None
            if "search" in given:
                return Wanted.searched(given["search"], since=since, limit=limit)
            return [Wanted.typed(given, since=since, limit=limit)]
        except ValueError as exc:
            raise Refusal("invalid_request", f"{exc}.", "Correct it in the query.") from None


def _as_json(one: Refused) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": moment(one.time),
        "first_at": moment(one.first),
        "count": one.count,
        "login": one.login,
        "client": one.client,
        "path": one.path,
        "endpoint": one.endpoint,
        "origin": one.origin,
        "code": one.code,
        "cause": one.cause,
        "status": one.status,
        "detail": one.detail,
        "fix": one.fix,
    }
