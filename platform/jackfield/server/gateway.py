"""The ASGI application: who is asking, may they enter, and the walk from an upgrade to a conversation."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from jackfield.addresses import network
from jackfield.auth import credentials, origin
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.tables import Change
from jackfield.clocks import watched
from jackfield.config.plan import AuthSettings
from jackfield.errors import CODES, Refusal
from jackfield.groups.hub import Hub
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.drain import drain
from jackfield.server.connection.rate import Paces
from jackfield.server.connection.session_end import SessionEnd
from jackfield.server.generation import Generation
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import (
    Admission,
    Request,
    admit,
    approach,
    closes_with,
    judge,
    rejudge,
    subprotocol,
)
from jackfield.server.handshake.visit import Visit
from jackfield.server.observe import redact
from jackfield.server.observe.lag import Lag
from jackfield.server.observe.metrics import Metrics
from jackfield.server.observe.tracing import Tracing, Walk
from jackfield.server.options import Options
from jackfield.server.request import arrive
from jackfield.server.web import administration, cors, pages
from jackfield.server.web.documents import ADDRESSES, Documents
from jackfield.server.web.login import Login
from jackfield.server.web.sign_in import SCRIPT_AT
from jackfield.server.wire.extension import EXTENSION, Socket
from jackfield.server.wire.transport import AsgiTransport, Receive, Send, Transport
from jackfield.server.wire.upgrade import oversized, upgrade_fault

__all__ = ["Gateway", "Refused"]

Scope = MutableMapping[str, Any]

REFUSALS_KEPT = 200

_FOR_ADMINS = ADDRESSES - {SCRIPT_AT} | {"/metrics"}


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal as `jackfield refusals` shows it. `path` is without its query string."""

    time: float
    path: str
    code: str
    status: int
    detail: str
    login: str
    client: str
    origin: str


class Gateway:
    """One server's front door. `generation` is what is live; `install` swaps it in one assignment."""

    def __init__(
        self,
        options: Options,
        sessions: Sessions | None,
        generation: Generation,
        dispatcher: Dispatcher,
        *,
        tracing: Tracing | None = None,
        folder: Path = Path(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options = options
        self._sessions = sessions
        self.generation = generation
        self.hub = Hub()
        self.lag = Lag(clock=dispatcher.clock)
        self.paces = Paces(self.lag)
        self.metrics = Metrics(self.hub, self.lag)
        self.refusals: deque[Refused] = deque(maxlen=REFUSALS_KEPT)
        self.ready = True
        self._walk: Walk = self._websocket if tracing is None else tracing.around(self._websocket)
        self._dispatcher = dispatcher
        self._clock = watched(clock)
        self._login = Login(self)
        self._administration = administration.Administration(self)
        self._documents = Documents(self)
        self.callers = Callers(self, sessions, folder=folder, clock=clock)
        if sessions is not None:
            sessions.changes.subscribe(self._changed)
            sessions.attend(lambda: {member.identity.session for member in self.hub})
        self._count_plan()

    @property
    def sessions(self) -> Sessions:
        """The sessions of our own login. Nobody asks for them where that is off (`auth.login`)."""
        assert self._sessions is not None, "auth.login is off"
        return self._sessions

    @property
    def has_sessions(self) -> bool:
        """Whether our own login was on at the start; a plan cannot bring it back without one."""
        return self._sessions is not None

    def install(self, generation: Generation) -> Generation:
        """Make `generation` live for every message and handshake from now on; gives the one before."""
        before, self.generation = self.generation, generation
        generation.table.catalog.go_live()
        auth = generation.table.plan.auth
        if self._sessions is not None:
            self._sessions.tune(lifetime=auth.session, idle=auth.idle)
        self.callers.tune(auth)
        self._count_plan()
        return before

    def _count_plan(self) -> None:
        table = self.generation.table
        self.metrics.plan_hash = table.hash
        for name in table.routes:
            self.metrics.meter(name)

    async def drain(self, time_limit: float) -> None:
        """Take nobody new, let every conversation answer what it has, close all 1012; at most `time_limit` s."""
        self.ready = False
        members = [member for member in self.hub if isinstance(member, Conversation)]
        if not await drain(members, time_limit):
            log.warning("drain_too_long", limit=time_limit, connections=len(self.hub))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3. Anything that fails on our side is told without its cause and logged with it."""
        if scope["type"] == "websocket":
            await self._walk(scope, receive, send)
            return
        try:
            response = await self._http(scope, receive, send)
        except Exception:  # noqa: BLE001 - where even a refusal fails; logged with its stack
            response = pages.problem(_fault(scope), AuthSettings())
        await response(scope, receive, send)

    # the upgrade

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        request = self.request(scope, "GET")
        who: Identity | Refusal | None = None
        try:
            self._check_host(request)
            self._check_ready()
            table = self.generation.table
            try:
                asked = approach(table, request)
            except Refusal:
                who = await self._known(request)
                table = self.generation.table
                asked = approach(table, request, tell=self.tells(request, who))
            who = await self.who(request, asks=asked.asks)
            self._check_ready()  # after the last wait: whom `drain` does not see, nobody admits
            if self.generation.table is not table:
                table = self.generation.table
                asked = approach(table, request)
            admission = admit(table, request, asked, who, self.hub)
        except Refusal as refusal:
            await self._refuse(request, refusal, who, scope, receive, send)
            return
        except Exception:  # noqa: BLE001 - the last resort of a handshake; logged with its stack
            await self._refuse(request, _fault(scope), who, scope, receive, send)
            return
        await self._converse(request, admission, scope, receive, send)

    async def _refuse(
        self,
        request: Request,
        refusal: Refusal,
        who: Identity | Refusal | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.note(request, refusal, who)
        match = self.generation.table.match(request.raw_path)
        self.metrics.handshakes[match.route.name if match else "", "refused", refusal.code] += 1
        shown = closes_with(self.generation.table, request, refusal)
        if shown is not None:
            with suppress(OSError):  # the client left before it was told
                await send({"type": "websocket.accept", "subprotocol": subprotocol(shown.endpoint, request)})
                await send({"type": "websocket.close", "code": 4000 + refusal.status, "reason": _short(refusal)})
        elif "websocket.http.response" in scope.get("extensions", {}):
            response = pages.problem(refusal, self.generation.table.plan.auth, root=request.root)
            await pages.secured(response, request.own)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000, "reason": refusal.code})

    async def _converse(
        self, request: Request, admission: Admission, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Accept, and carry the conversation; on our own listener it goes on without this task."""
        limits = admission.route.endpoint.limits
        socket: Socket | None = scope.get("extensions", {}).get(EXTENSION)
        if socket is not None:
            socket.tune(limits)
        transport: Transport = AsgiTransport(receive, send) if socket is None else socket.transport
        conversation = Conversation(
            transport,
            self,
            self._dispatcher,
            admission.standing,
            self.metrics.meter(admission.route.name),
            limits=limits,
            tune=socket.tune if socket else None,
        )
        conversation.begin(self._connection(request, admission, conversation), limits)
        if limits.per_address is not None:
            conversation.address = network(request.client)
        self.hub.seat(conversation)  # in the step that judged: a revocation from here on finds it
        visit = Visit(self, conversation, request.client)
        conversation.when_over(visit.end)
        try:
            await send({"type": "websocket.accept", "subprotocol": admission.subprotocol})
        except OSError:
            conversation.lost(1006)  # the client left before it was accepted
            return
        except BaseException:
            conversation.lost(1006)  # the seat is given back, whoever failed
            raise
        visit.begin()
        self.metrics.handshakes[admission.route.name, "accepted", ""] += 1
        if socket is not None:
            socket.attach(conversation)
            return
        assert isinstance(transport, AsgiTransport)
        try:
            await transport.run(conversation)
        finally:
            await conversation.finished()

    def arm(self, member: Conversation) -> None:
        """Tell an open conversation of the end of its session, as its endpoint's `session_warning` is by now."""
        route = self.generation.table.routes.get(member.endpoint)
        if member.session_end is not None:
            member.session_end.cancel()
        if route is not None and member.identity.expires_at is not None:
            member.session_end = SessionEnd(member, route.endpoint.session_warning, self._clock)
            member.session_end.arm()

    def session_ends(self) -> list[SessionEnd]:
        """Those of all open conversations."""
        return [one.session_end for one in self.hub if isinstance(one, Conversation) and one.session_end is not None]

    def _connection(self, request: Request, admission: Admission, conversation: Conversation) -> Connection:
        return Connection(
            conversation,
            id=secrets.token_hex(6),
            endpoint=admission.route.name,
            identity=admission.identity,
            params=admission.params,
            query=request.query,
        )

    # plain HTTP

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> Response:
        request = self.request(scope, scope["method"])
        response = await self._answer(request, HttpRequest(scope, receive))
        return cors.share(pages.secured(response, request.own), request, self.generation.table)

    async def _answer(self, request: Request, http: HttpRequest) -> Response:
        auth = self.generation.table.plan.auth
        who: Identity | Refusal | None = None
        try:
            path = request.raw_path.decode("latin-1")
            if path in ("/health", "/ready"):
                return self._state(request, path)
            self._check_host(request)
            self.callers.check_path(request)
            asked_first = cors.preflight(request, self.generation.table, tell=request.local)
            if asked_first is not None:
                return asked_first
            action = request.below(auth.path)
            if action is not None:
                return await self._login.answer(request, http, action)
            below = administration.below(request)
            if below is not None:
                return await self._administration.answer(request, http, below)
            who = await self._who_asks(request, path)
            if path == "/metrics":
                return self._metrics(request, who)
            found = await self._documents.answer(request, who)
            return self._plain(request, who) if found is None else found
        except Refusal as refusal:
            self.note(request, refusal, who)
            return pages.problem(refusal, auth, root=request.root)
        except Exception:  # noqa: BLE001 - the last resort of a request; logged with its stack
            return pages.problem(_fault(http.scope), auth)

    async def _who_asks(self, request: Request, path: str) -> Identity | Refusal | None:
        """Who sends a plain request, as far as its answer depends on that; see `_known` for all others."""
        asks = False
        if request.method in ("GET", "HEAD"):
            if path in _FOR_ADMINS:
                asks = not request.local and self.options.admin_port is None
            else:
                with suppress(Refusal):  # told where the request is answered
                    asks = approach(self.generation.table, request).asks
        return await (self.who(request) if asks else self._known(request))

    def _check_ready(self) -> None:
        if not self.ready:
            raise Refusal("not_ready", retry_after=1)

    def _state(self, request: Request, path: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refusal("method_not_allowed")
        fine = path == "/health" or self.ready
        body = {"status": "ok" if fine else "not ready"}
        return JSONResponse(body, 200 if fine else 503, {**pages.SECURITY_HEADERS, "Cache-Control": "no-store"})

    def _metrics(self, request: Request, who: Identity | Refusal | None) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Refusal("method_not_allowed")
        if not self.tells(request, who):
            fix = "Start with --admin-port and scrape that, or send the cookie of a user with the role admin."
            if self.options.admin_port is not None:
                fix = "Scrape the listener of --admin-port."
            raise Refusal("role_required", "The metrics are for the role admin here.", fix)
        kind = "text/plain; version=0.0.4; charset=utf-8"
        headers = {**pages.SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Type": kind}
        return Response(self.metrics.text(), 200, headers)

    def _plain(self, request: Request, who: Identity | Refusal | None) -> Response:
        """A request that is no upgrade: the 426 on an endpoint, a malformed upgrade, or nothing we have."""
        table = self.generation.table
        tell = self.tells(request, who)
        if request.raw_path in (b"", b"/") and request.local and request.method in ("GET", "HEAD"):
            return pages.index(table, request.own + request.root)
        match = table.match(request.raw_path)
        would: Refusal | None = None
        try:
            judge(table, request, who, self.hub, tell=tell)
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
            raise would if would is not None and would.status == 403 else self._malformed(request)
        return pages.upgrade_required(
            match.route,
            table.plan.auth,
            own=request.own + request.root,
            path=request.raw_path.decode("latin-1"),
            would=would,
            tell=tell,
            as_page=any("text/html" in value for value in request.values(b"accept")),
        )

    def _malformed(self, request: Request) -> Refusal:
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

    # who is asking

    def request(self, scope: Scope, method: str) -> Request:
        """What of an ASGI scope is judged."""
        return arrive(scope, method, self.options)

    async def who(self, request: Request, *, asks: bool = True, own: bool = False) -> Identity | Refusal | None:
        """What becomes of the request's credential: an identity, the refusal it earns, or None without one.

        With `own` it is one of our own sessions or nobody's; where nobody `asks` it is nobody's affair. Raises Refusal
        for two credentials that differ.
        """
        cookie = self.generation.table.plan.auth.cookie
        try:
            credential = credentials.find(request.headers, cookie)
            if credential is None or not asks:
                return None
            return await self.callers.identify(credential, request, own=own)
        except Refusal as refusal:
            if refusal.code == "contradictory_credentials":
                raise
            return refusal

    async def _known(self, request: Request) -> Identity | Refusal | None:
        """Who is calling, by our own sessions alone: for the log, and for what an administrator is told."""
        try:
            return await self.who(request, own=True)
        except Refusal as refusal:
            return refusal

    def tells(self, request: Request, who: Identity | Refusal | None) -> bool:
        """Whether this caller may see what the documents say; in public nobody where there is an admin port."""
        if request.local or self.options.admin_port is not None:
            return request.local
        return isinstance(who, Identity) and "admin" in who.roles

    def note(self, request: Request, refusal: Refusal, who: Identity | Refusal | None = None) -> None:
        """Keep a refusal for `jackfield refusals`, and log it."""
        refused = Refused(
            time=self._clock(),
            path=redact.path(request.raw_path.decode("latin-1")),
            code=refusal.code,
            status=refusal.status,
            detail=redact.typed(refusal.detail),
            login=who.login if isinstance(who, Identity) else "",
            client=request.client,
            origin=redact.origins(request.values(b"origin")),
        )
        self.refusals.append(refused)
        log.info(
            "refused",
            code=refused.code,
            status=refused.status,
            path=refused.path,
            login=refused.login,
            client=refused.client,
            origin=refused.origin,
        )

    def _check_host(self, request: Request) -> None:
        """Raise Refusal for what no address of ours takes: another host's name, a credential in the query."""
        hosts = request.values(b"host")
        if request.plain:
            fix = f"Use {self.options.address}; the proxy says with X-Forwarded-Proto that you did not."
            raise Refusal("tls_required", fix=fix)
        if not origin.host_allowed(hosts, request.local):
            detail = f"The Host header was {redact.typed(', '.join(hosts))[:200] or 'missing'}."
            fix = "Use localhost or 127.0.0.1; other names need --public-url or --behind-proxy."
            raise Refusal("wrong_host", detail, fix)
        credentials.check_query(request.query_string, self.generation.table.plan.auth.cookie)

    def _changed(self, change: Change) -> None:
        """A session or user changed somewhere: the connections concerned close, nobody else's."""
        for member in self.hub:
            if not isinstance(member, Conversation) or not change.concerns(member.identity):
                continue
            if change.ends:
                member.end("session_ended", change.reason)
                continue
            if change.kind == "session_refreshed":
                member.connection.identity = replace(member.identity, expires_at=change.expires_at)
                if member.session_end is not None:
                    member.session_end.move()
                continue
            assert change.roles is not None, "the other change that ends nothing"
            member.connection.identity = replace(member.identity, roles=change.roles)
            closing = rejudge(self.generation.table, member.standing, member.identity)
            if closing is not None:
                member.end(closing.code, closing.reason)


def _short(refusal: Refusal) -> str:
    """Code and sentence of a refusal, cut to what a close frame holds (RFC 6455, section 5.5)."""
    return f"{refusal.code}: {refusal.detail}".encode()[:123].decode(errors="ignore")


def _fault(scope: Scope) -> Refusal:
    """Log the exception that is being handled; what the caller is told of it."""
    incident = secrets.token_hex(4)
    hide = redact.words(scope)
    log.exception("server_fault", incident=incident, path=redact.path(scope["path"]), hide=hide)
    return Refusal("server_fault", more={"incident": incident})
