"""uvicorn's WebSocket protocol, mended, and the direct path.

Strategy. The library's state machine stays the judge of the protocol. After the upgrade an application may
attach a receiver; then each read is cut into frames here, and a complete, unfragmented, uncompressed, masked
text frame within the size limit, which is nearly every one, goes straight to the receiver. Every other frame
goes whole, from its first byte, to the library, and what it makes of it to the same receiver. A frame that
can only be a violation ends the cutting: from there on the library has all bytes. Replies that are made
while one read is handled leave in one write. While writing is paused, nothing more is read. What a client sends
before our 101 waits for it: so frames are whole from their first byte when a receiver comes.

Private names of uvicorn 0.54 and websockets 17 that are used here, to be looked at with each release:
  WebSocketsSansIOProtocol  app, scope, request, response, conn, connections, logger, transport, queue, frames,
                          curr_msg_data_type, close_sent, close_timer, close_timeout, handshake_initiated,
                          handshake_complete, initial_response, disconnected, read_paused, ping_interval,
                          ping_timeout, ping_timer, pong_timer, pending_ping_payload, handle_connect, handle_close,
                          handle_parser_exception, send_receive_event_to_app, start_keepalive,
                          send_keepalive_ping, keepalive_timeout, schedule_ping, run_asgi, send_500_response
  ServerProtocol          max_message_size, current_size, close_rcvd, close_sent, parser_exc

What is mended, each seen in uvicorn 0.54: an exception after the accept closes with a close frame; a refusal
is no ERROR in the log; a text frame that is not UTF-8 leaves no traceback; while we ourselves do not read, a
client is not closed for a pong that we could not see; no query string reaches the log; a client that reads
nothing is cut off some seconds after its end; a frame before our 101 leaves no traceback, and neither does a
publish that switches pings off, or a stop while a client's own close is answered.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, apply_mask  # type: ignore[attr-defined]  # the C one, where there is one
from websockets.http11 import Request as HandshakeRequest
from websockets.protocol import State

from jackfield.config.plan import Limits
from jackfield.errors import CODES
from jackfield.logs import log
from jackfield.server.extension import EXTENSION, Socket
from jackfield.server.transport import STALL, Receiver
from jackfield.server.upgrade import QUIET

__all__ = ["WebSocketProtocol"]

CORK = 64 * 1024
"""Bytes of replies that are kept back within one read; more leave at once, so that the pause can work."""

_TEXT = 0x81  # FIN and opcode 1, no reserved bit (RFC 6455, section 5.2)
_KNOWN = frozenset((0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A))  # first bytes that the RFC allows
_HEADS = tuple(bytes((_TEXT, length)) for length in range(126))


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket over the library's sans-I/O state machine, for any ASGI application; a Transport once attached."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = QUIET
        self._heard = False  # whether a message came since the last ping, or waited for us when it was sent
        self._receiver: Receiver | None = None
        self._cutting = False  # whether frames are cut here; not any more after a violation
        self._fed = False  # whether the library has had bytes of frames: only it knows where the next one begins
        self._rest: bytearray | None = None  # the beginning of a frame, or what came while nothing may be taken
        self._need = 2  # bytes of `_rest` below which looking again is of no use
        self._busy = False  # in the middle of a read, whose replies leave together
        self._cork: list[bytes] = []
        self._corked = 0
        self._full = False  # the network takes nothing more for now
        self._poured = 0  # bytes that were written all the same
        self._stall: asyncio.TimerHandle | None = None
        self._ended_early: tuple[int, str] | None = None  # a close that was asked for before our 101
        self._asked_to_pause = False
        self._drained: asyncio.Event | None = None

    # the walk of a connection, as uvicorn calls it

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
        else:
            if self._receiver is not None:
                # the connection lives on without a task; what only the handshake needed is let go
                del self.scope, self.request, self.response
                return
        if not self.handshake_complete and self.initial_response is None:
            self.send_500_response()
        elif self.handshake_complete and not self.close_sent and not self.disconnected:
            self._close_frame(1011, "")
        if self.close_timer is None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """One read: cut into frames on the direct path, the library's otherwise."""
        if self._cutting:
            if self._rest is None:
                self._take(data)
                return
            self._rest += data
            if len(self._rest) >= self._need:
                self._take(bytes(self._rest))
        elif self.handshake_initiated and not self.handshake_complete:
            self._wait_for_accept(data)
        else:
            self._feed(data)

    def _wait_for_accept(self, data: bytes) -> None:
        """A client that does not wait for our answer (RFC 6455, section 4.1) waits for it here."""
        self._rest = self._rest or bytearray()
        self._rest += data
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _feed(self, data: bytes) -> None:
        """All to the library; nothing is cut here."""
        self._fed = self.handshake_complete
        try:
            super().data_received(data)
        except Exception:
            if self._receiver is None:
                raise
            self._fail_receiver()

    def start_keepalive(self) -> None:
        """Our 101 has left: begin the pings, and take what came before it, when the application had its turn."""
        super().start_keepalive()
        if self._rest is not None:
            self.loop.call_soon(self._take_what_came_before)

    def _take_what_came_before(self) -> None:
        if self._cutting or self._rest is None or self.transport.is_closing():
            return
        data, self._rest = bytes(self._rest), None
        self.read_paused = False
        self.transport.resume_reading()
        self._feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, once."""
        super().connection_lost(exc)
        self._cutting = False
        self._rest = None
        if self._stall is not None:
            self._stall.cancel()
        if self._drained is not None:
            self._drained.set()
        self._tell_lost()

    def _tell_lost(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            close = self.conn.close_sent  # ours, or our answer to the client's
            receiver.lost(close.code if close is not None else 1006)

    def shutdown(self) -> None:
        """Close 1012, unless the client's own close is on its way to being answered."""
        if self.conn.state in (State.CLOSING, State.CLOSED) and not self.close_sent:
            self.stop_keepalive()
            self.transport.close()
            return
        super().shutdown()

    def pause_writing(self) -> None:
        """The client does not read: take no more of its messages until it does."""
        super().pause_writing()
        self._full = True
        if self._receiver is not None:
            self._judge_reading()
            self._watch_for_stall()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._full = False
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._drained is not None:
            self._drained.set()
        if self._receiver is not None:
            self._judge_reading()

    def send_receive_event_to_app(self) -> None:
        """Hand one message on; text that is not UTF-8 closes 1007 (RFC 6455, section 8.1)."""
        self._heard = True
        if self.curr_msg_data_type == "text" and not self.close_sent:
            data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
            try:
                data.decode()
            except UnicodeDecodeError:
                self.frames = []
                if self.conn.state is State.OPEN:  # else the client's own close came in the same breath
                    self.conn.send_close(1007, "a text frame is not UTF-8")
                    self.handle_parser_exception()
                return
            if self._receiver is not None:
                self.frames = []
                self._receiver.received(data)
                return
        elif self._receiver is not None:
            self.frames = []
            if not self.close_sent:
                self._receiver.received_binary()
            return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Close for what the client broke; what the application still sends is no fault of its own."""
        super().handle_parser_exception()
        self.disconnected = True
        self._expect_the_end()

    def handle_close(self, event: Frame) -> None:
        """Answer the client's close."""
        super().handle_close(event)
        self._expect_the_end()

    def _expect_the_end(self) -> None:
        """Wait for no client that does not even take our close frame."""
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def tune(self, limits: Limits) -> None:
        """See Socket.tune."""
        self.conn.max_message_size = 2 * limits.message
        self.ping_interval = self.ping_timeout = limits.ping
        idle = self.ping_timer is None and self.pong_timer is None
        if idle and limits.ping is not None and self.handshake_complete and not self.close_sent:
            self.schedule_ping()  # pings were off until now

    def schedule_ping(self) -> None:
        """Plan the next ping, unless they were switched off meanwhile."""
        if self.ping_interval is not None:
            super().schedule_ping()

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
        self._expect_the_end()

    # the direct path: reading

    def attach(self, receiver: Receiver) -> None:
        """See Socket.attach. Messages that came before are handed over first."""
        self._receiver = receiver
        if self not in self.connections:
            self._tell_lost()  # the client was faster
            return
        self._cutting = not self.conn.extensions and not self._fed
        try:
            self._hand_over(receiver)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        if self._ended_early is not None:
            self.close(*self._ended_early)
        self._judge_reading()

    def _hand_over(self, receiver: Receiver) -> None:
        while not self.queue.empty():
            event = self.queue.get_nowait()
            text = event.get("text")
            if event["type"] == "websocket.receive" and isinstance(text, str):
                receiver.received(text.encode())
            elif event["type"] == "websocket.receive":
                receiver.received_binary()

    def _take(self, data: bytes) -> None:
        """Cut `data` into frames and hand each on; keep what is not whole, or may not be taken yet."""
        self._rest = None
        self._busy = True
        try:
            position = self._cut(data)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._busy = False
            self._fail_receiver()
            return
        finally:
            self._busy = False
            if self._cork:
                self._flush()
        if position:
            self._heard = True
        if position < len(data):
            self._rest = bytearray(data[position:])

    def _cut(self, data: bytes) -> int:
        """Hand on each whole frame; gives the position of the first byte that is left."""
        position, end = 0, len(data)
        receiver, most = self._receiver, self._most()
        self._need = 2
        while position + 2 <= end and not self.read_paused and receiver is not None:
            first, second = data[position], data[position + 1]
            if second < 0x80 or first not in _KNOWN:
                return self._give_up(data, position)
            length = second & 0x7F
            start = position + 6
            if length == 126:
                if position + 4 > end:
                    self._need = 4
                    return position
                length = data[position + 2] << 8 | data[position + 3]
                start += 2
            elif length == 127:
                if position + 10 > end:
                    self._need = 10
                    return position
                length = int.from_bytes(data[position + 2 : position + 10], "big")
                start += 8
            if length > most:
                return self._give_up(data, position)
            stop = start + length
            if stop > end:
                self._need = stop - position
                return position
            if first == _TEXT and self.conn.current_size is None and not self.close_sent:
                text = apply_mask(data[start:stop], data[start - 4 : start])
                if text.isascii() or _is_utf8(text):
                    receiver.received(text)
                    position = stop
                    continue
            self._to_library(data[position:stop])
            position = stop
            if not self._cutting:
                return end  # after its end nothing of a client is heard (RFC 6455, section 7.1.7)
            most = self._most()
        return position

    def _most(self) -> int:
        """Bytes that the next frame may have for the library to read more of it than its header."""
        size = self.conn.max_message_size
        return sys.maxsize if size is None else size - (self.conn.current_size or 0)

    def _give_up(self, data: bytes, position: int) -> int:
        """The library will end the connection for this header alone: all from here on is its own."""
        self._cutting = False
        self._to_library(data[position:])
        return len(data)

    def _to_library(self, data: bytes) -> None:
        """Let the library judge whole frames; what was answered before them leaves before."""
        if self._cork:
            self._flush()
        super().data_received(data)
        if self.conn.parser_exc is not None or self.conn.close_rcvd is not None or self.disconnected:
            self._cutting = False

    def _judge_reading(self) -> None:
        """Read, or not: not while the application asked for a pause or the client does not read."""
        # after our close only the client's is waited for; one that does not read gets no more pongs either
        pause = self._full or (self._asked_to_pause and not self.close_sent)
        if pause == self.read_paused or self.transport.is_closing():
            return
        self.read_paused = pause
        if pause:
            self.transport.pause_reading()
            return
        self.transport.resume_reading()
        if self._rest is not None and self._cutting and not self._busy:
            self._take(bytes(self._rest))

    def _fail_receiver(self) -> None:
        """The receiver raised what is handled just now: logged with its stack, told as 1011."""
        log.exception("receiver_failed")
        self._cutting = False
        if self._cork:
            self._flush()
        self._close_frame(1011, "")
        self._expect_the_end()
        self.transport.close()

    # the direct path: writing (see Transport)

    @property
    def pending(self) -> int:
        """See Transport."""
        return self._corked + self.transport.get_write_buffer_size()

    def write(self, text: bytes) -> int:
        """See Transport."""
        if self.close_sent or self.conn.state is not State.OPEN:
            return 0
        length = len(text)
        if length < 126:
            head = _HEADS[length]
        elif length < 65536:
            head = b"\x81\x7e" + length.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + length.to_bytes(8, "big")
        if not self._busy:
            self.transport.write(head + text)
        else:
            self._cork.append(head)
            self._cork.append(text)
            self._corked += length + 10
            if self._corked > CORK:
                self._flush()
        if not self._full:
            return 0
        self._poured += length
        return self.pending

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """See Transport."""
        if self.conn.state is State.CONNECTING:
            self._ended_early = self._ended_early or (code, reason)
            return
        if self._cork:
            self._flush()
        self._close_frame(code, reason)
        self._expect_the_end()
        if self._drained is not None:
            self._drained.set()
        self._judge_reading()

    def pause(self) -> None:
        """See Transport."""
        self._asked_to_pause = True
        self._judge_reading()

    def resume(self) -> None:
        """See Transport."""
        self._asked_to_pause = False
        self._judge_reading()

    async def room(self, limit: int) -> None:
        """See Transport."""
        while self._full and self.pending >= limit and not self.disconnected and not self.close_sent:
            self._drained = self._drained or asyncio.Event()
            self._drained.clear()
            await self._drained.wait()

    def _watch_for_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._poured = 0
        self._stall = self.loop.call_later(STALL, self._judge_stall, self.pending)

    def _judge_stall(self, before: int) -> None:
        """Close a client that took nothing since; what little it takes gives it time again."""
        if self.pending < before + self._poured:
            self._watch_for_stall()
            return
        self._stall = None
        self.close(CODES["too_slow_reader"].close, f"nothing was read for {STALL:g} s", at_once=True)

    def _flush(self) -> None:
        frames, self._cork = self._cork, []
        self._corked = 0
        self.transport.write(b"".join(frames))

    def _close_frame(self, code: int, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        with suppress(InvalidState):  # the client's own close was answered already
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
