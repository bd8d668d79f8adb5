"""The Groups of a generation's resources, which speak while that generation is live and at no other time.

Strategy: at a publish the resources of two generations are open at once, the new before the swap, the old until their
last call has ended. A resource that pushes what it polls would say everything twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

from jackfield.identity import Identity
from jackfield.process.connection import Connection
from jackfield.process.groups import Backend, Removed

__all__ = ["GenerationGroups"]


class GenerationGroups:
    """The Backend of those Groups. Silent until `speak`, and from `fall_silent` on.

    What it is told meanwhile goes nowhere and reaches 0 connections; members and states can be read. `backend` is the
    node's, None where the first generation is opened before there is one: nobody is in a group then.
    """

    def __init__(self, backend: Backend | None = None) -> None:
        self._node = backend
        self._heard: Backend | None = None  # the same while the generation is live

    def speak(self, backend: Backend) -> None:
        """Its generation is live from this step on."""
        self._node = self._heard = backend

    def fall_silent(self) -> None:
        """Another generation is live from this step on."""
        self._heard = None

    def send(self, group: str, frame: bytes, but: Connection | None) -> int:
        """Send an event to a group; gives the number of connections that get it."""
        return 0 if self._heard is None else self._heard.send(group, frame, but)

    def send_to(self, login: str, frame: bytes, endpoint: str | None) -> int:
        """Send an event to the connections of a user; gives their number."""
        return 0 if self._heard is None else self._heard.send_to(login, frame, endpoint)

    def remove(self, group: str, login: str, ban: float) -> Removed:
        """Take the connections of a user out of a group, for `ban` seconds at least."""
        return Removed(0) if self._heard is None else self._heard.remove(group, login, ban)

    def close(self, login: str, reason: str) -> int:
        """Close the connections of a user 4403; gives their number."""
        return 0 if self._heard is None else self._heard.close(login, reason)

    async def join(self, connection: Connection, group: str) -> None:
        """For processes alone: a resource has no client that could ask."""
        raise NotImplementedError

    def leave(self, connection: Connection, group: str) -> None:
        """For processes alone, as `join`."""
        raise NotImplementedError

    def members(self, group: str) -> Sequence[Identity]:
        """The callers behind the connections of a group, in the order of their joins."""
        return () if self._node is None else self._node.members(group)

    @asynccontextmanager
    async def state(self, group: str) -> AsyncIterator[dict[str, Any]]:
        """The state of a group, for one at a time; for who is silent then a copy that is not kept."""
        if self._node is None:
            yield {}
            return
        async with self._node.state(group) as found:
            if self._heard is not None:
                yield found
                return
            copy = deepcopy(found)
        yield copy  # others need not wait
