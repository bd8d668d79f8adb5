"""What users do about their own sessions and password: `/auth/refresh`, `/auth/sessions`, `/auth/password`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from jackfield.auth import credentials
from jackfield.auth.sessions import Login as Opened
from jackfield.auth.store.tables import Session
from jackfield.auth.users import Users
from jackfield.config.plan import AuthSettings
from jackfield.describe.documents.people_schemas import Passwords
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.server.cookie import clear_cookie, clear_for_host, set_cookie
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import known
from jackfield.server.live import Live
from jackfield.server.request import Request
from jackfield.server.web.json_api import Answer, Asked, reply

__all__ = ["Accounts", "as_json", "handed_out", "taken_back"]


class Accounts:
    """The addresses below `auth.path` for callers who are logged in with a session of ours."""

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._callers = callers

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/refresh": {"POST": self._refresh},
            "/sessions": {"GET": self._sessions, "DELETE": self._end_others},
            "/sessions/{one}": {"DELETE": self._end},
            "/password": {"POST": self._password},
        }

    @property
    def _users(self) -> Users:
        return Users(self._live.sessions)  # asked for late: where our own login is off, there are none

    @property
    def _auth(self) -> AuthSettings:
        return self._live.generation.table.plan.auth

    async def _refresh(self, asked: Asked) -> Response:
        request = asked.request
        caller = await self._caller(request)
        credential = credentials.find(request.headers, self._auth.cookie)
        assert credential is not None, "the caller was recognised by it"
        opened = await self._live.sessions.refresh(credential)
        log.info("session_refreshed", login=caller.login, session=caller.session, client=request.client)
        body: dict[str, Any] = {"token": opened.token} if self._auth.token_in_body else {}
        body["expires_at"] = moment(opened.expires_at)
        return reply(body, cookies=handed_out(self._live, request, opened, moved=True))

    async def _sessions(self, asked: Asked) -> Response:
        caller = await self._caller(asked.request)
        found = await self._users.open_sessions(caller.login)
        return reply({"sessions": [{**as_json(one), "current": one.id == caller.session} for one in found]})

    async def _end(self, asked: Asked) -> Response:
        caller = await self._caller(asked.request)
        await self._users.end_session(caller, asked.name)
        log.info("session_ended", login=caller.login, session=asked.name, client=asked.request.client)
        return reply(
            {}, cookies=taken_back(self._auth, asked.request, ours=True) if asked.name == caller.session else ()
        )

    async def _end_others(self, asked: Asked) -> Response:
        caller = await self._caller(asked.request)
        ended = await self._users.end_others(caller)
        log.info("sessions_ended", login=caller.login, ended=ended, client=asked.request.client)
        return reply({"ended": ended})

    async def _password(self, asked: Asked) -> Response:
        caller = await self._caller(asked.request)
        given = await asked.body(Passwords, '{"old": "…", "new": "…"}')
        client = asked.request.client
        try:
            ended = await self._users.change_password(caller, given.old, given.new, client=client)
        except Refusal as refusal:
            refusal.login = caller.login
            log.warning("password_refused", code=refusal.code, login=caller.login, client=client)
            raise
        log.info("password_changed", login=caller.login, ended=ended, client=client)
        return reply({"ended": ended})

    async def _caller(self, request: Request) -> Identity:
        """The caller, with a session that is kept here. Raises Refusal."""
        return known(await self._callers.identify(request, own=True), self._auth, request.root)


def handed_out(live: Live, request: Request, opened: Opened, *, moved: bool) -> list[str]:
    """The cookies that give a session's token to the client; `moved` where the client's own was ours."""
    auth, own, root = live.generation.table.plan.auth, request.own, request.root
    seconds = live.sessions.seconds_left(opened)
    before = clear_for_host(auth, own=own, root=root) if moved else []
    return [*before, set_cookie(auth, opened.token, own=own, root=root, seconds=seconds)]


def taken_back(auth: AuthSettings, request: Request, *, ours: bool) -> list[str]:
    """The cookies that take the token back; `ours` where the one that came was."""
    before = clear_for_host(auth, own=request.own, root=request.root) if ours else []
    return [*before, clear_cookie(auth, own=request.own, root=request.root)]


def as_json(session: Session) -> dict[str, Any]:
    """A session as its user is shown it. The id opens nothing: the token is made of another secret."""
    return {
        "id": session.id,
        "created_at": moment(session.created_at),
        "seen_at": moment(session.seen_at),
        "expires_at": moment(session.expires_at),
        "client": session.client,
        "agent": session.agent,
    }
