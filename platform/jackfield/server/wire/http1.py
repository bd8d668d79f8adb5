"""uvicorn's HTTP/1.1, patched.

What is patched: an upgrade is read and checked once (see upgrade.py and opening.py); a malformed one is
answered by the application and not in a library's words, and so is a request that is no HTTP; frames that come in
one read with the upgrade request are not lost; a request that does not come to its end is answered 408 and cut off,
one with endless headers 431; no more connections are taken than there are descriptors for, and one that sends
nothing is evicted for others (see idle.py).

Strategy of the time limit: `_owed` is what of a request the client has to send next, as h11 sees it. One timer
runs as long as that is the head or the body, and ends with the upgrade: an open WebSocket holds none of this.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr, is_ssl

from jackfield.auth.refused import new_id
from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.logs import log, wordless
from jackfield.server.observe.throttled import SHED
from jackfield.server.refusal import problem
from jackfield.server.wire import guards
from jackfield.server.wire.eviction import SharedState
from jackfield.server.wire.head import HeadFault, read_strictly, too_long
from jackfield.server.wire.patched import PatchedProtocol
from jackfield.server.wire.upgrade import Upgrade, check_upgrade

__all__ = ["HttpProtocol"]

_FAULTS = logging.getLogger("jackfield.uvicorn.http")
"""For what uvicorn logs of plain HTTP: faults of ours alone; a request that is no HTTP is logged below."""

_FAULTS.setLevel(logging.ERROR)

_LINGER = 1.0  # seconds in which a client can read why it was turned away, and what it still sends is dropped
_OWED = (h11.IDLE, h11.SEND_BODY)  # states of a client that has something to send

RETRY_AFTER = 5
"""Seconds that a client is told to wait when the server is full."""


class HttpProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; an upgrade that breaks the RFC stays an ordinary request.

    The application then answers it with a sentence, where uvicorn would leave that to the library.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: SharedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        began: float | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._idle_connections = server_state.idle
        self.logger = _FAULTS
        read_strictly(self.conn)
        self._upgrade: Upgrade | None = None
        began = self.loop.time() if began is None else began  # with the accept, before TLS
        self._until = began + guards.REQUEST_LIMIT
        self._owed: type[Any] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._over = False  # handed over, or answered for good: what still comes is dropped
        self._is_idle = False

    # how long a request may take, and how large it may be

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the parent's own
        """A new connection; one too many has an idle one evicted, or is answered 503.

        As the parent's, but without our own address, which is not used and costs a system call.
        """
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.client = get_remote_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self._mark_idle()
        if not self._idle_connections.make_room(self, len(self.connections)):
            self._turn_away()
            return
        self._owed = h11.IDLE
        self._deadline = self.loop.call_at(self._until, self._last_look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more."""
        self._disarm()
        self._mark_active()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """One read."""
        if self._over:
            return
        super().data_received(data)
        owed = self.conn.their_state
        if owed is not self._owed and not self._over:
            self._owe(owed)

    def handle_events(self) -> None:
        """Go through what has come; whatever fails over it, there is an answer."""
        try:
            super().handle_events()
        except Exception as exc:  # noqa: BLE001 - the last resort of a connection; logged with its stack
            self._fail(exc)

    def _owe(self, state: type[Any]) -> None:
        """The client has come so far with its request: the next part has a time limit of its own."""
        self._disarm()
        self._owed = state
        if state in _OWED:
            self._mark_idle()
            self._deadline = self.loop.call_later(guards.REQUEST_LIMIT, self._last_look)
        else:
            self._mark_active()

    def on_response_complete(self) -> None:
        """Go on with the next request, of which a part may be here already."""
        super().on_response_complete()
        owed = self.conn.their_state
        begun = owed is h11.SEND_BODY or (owed is h11.IDLE and self.conn.trailing_data[0])
        if begun and owed is not self._owed and not self._over:
            self._owe(owed)
        elif owed is h11.IDLE and not self._over:
            self._mark_idle()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _last_look(self) -> None:
        """The time is over; what came in it and was not read yet still counts."""
        self._deadline = self.loop.call_later(guards.GRACE, self._too_late)

    def _too_late(self) -> None:
        """Answer 408 where a request has begun (RFC 9110, section 15.5.9), and nothing where none has."""
        self._deadline = None
        if self._owed is h11.IDLE and not self.conn.trailing_data[0]:
            self._over = True
            self.transport.close()
            return
        what = "head" if self._owed is h11.IDLE else "body"
        detail = f"The {what} of the request did not come to its end in {guards.REQUEST_LIMIT:g} seconds."
        self._refuse(Refusal("request_too_slow", detail))

    # eviction

    @property
    def address(self) -> str:
        """See Evictable."""
        return self.client[0] if self.client else ""

    def evict(self) -> None:
        """See Evictable. A client that has begun a request is answered 503; another gets no answer."""
        begun = self._owed is h11.SEND_BODY or (self._owed is h11.IDLE and self.conn.trailing_data[0])
        if begun and not self._over:
            self._end_with(_full(), linger=False)
            return
        self._over = True
        self._disarm()
        self.transport.abort()

    def _mark_idle(self) -> None:
        if not self._is_idle:
            self._is_idle = True
            self._idle_connections.begin(self, len(self.connections))

    def _mark_active(self) -> None:
        if self._is_idle:
            self._is_idle = False
            self._idle_connections.end(self)

    # the upgrade

    def _should_upgrade(self) -> bool:
        if all(name != b"upgrade" or value.lower() != b"websocket" for name, value in self.headers):
            return False
        scope = self.scope
        target = scope["raw_path"].decode("latin-1") + "?" + scope["query_string"].decode("latin-1")
        found = check_upgrade(scope["method"], target, scope["http_version"], self.headers)
        self._upgrade = found if isinstance(found, Upgrade) else None
        return self._upgrade is not None

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand over what was read and checked here, and what came behind it, which uvicorn loses."""
        self._mark_active()
        if len(self.connections) - self._idle_connections.count > guards.most_connections():
            self._turn_away()
            return
        self._over = True
        self._disarm()
        self._hand_over(event)
        early, _ = self.conn.trailing_data
        if early and not self.transport.is_closing():
            protocol = self.transport.get_protocol()
            assert isinstance(protocol, asyncio.Protocol)
            protocol.data_received(early)

    def _hand_over(self, event: h11.Request) -> None:
        upgrade, self._upgrade = self._upgrade, None
        kind = self.ws_protocol_class
        if upgrade is None or kind is None or not issubclass(kind, PatchedProtocol):
            super().handle_websocket_upgrade(event)  # as bytes, to be read again
            return
        self.connections.discard(self)
        protocol = kind(config=self.config, server_state=self.server_state, app_state=self.app_state)
        protocol.begin(self.transport, self.scope, upgrade.accept)
        self.transport.set_protocol(protocol)

    # answers that are the last ones

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP/1.1 in our own form; called by the parent while h11's fault is handled."""
        fault = sys.exception()
        code = "malformed_request"
        if isinstance(fault, h11.RemoteProtocolError) and fault.error_status_hint == 431:
            code, fault = "headers_too_large", too_long()  # h11's own: what came is not even whole
        if isinstance(fault, HeadFault):
            self._refuse(Refusal(code, fault.detail, fault.fix))
        else:  # in h11's words there may be what the client sent
            self._refuse(Refusal(code))

    def _refuse(self, refusal: Refusal) -> None:
        client = self.client[0] if self.client else ""
        refusal.id = new_id()
        of_nobody = {"path": "", "login": "", "client": client, "origin": ""}
        log.info("refused", code=refusal.code, status=refusal.status, **of_nobody, refusal=refusal.id)
        self._end_with(refusal)

    def _fail(self, fault: Exception) -> None:
        """Something of ours, or of a library, failed over what came. Its words may repeat that: they are not logged."""
        incident = secrets.token_hex(4)
        log.error("server_fault", exc_info=wordless(fault), incident=incident, path="")
        # where it was handed over, its task may still want to write, which the end of a lingering half does not take
        self._end_with(Refusal("server_fault", more={"incident": incident}), linger=not self._over)

    def _turn_away(self) -> None:
        """There is no room: 503 to the client that came last, the others stay."""
        SHED.warn(most=guards.most_connections(), fix=guards.MORE_ROOM)
        self._end_with(_full(), linger=False)

    def _end_with(self, refusal: Refusal, *, linger: bool = True) -> None:
        """Answer for good, where no answer has begun, and close; with `linger` when the client has read it.

        To close on bytes that were not read would be a reset, which takes the answer with it (RFC 9112, section 9.6).
        """
        self._over = True
        self._disarm()
        self._unset_keepalive_if_required()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._write_answer(refusal)
        if linger and self.transport.can_write_eof():
            self._mark_idle()  # nothing more is expected of it
            self.transport.write_eof()
            self._deadline = self.loop.call_later(_LINGER, self.transport.close)
        else:
            self.transport.close()

    def _write_answer(self, refusal: Refusal) -> None:
        answer = problem(refusal, AuthSettings())
        headers = [*answer.raw_headers, (b"connection", b"close")]
        reason = HTTPStatus(refusal.status).phrase.encode()
        head = h11.Response(status_code=refusal.status, headers=headers, reason=reason)
        body = h11.Data(data=bytes(answer.body))
        parts = [self.conn.send(event) or b"" for event in (head, body, h11.EndOfMessage())]
        self.transport.write(b"".join(parts))

    def shutdown(self) -> None:
        """Called by the server when it stops."""
        if self._over:
            self.transport.close()
        else:
            super().shutdown()


def _full() -> Refusal:
    detail = f"The server has {guards.most_connections():,} connections, which is all that it can hold."
    return Refusal("server_full", detail, retry_after=RETRY_AFTER)
