"""The direct path: messages go from the socket to a receiver and back without a task or a queue.

Strategy. The library's state machine stays the judge of the protocol. After the upgrade an application may
attach a receiver; then each read is cut into frames here, and a complete, unfragmented, uncompressed, masked
text frame within the size limit, which is nearly every one, goes straight to the receiver. Every other frame
goes whole, from its first byte, to the library, and what it makes of it to the same receiver. A frame that
can only be a violation ends the cutting: from there on the library has all bytes. Replies that are made
while one read is handled leave in one write. While writing is paused, nothing more is read; nor is it before
all whole frames of the read before are used, so that a connection holds one read and no more. What a client sends
before our 101 waits for it: so frames are whole from their first byte when a receiver comes. A read of many messages
is used in turns of some milliseconds, between which all others have theirs; fragments, which cost as much as messages
and are judged by nobody's rate, have one of their own.

`_hear` is what makes this cheap: it holds the receiver's `received` as long as nothing at all stands against
handing on the next text frame, and None otherwise. Whatever changes one of its conditions calls `_judge_hearing`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # the C one, where there is one
from websockets.http11 import Request as HandshakeRequest

from jackfield.config.plan import Limits
from jackfield.logs import log
from jackfield.messages import NotUtf8
from jackfield.server.wire.patched import FRAGMENT_RATE, FRAGMENTS_AT_ONCE
from jackfield.server.wire.transport import EXTENSION, TURN_SECONDS, Receiver
from jackfield.server.wire.writing import CORK, HEADS, DirectTransport, long_head

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

__all__ = ["WebSocketProtocol"]

_TEXT = 0x81  # FIN and opcode 1, no reserved bit (RFC 6455, section 5.2)
_KNOWN = frozenset((0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A))  # first bytes that the RFC allows
_COMPRESSED = _KNOWN | {0x41, 0x42, 0xC1, 0xC2}  # and with permessage-deflate (RFC 7692, section 6)


class WebSocketProtocol(DirectTransport):
    """WebSocket over the library's sans-I/O state machine, for any ASGI application; a Transport once attached."""

    __slots__ = ("_cutting", "_fed", "_hear", "_need", "_rest", "_waits")

    clock: Callable[[], float] = staticmethod(time.perf_counter)
    """Seconds, by which turns are measured."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hear: Callable[[bytes], bytes | None] | None = None  # see the head of this file
        self._cutting = False  # whether frames are cut here; not any more after a violation
        self._fed = False  # whether the library has had bytes of frames: only it knows where the next one begins
        self._rest: bytearray | None = None  # the beginning of a frame, or what came while nothing may be taken
        self._need = 2  # bytes of `_rest` below which looking again is of no use
        self._waits = False  # for its next turn

    # the walk of a connection, as uvicorn calls it

    def handle_connect(self, event: HandshakeRequest) -> None:
        """Add our extension to the scope; the application's task, made by the parent, runs later."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[EXTENSION] = self

    def _lives_on(self) -> bool:
        """Attached, the connection needs no task; what only the handshake needed is let go."""
        if self._receiver is None:
            return False
        del self.scope, self.request, self.response
        return True

    async def send(self, message: ASGISendEvent) -> None:
        """See ASGI. An application that has attached may still close this way."""
        await super().send(message)
        if self._receiver is not None:
            self._judge_reading()
            self._judge_hearing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is cut any more."""
        self._cutting = False
        self._hear = self._rest = None
        super().connection_lost(exc)

    def _expect_the_end(self, limit: float | None = None) -> None:
        super()._expect_the_end(limit)
        self._hear = None

    def _is_midway(self) -> bool:
        return self._rest is not None or super()._is_midway()

    def _linger(self) -> None:
        super()._linger()
        if self._cutting and not self._busy:  # else whoever cuts knows where the next frame begins
            self._cutting = False
            begun, self._rest = bytes(self._rest or b""), None
            self._follow(begun)

    # reading

    def data_received(self, data: bytes) -> None:
        """One read. What nearly every one is, a single small text frame, is answered right here."""
        hear, length = self._hear, len(data)
        if hear is None or not 5 < length < 132 or data[0] != _TEXT or data[1] != length + 122:
            self._receive(data)
            return
        self._heard = self._busy = True
        try:
            answer = hear(apply_mask(data[6:], data[2:6]))
        except NotUtf8:
            self._busy = False
            self._receive(data)
            return
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        finally:
            self._busy = False
        if self._cork or self._hear is None:
            self._finish(answer)
        elif answer is not None:
            length = len(answer)
            self.transport.write((HEADS[length] if length < 126 else long_head(length)) + answer)

    def _receive(self, data: bytes) -> None:
        """A read of any other kind: cut into frames on the direct path, the library's otherwise."""
        if not self._cutting:
            super().data_received(data)
        elif self._rest is None:
            self._take(data)
        else:
            self._rest += data
            if len(self._rest) >= self._need and not (self._held or self._waits):
                self._take(bytes(self._rest))

    def _finish(self, answer: bytes | None) -> None:
        """Send an answer where something happened while it was made: behind the events, and not after a close."""
        self._busy = True
        try:
            if answer is not None:
                self._reply(answer)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
        finally:
            self._busy = False
            if self._cork:
                self._flush()

    def _reply(self, answer: bytes) -> None:
        """Send what `received` gave; through the receiver, which has limits, once the network takes no more."""
        if self._full and self._receiver is not None:
            self._receiver.write(answer)
        else:
            self.write(answer)

    def _take(self, data: bytes) -> None:
        """Cut `data` into frames and hand each on; keep what is not whole, or may not be taken yet."""
        if self._rest is not None:
            self._rest = None
            self._judge_hearing()
        self._busy = True
        try:
            position = self._cut(data)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        finally:
            self._busy = False
            if self._cork:
                self._flush()
        if position:
            self._heard = True
        if position < len(data):
            self._rest = bytearray(memoryview(data)[position:])
            self._hear = None
        self._held = self._must_hold()  # the library may have ended it
        self._set_reading(not (self._held or self._waits))

    def _cut(self, data: bytes) -> int:
        """Hand on each whole frame, for a turn; gives the position of the first byte that is left."""
        position, end, until = 0, len(data), self.clock() + TURN_SECONDS
        while position < end and not self._held:
            before = position
            if self._hear is not None:
                position = self._cut_texts(data, position, self._hear, until)
            if position == before:
                position += self._cut_other(data, position)
                if not self._cutting:
                    self._follow(data[before:])
                    return end  # after its end nothing of a client is heard (RFC 6455, section 7.1.7)
                if position == before:
                    break
                if self._fragments_due - self.loop.time() > FRAGMENTS_AT_ONCE / FRAGMENT_RATE:
                    self._waits = True
                    self.loop.call_later(FRAGMENTS_AT_ONCE / FRAGMENT_RATE / 2, self._begin_turn)
                    break
            if position < end and self.clock() > until:
                self._waits = True
                self.loop.call_soon(self._begin_turn)
                break
        return position

    def _begin_turn(self) -> None:
        self._waits = False
        self._held = self._must_hold()
        self._reading_changed()

    def _cut_texts(self, data: bytes, position: int, hear: Callable[[bytes], bytes | None], until: float) -> int:
        """Hand on the texts from `position` on, as long as one follows the other; gives where they end."""
        end, most, cork, corked, clock = len(data), self._most(), self._cork, 0, self.clock
        while self._hear is not None and position + 6 <= end and data[position] == _TEXT:
            length, start = data[position + 1] - 0x80, position + 6
            if length == 126:
                length, start = data[position + 2] << 8 | data[position + 3], position + 8
            elif length == 127:
                length, start = int.from_bytes(data[position + 2 : position + 10], "big"), position + 14
            stop = start + length
            if length < 0 or length > most or stop > end:
                break
            try:
                answer = hear(apply_mask(data[start:stop], data[start - 4 : start]))
            except NotUtf8:
                break
            position = stop
            if answer is None:
                if position < end and clock() > until:
                    break
                continue
            if self._hear is None:
                self._reply(answer)
                break
            length = len(answer)
            cork.append(HEADS[length] if length < 126 else long_head(length))
            cork.append(answer)
            corked += length
            if corked > CORK:
                self._flush()
                corked = 0
            if position < end and clock() > until:
                break
        return position

    def _cut_other(self, data: bytes, position: int) -> int:
        """Give the library one whole frame of any kind; gives its length, or 0 where more of it has to come."""
        left = len(data) - position
        self._need = 2
        if left < 2:
            return 0
        first, second = data[position], data[position + 1]
        length, head = second & 0x7F, 6
        if second >= 0x80 and first in (_COMPRESSED if self.conn.extensions else _KNOWN):
            if length >= 126:
                self._need = 4 if length == 126 else 10
                if left < self._need:
                    return 0
                head = self._need + 4
                length = int.from_bytes(data[position + 2 : position + self._need], "big")
            if length <= self._most():
                self._need = head + length
                if left < self._need:
                    return 0
                self._to_library(data[position : position + self._need])
                return self._need
        # the library will end the connection for this header alone: all from here on is its own
        self._cutting = False
        self._to_library(data[position:])
        return left

    def _most(self) -> int:
        """Bytes that the next frame may have for the library to read more of it than its header."""
        size = self.conn.max_message_size
        return sys.maxsize if size is None else size - (self.conn.current_size or 0)

    def _to_library(self, data: bytes) -> None:
        """Let the library judge whole frames; what was answered before them leaves before."""
        if self._cork:
            self._flush()
        self._begins = data[:2]
        super()._feed(data)
        if self.conn.parser_exc is not None or self.conn.close_rcvd is not None or self.disconnected:
            self._cutting = False
        self._judge_hearing()

    def _feed(self, data: bytes) -> None:
        """All to the library; nothing is cut here."""
        self._fed = self.handshake_complete
        try:
            super()._feed(data)
        except Exception:
            if self._receiver is None:
                raise
            self._fail_receiver()

    def _hand_on(self) -> None:
        """Give the receiver a message that the library has put together."""
        receiver = self._receiver
        if receiver is None:
            super()._hand_on()
            return
        parts, self.frames = self.frames, []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            receiver.received_binary()
            return
        answer = receiver.received(b"".join(parts))
        if answer is not None:
            self._reply(answer)

    def _judge_hearing(self) -> None:
        """Whether the next text frame may be handed on at once; see the head of this file."""
        receiver, conn = self._receiver, self.conn
        size = conn.max_message_size
        if (
            receiver is None
            or not self._cutting
            or self._rest is not None
            or self._held
            or self.close_sent
            or conn.current_size is not None  # a fragmented message is open
            or (size is not None and size < 125)  # else the shortest header would have to be judged, too
        ):
            self._hear = None
        else:
            self._hear = receiver.received

    def _reading_changed(self) -> None:
        """Where messages are handed on again, begin with what is there, and read when it is used."""
        self._judge_hearing()
        if self._held:
            self._set_reading(False)
        elif self._busy or self._waits:
            return  # decided at the end of the read that is handled, or of the hold, or in the next turn
        elif self._rest is not None and self._cutting:
            self._take(bytes(self._rest))
        else:
            self._set_reading(True)

    def _fail_receiver(self) -> None:
        """The receiver raised what is handled just now: logged with its stack, told as 1011."""
        log.exception("receiver_failed")
        self._cutting = False
        if self._cork:
            self._flush()
        self._close_frame(1011, "")
        self._linger()

    # Socket

    def tune(self, limits: Limits) -> None:
        """See Socket.tune."""
        super().tune(limits)
        self._judge_hearing()

    def attach(self, receiver: Receiver) -> None:
        """See Socket.attach. Messages that came before are handed over first."""
        self._receiver = receiver
        if self not in self.connections:
            self._tell_lost()  # the client was faster
            return
        self._cutting = not self._fed
        if self._cutting:
            self._rest, self._early = self._early, None
        try:
            self._hand_over(receiver)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        if self._ended_early is not None:
            self.close(*self._ended_early)
        if self._full:
            self._watch_for_stall()
        self._held = self._must_hold()
        self._reading_changed()

    def _hand_over(self, receiver: Receiver) -> None:
        while not self.queue.empty():
            event = self.queue.get_nowait()
            if event["type"] != "websocket.receive" or self.close_sent:
                continue
            text = event.get("text")
            if not isinstance(text, str):
                receiver.received_binary()
                continue
            answer = receiver.received(text.encode())
            if answer is not None:
                self._reply(answer)
