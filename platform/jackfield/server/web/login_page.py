"""The login as a page: at `{auth.path}/login` for browsers, and in the place of a page that is for who is logged in.

It is the shell of the page, which shows the form (static/login.js); what that sends is JSON, which no form of another
site can send (docs/security.md). Where it leads afterwards is decided here, and nowhere in the browser.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.responses import Response

from jackfield.config import url
from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.server.refusal import problem
from jackfield.server.request import Request
from jackfield.server.web import console

__all__ = ["AFTER", "goal", "instead", "login_page"]

AFTER = "/console/"
"""Where a login leads that names no page, or none of ours."""

MAX_NEXT = 2_000
"""Characters of an address in `?next=`; a longer one is none."""

_KEPT = "/%?#!$&'()*+,;=:@"  # what stands in an address as it is; letters, digits and -._~ do always
_PARTS = re.compile(r"(/[^?#]*)(?:\?[^#]*)?(?:#.*)?")


def login_page(request: Request) -> Response:
    """The page; `?next=` is the path of our own origin to which the browser goes afterwards."""
    following = goal(request.query.get("next", "")) or request.root + AFTER
    return console.shell(request, view="login", next=following)


def instead(request: Request, refusal: Refusal, auth: AuthSettings) -> Response:
    """The page with the status and headers of a 401, at the address that was asked for and is loaded again after it."""
    answer = problem(refusal, auth, root=request.root)
    shown = console.shell(request, view="login")
    headers = {k: v for k, v in answer.headers.items() if k not in ("content-length", "content-type")}
    headers["content-security-policy"] = console.PAGE_POLICY
    return Response(shown.body, refusal.status, headers, shown.headers["content-type"])


def goal(asked: str) -> str:
    """`asked` as an address of our own origin, or "" where it is none, or where two readers might see two in it.

    It is a path in the one normal form that endpoints have, a slash at its end allowed, with a query and a fragment.
    """
    parts = _PARTS.fullmatch(asked) if len(asked) <= MAX_NEXT and asked.isprintable() and "\\" not in asked else None
    if parts is None or asked.startswith("//"):
        return ""
    path = quote(parts[1], safe=_KEPT)
    if path != "/" and url.split(path.removesuffix("/").encode()) is None:
        return ""
    return quote(asked, safe=_KEPT)
