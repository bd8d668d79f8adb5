"""The head of a request, read more strictly than the library does.

Strategy. What two servers in a row could read in two ways, a proxy and we for example, is no request: that is how
one is smuggled past the other (RFC 9112, section 11.2). h11 takes what the RFC allows a server to take; here it is
asked for lines that end as they should, begin as they should and name one length. And a head is bounded also when it
comes in one read: h11 looks at the size of those alone that are not whole yet.

Private names of h11 0.16 that are used here, to be looked at with each release:
  Connection              _receive_buffer
  _receivebuffer          ReceiveBuffer.maybe_extract_lines
"""

from __future__ import annotations

import h11
from h11._receivebuffer import ReceiveBuffer

__all__ = ["HEAD", "read_strictly"]

HEAD = 16 * 1024
"""Bytes that the head of a request may have; what is longer is answered 431."""


def read_strictly(connection: h11.Connection) -> None:
    """Have a new connection read its heads with the rules of this module; called before its first byte."""
    connection._receive_buffer = _StrictBuffer()


class _StrictBuffer(ReceiveBuffer):
    """Bytes that came and were not read yet."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of a head that is whole, or of the trailers of a body."""
        before = len(self)
        lines = super().maybe_extract_lines()
        if lines:
            _judge(lines, before - len(self))
        return lines


def _judge(lines: list[bytearray], size: int) -> None:
    """Raise RemoteProtocolError for a head of `size` bytes that is not to be taken."""
    if size > HEAD:
        raise h11.RemoteProtocolError("the head is too long", error_status_hint=431)
    head = b"\n".join(lines).lower()
    if size != len(head) + len(lines) + 3:  # each line and the blank one end in two bytes; `head` has one between two
        raise h11.RemoteProtocolError("a line does not end in CR LF")
    if b"\n " in head or b"\n\t" in head:
        raise h11.RemoteProtocolError("a line is folded")
    if b"\ntransfer-encoding:" in head and b"\ncontent-length:" in head:
        raise h11.RemoteProtocolError("the length of the body is given in two ways")
