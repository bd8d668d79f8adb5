"""A connection before its 101: what stands in the place of the network, and of the conversation for its Connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from jackfield.process.connection import Joined
from jackfield.process.connection import Outbox as Public
from jackfield.server.connection.owned import Owned, check_room

__all__ = ["NOT_YET", "Entering", "Unopened"]

NOT_YET = "the client is not there yet: this is for after `on_connect`"


class Unopened:
    """The transport of a connection that has no 101 yet: it keeps what is written, within the conversation's limits."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.pending = 0
        self._over = asyncio.Event()

    def write(self, text: bytes) -> int:
        """See Transport."""
        self.frames.append(text)
        self.pending += len(text)
        return self.pending

    def hold(self) -> None:
        """See Transport."""

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """See Transport. The handshake finds that the conversation is over."""
        self.taken()

    def pause(self) -> None:
        """See Transport."""

    def resume(self) -> None:
        """See Transport."""

    async def room(self, limit: int) -> None:
        """See Transport."""
        if self.pending >= limit:
            await self._over.wait()

    def taken(self) -> list[bytes]:
        """What was written, for the transport that takes the place of this; nothing waits here from now on."""
        frames, self.frames, self.pending = self.frames, [], 0
        self._over.set()
        return frames


class Host(Protocol):
    """The conversation, as its Connection sees it before the 101."""

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""

    @property
    def owned(self) -> Owned:
        """What waits for its end."""

    @property
    def membership(self) -> Joined:
        """The groups that it is in."""

    def send_event(self, event: object) -> None:
        """See Connection.send."""


class Entering(Public):
    """The Outbox of a Connection whose `on_connect` runs: what it sends waits, and nobody can be asked."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.closing: tuple[int, str] | None = None  # what `on_connect` closes it with, once it is open
        self.begun: list[Coroutine[Any, Any, Any]] = []  # what it starts then

    @property
    def membership(self) -> Joined:
        """The groups that it is in."""
        return self._host.membership

    def send_event(self, event: object) -> None:
        """See Connection.send."""
        self._host.send_event(event)

    def close(self, code: int, reason: str) -> None:
        """See Connection.close."""
        self.closing = self.closing or (code, reason)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """See Connection.start."""
        check_room(coroutine, len(self.begun))
        self.begun.append(coroutine)

    @property
    def closed(self) -> bool:
        """See Connection.closed."""
        return self._host.closed

    @property
    def owned(self) -> Owned:
        """What waits for its end."""
        return self._host.owned

    async def next(self, within: float) -> Mapping[str, Any]:
        """See Connection.next."""
        raise RuntimeError(NOT_YET)

    async def request(self, event: object, answer: Any, within: float) -> Any:
        """See Connection.request."""
        raise RuntimeError(NOT_YET)
