"""What a client still sends after a close of ours, and what is wrong with a frame in a sentence of ours.

Strategy. To close a socket on bytes that were not read is a reset, which overtakes the close frame: the client, or a
proxy in between, then sees neither code nor reason. So after our close all is read and dropped until the client's own
close comes. To find that, frames are skipped by their length; nothing else in them is looked at.
"""

from __future__ import annotations

__all__ = ["Afterword", "fault"]

_CLOSE = 0x88  # whole, opcode 8
_MOST = 1000  # frames that are looked at; who sends more has no close among them that is worth the work


class Afterword:
    """The frames of a client that come after our close, beginning with the first byte of one."""

    __slots__ = ("_frames", "_head", "_last", "_left")

    def __init__(self) -> None:
        self._frames = 0
        self._head = b""  # what is here of the head of a frame
        self._left = 0  # bytes of the frame at hand that are still to come
        self._last = False  # whether it is the client's close

    def ends(self, data: bytes) -> bool:
        """Take the next bytes; whether the client's close is whole with them."""
        position = 0
        while self._frames < _MOST:
            here = min(self._left, len(data) - position)
            self._left -= here
            position += here
            if self._left or self._last:
                return not self._left
            head = self._head + data[position : position + 14 - len(self._head)]
            size, length = _measure(head)
            if len(head) < size:
                self._head = head
                return False
            position += size - len(self._head)
            self._head, self._left, self._last = b"", length, head[0] == _CLOSE and 0x80 <= head[1] <= 0xFD
            self._frames += 1
        return False


def _measure(head: bytes) -> tuple[int, int]:
    """The bytes that the head of a frame has, and those that follow it (RFC 6455, section 5.2)."""
    if len(head) < 2:
        return 2, 0
    length, size = head[1] & 0x7F, 2
    if length >= 126:
        size = 4 if length == 126 else 10
        length = int.from_bytes(head[2:size], "big")
    return size + (4 if head[1] & 0x80 else 0), length


def fault(head: bytes, code: int, most: int | None) -> str:
    """Why a frame that begins with `head`, or the message that it belongs to, is refused with `code`."""
    if code == 1009:
        return f"a message is longer than {most:,} bytes, twice limits.message" if most else "a message is too long"
    if code == 1007:
        return "a text is not UTF-8"
    if len(head) < 2:
        return "the frames break RFC 6455"
    if not head[1] & 0x80:
        return "a frame is not masked; a client masks each (RFC 6455, section 5.1)"
    if head[0] & 0x70:
        return "a frame has a reserved bit, and no extension was agreed on (RFC 6455, section 5.2)"
    if head[0] & 0x0F not in (0, 1, 2, 8, 9, 10):
        return "a frame has an opcode that RFC 6455, section 5.2 does not know"
    if head[0] & 0x08:
        return "a close, ping or pong is fragmented, too long or not well-formed (RFC 6455, section 5.5)"
    return "the fragments of a message are out of order (RFC 6455, section 5.4)"
