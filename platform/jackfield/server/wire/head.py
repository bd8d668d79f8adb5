"""The head of a request, read more strictly than the library does.

Strategy. What two servers in a row could read in two ways, a proxy and we for example, is no request: that is how
one is smuggled past the other (RFC 9112, section 11.2). h11 takes what the RFC allows a server to take; here it is
asked for lines that end as they should, begin as they should, name one length and hold no control character, which
the RFC lets a server take and the libraries behind us do not. And a head is bounded also when it comes in one read:
h11 looks at the size of those alone that are not whole yet.

What means one thing alone is taken as that, where h11 would refuse it: letters outside ASCII in the address stand for
their percent-encoded bytes, and an address with scheme and host (RFC 9112, section 3.2.2) for its path, with that host.
"""

from __future__ import annotations

import re

import h11
from h11._receivebuffer import ReceiveBuffer

__all__ = ["HEAD", "HeadFault", "read_strictly", "too_long"]

HEAD = 16 * 1024
"""Bytes that the head of a request may have; what is longer is answered 431."""

# RFC 9110, section 5.5: a field's value has visible characters, blanks and tabs. The line feed stands between lines.
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n"))


_LETTERS = re.compile(rb"[\x80-\xff]")
_ABSOLUTE = re.compile(rb"(?i:https?|wss?)://([^/?#@\s]+)((?:/[^\s]*|\?[^\s]*)?)")


class HeadFault(h11.RemoteProtocolError):
    """A head that is not to be taken; `detail` and `fix` are sentences for the client, without a word of its own."""

    def __init__(self, detail: str, fix: str, *, status: int = 400) -> None:
        super().__init__(detail, error_status_hint=status)
        self.detail = detail
        self.fix = fix


def read_strictly(connection: h11.Connection) -> None:
    """Have a new connection read its heads with the rules of this module; called before its first byte."""
    connection._receive_buffer = _StrictBuffer()


def too_long() -> HeadFault:
    """The fault of a head that is longer than HEAD."""
    detail = f"The head of the request is longer than {HEAD // 1024} KiB."
    return HeadFault(detail, "Send fewer or shorter headers and cookies.", status=431)


class _StrictBuffer(ReceiveBuffer):
    """Bytes that came and were not read yet."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of a head that is whole, or of the trailers of a body."""
        before = len(self)
        lines = super().maybe_extract_lines()
        if lines:
            _validate(lines, before - len(self))
            _read_target(lines)
        return lines


def _read_target(lines: list[bytearray]) -> None:
    """Write the request's target as h11 reads it, and with it the Host that it names."""
    words = bytes(lines[0]).split(b" ")
    if len(words) != 3 or (words[1][:1] == b"/" and words[1].isascii()):
        return
    target = _LETTERS.sub(lambda found: b"%%%02X" % found[0][0], words[1])
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:
        # RFC 9112, section 3.2.2: the Host header is ignored then; where there is none, or two, that stays a fault
        target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
        for line in lines[1:]:
            if line[:5].lower() == b"host:":
                line[:] = b"Host: " + absolute[1]
    lines[0][:] = b" ".join((words[0], target, words[2]))


def _validate(lines: list[bytearray], size: int) -> None:
    """Raise HeadFault for a head of `size` bytes that is not to be taken."""
    if size > HEAD:
        raise too_long()
    head = b"\n".join(lines).lower()
    if len(head.translate(None, _CONTROLS)) != len(head):
        raise _control(lines)
    if size != len(head) + len(lines) + 3:  # each line and the blank one end in two bytes; `head` has one between two
        raise HeadFault("A line of the head does not end in CR LF.", "End each line in CR LF (RFC 9112, section 2.2).")
    if b"\n " in head or b"\n\t" in head:
        raise HeadFault("A line of the head is folded.", "Send each header in one line (RFC 9112, section 5.2).")
    if b"\ntransfer-encoding:" in head and b"\ncontent-length:" in head:
        fix = "Send Content-Length or Transfer-Encoding, not both (RFC 9112, section 6.3)."
        raise HeadFault("The length of the body is given in two ways.", fix)
    hosts = head.count(b"\nhost:")
    if hosts != 1 and lines[0].endswith(b" HTTP/1.1") and lines[0].count(b" ") == 2:  # no trailers of a body
        what = "more than one Host header" if hosts else "no Host header"
        raise HeadFault(
            f"The head has {what}.", "Send one Host header, with the server's name (RFC 9112, section 3.2)."
        )


def _control(lines: list[bytearray]) -> HeadFault:
    """Say where the first control character is: by its line, since a header's name may be what the client made up."""
    number, line = next((n, one) for n, one in enumerate(lines, 1) if one.translate(None, _CONTROLS) != one)
    found = next(byte for byte in line if byte in _CONTROLS)
    fix = "Take it out, or encode it; a header holds visible characters, blanks and tabs (RFC 9110, section 5.5)."
    return HeadFault(f"Line {number} of the head holds the control character 0x{found:02x}.", fix)
