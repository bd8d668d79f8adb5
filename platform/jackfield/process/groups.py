"""The public Groups: what a process says to groups of connections, and the protocol that it stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from math import ceil
from typing import Any, NamedTuple, Protocol

from jackfield import messages
from jackfield.groups.names import BadName, Pattern, checked
from jackfield.identity import Identity
from jackfield.process.connection import Connection

__all__ = ["Backend", "Groups", "Removed", "backend_of"]


class Removed(NamedTuple):
    """How many connections were taken out of a group, and until when the user is kept out, in seconds since the epoch.

    The latter is None for who gets in again at once.
    """

    connections: int
    until: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The answer to who asked for it: `banned_until` stands in it where a ban does."""
        until = {} if self.until is None else {"banned_until": messages.moment(ceil(self.until))}
        return {"removed": self.connections, **until}


class Backend(Protocol):
    """What Groups needs from the node. Called on the loop's thread; none of the calls waits."""

    def send(self, group: str, frame: bytes, but: Connection | None) -> int:
        """Send an event to a group; gives the number of connections that get it."""

    def send_to(self, login: str, frame: bytes, endpoint: str | None) -> int:
        """Send an event to the connections of a user; gives their number."""

    def remove(self, group: str, login: str, ban: float) -> Removed:
        """Take the connections of a user out of a group, for `ban` seconds at least.

        With 0 a ban from before stands. Raises ValueError for a time that is negative or over a year.
        """

    async def join(self, connection: Connection, group: str) -> None:
        """Let a client enter a group where `may_join` lets it. Raises Refusal `group_forbidden`, `group_full`."""

    def leave(self, connection: Connection, group: str) -> None:
        """Let a client leave a group that it might join. Raises Refusal `group_forbidden`."""

    def close(self, login: str, reason: str) -> int:
        """Close the connections of a user 4403; gives their number."""

    def members(self, group: str) -> Sequence[Identity]:
        """The callers behind the connections of a group, in the order of their joins."""

    def state(self, group: str) -> AbstractAsyncContextManager[dict[str, Any]]:
        """The state of a group, for one at a time."""


class Groups:
    """All groups of this node. A process gets it by a parameter with this annotation.

    A group is its name, at most 200 characters; there is no need to make one. What is sent reaches its members of that
    moment, on this node. It belongs to the server's event loop, and raises RuntimeError on any other: from a thread
    call it by `asyncio.run_coroutine_threadsafe`.
    """

    __slots__ = ("_backend", "_loop")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._loop = _running_loop()

    @property
    def _here(self) -> Backend:
        """What stands behind us, for who calls on our event loop."""
        if _running_loop() is not self._loop:
            raise RuntimeError(_OTHER_LOOP)
        return self._backend

    async def send(self, group: str, event: object, *, but: Connection | None = None) -> int:
        """Send an event to all members, except `but`; gives the number of connections.

        Waits for no reader. Raises ValueError for a name that no group can have, TypeError or ValueError for what is
        not a JSON object with its name under "event", and Refusal `group_full` where no more groups can be kept.
        """
        return self._here.send(checked(group), messages.group_event(event), but)

    async def send_to(self, login: str, event: object, *, endpoint: str | None = None) -> int:
        """Send an event to all connections of a user, or to those of one endpoint; gives their number."""
        return self._here.send_to(login, messages.event(event), endpoint)

    async def remove(self, group: str, login: str, *, ban: float = 0.0) -> int:
        """Take all connections of a user out of a group; gives their number. They hear `left`, and nothing more.

        `login` is what Connection.visitor says, also of who is not logged in. For `ban` seconds the user does not get
        into the group again, on this node. Raises ValueError for more than a year.
        """
        return self._here.remove(checked(group), login, ban).connections

    async def close(self, login: str, reason: str = "") -> int:
        """Close all connections of a user 4403 (`removed`); gives their number."""
        return self._here.close(login, reason)

    async def members(self, group: str) -> Sequence[Identity]:
        """The callers behind the connections of a group, in the order of their joins."""
        return self._here.members(checked(group))

    def state(self, group: str) -> AbstractAsyncContextManager[dict[str, Any]]:
        """What processes keep for a group: `async with groups.state("game:7") as state:` gives a dict of JSON.

        One process has it at a time; the others wait. It is kept as it is at the end, unless that is an exception,
        while the group has members and an hour after, also across publishes; on this node, and in memory. Raises
        ValueError, at the end for what is not JSON or over 64 KiB, at the begin where 10,000 groups have a state.
        """
        return self._here.state(checked(group))

    @staticmethod
    def name(pattern: str, **values: Any) -> str:
        """The name that a pattern gives: `groups.name("room:{room}", room=room)`. Raises ValueError."""
        try:
            return Pattern.parse(pattern).fill(values)
        except KeyError as exc:
            raise BadName(f'"{pattern}" needs a value for {exc}') from None


_OTHER_LOOP = (
    "groups belong to the server's event loop, and this is not it; from a thread call "
    "anyio.from_thread.run(groups.send, ...), as in a route of FastAPI that is a plain `def`, "
    "or asyncio.run_coroutine_threadsafe(groups.send(...), loop)"
)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def backend_of(groups: Groups) -> Backend:
    """What stands behind a Groups, for our own code."""
    return groups._backend
