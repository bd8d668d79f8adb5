"""What examples are run against: who lets clients in, and what a client that has entered can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from jackfield.testing.client import Closed, Project

__all__ = ["Door", "InProcess", "Party"]


class Party(Protocol):
    """One client that has entered. Called by the walk, one call at a time."""

    async def send(self, message: Mapping[str, Any], /) -> None:
        """Send one message. Raises Closed where the connection has ended."""

    async def receive(self, within: float) -> dict[str, Any]:
        """The next message in the order of the wire. Raises TimeoutError, and Closed after the last one."""

    async def rest(self, within: float) -> list[dict[str, Any]]:
        """What came and was not received, when what was sent is carried out.

        Where the time is over before, what came then; or TimeoutError, and `receive` still gives it.
        """

    @property
    def closed(self) -> Closed | None:
        """How the server has ended the connection, if it has."""


class Door(Protocol):
    """What examples are run against: a project in this process, or a server somewhere."""

    def connect(
        self,
        endpoint: str,
        *,
        login: str | None,
        roles: Iterable[str],
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> AbstractAsyncContextManager[Party]:
        """Enter as one client; `login` None is nobody. Entering raises Refusal, and OSError where nobody answers."""


class InProcess:
    """A project in this process as a door."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def connect(
        self,
        endpoint: str,
        *,
        login: str | None,
        roles: Iterable[str],
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> AbstractAsyncContextManager[Party]:
        """See Door."""
        return self._project.connect(endpoint, login=login, roles=roles, params=params, query=query)
