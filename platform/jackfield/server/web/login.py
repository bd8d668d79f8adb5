"""`/auth/login`, `/auth/logout` and `/auth/session`: the way from a password to the cookie and back."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from jackfield.config.plan import AuthSettings
from jackfield.describe.documents.people_schemas import Credentials
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import known
from jackfield.server.live import Live
from jackfield.server.observe import redact
from jackfield.server.request import Request
from jackfield.server.web import cors
from jackfield.server.web.accounts import Accounts, handed_out, taken_back
from jackfield.server.web.json_api import Asked, JsonApi, reply
from jackfield.server.web.login_page import login_page
from jackfield.server.web.pages import wants_page

__all__ = ["Login"]


class Login:
    """The addresses below `auth.path` of one gateway."""

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._callers = callers
        self.api = JsonApi(
            {
                "/login": {"POST": self._login},
                "/logout": {"POST": self._logout},
                "/session": {"GET": self._session},
                **Accounts(live, callers).routes(),
            }
        )

    async def answer(self, request: Request, http: HttpRequest, path: str) -> Response:
        """Answer one request; `path` is what follows `auth.path`. Raises Refusal."""
        # a page of another origin may neither log a user in nor out (login CSRF, ASVS 5.0, 3.5.1)
        cors.check(request, self._live.generation.table.plan)
        if path == "/login" and request.method in ("GET", "HEAD") and wants_page(request):
            return login_page(request)
        return await self.api.answer(request, http, self._auth.path, path[1:].split("/"))

    @property
    def _auth(self) -> AuthSettings:
        return self._live.generation.table.plan.auth

    async def _login(self, asked: Asked) -> Response:
        request = asked.request
        given = await asked.body(Credentials, '{"login": "…", "password": "…"}')
        where = {"client": request.client, "origin": redact.origins(request.values(b"origin"))}
        before = await self._before(request)
        try:
            opened = await self._live.sessions.login(
                given.login, given.password, client=request.client, agent=asked.agent
            )
        except Refusal as refusal:
            refusal.login, refusal.tried = self._live.sessions.logins.told_apart(given.login)
            self._live.metrics.logins["refused", refusal.code] += 1
            log.warning(
                "login_refused", code=refusal.code, login=self._live.sessions.logins.shown(given.login), **where
            )
            raise
        if before is not None:
            # each login is a session of its own; the one whose cookie came along has served (ASVS 5.0, 7.2.4)
            await self._live.sessions.logout(before)
        self._live.metrics.logins["accepted", ""] += 1
        log.info("login", login=opened.identity.login, session=opened.identity.session, **where)
        body: dict[str, Any] = {"token": opened.token} if self._auth.token_in_body else {}
        body |= _of(opened.identity)
        return reply(body, cookies=handed_out(self._live, request, opened, moved=before is not None))

    async def _before(self, request: Request) -> Identity | None:
        """The session whose cookie came along. Old cookies in a muddle are no reason to refuse a login."""
        try:
            caller = await self._callers.identify(request, own=True)
        except Refusal:
            return None
        return caller if isinstance(caller, Identity) else None

    async def _logout(self, asked: Asked) -> Response:
        caller = await self._callers.identify(asked.request, own=True)
        if isinstance(caller, Refusal) and caller.code == "store_unavailable":
            raise caller  # else a caller would believe that a session ended that was not looked up
        ours = isinstance(caller, Identity)
        if isinstance(caller, Identity):
            await self._live.sessions.logout(caller)
            log.info("logout", login=caller.login, session=caller.session, client=asked.request.client)
        return reply({}, cookies=taken_back(self._auth, asked.request, ours=ours))

    async def _session(self, asked: Asked) -> Response:
        caller = await self._callers.identify(asked.request)
        return reply(_of(known(caller, self._auth, asked.request.root)))


def _of(identity: Identity) -> dict[str, Any]:
    return {
        "expires_at": moment(identity.expires_at),
        "login": identity.login,
        "roles": sorted(identity.roles),
    }
