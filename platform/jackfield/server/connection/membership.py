"""One connection in its groups: those of its endpoint, and those that it was joined to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from jackfield.errors import CODES, Refusal
from jackfield.groups.group import Group
from jackfield.groups.groups import Groups
from jackfield.identity import ANONYMOUS, Identity
from jackfield.server.connection.outbox import TOO_SLOW

__all__ = ["Membership"]


class Owner(Protocol):
    """The conversation, as its membership sees it."""

    @property
    def identity(self) -> Identity:
        """The caller."""

    def listen(self) -> Callable[[bytes], None]:
        """What queues frames of events for as long as it is open."""

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table of errors."""


class Membership:
    """A Listener of groups. All calls belong on the loop's thread and none waits.

    Before `entered`, what the groups send waits: at most `most` bytes, beyond which the client is closed 4408. What is
    kept of a group goes when that is left.
    """

    __slots__ = ("_given", "_groups", "_held", "_most", "_owner", "groups", "hear")

    def __init__(self, owner: Owner, groups: Groups) -> None:
        self.groups: tuple[Group, ...] = ()
        self._owner: Owner | None = owner  # None when it is over
        self._groups = groups
        self._given: tuple[str, ...] = ()  # the names of those that the endpoint gives
        self._held: _Held | None = None  # what came before the 101
        self._most = 0
        self.hear: Callable[[bytes], None] = owner.listen()  # an event of a group has no call more on its way

    @property
    def identity(self) -> Identity:
        """The caller, for lists of members."""
        return self._owner.identity if self._owner is not None else ANONYMOUS

    @property
    def is_present(self) -> bool:
        """Whether it has its 101."""
        return self._held is None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups that it is in, in the order of its joins."""
        return tuple(group.name for group in self.groups)

    def enter(self, names: tuple[str, ...], most: int) -> None:
        """Join the endpoint's groups before the 101. Raises Refusal `group_full`."""
        self._held, self._most, self.hear = _Held([], []), most, self._hold
        self.move(names)

    def entered(self) -> None:
        """The client has its 101: it gets the kept events, the list of members, and what came meanwhile."""
        held, self._held = self._held or _Held([], []), None
        self.hear = _ignore if self._owner is None else self._owner.listen()
        for _, frame in held.past:
            self.hear(frame)
        for group in self.groups:
            if group.presence is not None:
                group.presence.came(self)
        for _, frame in held.since:
            self.hear(frame)

    def move(self, names: tuple[str, ...]) -> None:
        """Be in these groups instead of those that the endpoint gave before. Raises Refusal `group_full`."""
        before, self._given = self._given, names
        for name in before:
            if name not in names:
                self.leave(name)
        for name in names:
            if name not in before:  # one that it was taken out of is not entered again
                self._join(name)

    def _hold(self, frame: bytes) -> None:
        if self._held is None or self._owner is None:
            return
        if self._held.joining:
            self._held.past.append((self._held.joining, frame))
        else:
            self._held.since.append((self.groups[0].name if len(self.groups) == 1 else "", frame))
        self._most -= len(frame)
        if self._most < 0:
            self._held = _Held([], [])
            self._owner.end(TOO_SLOW, CODES[TOO_SLOW].sentence)

    def _join(self, name: str, *, chosen: bool = False, asked: bool = False) -> bool:
        if (held := self._held) is None:
            return self._groups.join(self, name, chosen=chosen, asked=asked)
        held.joining = name
        try:
            return self._groups.join(self, name, chosen=chosen, asked=asked)
        finally:
            held.joining = ""

    def join(self, name: str) -> bool:
        """Enter a group; False where it is in it, or is over. Raises Refusal `group_full`."""
        return self._owner is not None and self._join(name, chosen=True)

    def ask(self, name: str) -> bool:
        """Enter a group that `may_join` lets the client into; False where it is over. Raises as `join`."""
        return self._owner is not None and self._join(name, chosen=True, asked=True)

    def leave(self, name: str) -> bool:
        """Leave a group; False where it is not in it."""
        if self._held is not None:
            self._held.drop(name)
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


@dataclass(slots=True)
class _Held:
    """Frames before the 101, each with the group that it is of: `past` came with a join, the others later.

    One that came while the connection was in several groups says itself which it is of. `joining` is the group that is
    being entered.
    """

    past: list[tuple[str, bytes]]
    since: list[tuple[str, bytes]]
    joining: str = ""

    def drop(self, name: str) -> None:
        """Forget what is of a group."""
        named = b'{"group":%b,' % msgspec.json.encode(name)
        self.past = [one for one in self.past if one[0] != name]
        self.since = [(of, text) for of, text in self.since if of != name and (of or not text.startswith(named))]


def _ignore(_frame: bytes) -> None:
    """Hears what comes after the end."""
