"""What the bytes of frames say (RFC 6455, section 5.2): heads, lengths, faults, and the close after our own.

Strategy of the close. To close a socket on bytes that were not read is a reset, which overtakes the close frame: the
client, or a proxy in between, then sees neither code nor reason. So after our close all is read and dropped until the
client's own close comes. To find that, frames are skipped by their length; nothing else in them is looked at.
"""

from __future__ import annotations

from jackfield.messages import Binary

__all__ = [
    "COMPRESSED",
    "HEADS",
    "PLAIN",
    "TEXT",
    "CloseDetector",
    "binary_head",
    "bytes_needed",
    "describe_fault",
    "framed",
    "long_head",
]

TEXT = 0x81  # the first byte of a whole text frame: FIN and opcode 1, no reserved bit
PLAIN = frozenset((0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A))  # first bytes that the RFC allows
COMPRESSED = PLAIN | {0x41, 0x42, 0xC1, 0xC2}  # and with permessage-deflate (RFC 7692, section 6)

HEADS = tuple(bytes((TEXT, length)) for length in range(126))
"""The head of a text frame as a server sends it, by the length of the text."""

_BINARY = b"\x82"  # the first byte of a whole binary frame
_CLOSE = 0x88  # whole, opcode 8
_MOST_FRAMES = 1000  # that are looked at; a client that sends more has no close among them that is worth the work


def long_head(length: int) -> bytes:
    """The head of a text frame of 126 bytes and more, as a server sends it."""
    return b"\x81\x7e" + length.to_bytes(2, "big") if length < 65536 else b"\x81\x7f" + length.to_bytes(8, "big")


def binary_head(length: int) -> bytes:
    """The head of a binary frame as a server sends it."""
    return _BINARY + (HEADS[length] if length < 126 else long_head(length))[1:]


_last = (b"", HEADS[0])  # what was framed last, and its frame: an event goes to many, one after the other


def framed(text: bytes) -> bytes:
    """A text, or what is Binary, as the frame that a server sends."""
    global _last
    last = _last  # another thread with a loop of its own may set it meanwhile
    if last[0] is not text:
        if type(text) is Binary:
            _last = last = text, binary_head(len(text)) + text
            return last[1]
        length = len(text)
        _last = last = text, (HEADS[length] if length < 126 else long_head(length)) + text
    return last[1]


def bytes_needed(data: bytes, position: int, most: int, allowed: frozenset[int]) -> int:
    """How many bytes from `position` on must be here before the frame there can be used: all of it, or its length.

    0 where its head alone is a violation: a first byte that is not `allowed`, no mask, or more than `most` bytes.
    """
    left = len(data) - position
    if left < 2:
        return 2
    length, size = data[position + 1] - 0x80, 2
    if length < 0 or data[position] not in allowed:
        return 0
    if length >= 126:
        size = 4 if length == 126 else 10
        if left < size:
            return size
        length = int.from_bytes(data[position + 2 : position + size], "big")
    return size + 4 + length if length <= most else 0


class CloseDetector:
    """Finds the client's close frame among what it sends, beginning with the first byte of a frame."""

    __slots__ = ("_at_close", "_frames", "_head", "_left")

    def __init__(self) -> None:
        self._frames = 0
        self._head = b""  # what is here of the head of a frame
        self._left = 0  # bytes of the frame at hand that are still to come
        self._at_close = False  # whether it is the client's close

    def ends(self, data: bytes) -> bool:
        """Take the next bytes; whether the client's close is whole with them."""
        position = 0
        while self._frames < _MOST_FRAMES:
            here = min(self._left, len(data) - position)
            self._left -= here
            position += here
            if self._left or self._at_close:
                return not self._left
            head = self._head + data[position : position + 14 - len(self._head)]
            size, length = _measure(head)
            if len(head) < size:
                self._head = head
                return False
            position += size - len(self._head)
            self._head, self._left, self._at_close = b"", length, head[0] == _CLOSE and 0x80 <= head[1] <= 0xFD
            self._frames += 1
        return False


def _measure(head: bytes) -> tuple[int, int]:
    """The bytes that the head of a frame has, masked or not, and those that follow it."""
    if len(head) < 2:
        return 2, 0
    length, size = head[1] & 0x7F, 2
    if length >= 126:
        size = 4 if length == 126 else 10
        length = int.from_bytes(head[2:size], "big")
    return size + (4 if head[1] & 0x80 else 0), length


def describe_fault(head: bytes, code: int, most: int | None) -> str:
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
