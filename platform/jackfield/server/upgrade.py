"""uvicorn's HTTP/1.1, mended, and what an upgrade request must hold to become a WebSocket.

Private names of uvicorn 0.54 that are used here, to be looked at with each release:
  H11Protocol             _should_upgrade, handle_websocket_upgrade, ws_protocol_class, config, server_state,
                          app_state, connections, headers, scope, send_400_response, conn, cycle, transport
  ServerProtocol          process_request (public in websockets 17, used without a connection)

What is mended: an upgrade is read and judged once (see opening.py); a malformed one is answered by the
application and not in a library's words, and so is a request that is no HTTP; frames that come in one read with
the upgrade request are not lost.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol

from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.server import pages
from jackfield.server.opening import OpeningProtocol

__all__ = ["QUIET", "HttpProtocol", "Upgrade", "judge_upgrade", "upgrade_fault"]

QUIET = logging.getLogger("jackfield.uvicorn")
"""For what uvicorn and websockets tell of each connection, query strings included; ours tells without."""

QUIET.setLevel(logging.WARNING)

_JUDGE = ServerProtocol(logger=QUIET)  # of no connection: to judge a request it needs nothing of one

MAX_HEADERS = 100
MAX_HEADER_LINE = 8190  # websockets stops without an answer at 8,192 with the line's end


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade request that keeps to the RFC, and the value of Sec-WebSocket-Accept that answers it."""

    request: HandshakeRequest
    accept: str


def upgrade_fault(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """What breaks RFC 6455, section 4.2.1, in an upgrade request, as a sentence; None where nothing does."""
    found = judge_upgrade(method, target, version, headers)
    return found if isinstance(found, str) else None


def judge_upgrade(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> Upgrade | str:
    """The upgrade that a request asks for, or what breaks RFC 6455, section 4.2.1, in it, as a sentence.

    The library itself is asked, so that nothing it would refuse gets past here.
    """
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
    request = HandshakeRequest(target, Headers(pairs), method, f"HTTP/{version}")
    try:
        accept, _extensions, _subprotocol = _JUDGE.process_request(request)
    except InvalidHandshake as exc:
        return str(exc)
    return Upgrade(request, accept)


class HttpProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; an upgrade that breaks the RFC stays an ordinary request.

    The application then answers it with a sentence, where uvicorn would leave that to the library.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._upgrade: Upgrade | None = None

    def _should_upgrade(self) -> bool:
        if all(name != b"upgrade" or value.lower() != b"websocket" for name, value in self.headers):
            return False
        scope = self.scope
        target = scope["raw_path"].decode("latin-1") + "?" + scope["query_string"].decode("latin-1")
        found = judge_upgrade(scope["method"], target, scope["http_version"], self.headers)
        self._upgrade = found if isinstance(found, Upgrade) else None
        return self._upgrade is not None

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand over what was read and judged here, and what came behind it, which uvicorn loses."""
        self._hand_over(event)
        early, _ = self.conn.trailing_data
        if early and not self.transport.is_closing():
            protocol = self.transport.get_protocol()
            assert isinstance(protocol, asyncio.Protocol)
            protocol.data_received(early)

    def _hand_over(self, event: h11.Request) -> None:
        upgrade, self._upgrade = self._upgrade, None
        kind = self.ws_protocol_class
        if upgrade is None or kind is None or not issubclass(kind, OpeningProtocol):
            super().handle_websocket_upgrade(event)  # as bytes, to be read again
            return
        self.connections.discard(self)
        protocol = kind(config=self.config, server_state=self.server_state, app_state=self.app_state)
        protocol.begin(self.transport, self.scope, upgrade.request, upgrade.accept)
        self.transport.set_protocol(protocol)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP/1.1 in our own form; without an answer where one has begun already."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = pages.problem(Refusal("malformed_request"), AuthSettings())
            headers = [*answer.raw_headers, (b"connection", b"close")]
            head = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
