"""What an upgrade request must hold to become a WebSocket; for our own listener and for any other server's.

Of the library this uses what its documents name, and no more: see private_names.py.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidHeader
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol

from jackfield.errors import Refusal

__all__ = ["QUIET", "Upgrade", "check_upgrade", "oversized", "upgrade_fault"]

QUIET = logging.getLogger("jackfield.uvicorn")
"""For what uvicorn and websockets log of each connection, query strings included; our log has none."""

QUIET.setLevel(logging.WARNING)

MAX_HEADERS = 100
MAX_HEADER_LINE = 8190  # websockets stops without an answer at 8,192 with the line's end

_LONG = 4000  # bytes of a line from which on its length is looked at
_CONNECTION = frozenset((b"upgrade", b"keep-alive, upgrade"))  # as nearly all clients and as Firefox write it
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes in Base64
_ANY = ("A header", "Send shorter headers.")  # a name that the client chose is not repeated
_NAMED = {
    b"cookie": ("The header Cookie", "Send fewer or shorter cookies: remove those that other applications left there."),
    b"authorization": ("The header Authorization", "Send a shorter token."),
    b"sec-websocket-protocol": ("The header Sec-WebSocket-Protocol", "Offer fewer sub-protocols."),
}
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SEVERAL = "multiple values"  # the library's own word in the place of a value
_UNUSUAL = frozenset((b"transfer-encoding", b"content-length", b"sec-websocket-protocol"))  # the library reads these


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade request that keeps to the RFC: the value of Sec-WebSocket-Accept that answers it."""

    accept: str


def upgrade_fault(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """What breaks RFC 6455, section 4.2.1, in an upgrade request, as a sentence; None where nothing does."""
    found = check_upgrade(method, target, version, headers)
    return found if isinstance(found, str) else None


def oversized(target: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """The refusal of an upgrade request with a line that is too long, or too many; None where there is none such."""
    sizes = [(len(target), "The address", "Send a shorter one.")]
    sizes += [(len(name) + len(value) + 2, *_NAMED.get(name, _ANY)) for name, value in headers]
    if len(sizes) > MAX_HEADERS + 1:
        return Refusal("headers_too_large", f"The request has more than {MAX_HEADERS} headers.", "Send fewer of them.")
    size, what, fix = max(sizes)
    if size <= MAX_HEADER_LINE:
        return None
    detail = f"{what} is longer than {MAX_HEADER_LINE:,} bytes, which is all that a line of an upgrade may have."
    return Refusal("headers_too_large", detail, fix)


def check_upgrade(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> Upgrade | str:
    """The upgrade that a request asks for, or what breaks RFC 6455, section 4.2.1, in it, as a sentence.

    The library itself is asked, so that nothing it would refuse gets past here. Of what is written as nearly every
    client writes it nothing is left to ask.
    """
    if method == "GET" and version == "1.1" and len(target) < _LONG:
        accept = _usual(headers)
        if accept is not None:
            return Upgrade(accept)
    return _check_unusual(method, target, version, headers)


def _usual(headers: list[tuple[bytes, bytes]]) -> str | None:
    """What answers a request whose headers are the plain ones, each once; None where the library has to look."""
    found = dict(headers)
    key = found.get(b"sec-websocket-key", b"")
    if (
        len(found) != len(headers)
        or len(headers) > MAX_HEADERS
        or found.get(b"sec-websocket-version") != b"13"
        or found.get(b"upgrade", b"").lower() != b"websocket"
        or found.get(b"connection", b"").lower() not in _CONNECTION
        or not _UNUSUAL.isdisjoint(found)
        or max(map(len, found)) > _LONG
        or max(map(len, found.values())) > _LONG
        or _KEY.fullmatch(key) is None
    ):
        return None
    # RFC 6455, section 4.2.2
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode("ascii")


def _check_unusual(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> Upgrade | str:
    if len(headers) > MAX_HEADERS:
        return f"more than {MAX_HEADERS} headers"
    if len(f"{method} {target} HTTP/{version}") > MAX_HEADER_LINE or any(
        len(name) + len(value) + 2 > MAX_HEADER_LINE for name, value in headers
    ):
        return f"a line longer than {MAX_HEADER_LINE:,} bytes"
    names = [name for name, _ in headers]
    if b"transfer-encoding" in names or any(v != b"0" for n, v in headers if n == b"content-length"):
        return "an upgrade request has no body"
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    try:
        return Upgrade(_ask_library(HandshakeRequest(target, Headers(pairs), method, f"HTTP/{version}")))
    except InvalidHeader as exc:  # whose words are the header's value, a cookie's or a sub-protocol's for example
        return f"invalid {exc.name} header" if exc.value and exc.value != _SEVERAL else str(exc)
    except InvalidHandshake as exc:
        return str(exc)


def _ask_library(request: HandshakeRequest) -> str:
    """The value of Sec-WebSocket-Accept. Raises InvalidHandshake."""
    library = ServerProtocol(logger=QUIET)
    answer = library.accept(request)
    if library.handshake_exc is not None:
        raise library.handshake_exc
    return answer.headers["Sec-WebSocket-Accept"]
