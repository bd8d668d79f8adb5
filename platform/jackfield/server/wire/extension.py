"""What an application finds in the scope beyond ASGI: the ASGI extension of our WebSocket protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.config.plan import Limits
from jackfield.server.wire.transport import Receiver, Transport

if TYPE_CHECKING:
    from jackfield.server.wire.reading import WebSocketProtocol

__all__ = ["EXTENSION", "Socket"]

EXTENSION = "jackfield.socket"
"""The key in `scope["extensions"]` under which an application finds its Socket."""


class Socket:
    """What an application may ask of the connection beyond ASGI; found under EXTENSION in the scope."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def tune(self, limits: Limits) -> None:
        """Close a message over twice the limit 1009 before its body is read, and ping as the endpoint says."""
        self._protocol.tune(limits)

    def abort(self) -> None:
        """Cut the connection off, unsent bytes included."""
        self._protocol.transport.abort()

    @property
    def transport(self) -> Transport:
        """What to answer on, once attached."""
        return self._protocol

    def attach(self, receiver: Receiver) -> None:
        """Take the direct path from here on, after the accept was sent.

        The application may return: the connection ends with `receiver.lost`, not with its task.
        """
        self._protocol.attach(receiver)
