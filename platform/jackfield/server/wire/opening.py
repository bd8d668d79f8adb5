"""The opening handshake, read once: what the WebSocket class makes of a request that the HTTP class has read.

Strategy. uvicorn reads an upgrade with its HTTP class, writes it down again as bytes, and the WebSocket class
has the library read and check those: three times the work of the one reading. Here the HTTP class hands over
what it has read and checked (`PatchedProtocol.begin`), and the usual 101 is written as it stands. Whatever is not
usual, a request that comes as bytes or headers that the application adds, takes uvicorn's way.

When the application has attached and returned, its queue and its event are replaced by the two classes here, which
keep nothing: those of each idle connection are a quarter of its memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope, WebSocketScope

__all__ = ["READ", "UNREAD", "WRITTEN", "Flag", "as_request", "skip_request", "switching_protocols", "websocket_scope"]

READ: Final = Request("", Headers())
"""Stands where uvicorn keeps the request; the scope has all of it."""

WRITTEN: Final = Response(101, "Switching Protocols", Headers())
"""Stands where uvicorn keeps its own response."""

_HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


def websocket_scope(
    scope: HTTPScope, scheme: Literal["ws", "wss"], root_path: str, asgi_version: str, state: dict[str, Any]
) -> WebSocketScope:
    """The scope of a WebSocket, made of that of its upgrade request; the one that uvicorn makes."""
    offered = [value.decode("latin-1") for name, value in scope["headers"] if name == b"sec-websocket-protocol"]
    return {
        "type": "websocket",
        "asgi": {"version": asgi_version, "spec_version": "2.4"},  # type: ignore[typeddict-item]  # a plain string
        "http_version": "1.1",
        "scheme": scheme,
        "server": scope["server"],
        "client": scope["client"],
        "root_path": root_path,
        "path": scope["path"],
        "raw_path": scope["raw_path"],
        "query_string": scope["query_string"],
        "headers": scope["headers"],
        "subprotocols": [name.strip() for value in offered for name in value.split(",")],
        "state": state,
        "extensions": {"websocket.http.response": {}},
    }


def skip_request(conn: ServerProtocol) -> None:
    """Have the library's parser begin with frames: it looks at the state once, when it starts."""
    conn.state = State.OPEN
    conn.parser = conn.parse()
    next(conn.parser)
    conn.state = State.CONNECTING


def as_request(scope: WebSocketScope) -> Request:
    """The request as the library has it, where the library is to answer it."""
    target, query = scope["raw_path"], scope["query_string"]
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return Request((target + b"?" + query if query else target).decode("latin-1"), Headers(pairs))


def switching_protocols(accept: str, headers: Iterable[tuple[bytes, bytes]], subprotocol: str | None) -> bytes:
    """The answer 101 (RFC 6455, section 4.2.2). `accept` is the value of Sec-WebSocket-Accept."""
    lines = [_HEAD, accept.encode("ascii"), b"\r\n"]
    for name, value in headers:
        lines += name, b": ", value, b"\r\n"
    if subprotocol:
        lines += b"Sec-WebSocket-Protocol: ", subprotocol.encode("latin-1"), b"\r\n"
    lines.append(b"\r\n")
    return b"".join(lines)


class _Unread:
    """A queue without a reader."""

    __slots__ = ()

    def put_nowait(self, _event: object) -> None: ...

    def empty(self) -> bool:
        """Nothing came before the one who reads now."""
        return True


class Flag:
    """An event without a waiter."""

    __slots__ = ("_is_set",)

    def __init__(self, is_set: bool) -> None:
        self._is_set = is_set

    def set(self) -> None:
        """See asyncio.Event."""
        self._is_set = True

    def clear(self) -> None:
        """See asyncio.Event."""
        self._is_set = False

    def is_set(self) -> bool:
        """See asyncio.Event."""
        return self._is_set


UNREAD: Final = _Unread()
"""The queue of every connection whose application has returned."""
