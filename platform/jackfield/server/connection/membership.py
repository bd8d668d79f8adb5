"""One connection in its groups: those of its endpoint, and those that it was joined to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import filterfalse
from typing import Protocol

import msgspec

from jackfield.auth.authorities import known_as
from jackfield.errors import CODES, Refusal
from jackfield.groups.group import Group
from jackfield.groups.groups import Groups
from jackfield.identity import ANONYMOUS, Identity
from jackfield.process.connection import Connection
from jackfield.server.connection.outbox import TOO_SLOW, Outbox

__all__ = ["Membership"]


class Owner(Protocol):
    """The conversation, as its membership sees it."""

    is_over: bool
    """Whether nothing can be queued any more."""

    @property
    def identity(self) -> Identity:
        """The caller."""

    @property
    def address(self) -> str:
        """As in Member of the hub."""

    @property
    def connection(self) -> Connection:
        """The connection, as processes see it."""

    @property
    def outbox(self) -> Outbox:
        """What waits for the client, and how much may."""

    def listen(self) -> Callable[[bytes], None]:
        """What queues frames of events for as long as it is open."""

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table of errors."""


class Membership:
    """A Listener of groups. All calls belong on the loop's thread and none but `join` waits.

    Before `entered`, what the groups send waits: at most `most` bytes, beyond which the client is closed 4408.
    """

    __slots__ = ("_given", "_groups", "_held", "_most", "_owner", "groups", "hear")

    def __init__(self, owner: Owner, groups: Groups) -> None:
        self.groups: tuple[Group, ...] = ()
        self._owner: Owner | None = None if owner.is_over else owner  # None when it is over
        self._groups = groups
        self._given: tuple[str, ...] = ()  # the names of those that the endpoint gives
        self._held: list[tuple[str, bytes]] | None = None  # what came before the 101, with the names of the groups
        self._most = 0
        self.hear: Callable[[bytes], None] = owner.listen()  # an event of a group has no call more on its way

    @property
    def identity(self) -> Identity:
        """The caller, for lists of members: with the login by which Groups knows it."""
        if self._owner is None:
            return ANONYMOUS
        identity, login = self._owner.identity, self._owner.connection.visitor
        return replace(identity, login=login) if identity and login != identity.login else identity

    @property
    def known_as(self) -> str:
        """By what bans know the caller: the login with its authority, or the visitor."""
        return "" if self._owner is None else known_as(self._owner.identity) or self._owner.connection.visitor

    @property
    def caller(self) -> str:
        """The login, or the address of who has none; "" where that is not known, and when it is over."""
        return "" if self._owner is None else self._owner.identity.login or self._owner.address

    @property
    def is_present(self) -> bool:
        """Whether it has its 101."""
        return self._held is None

    @property
    def is_over(self) -> bool:
        """Whether it is a member of nothing any more."""
        return self._owner is None

    @property
    def room(self) -> int:
        """Bytes of kept events that it may be given: they leave half of what may wait to what comes then."""
        if self._owner is None:
            return 0
        free = self._most if self._held is not None else self._owner.outbox.limit - self._owner.outbox.pending
        return max(free, 0) // 2

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups that it is in, in the order of its joins."""
        return tuple(group.name for group in self.groups)

    def enter(self, names: tuple[str, ...], most: int) -> None:
        """Join the endpoint's groups before the 101. Raises Refusal `group_full`."""
        self._held, self._most, self.hear = [], most, self._hold
        self.move(names)

    def listen(self) -> None:
        """Hear what comes by the shortest way, which is there with the transport."""
        if self._owner is not None:
            self.hear = self._owner.listen()

    def entered(self, hear: Callable[[bytes], None] | None = None) -> None:
        """The client has its 101: it gets the kept events, the list of members, and what came meanwhile.

        `hear` queues frames until `listen` is called.
        """
        held = [frame for _, frame in self._held or ()]
        self.hear = _ignore if self._owner is None else hear or self._owner.listen()
        for frame in filter(_is_past, held):
            self.hear(frame)
        self._held = None
        # all of them know it before it hears the first, which may be its end
        for said in [group.came(self) for group in self.groups]:
            if said is not None:
                self.hear(said)
        for frame in filterfalse(_is_past, held):
            self.hear(frame)

    def move(self, names: tuple[str, ...]) -> None:
        """Be in these groups instead of those that the endpoint gave before. Raises Refusal `group_full`."""
        before, self._given = self._given, names
        for name in before:
            if name not in names:
                self._groups.leave(self, name)
        for name in names:
            if name not in before:  # one that it was taken out of is not entered again
                self._groups.join(self, name)

    def _hold(self, frame: bytes) -> None:
        if self._held is None or self._owner is None:
            return
        self._held.append((_of(frame) or (self.groups[0].name if self.groups else ""), frame))
        self._most -= len(frame)
        if self._most < 0:
            self._held = []
            self._owner.end(TOO_SLOW, CODES[TOO_SLOW].sentence)

    def forget(self, group: str) -> None:
        """It leaves or enters a group before it has its 101: it hears nothing of what was before."""
        held, self._held = self._held or (), []
        for one in held:
            if one[0] != group:
                self._held.append(one)
            else:
                self._most += len(one[1])

    async def join(self, name: str) -> bool:
        """Enter a group as soon as it is open; False where it is in it, or is over. Raises as Connection.join."""
        await self._groups.open((name,))
        return self._owner is not None and self._groups.join(self, name, chosen=True)

    def ask(self, name: str) -> bool:
        """Enter a group that `may_join` lets the client into; False where it is over. Raises as `join`."""
        return self._owner is not None and self._groups.join(self, name, chosen=True, asked=True)

    def leave(self, name: str) -> bool:
        """Leave a group; False where it is not in it."""
        return self._groups.leave(self, name)

    def say(self, frame: bytes, *, to_others: bool) -> None:
        """Send a reply that became an event to the endpoint's first group.

        Raises Refusal `group_forbidden` where it was taken out of that.
        """
        if self._given and not any(group.name == self._given[0] for group in self.groups):
            raise Refusal("group_forbidden", "You were taken out of the group, and do not speak there any more.")
        if self._given:
            self._groups.send(self._given[0], frame, self if to_others else None)

    def end(self) -> None:
        """The connection is over: leave all groups."""
        self._groups.leave_all(self)
        self._owner = None
        self.hear = _ignore


def _is_past(frame: bytes) -> bool:
    return type(frame) is bytes and frame.startswith(b'{"event":"history",')


class _Named(msgspec.Struct):
    group: str = ""


_decode = msgspec.json.Decoder(_Named).decode


def _of(frame: bytes) -> str:
    """The group that a frame names; "" where it names none, since its client is in one alone."""
    return _decode(frame).group if type(frame) is bytes else ""  # a payload is no event


def _ignore(_frame: bytes) -> None:
    """Hears what comes after the end."""
