"""The pages of `site`: files of a folder, for everybody, at addresses that are neither ours nor an endpoint's.

Strategy. Starlette's StaticFiles knows files: conditional requests, ranges, what lies outside of the folder. What a
path means is decided before, by the one normal form that endpoints have, so that no escape is seen in two ways. A page
is of the origin of the login and of the endpoints, so what it does is done by whoever opened it: administration is
elsewhere (`Live.elsewhere`), and nothing here becomes a service worker, which would stay in the browsers of all who
came while a fault was in the page, and answer for /auth/login as well.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from jackfield.config import url
from jackfield.errors import Refusal
from jackfield.routing.table import RoutingTable
from jackfield.server.asgi import Receive, Scope, Send
from jackfield.server.refusal import SECURITY_HEADERS
from jackfield.server.request import Request

__all__ = ["answer", "check_no_worker"]

_HEADERS = {
    **{name: value for name, value in SECURITY_HEADERS.items() if name != "Content-Security-Policy"},
    "X-Frame-Options": "SAMEORIGIN",  # the policy is the page's own, and one in a page cannot say who may frame it
    "Cache-Control": "no-cache",  # kept, and asked for anew, so that a publish is seen at once
}


def check_no_worker(request: Request) -> None:
    """Raise Refusal `not_found` for a script that is to become a service worker (Service Workers, section 4.4)."""
    if "script" in request.values(b"service-worker"):
        fix = "Take the registration out of the page; it works without."
        raise Refusal("not_found", "No script of this server becomes a service worker.", fix)


async def answer(folder: Path, table: RoutingTable, request: Request, scope: Scope) -> Response | None:
    """The file that a GET or HEAD asks for, or None: no such file, an address that is not the site's.

    A folder is answered by its index.html; without the slash at its end, by the address with it.
    """
    if request.method not in ("GET", "HEAD"):
        return None
    path = request.raw_path
    segments = url.split(path if path == b"/" else path.removesuffix(b"/"))
    if segments is None or any(part.startswith(".") for part in segments):
        return None
    if segments and (url.reserved(segments, table.plan.auth.path) or table.match(path) is not None):
        return None
    files = _Files(directory=folder, check_dir=False)
    found = await asyncio.to_thread(_look_up, files, segments)
    if found is None:
        return None
    name, facts, is_index = found
    if is_index != path.endswith(b"/"):
        return _moved(request) if is_index else None
    return files.file_response(name, facts, scope)


def _look_up(files: StaticFiles, segments: tuple[str, ...]) -> tuple[str, os.stat_result, bool] | None:
    """A plain file by its name, or else the index.html of a folder; links that lead out are followed by neither."""
    try:
        name, facts = files.lookup_path("/".join(segments))
        is_index = facts is not None and stat.S_ISDIR(facts.st_mode)
        if is_index:
            name, facts = files.lookup_path("/".join((*segments, "index.html")))
    except (OSError, ValueError):  # a name that is too long, a folder that is closed to us
        return None
    return (name, facts, is_index) if facts is not None and stat.S_ISREG(facts.st_mode) else None


def _moved(request: Request) -> Response:
    query = b"?" + request.query_string if request.query_string else b""
    where = request.root + (request.raw_path + b"/" + query).decode("latin-1")
    return Response(status_code=307, headers={**_HEADERS, "Location": where})


class _Files(StaticFiles):
    """As Starlette has them, with our headers."""

    def file_response(
        self, full_path: Any, stat_result: os.stat_result, scope: MutableMapping[str, Any], status_code: int = 200
    ) -> Response:
        found = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(found, NotModifiedResponse):
            found.headers.update(_HEADERS)
            return found
        return _File(full_path, headers=_HEADERS, stat_result=stat_result)


class _File(FileResponse):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or that the range asked for is none, which has our headers too."""
        ours = [(name, value) for name, value in self.raw_headers if name not in _OF_FILE]

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        await super().__call__(scope, receive, sent)


_OF_FILE = frozenset({b"accept-ranges", b"content-length", b"content-type", b"etag", b"last-modified"})
