"""What processes and requests from outside do to groups and to the connections of a user, on this node."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from jackfield.auth.authorities import is_own, several
from jackfield.auth.provider import JWT_SESSION, VERIFY_SESSION
from jackfield.identity import OF_KEYS, OF_VISITORS, Identity
from jackfield.process.connection import Connection, outbox_of
from jackfield.process.groups import Removed
from jackfield.server.live import GroupMember, Live, Member

__all__ = ["Members"]


class Members:
    """What is done to them from outside. All calls belong on the event loop's thread and none waits."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def of(self, login: str) -> Sequence[Member]:
        """The connections of a user. Beside other authorities a bare login is the store's, `jwt:anna` theirs.

        Of who is not logged in, those with this `Connection.visitor`, which costs a look at all connections.
        """
        hub, auth = self._live.hub, self._live.generation.table.plan.auth
        if login.startswith(OF_VISITORS) and not hub.of(login):
            return [one for one in hub if not one.identity and one.connection.visitor == login]
        if login.startswith(OF_KEYS) or not several(auth):
            return hub.of(login)
        kind = next((kind for kind in (JWT_SESSION, VERIFY_SESSION) if login.startswith(kind)), "")
        found = hub.of(login.removeprefix(kind))
        return [one for one in found if (one.identity.session.startswith(kind) if kind else is_own(one.identity))]

    def send(self, group: str, frame: bytes, but: Connection | None) -> int:
        """Send an event to a group; gives the number of connections that get it."""
        return self._live.groups.send(
            group, frame, None if but is None else cast(GroupMember, outbox_of(but).membership)
        )

    def send_to(self, login: str, frame: bytes, endpoint: str | None) -> int:
        """Send an event to the connections of a user; gives their number."""
        found = [member for member in self.of(login) if endpoint is None or member.endpoint == endpoint]
        for member in found:
            member.hear(frame)
        return len(found)

    def remove(self, group: str, login: str, ban: float) -> Removed:
        """Take the connections of a user out of a group, for `ban` seconds at least. Raises ValueError."""
        bans, who = self._live.groups.bans, self._known_as(login)
        if ban:
            bans.add(group, who, ban)
        removed = sum(self._live.groups.put_out(member.membership, group) for member in self.of(login))
        return Removed(removed, bans.until(group, who))

    def _known_as(self, login: str) -> str:
        """What bans know a user by: with the authority, also where the plan has one, since it may get more."""
        auth = self._live.generation.table.plan.auth
        if several(auth) or login.startswith((OF_KEYS, OF_VISITORS)):
            return login
        return (JWT_SESSION if auth.jwt is not None else VERIFY_SESSION if auth.verify else "") + login

    def close(self, login: str, reason: str) -> int:
        """Close the connections of a user 4403; gives their number."""
        found = self.of(login)
        for member in found:
            member.end("removed", reason)
        return len(found)

    def state(self, group: str) -> AbstractAsyncContextManager[dict[str, Any]]:
        """The state of a group, for one at a time."""
        return self._live.groups.states.of(group)

    def members(self, group: str) -> Sequence[Identity]:
        """The callers behind the connections of a group, in the order of their joins."""
        return [member.identity for member in self._live.groups.members(group)]
