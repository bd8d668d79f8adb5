"""uvicorn's HTTP/1.1, mended, and what an upgrade request must hold to become a WebSocket.

Private names of uvicorn 0.54 that are used here, to be looked at with each release:
  H11Protocol             _should_upgrade, headers, scope, send_400_response, conn, cycle, transport
  ServerProtocol          process_request (public in websockets 17, used without a connection)

What is mended: a malformed upgrade is answered by the application and not in a library's words, and so is a
request that is no HTTP.
"""

from __future__ import annotations

import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol

from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.server import pages

__all__ = ["QUIET", "HttpProtocol", "upgrade_fault"]

QUIET = logging.getLogger("jackfield.uvicorn")
"""For what uvicorn and websockets tell of each connection, query strings included; ours tells without."""

QUIET.setLevel(logging.WARNING)

MAX_HEADERS = 100
MAX_HEADER_LINE = 8190  # websockets stops without an answer at 8,192 with the line's end


def upgrade_fault(method: str, target: str, version: str, headers: list[tuple[bytes, bytes]]) -> str | None:
    """What breaks RFC 6455, section 4.2.1, in an upgrade request, as a sentence; None where nothing does.

    The library itself is asked, so that nothing it would refuse later gets past here.
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
        ServerProtocol(logger=QUIET).process_request(request)
    except InvalidHandshake as exc:
        return str(exc)
    return None


class HttpProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; an upgrade that breaks the RFC stays an ordinary request.

    The application then answers it with a sentence, where uvicorn would leave that to the library.
    """

    def _should_upgrade(self) -> bool:
        if all(name != b"upgrade" or value.lower() != b"websocket" for name, value in self.headers):
            return False
        scope = self.scope
        target = scope["raw_path"].decode("latin-1") + "?" + scope["query_string"].decode("latin-1")
        return upgrade_fault(scope["method"], target, scope["http_version"], self.headers) is None

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
