"""The opening handshake of uvicorn's WebSocket class, read once.

Strategy. uvicorn reads an upgrade with its HTTP class, writes it down again as bytes, and the WebSocket class
has the library read and judge those: three times the work of the one reading. Here the HTTP class hands over
what it has read and had judged (`begin`), and the usual 101 is written as it stands. Whatever is not usual, a
request that comes as bytes or headers that the application adds, takes the parent's way.

When the application has attached and returned, `let_go` drops what only a task would read: the queue and the
event of each idle connection are a quarter of its memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent, HTTPScope, WebSocketScope

__all__ = ["OpeningProtocol", "Opens"]

_HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
_READ = Request("", Headers())  # stands where the parent keeps the request; the scope has all of it
_WRITTEN = Response(101, "Switching Protocols", Headers())  # stands where the parent keeps its own response


class Opens(Protocol):
    """What a WebSocket class takes over from our HTTP class."""

    def begin(self, transport: asyncio.Transport, scope: HTTPScope, accept: str) -> None:
        """Called once, instead of `connection_made` and of the request as bytes, for one that keeps to the RFC.

        `accept` is the value of Sec-WebSocket-Accept (RFC 6455, section 4.2.2).
        """


class OpeningProtocol(WebSocketsSansIOProtocol):
    """uvicorn's class, to which a request can be given that was read already. Implements Opens."""

    __slots__ = ("_accept", "_read")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._accept: str | None = None  # for the 101 that is still to be written
        self._read: HTTPScope | None = None  # what our HTTP class has read, until the scope is made of it

    def begin(self, transport: asyncio.Transport, scope: HTTPScope, accept: str) -> None:
        """See Opens. The application's task is made, and runs later."""
        self.connections.add(self)
        self.transport = transport
        self.server, self.client = scope["server"], scope["client"]
        self.scheme = "wss" if scope["scheme"] == "https" else "ws"
        self._read = scope
        self._accept = accept
        self._skip_request()
        self.handle_connect(_READ)

    def _skip_request(self) -> None:
        """Have the library's parser begin with frames: it looks at the state once, when it starts."""
        conn = self.conn
        conn.state = State.OPEN
        conn.parser = conn.parse()
        next(conn.parser)
        conn.state = State.CONNECTING

    def handle_connect(self, event: Request) -> None:
        """Make the scope and the application's task."""
        if self._read is None:
            super().handle_connect(event)
            return
        self.request, self.response = event, _WRITTEN
        self.handshake_initiated = True
        self.scope, self._read = self._scope(self._read), None
        if self.conn.available_extensions:  # compression is agreed on by the library
            self.response, self._accept = self.conn.accept(self._as_read()), None
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def _as_read(self) -> Request:
        """The request as the library has it, where the library is to answer it."""
        target, query = self.scope["raw_path"], self.scope["query_string"]
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.scope["headers"]]
        return Request((target + b"?" + query if query else target).decode("latin-1"), Headers(pairs))

    def _scope(self, scope: HTTPScope) -> WebSocketScope:
        offered = [value.decode("latin-1") for name, value in scope["headers"] if name == b"sec-websocket-protocol"]
        return {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": scope["path"],
            "raw_path": scope["raw_path"],
            "query_string": scope["query_string"],
            "headers": scope["headers"],
            "subprotocols": [name.strip() for value in offered for name in value.split(",")],
            "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }

    async def send(self, message: ASGISendEvent) -> None:
        """See ASGI."""
        unusual = self._accept is None or self.handshake_complete or self.initial_response is not None
        if unusual or message["type"] != "websocket.accept":
            await super().send(message)
        elif message.get("headers"):
            self.response, self._accept = self.conn.accept(self._as_read()), None
            await super().send(message)  # the library looks at what the application adds
        elif self.transport.is_closing():
            raise ClientDisconnected
        else:
            self._switch(message.get("subprotocol"))

    def _switch(self, subprotocol: str | None) -> None:
        """Answer 101 (RFC 6455, section 4.2.2)."""
        lines = [_HEAD, (self._accept or "").encode("ascii"), b"\r\n"]
        for name, value in self.default_headers:
            lines += name, b": ", value, b"\r\n"
        if subprotocol:
            lines += b"Sec-WebSocket-Protocol: ", subprotocol.encode("latin-1"), b"\r\n"
        lines.append(b"\r\n")
        self._accept = None
        self.handshake_complete = True
        self.conn.state = State.OPEN
        self.transport.write(b"".join(lines))
        self.start_keepalive()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection by counting references alone: parser and library hold each other otherwise."""
        super().connection_lost(exc)
        self.conn.parser.close()

    def let_go(self) -> None:
        """Drop what only the application's task would read; it has returned, and the connection lives on."""
        writable = _Flag(self.writable.is_set())
        self.writable = cast("asyncio.Event", writable)
        self.queue = cast("asyncio.Queue[Any]", _UNREAD)


class _Unread:
    """The queue that nobody reads."""

    __slots__ = ()

    def put_nowait(self, _event: object) -> None: ...


class _Flag:
    """The event that nobody waits for."""

    __slots__ = ("_is_set",)

    def __init__(self, is_set: bool) -> None:
        self._is_set = is_set

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set


_UNREAD: Final = _Unread()
