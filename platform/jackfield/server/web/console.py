"""`/` and `/console/`: the page, our own modules and styles without a build step. They hold nothing of anybody.

What the page shows it asks for at addresses that scripts may use, too (docs/protocol.md).
"""

from __future__ import annotations

import html
from importlib import resources

from starlette.responses import Response

from jackfield.errors import Refusal
from jackfield.server.request import Request
from jackfield.server.web.kept import Kept, sent

__all__ = ["ADDRESSES", "PAGE_POLICY", "answer", "shell"]

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text becomes markup by a mistake of ours
    )
)
"""The Content-Security-Policy of our pages."""

AT = "/console/"
"""Where the page is; and at `/`, where no `site` has that."""

_KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STATIC = resources.files("jackfield.server.web") / "static"
_FILES = {
    AT + entry.name: Kept.of(entry.read_bytes(), _KINDS[kind])
    for entry in _STATIC.iterdir()
    if (kind := entry.name[entry.name.rfind(".") :]) in _KINDS
}
ADDRESSES = frozenset({*_FILES, "/", "/console", AT})
"""All that is answered here."""

_SHELL = (_STATIC / "page.html").read_text("utf-8")


def answer(request: Request) -> Response | None:
    """Answer a request for the page or a part of it, else give None. Raises Refusal for other than GET and HEAD."""
    path = request.raw_path.decode("latin-1")
    if path and path not in ADDRESSES:
        return None
    if request.method not in ("GET", "HEAD"):
        raise Refusal("method_not_allowed", more={"allow": "GET, HEAD"})
    found = _FILES.get(path)
    if found is not None:
        return sent(found, request)
    return shell(request)


def shell(request: Request, **told: str) -> Response:
    """The page itself, which asks for all else; `told` is what its script is told besides, as `data-` attributes."""
    attributes = "".join(f' data-{name}="{html.escape(value)}"' for name, value in told.items())
    text = _SHELL.replace("{told}", attributes).replace("{root}", html.escape(request.root))
    response = sent(Kept.of(text, "text/html; charset=utf-8"), request)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response
