"""uvicorn's WebSocket protocol, patched; for any ASGI application. `reading.py` adds the direct path.

Strategy. The library's state machine decides what the protocol allows, uvicorn's class carries its events. Here
stands only what one of them gets wrong, each seen in uvicorn 0.54: an exception after the accept closes with a
close frame; a refusal is no ERROR in the log; a text frame that is not UTF-8 leaves no traceback; while we
ourselves do not read, a client is not closed for a pong that we could not see; no query string reaches the log;
a client that reads nothing is cut off some seconds after its end; what comes before our 101 waits for it and
leaves no traceback, and neither does a publish that switches pings off, or a stop while a client's own close is
answered; pings without end and messages in endless fragments close the connection. An upgrade that our HTTP class has
read is not read again (opening.py).

No close of ours is a reset: where the client may still be sending, what it sends is read and dropped until its own
close comes (frames.py), within limits of time. A flood is not fought with that work: after the close frame nothing
of it is read any more, and the connection is cut off when the client has had a moment to read why.

The stages of a connection are in stages.py; what a read does in each, in `data_received` and at the head of reading.py.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State

from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.logs import log
from jackfield.server.observe import redact
from jackfield.server.wire import guards, opening
from jackfield.server.wire.fragments import FRAGMENT_TOKENS, TOO_MANY_FRAGMENTS, Machine
from jackfield.server.wire.frames import CloseDetector, describe_fault
from jackfield.server.wire.stages import Stage
from jackfield.server.wire.token_bucket import TokenBucket
from jackfield.server.wire.transport import RESTARTS
from jackfield.server.wire.upgrade import QUIET

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent, HTTPScope, WebSocketAcceptEvent

__all__ = [
    "FLOOD",
    "PINGS",
    "STUCK",
    "USUAL_MESSAGE",
    "PatchedProtocol",
]

PINGS = 20
"""Pings and pongs a second that a client may send, on average over PING_SECONDS; more of them close 4429."""

PING_SECONDS = 5.0
"""Seconds of PINGS that may come at once: after a pause of ours that many may have piled up."""

USUAL_MESSAGE = 64 * 1024
"""Bytes of `limits.message` up to which the kernel's buffer stays as the listener has set it."""

STUCK = 3.0
"""Seconds until a client is cut off that was closed because it takes nothing."""

FLOOD = CODES["flood"].close

_PING_TOKENS = TokenBucket(PINGS, PING_SECONDS + 0.001)  # a hundred twentieths are a little more than five
_LIBRARY, _EARLY = Stage.LIBRARY, Stage.EARLY  # an Enum's attributes are slow
_LAST_SECONDS = 1.0  # of silence, or of a flood, in which a client can read why it was closed


class PatchedProtocol(WebSocketsSansIOProtocol):
    """WebSocket over the library's sans-I/O state machine, for any ASGI application."""

    # what is looked at with each message, out of the parent's dict, which is too large to be a fast one
    __slots__ = (
        "_accept",
        "_active",
        "_close_detector",
        "_fragments_due",
        "_frame_start",
        "_linger_until",
        "_pings_due",
        "_rest",
        "_stage",
        "_timed_out",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = QUIET
        self.conn.__class__ = Machine  # uvicorn makes it, and names no class that it would take instead
        self._stage = Stage.OPENING
        self._accept: str | None = None  # for the 101 that we write ourselves
        self._rest: bytearray | None = None  # bytes that were read and are not used yet
        self._active = False  # whether a message came since the last ping, or waited for us when it was sent
        self._timed_out = False  # whether the client answered no ping: we closed, but it was gone
        self._pings_due = 0.0  # see TokenBucket
        self._fragments_due = 0.0
        self._frame_start = b""  # the first bytes of the frame that the library has, where they are known
        self._linger_until = 0.0
        self._close_detector: CloseDetector | None = None  # where it is known at which byte a frame begins

    # the opening handshake

    def begin(self, transport: asyncio.Transport, scope: HTTPScope, accept: str) -> None:
        """Called once, instead of `connection_made` and of the request as bytes, for one that keeps to the RFC.

        `accept` is the value of Sec-WebSocket-Accept (RFC 6455, section 4.2.2). The application's task runs later.
        """
        self.connections.add(self)
        self.transport = transport
        self.server, self.client = scope["server"], scope["client"]
        self.scheme = "wss" if scope["scheme"] == "https" else "ws"
        opening.skip_request(self.conn)
        self.request, self.response, self._accept = opening.READ, opening.WRITTEN, accept
        self.handshake_initiated = True
        self._stage = Stage.EARLY
        state = self.app_state.copy()
        self.scope = opening.websocket_scope(scope, self.scheme, self.root_path, self.asgi_version, state)
        if self.conn.available_extensions:  # compression is agreed on by the library
            self._accept_by_library()
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def _accept_by_library(self) -> None:
        self.response, self._accept = self.conn.accept(opening.as_request(self.scope)), None

    async def send(self, message: ASGISendEvent) -> None:
        """See ASGI."""
        if self._stage is not _EARLY or self.handshake_complete:
            await super().send(message)
        elif message["type"] == "websocket.accept" and self.initial_response is None:
            await self._send_accept(message)
        elif message["type"] == "websocket.http.response.body" and self._refuses_early(message):
            self._send_refusal(message.get("body", b""))
        else:
            await super().send(message)
            if self.handshake_complete:
                self._stage = Stage.OVER  # a refusal without a body
        if self.close_sent:
            self._update()

    async def _send_accept(self, message: WebSocketAcceptEvent) -> None:
        if self._accept is not None and message.get("headers"):
            self._accept_by_library()  # it looks at what the application adds
        if self._accept is None:
            await super().send(message)
            if not self.handshake_complete:
                return  # the client has left
        elif self.transport.is_closing():
            raise ClientDisconnected
        else:
            answer = opening.switching_protocols(self._accept, self.default_headers, message.get("subprotocol"))
            self._accept = None
            self.handshake_complete = True
            self.conn.state = State.OPEN
            self.transport.write(answer)
            self.start_keepalive()
        if self._rest is None:
            self._stage = Stage.ACCEPTED
        else:
            self.loop.call_soon(self._take_early)  # when the application had its turn

    def _refuses_early(self, message: ASGISendEvent) -> bool:
        """Whether this ends the refusal of a client that sends already."""
        last = not cast("dict[str, object]", message).get("more_body", False)
        return last and self.initial_response is not None and self._rest is not None and not self.close_sent

    def _send_refusal(self, body: bytes) -> None:
        """End a refusal like a close: what still comes is read and dropped."""
        assert self.initial_response is not None
        status, fields, begun = self.initial_response
        headers = Headers(fields)
        headers.setdefault("Content-Length", str(len(begun + body)))
        headers.setdefault("Connection", "close")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self.conn.send_response(Response(status, HTTPStatus(status).phrase, headers, begun + body))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._linger()

    # the application

    async def run_asgi(self) -> None:
        """Run the application; whatever it does, the client gets an HTTP status or a close frame."""
        await self._run_application()
        self._end_application()

    async def _run_application(self) -> bool:
        """Whether it has returned, and not failed."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            return False
        except Exception:  # noqa: BLE001 - the last resort of a connection; logged with its stack
            log.exception("application_failed", path=redact.path(self.scope["path"]), hide=redact.sent(self.scope))
            return False
        return True

    def _end_application(self) -> None:
        """End a connection that has no application any more."""
        if not self.handshake_complete and self.initial_response is None:
            self.send_500_response()
        elif self.handshake_complete and not self.close_sent and not self.disconnected:
            self._send_close(1011, "")
            self._linger()
        if self.close_timer is None:
            self.transport.close()

    def _outlive_application(self) -> None:
        """Drop what only the application's task would read; it has returned, and the connection lives on."""
        del self.scope, self.request, self.response
        self.writable = cast("asyncio.Event", opening.Flag(self.writable.is_set()))
        self.queue = cast("asyncio.Queue[Any]", opening.UNREAD)

    # reading

    def data_received(self, data: bytes) -> None:
        """One read, by the stage of the connection."""
        stage = self._stage
        if stage is _LIBRARY:
            self._parse(data)
        elif stage is Stage.ACCEPTED:
            self._stage = _LIBRARY
            self._parse(data)
        elif stage is Stage.LINGERING:
            self._drop(data)
        elif stage is Stage.EARLY:
            self._keep(data)
        elif stage is Stage.OPENING:
            self._parse(data)
            if self.handshake_initiated:
                self._stage = Stage.OVER if self.handshake_complete else Stage.EARLY  # the library has refused it

    def _parse(self, data: bytes) -> None:
        """Give bytes to the library."""
        super().data_received(data)

    def _keep(self, data: bytes) -> None:
        """A client that does not wait for our answer (RFC 6455, section 4.1) waits for it here."""
        self._rest = self._rest or bytearray()
        self._rest += data
        self._pause_reading()

    def _take_early(self) -> None:
        """Use what came before the 101, unless a receiver was attached, which has taken it."""
        if self._stage is not Stage.EARLY or self._rest is None or self.transport.is_closing():
            return
        data, self._rest = bytes(self._rest), None
        self._stage = Stage.LIBRARY
        self._resume_reading()
        self._parse(data)

    def _pause_reading(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._pings_due = 0.0  # what piled up meanwhile is no flood
            self.transport.resume_reading()

    def _set_reading(self, wanted: bool) -> None:
        """Take bytes from the network, or leave them there."""
        if wanted != self.read_paused or self.transport.is_closing():
            return  # the first is what each read asks
        if wanted:
            self._resume_reading()
        else:
            self._pause_reading()

    def send_receive_event_to_app(self) -> None:
        """Give one message to the application."""
        if self._is_readable():
            super().send_receive_event_to_app()

    def _is_readable(self) -> bool:
        """Whether the message in `frames` is binary or UTF-8; other text closes 1007 (RFC 6455, section 8.1)."""
        self._active = True
        whole = len(self.frames) == 1  # else each fragment was looked at when it came
        if whole and self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                self.frames[0].decode()
            except UnicodeDecodeError:
                self.frames = []
                if self.conn.state is State.OPEN:  # else the client's own close came in the same breath
                    self.conn.send_close(1007, "a text frame is not UTF-8")
                    self.handle_parser_exception()
                return False
        return True

    def handle_cont(self, event: Frame) -> None:
        """One more fragment. A message within its limit of bytes can still be one of endless empty ones."""
        if self.disconnected:
            return
        if cast("Machine", self.conn).spare_bytes < 0:
            self.frames = []
            self._close_flood(TOO_MANY_FRAGMENTS, 1009)
        else:
            self._fragments_due = FRAGMENT_TOKENS.spend(self._fragments_due, self.loop.time())
            super().handle_cont(event)

    # pings, theirs

    def handle_ping(self) -> None:
        """Send the pong."""
        if not self._too_many_pings():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Note the answer to our ping; those to no ping of ours count like pings."""
        if event.data == self.pending_ping_payload or not self._too_many_pings():
            super().handle_pong(event)

    def _too_many_pings(self) -> bool:
        """Count one control frame; a client that sends them without end is closed."""
        now = self.loop.time()
        self._pings_due = _PING_TOKENS.spend(self._pings_due, now)
        if not _PING_TOKENS.is_overdrawn(self._pings_due, now):
            return False
        self._close_flood(f"more than {PINGS} pings a second came")
        return True

    def _close_flood(self, reason: str, code: int = FLOOD) -> None:
        """Close and read nothing more: neither its messages nor its answer to our close."""
        if self.disconnected or self.transport.is_closing():
            return
        self._send_close(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.disconnected = True
        self._stage = Stage.OVER
        self._pause_reading()
        self._cut_off_later(_LAST_SECONDS)
        self._update()

    # keepalive, ours

    def tune(self, limits: Limits) -> None:
        """See Socket.tune."""
        self.conn.max_message_size = 2 * limits.message
        if limits.message > USUAL_MESSAGE:
            guards.widen(self.transport, limits.message)
        self.ping_interval = self.ping_timeout = limits.ping
        idle = self.ping_timer is None and self.pong_timer is None
        if limits.ping is None:
            self.stop_keepalive()  # a ping that is on its way needs no answer any more
        elif idle and self.handshake_complete and not self.close_sent:
            self.schedule_ping()  # pings were off until now
        self._update()

    def send_keepalive_ping(self) -> None:
        """Begin a new interval."""
        self._active = self.read_paused
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Give the client another interval where it spoke in this one, or where we ourselves have paused reading.

        Its pong may wait behind what we have not read; that it lives is known anyway.
        """
        if not self._is_alive():
            self.pong_timer = self.loop.call_later(guards.GRACE, self._no_pong)

    def _is_alive(self) -> bool:
        """Whether the client needs no pong; a new interval begins then."""
        if not (self.read_paused or self._active):
            return False
        self.pong_timer = self.pending_ping_payload = None
        self.schedule_ping()
        return True

    def _no_pong(self) -> None:
        if self._is_alive():
            return
        self._timed_out = True
        self.pong_timer = self.pending_ping_payload = None
        self._send_close(1011, f"no pong came within {self.ping_timeout or 0:g} s")
        midway = self._rest is not None or self.conn.current_size is not None
        self._linger()
        if not midway:
            self.transport.close()  # it has sent no part of a message that could be behind this

    # the end

    def _update(self) -> None:
        """Hook: what may be read is not what it was. Called after each close and each change of limits."""

    def handle_parser_exception(self) -> None:
        """Close for what the client broke; what the application still sends is no fault of its own."""
        close, output = self.conn.close_sent, b"".join(self.conn.data_to_send())
        assert close is not None, "the library has failed, or we have"
        if self.conn.parser_exc is not None and not self.close_sent:  # the library's words may be the client's
            close = Close(close.code, describe_fault(self._frame_start, close.code, self.conn.max_message_size))
            self.conn.close_sent = close
            output = Frame(Opcode.CLOSE, close.serialize()).serialize(mask=False)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(output)
        self.close_sent = True
        self._linger()

    def _linger(self, *, between_frames: bool = True) -> None:
        """Drop what comes behind our close frame until the client's own close, or silence, or `close_timeout`.

        On the direct path a frame begins with the next byte that is dropped, or with `_rest`, if `between_frames`.
        """
        self.stop_keepalive()
        if between_frames and self._stage is Stage.DIRECT:
            self._close_detector = CloseDetector()
        begun, self._rest = self._rest, None
        self.disconnected, self._stage = True, Stage.LINGERING
        self._linger_until = self.loop.time() + self.close_timeout
        self._resume_reading()
        self._stop_close_timer()
        self._cut_off_later(_LAST_SECONDS)
        if begun is not None:
            self._drop(bytes(begun))
        self._update()

    def _drop(self, data: bytes) -> None:
        if self._close_detector is not None and self._close_detector.ends(data):
            self.transport.close()
        elif self.loop.time() < self._linger_until and self.close_timer is not None:
            self._stop_close_timer()
            self._cut_off_later(_LAST_SECONDS)

    def handle_close(self, event: Frame) -> None:
        """Answer the client's close, or take its answer to ours; nothing of it is read after this."""
        super().handle_close(event)
        self._stage = Stage.OVER
        self._cut_off_later()
        self._update()

    def shutdown(self) -> None:
        """Close 1012, unless a close is on its way already. A client that takes nothing is not waited for."""
        if not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        if self.conn.state is State.OPEN and not self.close_sent:
            self._send_close(1012, RESTARTS)  # uvicorn says no more than the number
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1012, "reason": RESTARTS})
        self._stop_close_timer()
        self._cut_off_later(STUCK if self.transport.get_write_buffer_size() else _LAST_SECONDS)
        self._update()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection by counting references alone: parser and library hold each other otherwise."""
        super().connection_lost(exc)
        self._stage, self._rest = Stage.OVER, None
        self.conn.parser.close()

    def _send_close(self, code: int, reason: str) -> None:
        """Send a close frame, once."""
        if self.close_sent or self.transport.is_closing():
            return
        with suppress(InvalidState):  # the client's own close was answered already
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True

    def _cut_off_later(self, seconds: float | None = None) -> None:
        """Give the client `seconds`, or `close_timeout`, to take our close frame and to answer it."""
        if self.close_timer is None:
            seconds = self.close_timeout if seconds is None else seconds
            self.close_timer = self.loop.call_later(seconds, guards.cut_off, self.transport)

    def _stop_close_timer(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
