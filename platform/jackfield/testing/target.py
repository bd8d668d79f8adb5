"""What examples are run against: how a client connects, and what a connected client can do."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from jackfield.testing.client import Closed

__all__ = ["PushFailed", "Target", "TargetClient"]


class PushFailed(Exception):
    """An event from outside was not taken; the text says why, and how to mend it."""


class TargetClient(Protocol):
    """One client that has entered. Called by the walk, one call at a time."""

    async def send(self, message: Mapping[str, Any] | str | bytes, /) -> None:
        """Send one message, or a payload. Raises Closed where the connection has ended."""

    async def receive(self, within: float) -> Any:
        """The next message in the order of the wire: a dict, or a payload as a str or bytes.

        Raises TimeoutError, and Closed after the last one.
        """

    async def rest(self, within: float) -> list[Any]:
        """What came and was not received, when what was sent is carried out.

        Where the time is over before, what came then; or TimeoutError, and `receive` still gives it.
        """

    @property
    def closed(self) -> Closed | None:
        """How the server has ended the connection, if it has."""


class Target(Protocol):
    """What examples are run against: an open Project, or a server somewhere."""

    async def fresh_groups(self) -> None:
        """Called before each example: what one leaves in groups is not the next one's, as far as that can be."""

    def connect(
        self,
        endpoint: str,
        *,
        login: str | None,
        roles: Iterable[str],
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> AbstractAsyncContextManager[TargetClient]:
        """Connect as one client; `login` None is anonymous. Raises Refusal, and OSError where no server answers."""

    def push(self, group: str, event: object, /) -> int | Awaitable[int]:
        """Send an event to a group from outside; gives the number of connections that get it. Raises PushFailed."""

    def push_to(self, login: str, event: object, endpoint: str | None = None, /) -> int | Awaitable[int]:
        """The same to the connections of a user."""
