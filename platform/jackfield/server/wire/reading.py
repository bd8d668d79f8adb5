"""The direct path: messages go from the socket to a receiver and back without a task or a queue.

Strategy. The library's state machine decides what the protocol allows. After the upgrade an application may
attach a receiver; then each read is split into frames here, and a complete, unfragmented, uncompressed, masked
text frame within the size limit, which is nearly every one, goes straight to the receiver. Every other frame
goes whole, from its first byte, to the library, and what it makes of it to the same receiver. Nothing more is read
before all whole frames are used, so that a connection holds one read and no more, nor while writing is paused. A read
of many messages is used in turns of some milliseconds; fragments, which cost as much as messages, have a rate.

What a read does, by stage (stages.py has the moves):

    OPENING    the library parses the request              it came as bytes, from another HTTP class than ours
    EARLY      kept in `_rest`, reading is paused          until the application has accepted and had its turn
    ACCEPTED   the library's: LIBRARY from here on         no receiver is attached yet
    LIBRARY    the library parses it                       no receiver, or one that came later; or after a violation
    DIRECT     split into frames; what is left in `_rest`  after a close of ours the library has each frame
    LINGERING  dropped; the client's close ends it         after a close for what the client broke
    OVER       ignored                                     the client's close came, a flood was closed, or it is lost

Overridden here and in PatchedProtocol: `data_received`, `run_asgi`, `send_receive_event_to_app`, `connection_lost`; and
`_update`, which PatchedProtocol calls whenever it has changed what may be read.

`_fast` is what makes this cheap: it holds the receiver's `received` as long as nothing stands against handing on
the next text frame, and None otherwise. Whatever changes one of its conditions calls `_update_fast`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # the C one, where there is one
from websockets.protocol import State

from jackfield.logs import log
from jackfield.messages import NotUtf8
from jackfield.server.wire.fragments import FRAGMENT_TOKENS
from jackfield.server.wire.frames import COMPRESSED, HEADS, PLAIN, TEXT, bytes_needed, framed, long_head
from jackfield.server.wire.patched import FLOOD, STUCK, PatchedProtocol
from jackfield.server.wire.stages import Stage
from jackfield.server.wire.transport import EXTENSION, TURN_SECONDS, Receiver
from jackfield.server.wire.writing import CORK, Cork, StallWatch

__all__ = ["WebSocketProtocol"]

_DIRECT, _LINGERING, _OVER = Stage.DIRECT, Stage.LINGERING, Stage.OVER  # an Enum's attributes are slow


class WebSocketProtocol(PatchedProtocol):
    """WebSocket over the library's sans-I/O state machine, for any ASGI application; a Transport once attached."""

    __slots__ = (
        "_asked_to_pause",
        "_close_asked",
        "_cork",
        "_corking",
        "_direct",
        "_drained",
        "_fast",
        "_held",
        "_need",
        "_receiver",
        "_stall",
        "_write_paused",
        "_yielded",
        "post_limit",
    )

    clock: Callable[[], float] = staticmethod(time.perf_counter)
    """Seconds, by which turns are measured."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receiver: Receiver | None = None
        self._fast: Callable[[bytes], bytes | None] | None = None  # see the head of this file
        self._need = 2  # bytes of `_rest` below which looking again is of no use
        self.post_limit = -1  # see Socket
        self._held = False  # no message is handed on for now
        self._asked_to_pause = False
        self._yielded = False  # the rest of the read waits for its next turn
        self._corking = False  # in the middle of a read or a hold, whose frames leave together
        self._cork = Cork()
        self._write_paused = False  # the network takes nothing more for now
        self._stall: StallWatch | None = None
        self._drained: asyncio.Event | None = None
        self._close_asked: tuple[int, str] | None = None  # before our 101

    # the application

    async def run_asgi(self) -> None:
        """Run the application with our extension in its scope. Attached, the connection needs no task."""
        cast("dict[str, object]", self.scope["extensions"])[EXTENSION] = self
        if await self._run_application() and self._receiver is not None:
            self._outlive_application()
        else:
            self._end_application()

    def attach(self, receiver: Receiver) -> None:
        """See Socket.attach. Messages that came before are handed over first."""
        self._receiver, self._direct = receiver, self.transport  # found sooner in a slot
        if self not in self.connections:
            self._report_loss()  # the client was faster
            return
        if self._stage is Stage.EARLY or self._stage is Stage.ACCEPTED:
            self._stage = _DIRECT
        try:
            self._hand_over(receiver)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        if self._close_asked is not None:
            self.close(*self._close_asked)
        if self._write_paused and self._stall is None:
            self._stall = StallWatch(self, self.loop)
        self._held = self._must_hold()
        self._change_reading()

    def _hand_over(self, receiver: Receiver) -> None:
        while not self.queue.empty():
            event = self.queue.get_nowait()
            if event["type"] != "websocket.receive" or self.close_sent:
                continue
            text = event.get("text")
            if not isinstance(text, str):
                receiver.received_binary(event["bytes"] or b"")
                continue
            answer = receiver.received(text.encode())
            if answer is not None:
                self._reply(answer)

    # reading

    def data_received(self, data: bytes) -> None:
        """One read. What nearly every one is, a single small text frame, is answered right here."""
        fast, length = self._fast, len(data)
        if fast is None or not 5 < length < 132 or data[0] != TEXT or data[1] != length + 122:
            self._read(data)
            return
        self._active = self._corking = True
        try:
            answer = fast(apply_mask(data[6:], data[2:6]))
        except NotUtf8:
            self._corking = False
            self._read(data)
            return
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        finally:
            self._corking = False
        if self._cork or self._fast is None:
            self._finish(answer)
        elif answer is not None:
            length = len(answer)
            self.transport.write((HEADS[length] if length < 126 else long_head(length)) + answer)

    def _read(self, data: bytes) -> None:
        """A read of any other kind."""
        if self._stage is not _DIRECT:
            try:
                super().data_received(data)
            except Exception:
                if self._receiver is None:
                    raise
                self._fail_receiver()
        elif self._rest is None:
            self._use(data)
        else:
            self._rest += data
            if len(self._rest) >= self._need and not (self._held or self._yielded):
                self._use(bytes(self._rest))

    def _finish(self, answer: bytes | None) -> None:
        """Send an answer where something happened while it was made: behind the events, and not after a close."""
        self._corking = True
        try:
            if answer is not None:
                self._reply(answer)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
        finally:
            self._corking = False
            if self._cork:
                self._flush()

    def _reply(self, answer: bytes) -> None:
        """Send what `received` gave; through the receiver, which has limits, once the network takes no more."""
        if self._write_paused and self._receiver is not None:
            self._receiver.write(answer)
        else:
            self.write(answer)

    def _use(self, data: bytes) -> None:
        """Split `data` into frames and hand each on; keep what is not whole, or may not be handed on yet."""
        if self._rest is not None:
            self._rest = None
            self._update_fast()
        self._corking = True
        try:
            position = self._split(data)
        except Exception:  # noqa: BLE001 - the receiver failed
            self._fail_receiver()
            return
        finally:
            self._corking = False
            if self._cork:
                self._flush()
        if position:
            self._active = True
        if position < len(data):
            self._rest = bytearray(memoryview(data)[position:])
            self._fast = None
        self._held = self._must_hold()  # the library may have ended it
        self._set_reading(not (self._held or self._yielded))

    def _split(self, data: bytes) -> int:
        """Hand on each whole frame, for a turn; gives the position of the first byte that is left."""
        position, end, until = 0, len(data), self.clock() + TURN_SECONDS
        while position < end and not self._held:
            before = position
            if self._fast is not None:
                position = self._split_texts(data, position, self._fast, until)
            if position == before:
                position += self._split_other(data, position)
                if self._stage is not _DIRECT:
                    if self._stage is _LINGERING:
                        self._drop(data[before:])
                    return end  # after its end nothing of a client is heard (RFC 6455, section 7.1.7)
                if position == before:
                    break
                if FRAGMENT_TOKENS.is_overdrawn(self._fragments_due, self.loop.time()):
                    self._yielded = True
                    self.loop.call_later(FRAGMENT_TOKENS.burst / 2, self._begin_turn)
                    break
            if position < end and self.clock() > until:
                self._yielded = True
                self.loop.call_soon(self._begin_turn)
                break
        return position

    def _begin_turn(self) -> None:
        self._yielded = False
        self._held = self._must_hold()
        self._change_reading()

    def _split_texts(self, data: bytes, position: int, fast: Callable[[bytes], bytes | None], until: float) -> int:
        """Hand on the texts from `position` on, as long as one follows the other; gives where they end."""
        end, most, cork, corked, clock = len(data), self._most(), self._cork, 0, self.clock
        while self._fast is not None and position + 6 <= end and data[position] == TEXT:
            length, start = data[position + 1] - 0x80, position + 6
            if length == 126:
                length, start = data[position + 2] << 8 | data[position + 3], position + 8
            elif length == 127:
                length, start = int.from_bytes(data[position + 2 : position + 10], "big"), position + 14
            stop = start + length
            if length < 0 or length > most or stop > end:
                break
            try:
                answer = fast(apply_mask(data[start:stop], data[start - 4 : start]))
            except NotUtf8:
                break
            position = stop
            if answer is None:
                if position < end and clock() > until:
                    break
                continue
            if self._fast is None:
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

    def _split_other(self, data: bytes, position: int) -> int:
        """Give the library one whole frame of any kind; gives its length, or 0 where more of it has to come."""
        allowed = COMPRESSED if self.conn.extensions else PLAIN
        left, self._need = len(data) - position, bytes_needed(data, position, self._most(), allowed)
        if left < self._need:
            return 0
        if self._need:
            self._parse_frame(data[position : position + self._need])
            return self._need
        self._parse_frame(data[position:])  # the library will end the connection for this head, now or with its payload
        if self._stage is _DIRECT:
            self._stage, self._fast = Stage.LIBRARY, None
        return left

    def _most(self) -> int:
        """Bytes that the next frame may have for the library to read more of it than its header."""
        size = self.conn.max_message_size
        return sys.maxsize if size is None else size - (self.conn.current_size or 0)

    def _parse_frame(self, data: bytes) -> None:
        """Give the library a whole frame; what was answered before it leaves before."""
        if self._cork:
            self._flush()
        self._frame_start = data[:2]
        self._parse(data)
        self._update_fast()

    def send_receive_event_to_app(self) -> None:
        """Give the receiver a message that the library has put together."""
        receiver = self._receiver
        if receiver is None:
            super().send_receive_event_to_app()
        elif self._is_readable():
            parts, self.frames = self.frames, []
            if self.close_sent:
                return
            if self.curr_msg_data_type == "bytes":
                receiver.received_binary(b"".join(parts))
                return
            answer = receiver.received(b"".join(parts))
            if answer is not None:
                self._reply(answer)

    def _fail_receiver(self) -> None:
        """Close 1011 for an exception of the receiver that is handled just now; logged with its stack."""
        log.exception("receiver_failed")
        if self._cork:
            self._flush()
        self._send_close(1011, "")
        self._linger(between_frames=False)

    # whether more is read

    def _update(self) -> None:
        if self._receiver is not None:  # else uvicorn decides when to read
            self._update_hold()
            self._update_fast()

    def _update_fast(self) -> None:
        """Whether the next text frame may be handed on at once; see the head of this file."""
        receiver, conn, size = self._receiver, self.conn, self.conn.max_message_size
        self._fast = (
            None
            if receiver is None
            or self._stage is not _DIRECT
            or self._rest is not None
            or self._held
            or self.close_sent
            or conn.current_size is not None  # a fragmented message is open
            or (size is not None and size < 125)  # else the shortest header would have to be checked, too
            else receiver.received
        )

    def _update_hold(self) -> None:
        """Hand messages on, or not."""
        if self._held != self._must_hold():
            self._held = not self._held
            self._change_reading()

    def _must_hold(self) -> bool:
        """Whether the application asked for a pause, the client does not read, or the connection is over."""
        over = self._write_paused or self._stage is _OVER or self.transport.is_closing()
        asked = self._asked_to_pause and not self.close_sent  # after our close only the client's is waited for
        return self._stage is not _LINGERING and (over or asked)

    def _change_reading(self) -> None:
        """Where messages are handed on again, begin with what is there, and read when it is used."""
        self._update_fast()
        if self._held:
            self._set_reading(False)
        elif self._corking or self._yielded:
            return  # decided at the end of the read that is handled, or of the hold, or in the next turn
        elif self._rest is not None and self._stage is _DIRECT:
            self._use(bytes(self._rest))
        else:
            self._set_reading(True)

    # what a conversation calls

    @property
    def pending(self) -> int:
        """See Transport."""
        return self._cork.size + self.transport.get_write_buffer_size()

    def write(self, text: bytes) -> int:
        """See Transport."""
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return 0
        if self._corking:
            if self._cork.put(text):
                self._flush()
        else:
            self.transport.write(framed(text))
        if self._write_paused and self._stall is not None:
            self._stall.added += len(text)
        return self.pending if self._write_paused else 0

    def post(self, text: bytes) -> None:
        """See Socket. `_fast` says that nothing stands against writing, too."""
        if self._fast is not None and not self._corking and len(text) <= self.post_limit:
            self._direct.write(framed(text))
            if self._fast is None and self._receiver is not None:  # the network took not all of it
                self._receiver.wrote(self.pending)
        elif self._receiver is not None:
            self._receiver.hear(text)

    def hold(self) -> None:
        """See Transport."""
        if not self._corking:
            self._corking = True
            self.loop.call_soon(self._end_hold)

    def _end_hold(self) -> None:
        self._corking = False
        if self._cork:
            self._flush()
        self._change_reading()  # what may be read again since then had to wait for this

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """See Transport."""
        if self.conn.state is State.CONNECTING:
            self._close_asked = self._close_asked or (code, reason)
            return
        if self.transport.is_closing():
            return
        if self._cork:
            self._flush()
        if code == FLOOD:
            self._close_flood(reason)
        else:
            self._send_close(code, reason)
            self._cut_off_later(STUCK if at_once and self._write_paused else None)
        if self._drained is not None:
            self._drained.set()
        self._update_hold()
        self._update_fast()

    def pause(self) -> None:
        """See Transport."""
        self._asked_to_pause = True
        self._update_hold()

    def resume(self) -> None:
        """See Transport."""
        self._asked_to_pause = False
        self._update_hold()

    async def room(self, limit: int) -> None:
        """See Transport."""
        while self._write_paused and self.pending >= limit and not self.disconnected and not self.close_sent:
            self._drained = self._drained or asyncio.Event()
            self._drained.clear()
            await self._drained.wait()

    def _flush(self) -> None:
        frames = self._cork.pull()
        if not self.transport.is_closing():  # uvloop raises for a write after the loss
            self.transport.write(frames)

    def pause_writing(self) -> None:
        """The client does not read: take no more of its messages until it does."""
        super().pause_writing()
        self._write_paused = True
        if self._receiver is not None:
            self._update_hold()
            self._stall = StallWatch(self, self.loop)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._write_paused = False
        self._stop_waiting()
        if self._receiver is not None:
            self._update_hold()

    def _stop_waiting(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._drained is not None:
            self._drained.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report it to the receiver, once."""
        super().connection_lost(exc)
        self._fast = None
        self._stop_waiting()
        self._report_loss()

    def _report_loss(self) -> None:
        receiver, self._receiver = self._receiver, None
        close = self.conn.close_sent  # ours, or our answer to the client's
        if receiver is not None and close is None:
            receiver.lost(1006)
        elif receiver is not None and close is not None:
            reason = "" if close is self.conn.close_rcvd else close.reason  # the client's own words are not logged
            receiver.lost(1006 if self._timed_out else close.code, reason)
