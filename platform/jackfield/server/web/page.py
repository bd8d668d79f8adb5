"""`/api/page`: who asks, and what is open to the caller. The page asks for it first."""

from __future__ import annotations

from starlette.responses import Response

from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.messages import moment
from jackfield.server.handshake.callers import Callers
from jackfield.server.live import Live
from jackfield.server.request import Request
from jackfield.server.web.json_api import Asked, reply
from jackfield.server.web.rights import Rights

__all__ = ["Page"]


class Page:
    """What the page of one gateway is told of its caller. It is for everybody who reaches the server."""

    def __init__(self, live: Live, callers: Callers, rights: Rights) -> None:
        self._live = live
        self._callers = callers
        self._rights = rights

    async def answer(self, asked: Asked) -> Response:
        """Answer one request."""
        caller, plan = await self._callers.identify(asked.request), self._live.generation.table.plan
        who = caller if isinstance(caller, Identity) else None
        return reply(
            {
                "title": plan.title or "Jackfield",
                "login": who and {"login": who.login, "roles": sorted(who.roles), "expires_at": moment(who.expires_at)},
                "auth": {"own": plan.auth.own, "path": plan.auth.path, "cookie": plan.auth.cookie},
                "reader": self._live.may_read_documents(asked.request, caller),
                "admin": await self._may_administer(asked.request),
                "edit": who and self._rights.edits(asked.request, who),
                "elsewhere": "" if asked.request.local else self._live.elsewhere,
            }
        )

    async def _may_administer(self, request: Request) -> bool:
        try:
            await self._rights.admin(request)
        except Refusal:
            return False
        return True
