"""What users do about their own sessions and password: `/auth/refresh`, `/auth/sessions`, `/auth/password`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from jackfield.auth import credentials
from jackfield.auth.sessions import Login as Opened
from jackfield.auth.store.tables import Session
from jackfield.auth.users import Users
from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.server.handshake.judge import Request, not_logged_in
from jackfield.server.web.cookie import clear_cookie, clear_for_host, set_cookie
from jackfield.server.web.json_api import Answer, Asked, moment, reply

if TYPE_CHECKING:
    from jackfield.server.gateway import Gateway

__all__ = ["Accounts", "as_json", "handed_out", "taken_back"]


class _Passwords(msgspec.Struct, forbid_unknown_fields=True):
    old: str
    new: str


class Accounts:
    """The addresses below `auth.path` for callers who are logged in with a session of ours."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

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
        return Users(self._gateway.sessions)  # asked for late: where our own login is off, there are none

    @property
    def _auth(self) -> AuthSettings:
        return self._gateway.generation.table.plan.auth

    async def _refresh(self, asked: Asked) -> Response:
        request = asked.request
        who = await self._caller(request)
        credential = credentials.find(request.headers, self._auth.cookie)
        assert credential is not None, "the caller was recognised by it"
        opened = await self._gateway.sessions.refresh(credential)
        log.info("session_refreshed", login=who.login, session=who.session, client=request.client)
        body: dict[str, Any] = {"token": opened.token} if self._auth.token_in_body else {}
        body["expires_at"] = moment(opened.expires_at)
        return reply(body, cookies=handed_out(self._gateway, request, opened, moved=True))

    async def _sessions(self, asked: Asked) -> Response:
        who = await self._caller(asked.request)
        found = await self._users.sessions_of(who)
        return reply({"sessions": [{**as_json(one), "current": one.id == who.session} for one in found]})

    async def _end(self, asked: Asked) -> Response:
        who = await self._caller(asked.request)
        await self._users.end_session(who, asked.name)
        log.info("session_ended", login=who.login, session=asked.name, client=asked.request.client)
        return reply({}, cookies=taken_back(self._auth, asked.request, ours=True) if asked.name == who.session else ())

    async def _end_others(self, asked: Asked) -> Response:
        who = await self._caller(asked.request)
        ended = await self._users.end_others(who)
        log.info("sessions_ended", login=who.login, ended=ended, client=asked.request.client)
        return reply({"ended": ended})

    async def _password(self, asked: Asked) -> Response:
        who = await self._caller(asked.request)
        given = await asked.body(_Passwords, '{"old": "…", "new": "…"}')
        client = asked.request.client
        try:
            ended = await self._users.change_password(who, given.old, given.new, client=client)
        except Refusal as refusal:
            log.warning("password_refused", code=refusal.code, login=who.login, client=client)
            raise
        log.info("password_changed", login=who.login, ended=ended, client=client)
        return reply({"ended": ended})

    async def _caller(self, request: Request) -> Identity:
        """Who asks, with a session that is kept here. Raises Refusal."""
        who = await self._gateway.who(request, own=True)
        if isinstance(who, Refusal):
            raise who
        if who is None:
            raise not_logged_in(self._auth, request.root)
        return who


def handed_out(gateway: Gateway, request: Request, opened: Opened, *, moved: bool) -> list[str]:
    """The cookies that give a session's token to the client; `moved` where the client's own was ours."""
    auth, own, root = gateway.generation.table.plan.auth, request.own, request.root
    seconds = gateway.sessions.seconds_left(opened)
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
