"""Who is in a group: the list for a newcomer, and who came and went for the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec

from jackfield.identity import Identity

__all__ = ["GRACE", "MOST_NAMED", "Later", "Presence", "Reader", "Room", "left"]

GRACE = 15.0
"""Seconds that a user may be gone before the others hear of it, where nothing is said."""

MOST_NAMED = 200
"""Users in a group over which the members hear numbers alone."""

PAUSE = 1.0
"""Seconds between two numbers."""

Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
_encode = msgspec.json.encode


class Reader(Protocol):
    """A member, as presence sees it."""

    @property
    def identity(self) -> Identity:
        """The caller."""

    def hear(self, frame: bytes) -> None:
        """Queue the frame of one event."""


class Room(Protocol):
    """The group, as its presence sees it."""

    @property
    def present(self) -> Sequence[Reader]:
        """The members that have their 101, in the order in which they came."""

    def spread(self, frame: bytes, members: Sequence[Any]) -> None:
        """Send a frame to these members, behind what was sent before."""


class Presence:
    """What the members of one group hear of each other. On the loop's thread; no call waits.

    `show` is `names` or `count`. Callers without a login are counted and not named, as service keys are, and know
    numbers alone.
    """

    __slots__ = ("_grace", "_group", "_here", "_later", "_leaving", "_name", "_of", "_show", "_tick")

    def __init__(self, name: str, show: Literal["names", "count"], grace: float, group: Room, later: Later) -> None:
        self._name = _encode(name)
        self._show = show
        self._grace = grace
        self._group = group
        self._later = later
        self._here = 0  # connections
        self._of: Counter[str] = Counter()  # connections of each login
        self._leaving: dict[str, tuple[asyncio.TimerHandle, Identity]] = {}  # gone, and the others do not know
        self._tick: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """How many connections are there."""
        return self._here

    def begin(self, members: Sequence[Reader]) -> None:
        """These are there as presence begins: each gets the list."""
        self._of.update(member.identity.shown for member in members)
        self._here = len(members)
        for member in members:
            member.hear(self.listed(member))

    def came(self, member: Reader) -> bytes:
        """A member is there: the others hear of a login that was not there before; gives the list, for the member."""
        login = member.identity.shown
        self._of[login] += 1
        self._here += 1
        if login in self._leaving:
            self._leaving.pop(login)[0].cancel()
        elif not login or self._of[login] == 1:
            self._report("joined", member.identity, member)
        return self.listed(member)

    def listed(self, member: Reader) -> bytes:
        """The list, for a member."""
        return self._members(named=bool(member.identity.shown))

    def went(self, member: Reader, *, left: bool = False) -> None:
        """A member has gone; where it was the last of its login, the others hear of it after the grace.

        `left`: it left the group and is still connected, so that there is nothing to wait for.
        """
        login = member.identity.shown
        self._of[login] -= 1
        self._here -= 1
        if not login:
            self._report("left", member.identity)
        elif not self._of[login] and left:
            del self._of[login]
            self._report("left", member.identity)
        elif not self._of[login]:
            identity = member.identity
            self._leaving[login] = self._later(self._grace, lambda: self._left(identity)), identity

    def stop(self) -> None:
        """The group is empty, or has no presence any more."""
        for timer, _ in self._leaving.values():
            timer.cancel()
        self._leaving.clear()
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _left(self, identity: Identity) -> None:
        del self._leaving[identity.shown], self._of[identity.shown]
        self._report("left", identity)

    def _report(self, event: str, identity: Identity, but: Reader | None = None) -> None:
        """Say to the others that one came or went, by name or, a little later, by the number of all."""
        if identity.shown and self._is_named:
            frame = _moved(event, self._name, identity, self._here)
            readers = [member for member in self._group.present if member.identity.shown and member is not but]
            self._group.spread(frame, readers)
            if not self._of[""]:
                return
        if self._here > 1 or but is None:
            self._tick = self._tick or self._later(PAUSE, self._number)

    def _number(self) -> None:
        self._tick = None
        named = self._is_named
        readers = [member for member in self._group.present if not (named and member.identity.shown)]
        self._group.spread(b'{"event":"members","group":%b,"count":%d}' % (self._name, self._here), readers)

    @property
    def _is_named(self) -> bool:
        return self._show == "names" and len(self._of) - ("" in self._of) <= MOST_NAMED

    def _members(self, *, named: bool) -> bytes:
        names = b""
        if named and self._is_named:
            people = {member.identity.shown: member.identity for member in self._group.present if member.identity.shown}
            people |= {login: identity for login, (_, identity) in self._leaving.items()}
            names = b'"members":[%b],' % b",".join(map(_person, people.values()))
        return b'{"event":"members","group":%b,%b"count":%d}' % (self._name, names, self._here)


def left(group: str, identity: Identity, count: int | None) -> bytes:
    """The frame for a member who was taken out of a group: what the others get, who count where there is presence."""
    return _moved("left", _encode(group), identity, count)


def _moved(event: str, group: bytes, identity: Identity, count: int | None) -> bytes:
    more = b"" if count is None else b',"count":%d' % count
    return b'{"event":"%b","group":%b,%b%b}' % (event.encode(), group, _person(identity)[1:-1], more)


def _person(identity: Identity) -> bytes:
    name = {"name": identity.name} if identity.name else {}
    return _encode({"login": identity.shown or None, **name})
