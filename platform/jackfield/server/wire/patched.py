"""uvicorn's WebSocket protocol, mended; for any ASGI application. `reading.py` adds the direct path.

Strategy. The library's state machine is the judge of the protocol, uvicorn's class carries its events. Here
stands only what one of them gets wrong, each seen in uvicorn 0.54: an exception after the accept closes with a
close frame; a refusal is no ERROR in the log; a text frame that is not UTF-8 leaves no traceback; while we
ourselves do not read, a client is not closed for a pong that we could not see; no query string reaches the log;
a client that reads nothing is cut off some seconds after its end; what comes before our 101 waits for it and
leaves no traceback, and neither does a publish that switches pings off, or a stop while a client's own close is
answered; pings without end and messages in endless fragments close the connection.

No close of ours is a reset: where the client may still be sending, what it sends is read and dropped until its own
close comes (linger.py), within limits of time. A flood is not fought with that work: after the close frame nothing
of it is read any more, and the connection is cut off when the client has had a moment to read why.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State

from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.logs import log
from jackfield.server.observe import redact
from jackfield.server.wire import guards
from jackfield.server.wire.linger import Afterword, fault
from jackfield.server.wire.opening import OpeningProtocol
from jackfield.server.wire.transport import RESTARTS
from jackfield.server.wire.upgrade import QUIET

__all__ = [
    "FLOOD",
    "FRAGMENTS",
    "FRAGMENTS_AT_ONCE",
    "FRAGMENT_RATE",
    "PINGS",
    "STUCK",
    "USUAL_MESSAGE",
    "MendedProtocol",
]

FRAGMENTS = 1024
"""Fragments of one message; one more closes 1009. Empty ones count."""

FRAGMENT_RATE = 1024
"""Fragments a second of one connection; more of them are not read until it is their time."""

FRAGMENTS_AT_ONCE = 128
"""Of these how many may come at once."""

PINGS = 20
"""Pings and pongs a second that a client may send, on average over PING_SECONDS; more of them close 4429."""

PING_SECONDS = 5.0
"""Seconds of PINGS that may come at once: after a pause of ours that many may have piled up."""

USUAL_MESSAGE = 64 * 1024
"""Bytes of `limits.message` up to which the kernel's buffer stays as the listener has set it."""

STUCK = 3.0
"""Seconds until a client is cut off that was closed because it takes nothing."""

FLOOD = CODES["flood"].close

_LAST_WORD = 1.0  # seconds of silence, or of a flood, in which a client can read why it was closed


class MendedProtocol(OpeningProtocol):
    """WebSocket over the library's sans-I/O state machine, for any ASGI application."""

    # what is looked at with each message, out of the parent's dict, which is too large to be a fast one
    __slots__ = (
        "_after",
        "_begins",
        "_early",
        "_fragments_due",
        "_heard",
        "_lingers",
        "_pings_due",
        "_until",
        "_vanished",
    )

    most_fragments = sys.maxsize
    """Of one message: no bound for an application that does not tune it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = QUIET
        self._heard = False  # whether a message came since the last ping, or waited for us when it was sent
        self._early: bytearray | None = None  # what came before our 101
        self._vanished = False  # whether the client answered no ping: we closed, but it was gone
        self._pings_due = 0.0  # when, by the loop's clock, all pings that came would have come at the allowed rate
        self._fragments_due = 0.0  # likewise
        self._lingers = False  # whether our close is sent and what comes is dropped, until `_until`
        self._until = 0.0
        self._begins = b""  # the first bytes of the frame that the library has, where they are known
        self._after: Afterword | None = None  # what is dropped, where it is known at which byte a frame begins

    # the application

    async def run_asgi(self) -> None:
        """Run the application; whatever it does, the client gets an HTTP status or a close frame."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:  # noqa: BLE001 - the last resort of a connection; logged with its stack
            log.exception("application_failed", path=redact.path(self.scope["path"]), hide=redact.sent(self.scope))
        else:
            if self._lives_on():
                self.let_go()
                return
        if not self.handshake_complete and self.initial_response is None:
            self.send_500_response()
        elif self.handshake_complete and not self.close_sent and not self.disconnected:
            self._close_frame(1011, "")
            self._linger()
        if self.close_timer is None:
            self.transport.close()

    def _lives_on(self) -> bool:
        """Whether the connection goes on when the application has returned."""
        return False

    # reading

    def data_received(self, data: bytes) -> None:
        """One read. A client that does not wait for our answer (RFC 6455, section 4.1) waits for it here."""
        if self._lingers:
            self._drop(data)
            return
        if self._early is None and (self.handshake_complete or not self.handshake_initiated):
            self._feed(data)
            return
        self._early = self._early or bytearray()
        self._early += data
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    async def send(self, message: ASGISendEvent) -> None:
        """See ASGI. A refusal of a client that sends already is like a close: read and dropped is what still comes."""
        started = self.initial_response
        last = message["type"] == "websocket.http.response.body" and not message.get("more_body", False)
        if started is None or self._early is None or not last or self.close_sent:
            await super().send(message)
            return
        status, fields, body = started
        body += cast("dict[str, bytes]", message).get("body", b"")
        headers = Headers(fields)
        headers.setdefault("Content-Length", str(len(body)))
        headers.setdefault("Connection", "close")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self.conn.send_response(Response(status, HTTPStatus(status).phrase, headers, body))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent, self._early = True, None
        self._linger()

    def _feed(self, data: bytes) -> None:
        """All to the library; of a connection that is over nothing but its end is looked at."""
        if self._lingers:
            self._drop(data)
        elif not self.disconnected:
            super().data_received(data)

    def start_keepalive(self) -> None:
        """Our 101 has left: begin the pings, and take what came before it, when the application had its turn."""
        super().start_keepalive()
        if self._early is not None:
            self.loop.call_soon(self._take_what_came_early)

    def _take_what_came_early(self) -> None:
        if self._early is None or self.transport.is_closing():
            return
        data, self._early = bytes(self._early), None
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._feed(data)

    def send_receive_event_to_app(self) -> None:
        """Hand one message on; text that is not UTF-8 closes 1007 (RFC 6455, section 8.1)."""
        self._heard = True
        if self.curr_msg_data_type == "text" and not self.close_sent:
            data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
            try:
                data.decode()
            except UnicodeDecodeError:
                self._break_off(1007, "a text frame is not UTF-8")
                return
            self.frames = [data]
        self._hand_on()

    def _hand_on(self) -> None:
        """Give the application the one message whose parts are `frames`."""
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        """One more fragment. A message within its limit of bytes can still be one of endless empty ones."""
        if self.disconnected:
            return
        if len(self.frames) >= self.most_fragments:
            self.frames = []
            self._shut_out(f"a message came in more than {self.most_fragments:,} fragments", 1009)
        else:
            self._fragments_due = max(self._fragments_due, self.loop.time()) + 1 / FRAGMENT_RATE
            super().handle_cont(event)

    def _break_off(self, code: int, reason: str) -> None:
        """Close for a message that cannot be taken."""
        self.frames = []
        if self.conn.state is State.OPEN:  # else the client's own close came in the same breath
            self.conn.send_close(code, reason)
            self.handle_parser_exception()

    # pings, theirs

    def handle_ping(self) -> None:
        """Send the pong."""
        if not self._too_many_pings():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Note the answer to our ping; those that nobody asked for count like pings."""
        if event.data == self.pending_ping_payload or not self._too_many_pings():
            super().handle_pong(event)

    def _too_many_pings(self) -> bool:
        """Count one control frame; a client that sends nothing else but those without end is closed."""
        now = self.loop.time()
        due = self._pings_due
        self._pings_due = due = (due if due > now else now) + 1 / PINGS
        if due - now <= PING_SECONDS + 0.001:  # a hundred twentieths are a little more than five
            return False
        self._shut_out(f"more than {PINGS} pings a second came")
        return True

    def _shut_out(self, reason: str, code: int = FLOOD) -> None:
        """Close for a flood and read nothing more: neither its messages nor its answer to our close."""
        if self.disconnected or self.transport.is_closing():
            return
        self._close_frame(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.disconnected = True
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
        self._expect_the_end(_LAST_WORD)

    # keepalive, ours

    def tune(self, limits: Limits) -> None:
        """See Socket.tune."""
        self.conn.max_message_size = 2 * limits.message
        if limits.message > USUAL_MESSAGE:
            guards.widen(self.transport, limits.message)
        self.most_fragments = FRAGMENTS
        self.ping_interval = self.ping_timeout = limits.ping
        if limits.ping is None:
            self.stop_keepalive()  # a ping that is on its way needs no answer any more
            return
        idle = self.ping_timer is None and self.pong_timer is None
        if idle and self.handshake_complete and not self.close_sent:
            self.schedule_ping()  # pings were off until now

    def send_keepalive_ping(self) -> None:
        """Begin a new interval."""
        self._heard = self.read_paused
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Give the client another interval where it spoke in this one, or where we ourselves have paused reading.

        Its pong may wait behind what we have not read; that it lives is known anyway.
        """
        if not self._is_excused():
            self.pong_timer = self.loop.call_later(guards.GRACE, self._no_pong)

    def _is_excused(self) -> bool:
        if not (self.read_paused or self._heard):
            return False
        self.pong_timer = None
        self.pending_ping_payload = None
        self.schedule_ping()
        return True

    def _no_pong(self) -> None:
        if self._is_excused():
            return
        self._vanished = True
        self.pong_timer = self.pending_ping_payload = None
        self._close_frame(1011, f"no pong came within {self.ping_timeout or 0:g} s")
        midway = self._is_midway()
        self._linger()
        if not midway:
            self.transport.close()  # it has sent nothing that could be behind this

    def _is_midway(self) -> bool:
        """Whether a message has begun and is not whole."""
        return self.conn.current_size is not None

    # the end

    def handle_parser_exception(self) -> None:
        """Close for what the client broke; what the application still sends is no fault of its own."""
        close, output = self.conn.close_sent, b"".join(self.conn.data_to_send())
        assert close is not None, "the library has failed, or we have"
        if self.conn.parser_exc is not None and not self.close_sent:  # the library's words may be the client's
            close = Close(close.code, fault(self._begins, close.code, self.conn.max_message_size))
            self.conn.close_sent = close
            output = Frame(Opcode.CLOSE, close.serialize()).serialize(mask=False)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(output)
        self.close_sent = True
        self._linger()

    def _linger(self) -> None:
        """Drop what comes behind our close frame until the client's own close, or silence, or `close_timeout`."""
        self.stop_keepalive()
        self.disconnected = self._lingers = True
        self._until = self.loop.time() + self.close_timeout
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        self._expect_the_end(_LAST_WORD)

    def _follow(self, data: bytes) -> None:
        """A frame of the client begins with `data`; nothing before it was left over."""
        if self._lingers:
            self._after = Afterword()
            self._drop(data)

    def _drop(self, data: bytes) -> None:
        if self._after is not None and self._after.ends(data):
            self.transport.close()
        elif self.loop.time() < self._until and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
            self._expect_the_end(_LAST_WORD)

    def handle_close(self, event: Frame) -> None:
        """Answer the client's close."""
        super().handle_close(event)
        self._expect_the_end()

    def shutdown(self) -> None:
        """Close 1012, unless a close is on its way already. Who takes nothing is not waited for."""
        if not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        if self.conn.state is State.OPEN and not self.close_sent:
            self._close_frame(1012, RESTARTS)  # the parent says no more than the number
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1012, "reason": RESTARTS})
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        self._expect_the_end(STUCK if self.transport.get_write_buffer_size() else _LAST_WORD)

    def _close_frame(self, code: int, reason: str) -> None:
        """Send a close frame, once."""
        if self.close_sent or self.transport.is_closing():
            return
        with suppress(InvalidState):  # the client's own close was answered already
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True

    def _expect_the_end(self, limit: float | None = None) -> None:
        """Wait `limit` seconds, or `close_timeout`, for the client to take our close frame and to answer it."""
        if self.close_timer is None:
            limit = self.close_timeout if limit is None else limit
            self.close_timer = self.loop.call_later(limit, guards.cut_off, self.transport)
