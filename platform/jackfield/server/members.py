"""What processes and requests from outside do to groups and to the connections of a user, on this node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from jackfield.identity import Identity
from jackfield.process.connection import Connection, outbox_of
from jackfield.server.joining import Joining
from jackfield.server.live import GroupMember, Live

__all__ = ["Members"]


class Members:
    """The Backend of Groups. All calls belong on the event loop's thread and none waits."""

    def __init__(self, live: Live, joining: Joining) -> None:
        self._live = live
        self._joining = joining

    def send(self, group: str, frame: bytes, but: Connection | None) -> int:
        """Send an event to a group; gives the number of connections that get it."""
        return self._live.groups.send(
            group, frame, None if but is None else cast(GroupMember, outbox_of(but).membership)
        )

    def send_to(self, login: str, frame: bytes, endpoint: str | None) -> int:
        """Send an event to the connections of a user; gives their number."""
        found = [member for member in self._live.hub.of(login) if endpoint is None or member.endpoint == endpoint]
        for member in found:
            member.hear(frame)
        return len(found)

    async def join(self, connection: Connection, group: str) -> None:
        """Let a client enter a group where `may_join` lets it. Raises Refusal `group_forbidden`, `group_full`."""
        await self._joining.check(connection, group)
        cast(GroupMember, outbox_of(connection).membership).ask(group)

    def leave(self, connection: Connection, group: str) -> None:
        """Let a client leave a group that it might join. Raises Refusal `group_forbidden`."""
        self._joining.rule(group)
        outbox_of(connection).membership.leave(group)

    def remove(self, group: str, login: str, ban: float) -> int:
        """Take the connections of a user out of a group, for `ban` seconds at least; gives their number."""
        if ban:
            self._live.groups.bans.add(group, login, ban)
        return sum(self._live.groups.leave(member.membership, group) for member in self._live.hub.of(login))

    def close(self, login: str, reason: str) -> int:
        """Close the connections of a user 4403; gives their number."""
        found = self._live.hub.of(login)
        for member in found:
            member.end("removed", reason)
        return len(found)

    def members(self, group: str) -> Sequence[Identity]:
        """The callers behind the connections of a group, in the order of their joins."""
        return [member.identity for member in self._live.groups.members(group)]
