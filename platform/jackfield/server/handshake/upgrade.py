"""An upgrade request from its arrival to its conversation, in the order in which it is checked."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from jackfield.addresses import network
from jackfield.auth.authorities import known_as
from jackfield.errors import Refusal
from jackfield.identity import OF_VISITORS
from jackfield.process.connection import Connection, kept_headers
from jackfield.server import request as requests
from jackfield.server.asgi import Receive, Scope, Send
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.rate import TokenBuckets
from jackfield.server.feeds import ConnectionFeeds
from jackfield.server.handshake import visitors
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.connection_log import Visit
from jackfield.server.handshake.entering import Entrance
from jackfield.server.handshake.hooks import Hooks
from jackfield.server.handshake.judge import Admission, admit, approach, closes_with, subprotocol
from jackfield.server.handshake.revocation import replace_oldest
from jackfield.server.live import Live
from jackfield.server.refusal import problem, secured, server_fault
from jackfield.server.request import Caller, Request
from jackfield.server.wire.over_asgi import AsgiTransport
from jackfield.server.wire.transport import EXTENSION, Socket

__all__ = ["Upgrade"]


class Upgrade:
    """Answers every upgrade request of a node: refuses it, or accepts it and begins its conversation. ASGI 3."""

    def __init__(
        self, live: Live, callers: Callers, dispatcher: Dispatcher, feeds: ConnectionFeeds, hooks: Hooks
    ) -> None:
        self._live = live
        self._callers = callers
        self._dispatcher = dispatcher
        self._feeds = feeds
        self._hooks = hooks
        self._buckets = TokenBuckets(live.lag)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then carry its conversation; on our own listener that goes on without this task."""
        live = self._live
        await receive()  # websocket.connect
        request = requests.read(scope, "GET", live.options)
        caller: Caller = None
        visitor, has_waited = "", False
        try:
            requests.check_address(request, live.options, live.generation.table.plan.auth.cookie)
            live.check_ready()
            table = live.generation.table
            try:
                asked = approach(table, request)
            except Refusal:  # an administrator gets a more detailed refusal
                caller = await self._callers.identify_own(request)
                table = live.generation.table
                asked = approach(table, request, detailed=live.may_read_documents(request, caller))
            while True:
                caller = await self._callers.identify(request, asks=asked.asks)
                live.check_ready()  # after the last wait: `drain` would not see a connection that enters later
                if live.generation.table is not table:
                    table = live.generation.table
                    asked = approach(table, request)
                live.check_ours(asked.route.name, request)
                is_visitor = visitors.names_visitor(asked.route)
                if is_visitor and not visitor:  # who has no cookie yet is new only once
                    visitor = visitors.visitor_of(request, live.tokens)
                admission = admit(table, request, asked, caller, live.hub, visitor if is_visitor else "")
                if admission.groups:
                    banned_as = known_as(admission.identity) or admission.standing.visitor
                    live.groups.check(admission.groups, banned_as, admission.identity.login or network(request.client))
                if admission.route.hooks.on_disconnect is not None:
                    self._hooks.check(admission.route)
                if has_waited or not (admission.groups and await live.groups.open(admission.groups)):
                    break
                has_waited = True  # for what the store keeps; the caller may be another meanwhile
        except Refusal as refusal:
            await self._refuse(request, refusal, caller, scope, receive, send)
            return
        except Exception:  # noqa: BLE001 - the last resort of a handshake; logged with its stack
            await self._refuse(request, server_fault(scope), caller, scope, receive, send)
            return
        await self._accept(request, admission, scope, receive, send)

    async def _refuse(
        self, request: Request, refusal: Refusal, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """By a close frame where the endpoint says so, else by HTTP where the server can."""
        self._live.refuse(request, refusal, caller)
        table = self._live.generation.table
        match = table.match(request.raw_path)
        self._live.metrics.handshakes[match.route.name if match else "", "refused", refusal.code] += 1
        shown = closes_with(table, request, refusal)
        if shown is not None:
            with suppress(OSError):  # the client has left
                await send({"type": "websocket.accept", "subprotocol": subprotocol(shown.endpoint, request)})
                await send({"type": "websocket.close", "code": 4000 + refusal.status, "reason": _short(refusal)})
        elif "websocket.http.response" in scope.get("extensions", {}):
            response = secured(problem(refusal, table.plan.auth, root=request.root), request.own)
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000, "reason": refusal.code})

    async def _accept(self, request: Request, admission: Admission, scope: Scope, receive: Receive, send: Send) -> None:
        live, limits = self._live, admission.route.endpoint.limits
        socket: Socket | None = scope.get("extensions", {}).get(EXTENSION)
        transport = AsgiTransport(receive, send) if socket is None else socket
        hook = admission.route.hooks.on_connect
        entrance = None if hook is None else Entrance(live, self._callers, self._hooks, request)
        conversation = Conversation(
            transport if entrance is None else entrance.network,
            live,
            self._dispatcher,
            self._buckets,
            admission.standing,
            live.metrics.meter(admission.route.name),
            limits=limits,
            socket=socket,
        )
        number = secrets.token_hex(6)
        connection = Connection(
            conversation if entrance is None else entrance.connection_of(conversation),
            id=number,
            endpoint=admission.route.name,
            identity=admission.identity,
            params=admission.params,
            query=request.query,
            visitor=admission.standing.visitor or OF_VISITORS + number,
            address=request.client,
            subprotocol=admission.subprotocol,
            headers=kept_headers(request.headers),
        )
        conversation.begin(connection, limits)
        if limits.per_address is not None or live.generation.table.feeds:
            conversation.address = network(request.client)
        live.hub.seat(conversation)  # in the step that admits: a revocation from here on finds it
        conversation.is_entering = True
        if admission.groups:
            conversation.membership.move(admission.groups)
        visit = conversation.when_over = Visit(live, self._hooks, conversation)
        if entrance is not None:
            try:
                await entrance.enter(admission, conversation, visit)
            except Refusal as refusal:
                await self._refuse(request, refusal, admission.identity or None, scope, receive, send)
                return
        try:
            await send(self._accepted(request, admission))
        except OSError:
            _give_back(conversation, entrance)  # the client left before it was accepted
            return
        except BaseException:
            _give_back(conversation, entrance)  # whatever failed
            raise
        if limits.when_full == "close_oldest" and admission.identity:
            replace_oldest(live, conversation.endpoint, admission.identity.login, limits.per_user)
        visit.begin()
        live.metrics.handshakes[admission.route.name, "accepted", ""] += 1
        if entrance is not None:
            entrance.opened(conversation, transport)
        if socket is not None:
            socket.attach(conversation)
            self._entered(conversation, admission, visit)
            return
        assert isinstance(transport, AsgiTransport)
        self._entered(conversation, admission, visit)
        try:
            await transport.run(conversation)
        finally:
            await conversation.finished()

    def _accepted(self, request: Request, admission: Admission) -> dict[str, Any]:
        """The accept; with the cookie of a visitor whom a group is named by."""
        message: dict[str, Any] = {"type": "websocket.accept", "subprotocol": admission.subprotocol}
        if not admission.identity and visitors.names_visitor(admission.route):
            auth = self._live.generation.table.plan.auth
            cookie = visitors.cookie_for(admission.standing.visitor, self._live.tokens, auth, request)
            message["headers"] = [(b"set-cookie", cookie.encode())]
        return message

    def _entered(self, conversation: Conversation, admission: Admission, visit: Visit) -> None:
        conversation.entered()
        if admission.route.feed is not None:
            visit.stop_feed = self._feeds.begin(conversation)


def _give_back(conversation: Conversation, entrance: Entrance | None) -> None:
    """Give the seat of one back who was not accepted."""
    if entrance is None:
        conversation.lost(1006)
    else:
        entrance.undo(conversation)


def _short(refusal: Refusal) -> str:
    """Code, sentence and id of a refusal, the sentence cut to what a close frame holds (RFC 6455, section 5.5)."""
    own = f"{refusal.more['error']['code']}: " if refusal.code == "rejected" else ""
    end = f" [{refusal.id}]"
    return f"{refusal.code}: {own}{refusal.detail}".encode()[: 123 - len(end)].decode(errors="ignore") + end
