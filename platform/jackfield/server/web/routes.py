"""Plain HTTP: which part answers a request, and what is answered on the address of an endpoint."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from jackfield.config.plan import AuthSettings
from jackfield.errors import CODES, Refusal
from jackfield.identity import Identity
from jackfield.server import request as requests
from jackfield.server.asgi import Receive, Scope, Send
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import approach, judge
from jackfield.server.live import Live
from jackfield.server.observe import redact
from jackfield.server.refusal import SECURITY_HEADERS, problem, secured, server_fault
from jackfield.server.request import Caller, Request
from jackfield.server.web import administration, client_module, console, cors, pages, site_files
from jackfield.server.web.documents import ADDRESSES, Documents
from jackfield.server.web.login import Login
from jackfield.server.wire.upgrade import oversized, upgrade_fault

__all__ = ["Routes"]

_FOR_ADMINS = ADDRESSES | {"/metrics"}


class Routes:
    """Answers every plain request of a node. ASGI 3."""

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._callers = callers
        self._login = Login(live, callers)
        self._administration = administration.Administration(live, callers)
        self._documents = Documents(live)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What fails on our side is logged with its cause and answered without it."""
        try:
            request = requests.read(scope, scope["method"], self._live.options)
            answer = await self._answer(request, HttpRequest(scope, receive))
            table = self._live.generation.table
            answer = pages.seen(answer, request, table.plan.auth)
            response = cors.share(secured(answer, request.own), request, table)
        except Exception:  # noqa: BLE001 - where even a refusal fails; logged with its stack
            response = problem(server_fault(scope), AuthSettings())
        await response(scope, receive, send)

    async def _answer(self, request: Request, http: HttpRequest) -> Response:
        auth = self._live.generation.table.plan.auth
        caller: Caller = None
        try:
            path = request.raw_path.decode("latin-1")
            if path in ("/health", "/ready"):
                return self._state(request, path)
            requests.check_address(request, self._live.options, auth.cookie)
            site_files.check_no_worker(request)
            self._check_login(request)
            asked_first = cors.preflight(request, self._live.generation.table, detailed=request.local)
            if asked_first is not None:
                return asked_first
            action = request.below(auth.path)
            if action is not None:
                return await self._login.answer(request, http, action)
            below = administration.below(request)
            if below is not None:
                return await self._administration.answer(request, http, below)
            for_everybody = client_module.answer(request) or await self._of_site(request, http.scope)
            for_everybody = for_everybody or console.answer(request)
            if for_everybody is not None:
                return for_everybody
            caller = await self._caller(request, path)
            if path == "/metrics":
                return self._metrics(request, caller)
            found = await self._documents.answer(request, caller)
            return self._plain(request, caller) if found is None else found
        except Refusal as exc:
            refusal = exc
        except Exception:  # noqa: BLE001 - the last resort of a request; logged with its stack
            refusal = server_fault(http.scope)
        self._live.refuse(request, refusal, caller)
        return problem(refusal, auth, root=request.root)

    async def _of_site(self, request: Request, scope: Scope) -> Response | None:
        """A file of the project's site; on the listener that it keeps the administration away from it is not shown."""
        generation = self._live.generation
        if generation.site is None or request.local:
            return None
        return await site_files.answer(generation.site, generation.table, request, scope)

    def _check_login(self, request: Request) -> None:
        """Raise Refusal `not_found` for the addresses of our own login where it is off."""
        auth = self._live.generation.table.plan.auth
        below = administration.below(request)
        if auth.own or (request.below(auth.path) is None and (below is None or not administration.needs_login(below))):
            return
        where = "their identity provider" if auth.jwt else "the application that this server belongs to"
        raise Refusal("not_found", "There are no users and no login of our own here.", f"People log in at {where}.")

    async def _caller(self, request: Request, path: str) -> Caller:
        """The caller of a plain request, by all authorities where its answer depends on that."""
        asks = False
        if request.method in ("GET", "HEAD"):
            if path in _FOR_ADMINS:
                asks = not request.local and not self._live.elsewhere
            else:
                with suppress(Refusal):  # raised again where the request is answered
                    asks = approach(self._live.generation.table, request).asks
        return await (self._callers.identify(request) if asks else self._callers.identify_own(request))

    def _state(self, request: Request, path: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refusal("method_not_allowed")
        fine = path == "/health" or self._live.ready
        body = {"status": "ok" if fine else "not ready"}
        return JSONResponse(body, 200 if fine else 503, {**SECURITY_HEADERS, "Cache-Control": "no-store"})

    def _metrics(self, request: Request, caller: Caller) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refusal("method_not_allowed")
        if not self._live.may_read_documents(request, caller):
            sentence = "The metrics are for the role admin here."
            if self._live.elsewhere:
                raise self._live.away(sentence)
            fix = "Send the credential of a user with the role admin"
            start = "." if self._live.options.embedded else ", or start with --admin-port and scrape that."
            raise Refusal("role_required", sentence, f"{fix}{start}")
        kind = "text/plain; version=0.0.4; charset=utf-8"
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Type": kind}
        return Response(self._live.metrics.text(), 200, headers)

    def _plain(self, request: Request, caller: Caller) -> Response:
        """A request that is no upgrade: the 426 on an endpoint, a malformed upgrade, or nothing we have."""
        table = self._live.generation.table
        detailed = self._live.may_read_documents(request, caller)
        match = table.match(request.raw_path)
        would: Refusal | None = None
        try:
            self._live.check_ours("" if match is None else match.route.name, request)
            judge(table, request, caller, self._live.hub, detailed=detailed)
        except Refusal as refusal:
            if match is None or refusal.code == "not_found":
                raise
            would = refusal
        if match is None or request.method not in ("GET", "HEAD"):
            raise Refusal("method_not_allowed", fix="An endpoint takes GET alone, as an upgrade to WebSocket.")
        if request.values(b"sec-websocket-key") and not request.values(b"upgrade"):
            # the key is in no other request (RFC 6455, section 4.1), and Upgrade ends at each hop (RFC 9110, 7.8)
            raise Refusal("upgrade_dropped", f"The WebSocket's request came from {request.client} without it.")
        if b"websocket" in (value.lower().encode() for value in request.values(b"upgrade")):
            raise would if would is not None and would.status == 403 else _malformed(request)
        if would is not None and (would.login or isinstance(caller, Identity)):  # who will ask why
            self._live.refuse(request, would, caller)
        return pages.upgrade_required(match.route, table.plan.auth, request, would=would, detailed=detailed)


def _malformed(request: Request) -> Refusal:
    """What is wrong with an upgrade request that did not become one."""
    versions = request.values(b"sec-websocket-version")
    target = (request.raw_path + b"?" + request.query_string).decode("latin-1")
    if len(versions) == 1 and versions[0] != "13":
        return Refusal("bad_version", f"The request asks for version {redact.typed(versions[0])[:20]}.")
    large = oversized(target, request.headers)
    if large is not None:
        return large
    fault = upgrade_fault(request.method, target, "1.1", list(request.headers))
    fix = CODES["malformed_upgrade"].fix
    if fault is None or fault.endswith((" Connection header", " Upgrade header")):  # as proxies leave them
        fix = f"{fix} {CODES['upgrade_dropped'].fix}"
    return Refusal("malformed_upgrade", f"{fault or 'HTTP/1.1 is needed for an upgrade'}.", fix)
