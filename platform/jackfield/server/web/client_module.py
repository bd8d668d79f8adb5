"""`/jackfield.js`: the client for pages, and its types for editors. They hold nothing, and are open to everybody."""

from __future__ import annotations

from importlib import resources

from starlette.responses import Response

from jackfield.errors import Refusal
from jackfield.server.request import Request
from jackfield.server.web.kept import Kept, sent

__all__ = ["ADDRESSES", "answer"]

_HERE = resources.files("jackfield.server.web")
_KINDS = {"/jackfield.js": "text/javascript; charset=utf-8", "/jackfield.d.ts": "text/plain; charset=utf-8"}
_KEPT = {path: Kept.of((_HERE / path[1:]).read_bytes(), kind) for path, kind in _KINDS.items()}

ADDRESSES = frozenset(_KINDS)
"""All that is answered here."""


def answer(request: Request) -> Response | None:
    """Answer a request for one of ADDRESSES, else give None. Raises Refusal for another method than GET and HEAD."""
    found = _KEPT.get(request.raw_path.decode("latin-1"))
    if found is None:
        return None
    if request.method not in ("GET", "HEAD"):
        raise Refusal("method_not_allowed", more={"allow": "GET, HEAD"})
    return sent(found, request)
