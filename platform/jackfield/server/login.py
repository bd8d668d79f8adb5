"""`/auth/login`, `/auth/logout` and `/auth/session`: the way from a password to the cookie and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from jackfield.auth import origin
from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.server import pages
from jackfield.server.handshake import Request

if TYPE_CHECKING:
    from jackfield.server.gateway import Gateway

__all__ = ["MAX_BODY", "Login"]

MAX_BODY = 4096
"""Bytes of a body on these routes; a password has at most 1,024."""

BODY_LIMIT = 10.0
"""Seconds that a client has to send its body."""

Answer = Callable[[Request, HttpRequest], Awaitable[Response]]


class _Credentials(msgspec.Struct, forbid_unknown_fields=True):
    login: str
    password: str


class Login:
    """The routes below `auth.path` of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._routes: Mapping[str, tuple[str, Answer]] = {
            "/login": ("POST", self._login),
            "/logout": ("POST", self._logout),
            "/session": ("GET", self._session),
        }

    async def answer(self, request: Request, http: HttpRequest, path: str) -> Response:
        """Answer one request; `path` is what follows `auth.path`. Raises Refusal."""
        if path not in self._routes:
            raise Refusal("not_found", fix=f"Here are {', '.join(self._auth.path + known for known in self._routes)}.")
        method, answer = self._routes[path]
        if request.method != method:
            raise Refusal("method_not_allowed", f"{self._auth.path}{path} takes {method}.", more={"allow": method})
        # a page of another origin may neither log somebody in nor out (login CSRF, ASVS 5.0, 3.5.1)
        _judge_origin(request)
        return await answer(request, http)

    @property
    def _auth(self) -> AuthSettings:
        return self._gateway.generation.table.plan.auth

    async def _login(self, request: Request, http: HttpRequest) -> Response:
        given = await _read(http)
        before = await self._before(request)
        try:
            opened = await self._gateway.sessions.login(given.login, given.password)
        except Refusal as refusal:
            log.warning("login_refused", code=refusal.code, login=given.login, client=request.client)
            raise
        if before is not None:
            # each login is a session of its own; the one whose cookie came along has served (ASVS 5.0, 7.2.4)
            await self._gateway.sessions.logout(before)
        log.info("login", login=opened.identity.login, client=request.client)
        body: dict[str, Any] = {"token": opened.token} if self._auth.token_in_body else {}
        body |= _of(opened.identity)
        return _json(body, {"Set-Cookie": self._cookie(request, opened.token)})

    async def _before(self, request: Request) -> Identity | None:
        """The session whose cookie came along. Old cookies in a muddle are no reason to keep somebody out."""
        try:
            who = await self._gateway.who(request)
        except Refusal as refusal:
            if refusal.code != "contradictory_credentials":
                raise
            return None
        return who if isinstance(who, Identity) else None

    async def _logout(self, request: Request, http: HttpRequest) -> Response:
        who = await self._gateway.who(request)
        if isinstance(who, Refusal) and who.code == "store_unavailable":
            raise who  # nobody may believe a session ended that was not even looked up
        if isinstance(who, Identity):
            await self._gateway.sessions.logout(who)
            log.info("logout", login=who.login, client=request.client)
        return _json({}, {"Set-Cookie": self._cookie(request, "") + "; Max-Age=0"})

    async def _session(self, request: Request, http: HttpRequest) -> Response:
        who = await self._gateway.who(request)
        if isinstance(who, Refusal):
            raise who
        if who is None:
            raise Refusal("not_logged_in", fix=f"POST {self._auth.path}/login first.")
        return _json(_of(who), {})

    def _cookie(self, request: Request, value: str) -> str:
        auth = self._auth
        parts = [f"{auth.cookie}={value}", "HttpOnly", f"SameSite={auth.same_site.capitalize()}", "Path=/"]
        if request.own.startswith("https:"):
            parts.append("Secure")
        if auth.partitioned:
            parts.append("Partitioned")
        return "; ".join(parts)


def _judge_origin(request: Request) -> None:
    try:
        origin.judge(request.values(b"origin"), request.own, any_origin=False, allowed=(), required=False)
    except Refusal as refusal:
        fix = f"Only pages of {request.own} log in and out here; programs send no Origin header."
        raise Refusal(refusal.code, "A page of another origin may not log in or out here.", fix) from None


def _of(identity: Identity) -> dict[str, Any]:
    expires = identity.expires_at
    return {
        "expires_at": datetime.fromtimestamp(expires, UTC).isoformat(timespec="seconds") if expires else None,
        "login": identity.login,
        "roles": sorted(identity.roles),
    }


def _json(body: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    return JSONResponse(body, headers={**pages.SECURITY_HEADERS, "Cache-Control": "no-store", **headers})


async def _read(http: HttpRequest) -> _Credentials:
    """The body of a login, at most MAX_BODY bytes of JSON. Raises Refusal."""
    kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal("unsupported_media_type", fix="Send the header Content-Type: application/json.")
    body = b""
    try:
        async with asyncio.timeout(BODY_LIMIT):
            async for part in http.stream():
                body += part
                if len(body) > MAX_BODY:
                    raise Refusal("body_too_large")
    except TimeoutError:
        raise Refusal("invalid_request", f"The body did not arrive within {BODY_LIMIT:g} s.") from None
    except ClientDisconnect:
        raise Refusal("invalid_request", "The body broke off.") from None
    try:
        return msgspec.json.decode(body, type=_Credentials)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refusal("invalid_request", fix='Send {"login": "…", "password": "…"}.') from None
