"""Messages in fragments: how many of them, how fast, and that no text is waited for which is none.

Strategy. A fragment costs as much work as a message and nearly 100 bytes beside its own, so that `limits.message` alone
bounds neither. To refuse a mere number would refuse a long message of a device with a small buffer; so the number may
grow with the bytes that the fragments bring, and endless empty or tiny ones are refused all the same. What their number
costs in processor time is bounded by their rate. A text is decoded as it comes (RFC 6455, section 8.1).
"""

from __future__ import annotations

import codecs

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from jackfield.server.wire.token_bucket import TokenBucket

__all__ = [
    "FRAGMENTS",
    "FRAGMENTS_AT_ONCE",
    "FRAGMENT_BYTES",
    "FRAGMENT_RATE",
    "FRAGMENT_TOKENS",
    "TOO_MANY_FRAGMENTS",
    "Machine",
]

FRAGMENTS = 1024
"""Fragments of one message, and one for each FRAGMENT_BYTES of it; one more closes 1009. Empty ones count."""

FRAGMENT_BYTES = 64
"""Bytes of a message that allow it one more fragment."""

FRAGMENT_RATE = 1024
"""Fragments a second of one connection; more of them are not read until it is their time."""

FRAGMENTS_AT_ONCE = 128
"""Of these how many may come at once."""

FRAGMENT_TOKENS = TokenBucket(FRAGMENT_RATE, FRAGMENTS_AT_ONCE / FRAGMENT_RATE)

_new_decoder = codecs.getincrementaldecoder("utf-8")


TOO_MANY_FRAGMENTS = f"a message came in more than {FRAGMENTS:,} fragments of less than {FRAGMENT_BYTES} bytes"


class Machine(ServerProtocol):
    """The library's state machine, which knows of fragments what we want of them.

    uvicorn makes the library's own and this becomes its class, so that nothing is set in `__init__`.
    """

    spare_bytes = 0
    """What the open message has beyond what its fragments need; below zero it has too many of them."""

    _letters: codecs.IncrementalDecoder | None = None  # of the open message, where it is a text

    def recv_frame(self, frame: Frame) -> None:
        """One frame. A close between two fragments is answered like every other (RFC 6455, sections 5.4 and 5.5.1).

        UnicodeDecodeError: a text is not UTF-8 from here on; the library closes 1007 for it.
        """
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self.current_size = None  # the library would take it for a violation
        super().recv_frame(frame)
        if opcode is Opcode.CONT:
            self._take(frame)
        elif not frame.fin:
            self._letters = _new_decoder() if opcode is Opcode.TEXT else None
            self.spare_bytes = FRAGMENTS * FRAGMENT_BYTES
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        self.spare_bytes += len(frame.data) - FRAGMENT_BYTES
        if self._letters is not None:
            self._letters.decode(frame.data, frame.fin)
