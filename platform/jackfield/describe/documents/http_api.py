"""The addresses that every server has beside its endpoints: login, administration, health and metrics.

What is described here is carried out in server/; tests compare the two, address by address and code by code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import JSON
from jackfield.describe.documents.http_schemas import SESSIONS
from jackfield.describe.schema.components import at

__all__ = ["Call", "calls"]


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one address.

    - `codes` are the refusals of errors.py with which it can be answered, `answer` the schema of what is answered
      otherwise, with `status`. `kind` is the media type of that answer.
    - `access` says who may ask: everybody (`open`), who is logged in (`known`), the role `admin`; `told` is
      everybody on a listener that only the server's machine reaches, elsewhere the role `admin`.
    - `body` is the schema of what is sent, as JSON; None where nothing is.
    - `headers` are those of the answer that matter to the caller.
    - `unready` is the schema of a 503 that is no refusal.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    answer: JSON
    codes: tuple[str, ...] = ()
    access: Literal["open", "known", "admin", "told"] = "open"
    body: JSON | None = None
    description: str = ""
    status: int = 200
    kind: str = "application/json"
    headers: tuple[str, ...] = ()
    unready: JSON | None = None


def calls(auth: AuthSettings) -> tuple[Call, ...]:
    """All of them; those of our own login and of the administration only where there is one (`auth.login`)."""
    own = (*_login(), *_account()) if auth.own else ()
    prefix = quote(auth.path, safe="/%")
    known = tuple(replace(call, path=prefix + call.path) for call in own)
    return (*known, *(_administration(auth) if auth.own else ()), *_server())


_HTTP = ("malformed_request", "request_too_slow", "headers_too_large")
_EVERYWHERE = (*_HTTP, "wrong_host", "tls_required", "server_fault")
_PAGE = (*_EVERYWHERE, "origin_not_allowed")
_BODY = ("invalid_request", "unsupported_media_type", "body_too_large")
_ASKED = ("credential_in_query", "contradictory_credentials")
_PASSWORD_ASKED = ("too_many_attempts", "too_many_logins")
_KNOWN = (
    *_PAGE,
    *_ASKED,
    "credential_too_long",
    "not_logged_in",
    "bad_credential",
    "session_expired",
    "store_unavailable",
    "provider_unavailable",
)
_OWN = (*_KNOWN, "invalid_request")
_ADMIN = (*_KNOWN, "role_required")
_KIND = "unsupported_media_type"


_NOTHING = {"type": "object", "additionalProperties": False}
_ENDED = {
    "type": "object",
    "properties": {"ended": {"type": "integer", "minimum": 0, "description": "How many sessions have ended."}},
    "required": ["ended"],
}
_TAG = "Login"


def _login() -> tuple[Call, ...]:
    return (
        Call(
            "POST",
            "/login",
            "login",
            _TAG,
            "Log in",
            at("LoggedIn"),
            (*_PAGE, *_BODY, "credential_in_query", "login_failed", *_PASSWORD_ASKED, "store_unavailable"),
            body=at("Credentials"),
            headers=("Set-Cookie",),
            description="Sets the cookie, with which endpoints can be opened. It ends the session whose cookie came "
            "along. After 10 failures at a login from one address, that login is refused from there for 15 minutes.",
        ),
        Call(
            "POST",
            "/logout",
            "logout",
            _TAG,
            "Log out",
            _NOTHING,
            (*_PAGE, *_ASKED, _KIND, "store_unavailable"),
            headers=("Set-Cookie",),
            description="The session ends everywhere, its connections close with 4401, the cookie is taken back.",
        ),
        Call("GET", "/session", "session", _TAG, "Who is logged in", at("Caller"), _KNOWN, "known"),
        Call(
            "POST",
            "/refresh",
            "refresh",
            _TAG,
            "Move the session's end",
            at("Refreshed"),
            (*_OWN, _KIND),
            "known",
            headers=("Set-Cookie",),
            description="For open connections as well, and never further than 30 days after the login.",
        ),
    )


def _account() -> tuple[Call, ...]:
    listed = {"type": "object", "properties": {"sessions": SESSIONS}, "required": ["sessions"]}
    return (
        Call("GET", "/sessions", "sessions", _TAG, "List the caller's sessions", listed, _OWN, "known"),
        Call(
            "DELETE",
            "/sessions",
            "end-other-sessions",
            _TAG,
            "End all sessions of the caller but this one",
            _ENDED,
            (*_OWN, _KIND),
            "known",
        ),
        Call(
            "DELETE",
            "/sessions/{id}",
            "end-session",
            _TAG,
            "End one session of the caller",
            _NOTHING,
            (*_OWN, _KIND, "no_such_session", "not_found"),
            "known",
            headers=("Set-Cookie",),
        ),
        Call(
            "POST",
            "/password",
            "change-password",
            _TAG,
            "Change the caller's password",
            _ENDED,
            (*_OWN, *_BODY, "wrong_password", *_PASSWORD_ASKED),
            "known",
            body=at("Passwords"),
            description="All other sessions of the caller end.",
        ),
    )


def _administration(auth: AuthSettings) -> tuple[Call, ...]:
    others = auth.jwt is not None or bool(auth.verify)  # who know people that are no users of ours
    tag, every, one = "Administration", "/api/users", "/api/users/{login}"
    user, of_user = at("User"), (*_ADMIN, "invalid_request", "not_found")
    listed = {
        "type": "object",
        "properties": {"users": {"type": "array", "items": user}},
        "required": ["users"],
    }
    return (
        Call("GET", every, "users", tag, "List all users", listed, _ADMIN, "admin"),
        Call(
            "POST",
            every,
            "add-user",
            tag,
            "Add a user",
            user,
            (*_ADMIN, *_BODY, "login_taken", "too_many_logins"),
            "admin",
            body=at("NewUser"),
            status=201,
            headers=("Location",),
        ),
        Call(
            "GET",
            one,
            "user",
            tag,
            "One user with the open sessions",
            at("UserWithSessions"),
            (*of_user, "no_such_user"),
            "admin",
        ),
        Call(
            "PATCH",
            one,
            "change-user",
            tag,
            "Change a user",
            user,
            (*of_user, *_BODY, "no_such_user", "too_many_logins"),
            "admin",
            body=at("UserChange"),
            description="All of it is changed, or nothing. Who is disabled or gets another password loses all "
            "sessions; other roles hold for open connections at once. Nobody takes the administration from themselves.",
        ),
        Call(
            "DELETE",
            one,
            "remove-user",
            tag,
            "Remove a user",
            _NOTHING,
            (*of_user, _KIND, "no_such_user"),
            "admin",
        ),
        Call(
            "POST",
            f"{one}/close",
            "close-user",
            tag,
            "End all sessions and connections of a user",
            _ENDED,
            (*of_user, _KIND, *(() if others else ("no_such_user",))),
            "admin",
            description="A new login is possible." + (" Others than our own users can be named too." if others else ""),
        ),
    )


def _server() -> tuple[Call, ...]:
    tag = "Server"
    fine: JSON = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
    unready: JSON = {"type": "object", "properties": {"status": {"const": "not ready"}}, "required": ["status"]}
    return (
        Call("GET", "/health", "health", tag, "Whether the process lives", fine, _HTTP),
        Call("GET", "/ready", "ready", tag, "Whether new connections are taken", fine, _HTTP, unready=unready),
        Call(
            "GET",
            "/metrics",
            "metrics",
            tag,
            "Figures for Prometheus",
            {"type": "string"},
            (*_EVERYWHERE, *_ASKED, "role_required"),
            "told",
            kind="text/plain",
        ),
    )
