"""`/api/connections`, `/api/log`, `/api/status`: what administrators see of a running server."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from starlette.responses import Response

from jackfield.errors import Refusal
from jackfield.logs import log
from jackfield.recent import KEPT, LEVELS, RECENT
from jackfield.server.live import Live
from jackfield.server.members import Members
from jackfield.server.status import connection, having, status
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.paging import MAX_PAGE, limit_of, not_next, query, search_of
from jackfield.server.web.push import endpoint_of, login_of
from jackfield.server.web.rights import Rights

__all__ = ["Seen"]

_CLOSED = "closed by an administrator"


class Seen:
    """These addresses of one gateway. Whoever asks is an administrator."""

    def __init__(self, live: Live, rights: Rights) -> None:
        self._live = live
        self._rights = rights
        self._members = Members(live)

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/connections": {"GET": self._connections},
            "/connections/{one}": {"DELETE": self._close},
            "/log": {"GET": self._log},
            "/status": {"GET": self._status},
        }

    async def _connections(self, asked: Asked) -> Response:
        given = query(asked, "endpoint", "login", "search", "limit", "after")
        endpoint, login, wanted = endpoint_of(self._live, given), given.get("login"), search_of(given)
        limit, before = limit_of(given, MAX_PAGE), _moment(given.get("after", ""))
        found = self._live.hub.newest() if login is None else reversed(self._members.of(login_of(login)))
        fitting = (one for one in found if one.began < before and (endpoint is None or one.endpoint == endpoint))
        page = await having(list(fitting), wanted, limit + 1) if wanted else list(islice(fitting, limit + 1))
        following = repr(page[limit - 1].began) if len(page) > limit else None
        return reply({"connections": [connection(self._live, one) for one in page[:limit]], "next": following})

    async def _close(self, asked: Asked) -> Response:
        by = await self._rights.admin(asked.request)
        member = next((member for member in self._live.hub if member.connection.id == asked.name), None)
        if member is None:
            raise Refusal("no_such_connection")
        member.end("removed", _CLOSED)
        log.info(
            "connection_ended",
            connection=asked.name,
            login=member.identity.login,
            by=by.login,
            client=asked.request.client,
        )
        return reply({})

    async def _log(self, asked: Asked) -> Response:
        given = query(asked, "level", "search", "limit")
        level, wanted = given.get("level", LEVELS[0]), search_of(given)
        if level not in LEVELS:
            raise Refusal("invalid_request", f"`level` is one of {', '.join(LEVELS)}.", "Correct it in the query.")
        levels = LEVELS[LEVELS.index(level) :]
        lines = (line.shown() for line in RECENT.newest() if line.level in levels)
        found = (line for line in lines if wanted in repr(line).casefold()) if wanted else lines
        limit = limit_of(given) if "limit" in given else KEPT
        return reply({"events": list(islice(found, limit))})

    async def _status(self, asked: Asked) -> Response:
        query(asked)
        return reply(status(self._live))


def _moment(after: str) -> float:
    """The moment that `next` of a page has. Raises Refusal."""
    try:
        return float(after) if after else float("inf")
    except ValueError:
        raise not_next() from None
