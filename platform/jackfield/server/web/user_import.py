"""`POST /api/users/import`: many users at once, all of them or nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from jackfield.auth.authorities import is_own
from jackfield.auth.importing import Imported, Row, import_users
from jackfield.describe.documents.people_schemas import MOST_SENT, NewUsers
from jackfield.errors import Refusal
from jackfield.identity import ADMIN
from jackfield.logs import log
from jackfield.server.live import Live
from jackfield.server.web.json_api import Asked, reply
from jackfield.server.web.rights import Rights

__all__ = ["MAX_IMPORT", "UserImport"]

MAX_IMPORT = 512 * 1024
"""Bytes of the body of an import."""

_SAMPLE = '{"users": [{"login": "anna", "roles": ["support"], "name": "Anna", "password": "…"}], "dry_run": true}'


class UserImport:
    """The imports of one gateway, one at a time: passwords are hashed one by one, so that logins go on beside it."""

    def __init__(self, live: Live, rights: Rights) -> None:
        self._live = live
        self._rights = rights
        self._busy = asyncio.Lock()

    async def answer(self, asked: Asked) -> Response:
        """Answer an import: what becomes of each user, or would. Raises Refusal."""
        given = await asked.body(NewUsers, _SAMPLE, MAX_IMPORT)
        if not 0 < len(given.users) <= MOST_SENT:
            raise Refusal("invalid_request", f"An import has 1 to {MOST_SENT:,} users.", "Send several of them.")
        by = await self._rights.admin(asked.request)  # once more: the body may have taken its time
        if self._busy.locked():
            raise Refusal("too_many_logins", "Another import is going on here.", retry_after=10)
        sessions = self._live.sessions
        rows = [Row(one.login, one.roles, one.name, one.password) for one in given.users]
        async with self._busy:
            found = await import_users(
                sessions.store,
                sessions.passwords,
                rows,
                dry_run=given.dry_run,
                by=(by.login, ADMIN) if is_own(by) else None,
                clock=self._live.clock,
            )
        wrong = any(one.done == "refused" for one in found)
        added = 0 if wrong or given.dry_run else sum(one.done == "added" for one in found)
        if added:
            log.info("users_imported", added=added, by=by.login, client=asked.request.client)
        return reply({"added": added, "results": [_as_json(one) for one in found]})


def _as_json(one: Imported) -> dict[str, Any]:
    said: dict[str, Any] = {"login": one.login, "done": one.done, "problem": one.problem}
    return said if one.password is None else {**said, "password": one.password}
