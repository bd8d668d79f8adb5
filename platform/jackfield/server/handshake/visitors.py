"""`{visitor}` in the name of a group: the id of a caller who is not logged in, and the cookie that keeps it."""

from __future__ import annotations

import secrets
from dataclasses import replace

from jackfield.auth.tokens import Tokens
from jackfield.config.plan import AuthSettings
from jackfield.identity import OF_VISITORS
from jackfield.routing.table import Route
from jackfield.server.cookie import set_cookie
from jackfield.server.request import Request

__all__ = ["COOKIE", "KEPT", "cookie_for", "names_visitor", "visitor_of"]

COOKIE = "jackfield_visitor"
"""The name of the cookie."""

KEPT = 30 * 86_400
"""Seconds that a browser keeps it after the last connection."""


def names_visitor(route: Route) -> bool:
    """Whether a group of the endpoint is named by the visitor."""
    return any("visitor" in pattern.params for pattern in route.groups)


def visitor_of(request: Request, tokens: Tokens) -> str:
    """The id that the request's cookie holds where that is one of ours, else a new one; no login looks like it."""
    for line in request.values(b"cookie"):
        for pair in line.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE and (found := tokens.marked(value)):
                return found
    return f"{OF_VISITORS}{secrets.token_urlsafe(16)}"


def cookie_for(visitor: str, tokens: Tokens, auth: AuthSettings, request: Request) -> str:
    """The value of the Set-Cookie header that hands the id to the client, with the attributes of the login's."""
    return set_cookie(
        replace(auth, cookie=COOKIE), tokens.mark(visitor), own=request.own, root=request.root, seconds=KEPT
    )
