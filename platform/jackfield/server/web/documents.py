"""`/openapi.json`, `/asyncapi`, `/docs` and what belongs to them: the documents, made at the first request.

They are made from the live routing table for the address by which they are asked for, once for each generation
and address, in a thread: five hundred endpoints cost half a second, and as YAML several. `/docs` is Swagger UI
from the package offapi, with no script but from here.
"""

from __future__ import annotations

import asyncio
import html
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from starlette.responses import Response

from jackfield.describe.contract import Contract, contract
from jackfield.describe.documents import asyncapi, markdown, openapi, rendered
from jackfield.describe.documents.as_yaml import as_yaml
from jackfield.describe.documents.asyncapi_markdown import readable
from jackfield.errors import Refusal
from jackfield.identity import ADMIN
from jackfield.routing.table import RoutingTable
from jackfield.server.handshake.judge import how_to_give, known
from jackfield.server.live import Live
from jackfield.server.refusal import SECURITY_HEADERS
from jackfield.server.request import Caller, Request
from jackfield.server.web import login_page, pages
from jackfield.server.web.document_page import TALK, document_page
from jackfield.server.web.kept import Kept, sent

__all__ = ["ADDRESSES", "Documents"]

KEPT = 16
"""Documents that are kept at once. Each address by which the server is called has its own."""

_JSON = "application/json"


def _as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)


def _openapi(found: Contract, address: str, _version: str) -> Kept:
    return Kept.of(_as_json(openapi.document(found, address)), _JSON)


def _asyncapi(found: Contract, address: str, version: str) -> Kept:
    return Kept.of(_as_json(asyncapi.document(found, address, version)), _JSON)


def _asyncapi_yaml(found: Contract, address: str, version: str) -> Kept:
    return Kept.of(as_yaml(asyncapi.document(found, address, version)), "application/yaml")  # RFC 9512


def _reference(found: Contract, address: str, _version: str) -> Kept:
    text = markdown.reference(found, address, f"..{TALK}")
    return _shown(found, text, at="/docs/reference", up="..")


def _asyncapi_page(found: Contract, address: str, _version: str) -> Kept:
    return _shown(found, readable(asyncapi.document(found, address)), at="/asyncapi", up=".")


def _shown(found: Contract, text: str, *, at: str, up: str) -> Kept:
    page = document_page(found.title, rendered.render(text), at=at, up=up)
    return Kept.of(page, "text/html; charset=utf-8")


_DOCUMENTS: Mapping[str, Callable[[Contract, str, str], Kept]] = {
    "/asyncapi": _asyncapi_page,
    "/asyncapi.json": _asyncapi,
    "/asyncapi.yaml": _asyncapi_yaml,
    "/docs/reference": _reference,
    "/openapi.json": _openapi,
}

_FILES: Mapping[str, tuple[str, str]] = {
    "/docs/swagger-ui.css": ("swagger_style.css", "text/css; charset=utf-8"),
    "/docs/swagger-ui.js": ("swagger_bundle.js", "text/javascript; charset=utf-8"),
}
"""What of Swagger UI is sent, and the name that it has in the package."""

_PAGES = frozenset({"/docs", "/docs/", "/docs/reference", "/asyncapi"})
"""What a browser shows; callers who may not read them are shown how to log in."""

ADDRESSES = frozenset({*_DOCUMENTS, *_FILES, *_PAGES, "/docs/start.js"})
"""All that is answered here."""


class Documents:
    """The documents of one gateway."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._made: OrderedDict[tuple[str, str, str], Kept] = OrderedDict()
        self._generation = 0
        self._making = asyncio.Lock()

    async def answer(self, request: Request, caller: Caller) -> Response | None:
        """Answer a request for one of ADDRESSES, else give None. Raises Refusal where the caller may not read them."""
        path = request.raw_path.decode("latin-1")
        if path not in ADDRESSES:
            return None
        if request.method not in ("GET", "HEAD"):
            raise Refusal("method_not_allowed", more={"allow": "GET, HEAD"})
        try:
            self._check(request, caller)
        except Refusal as refusal:
            auth = self._live.generation.table.plan.auth
            if refusal.status != 401 or not auth.own or path not in _PAGES or not pages.wants_page(request):
                raise
            self._live.refuse(request, refusal, caller)
            return login_page.instead(request, refusal, auth)
        if path in ("/docs", "/docs/"):
            _folder(request.root)
            return _page(self._live.generation.table.plan.title, request.root)
        if path == "/docs/start.js":
            return sent(_START, request)
        if path in _FILES:
            return sent(await asyncio.to_thread(_file, *_FILES[path], request.root), request)
        answer = sent(await self._document(path, self._address(request, path), _version(request, path)), request)
        if path in _PAGES:
            answer.headers["Content-Security-Policy"] = pages.POLICY
        return answer

    def _address(self, request: Request, path: str) -> str:
        """Where the documents say that the server is: as its callers address it, not as the admin port is."""
        options = self._live.options
        if options.admin_port is not None and path != "/openapi.json":  # whose requests go to where the page is from
            return options.address
        return request.own + request.root

    def _check(self, request: Request, caller: Caller) -> None:
        """Return if the documents are open to this caller, else raise Refusal."""
        if self._live.may_read_documents(request, caller):
            return
        sentence = f"The documents are for the role {ADMIN} here."
        if self._live.elsewhere:
            raise self._live.away(sentence)
        identity = known(caller, self._live.generation.table.plan.auth, request.root, sentence)
        raise Refusal("role_required", sentence, how_to_give(ADMIN, identity.login))

    async def _document(self, path: str, address: str, version: str) -> Kept:
        """A document of the live generation, kept for the next request at the same address."""
        async with self._making:  # requests at the same time are answered with one
            generation = self._live.generation
            if generation.number != self._generation:
                self._made.clear()
                self._generation = generation.number
            found = self._made.get((path, address, version))
            if found is None:
                found = await generation.in_thread(lambda: _make(path, generation.table, address, version))
                self._made[path, address, version] = found
                if len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end((path, address, version))
            return found


def _make(path: str, table: RoutingTable, address: str, version: str) -> Kept:
    return _DOCUMENTS[path](contract(table), address, version)


def _version(request: Request, path: str) -> str:
    """The version that is asked for by `?version=`; of other documents than AsyncAPI there is one, and it is ""."""
    if not path.startswith("/asyncapi."):
        return ""
    asked = request.query.get("version", asyncapi.VERSIONS[0])
    found = next((version for version in asyncapi.VERSIONS if asked in (version, f"{version}.0")), None)
    if found is None:
        known = " or ".join(f"?version={version}" for version in asyncapi.VERSIONS)
        raise Refusal("invalid_request", f"There is no AsyncAPI {asked[:20]} document here.", f"Ask with {known}.")
    return found


# Swagger UI

PACKAGE = "offapi"
"""Carries the files of Swagger UI, and depends on nothing."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
<div id="swagger-ui" data-document="{root}/openapi.json"></div>
<script src="{root}/docs/swagger-ui.js"></script><script src="{root}/docs/start.js"></script></html>"""

_START = Kept.of(
    """const place = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: false,
  displayRequestDuration: true,
});
""",
    "text/javascript; charset=utf-8",
)


def _page(title: str, root: str) -> Response:
    """Swagger UI, which fetches the document itself."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
    text = _HTML.format(title=html.escape(title or "Jackfield"), root=html.escape(root))
    return Response(text, 200, headers, "text/html; charset=utf-8")


def _folder(root: str) -> Path:
    """Where the package's files are. It is not imported: that would read nine megabytes.

    Raises Refusal where it is not installed.
    """
    with suppress(PackageNotFoundError):
        found = Path(str(distribution(PACKAGE).locate_file(PACKAGE)))
        if all((found / name).is_file() for name, _ in _FILES.values()):
            return found
    fix = f"pip install {PACKAGE}, then load the page again. The document itself is at {root}/openapi.json."
    raise Refusal("not_found", f"Swagger UI comes with the package {PACKAGE}, which is not installed.", fix)


def _file(name: str, kind: str, root: str) -> Kept:
    return Kept.of((_folder(root) / name).read_bytes(), kind)
