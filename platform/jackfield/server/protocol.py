"""uvicorn's HTTP and WebSocket protocols, mended.

Private names of uvicorn 0.54 and websockets 17 that are used here, to be looked at with each release:
  H11Protocol             _should_upgrade, headers, handle_websocket_upgrade, send_400_response, conn, cycle, transport
  WebSocketsSansIOProtocol  app, scope, conn, logger, transport, queue, frames, curr_msg_data_type, close_sent,
                          close_timer, handshake_complete, initial_response, read_paused, ping_interval,
                          ping_timeout, ping_timer, pong_timer, handle_connect, handle_parser_exception,
                          send_receive_event_to_app, send_keepalive_ping, keepalive_timeout, schedule_ping, run_asgi,
                          send_500_response
  ServerProtocol          max_message_size, process_request (public, used without a connection)

What is mended, each seen in uvicorn 0.54: a malformed upgrade is answered by the application and not in a
library's words, and so is a request that is no HTTP; an exception after the accept closes with a close frame;
a refusal is no ERROR in the log; a text frame that is not UTF-8 leaves no traceback; while we ourselves do not
read, a client is not closed for a pong that we could not see; no query string reaches the log.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request as HandshakeRequest
from websockets.protocol import State
from websockets.server import ServerProtocol

from jackfield.config.plan import AuthSettings, Limits
from jackfield.errors import Refusal
from jackfield.logs import log
from jackfield.server import pages

__all__ = ["EXTENSION", "HttpProtocol", "Socket", "WebSocketProtocol", "upgrade_fault"]

EXTENSION = "jackfield.socket"
"""The key in `scope["extensions"]` under which an application finds its Socket."""

MAX_HEADERS = 100
MAX_HEADER_LINE = 8190  # websockets stops without an answer at 8,192 with the line's end

# uvicorn tells of each accept with its query string, on this logger; ours tells without
_quiet = logging.getLogger("jackfield.uvicorn")
_quiet.setLevel(logging.WARNING)


def upgrade_fault(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """What breaks RFC 6455, section 4.2.1, in an upgrade request, as a sentence; None where nothing does.

    The library itself is asked, so that nothing it would refuse later gets past here.
    """
    if len(headers) > MAX_HEADERS:
        return f"more than {MAX_HEADERS} headers"
    if len(f"{method} {target} HTTP/{version}") > MAX_HEADER_LINE or any(
        len(name) + len(value) + 2 > MAX_HEADER_LINE for name, value in headers
    ):
        return f"a line longer than {MAX_HEADER_LINE:,} bytes"
    names = [name for name, _ in headers]
    if b"transfer-encoding" in names or any(v != b"0" for n, v in headers if n == b"content-length"):
        return "an upgrade request has no body"
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    request = HandshakeRequest(target, Headers(pairs), method, f"HTTP/{version}")
    try:
        ServerProtocol(logger=_quiet).process_request(request)
    except InvalidHandshake as exc:
        return str(exc)
    return None


class Socket:
    """What an application may ask of the connection beyond ASGI; found under EXTENSION in the scope."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def tune(self, limits: Limits) -> None:
        """Close a message over twice the limit 1009 before its body is read, and ping as the endpoint says."""
        self._protocol.conn.max_message_size = 2 * limits.message
        self._protocol.ping_interval = limits.ping
        self._protocol.ping_timeout = limits.ping

    def abort(self) -> None:
        """Cut the connection off, unsent bytes included."""
        self._protocol.transport.abort()


class HttpProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; an upgrade that breaks the RFC stays an ordinary request.

    The application then answers it with a sentence, where uvicorn would leave that to the library.
    """

    def _should_upgrade(self) -> bool:
        if all(name != b"upgrade" or value.lower() != b"websocket" for name, value in self.headers):
            return False
        scope = self.scope
        target = scope["raw_path"].decode("latin-1") + "?" + scope["query_string"].decode("latin-1")
        return upgrade_fault(scope["method"], target, scope["http_version"], self.headers) is None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP/1.1 in our own form; without an answer where one has begun already."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = pages.problem(Refusal("malformed_request"), AuthSettings())
            headers = [*answer.raw_headers, (b"connection", b"close")]
            head = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket over the library's sans-I/O state machine, for any ASGI application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _quiet
        self._heard = False  # whether a message came since the last ping, or waited for us when it was sent

    def handle_connect(self, event: HandshakeRequest) -> None:
        """Add our extension to the scope; the application's task, made by the parent, runs later."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[EXTENSION] = Socket(self)

    async def run_asgi(self) -> None:
        """Run the application; whatever it does, the client gets an HTTP status or a close frame."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:  # noqa: BLE001 - the last resort of a connection; logged with its stack
            log.exception("application_failed", path=self.scope["path"])
        if not self.handshake_complete and self.initial_response is None:
            self.send_500_response()
        elif self.handshake_complete and not self.close_sent and not self.disconnected:
            self._close_frame(1011)
        if self.close_timer is None:
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """Hand one message on; text that is not UTF-8 closes 1007 (RFC 6455, section 8.1)."""
        self._heard = True
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                if self.conn.state is State.OPEN:  # else the client's own close came in the same breath
                    self.conn.send_close(1007, "a text frame is not UTF-8")
                    self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Close for what the client broke; what the application still sends is no fault of its own."""
        super().handle_parser_exception()
        self.disconnected = True

    def send_keepalive_ping(self) -> None:
        """Begin a new interval."""
        self._heard = self.read_paused
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Give the client another interval where it spoke in this one, or where we ourselves have paused reading.

        Its pong may wait behind what we have not read; that it lives is known anyway.
        """
        if self.read_paused or self._heard:
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        self.disconnected = True

    def _close_frame(self, code: int) -> None:
        if not self.transport.is_closing():
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
