"""One group of this node: its members, the events that it keeps, and sending in slices and in one order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol

import msgspec

from jackfield import messages
from jackfield.groups.names import Pattern
from jackfield.groups.presence import GRACE, Later, Presence
from jackfield.identity import Identity

__all__ = ["PLAIN", "SLICE", "Declared", "Group", "Listener"]

SLICE = 500
"""Members that get an event before other work has its turn."""

HISTORY_SIZE = 1024 * 1024
"""Bytes of the events that a group keeps for newcomers; beyond it the oldest go."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What stands under `groups:` for a pattern.

    `history` is how many events a newcomer gets, `members` how many connections a group has, None for no bound.
    `presence` is what members hear of each other, empty for nothing; one may be gone for `grace` seconds.
    `feed` says that something speaks in a group while it has members.
    """

    pattern: Pattern
    history: int = 0
    members: int | None = None
    presence: Literal["", "names", "count"] = ""
    grace: float = GRACE
    feed: bool = False


PLAIN = Declared(Pattern("", ("",), ()))
"""Groups whose pattern does not stand under `groups:`."""


class Listener(Protocol):
    """A member, as its groups see it. Implemented by the conversation. On the loop's thread; never waits or fails."""

    groups: tuple[Group, ...]
    """The groups that it is in, in the order of its joins."""

    @property
    def identity(self) -> Identity:
        """The caller, for lists of members."""

    @property
    def is_present(self) -> bool:
        """Whether it has its 101; others do not hear of it before."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and becomes a member of nothing."""

    @property
    def room(self) -> int:
        """Bytes of kept events that it may be given now."""

    def forget(self, group: str) -> None:
        """It leaves a group before it has its 101: what it is to hear then is without that group's."""

    def hear(self, frame: bytes) -> None:
        """Queue the frame of one event."""


class Group:
    """A group of this node. `members` says of each whether its events carry the group's name."""

    __slots__ = ("_slices", "declared", "history", "last", "members", "name", "presence", "size")

    def __init__(self, name: str, declared: Declared, later: Later) -> None:
        self.name = name
        self.declared = declared
        self.presence: Presence | None = None
        self.members: dict[Listener, bool] = {}
        self.history: deque[bytes] = deque()
        self.last = 0  # the number of the newest event
        self.size = 0  # bytes of the history
        self._slices: deque[_Sending] = deque()  # what is not sent to all yet, in order
        self.redeclare(declared, later)

    @property
    def is_full(self) -> bool:
        """Whether the group has as many connections as it may have."""
        most = self.declared.members
        return most is not None and len(self.members) >= most

    def remove(self, member: Listener) -> None:
        """Take a member out: it hears nothing more, also of what is on its way."""
        self.members.pop(member, None)
        for sending in self._slices:
            sending.gone.add(member)

    @property
    def present(self) -> Sequence[Listener]:
        """The members that have their 101, in the order in which they came."""
        return [member for member in self.members if member.is_present]

    def redeclare(self, declared: Declared, later: Later) -> None:
        """Take over what a plan says; members hear of each other from here on where they did not before."""
        before, self.declared = self.declared, declared
        self._trim()
        if self.presence is not None and (before.presence, before.grace) == (declared.presence, declared.grace):
            return
        if self.presence is not None:
            self.presence.stop()
            self.presence = None
        if declared.presence:
            self.presence = Presence(self.name, declared.presence, declared.grace, self, later)
            self.presence.begin(self.present)

    def send(self, frame: bytes, now: float, but: Listener | None = None) -> int:
        """Send an event, a JSON object, to all who are members now, except `but`; gives their number.

        The first SLICE have it on return, the others in later steps of the loop; all events of a group in one order.
        `now` is in seconds since the epoch.
        """
        self.last += 1
        if self.declared.history:
            frame = b'%b,"$n":%d,"$time":"%b"}' % (frame[:-1], self.last, str(messages.moment(now)).encode())
            self.history.append(frame)
            self.size += len(frame)
            self._trim()
        return self._put(frame, [member for member in self.members if member is not but], self.name)

    def spread(self, frame: bytes, members: Sequence[Listener]) -> None:
        """Send a frame that is no event of the group to these members, behind what was sent before."""
        self._put(frame, members)

    def _put(self, frame: bytes, members: Sequence[Listener], name: str = "") -> int:
        self._slices.append(_Sending(frame, name, members))
        if len(self._slices) == 1:
            self._send_slice()
        return len(members)

    def past(self, room: int) -> bytes | None:
        """The frame of the kept events for a newcomer, the newest that `room` bytes hold; None for a group without."""
        if not self.declared.history:
            return None
        name = msgspec.json.encode(self.name)
        events, size = self.history, self.size + len(self.history)
        if size > room:
            events = events.copy()
            while events and size > room:
                size -= len(events.popleft()) + 1
        return b'{"event":"history","group":%b,"events":[%b],"to":%d}' % (name, b",".join(events), self.last)

    def _send_slice(self) -> None:
        left = SLICE
        while self._slices:
            left = self._slices[0].send(self.members, left)
            if not left:
                asyncio.get_running_loop().call_soon(self._send_slice)
                return
            self._slices.popleft()

    def _trim(self) -> None:
        while len(self.history) > self.declared.history or self.size > HISTORY_SIZE:
            self.size -= len(self.history.popleft())


class _Sending:
    """A frame on its way to the members of its moment; with `name` it names its group where that is due."""

    __slots__ = ("_frame", "_members", "_name", "_named", "gone")

    def __init__(self, frame: bytes, name: str, members: Sequence[Listener]) -> None:
        self.gone: set[Listener] = set()  # left since; one that is back has had this event with the history
        self._frame = frame
        self._name = name
        self._named = b""
        self._members: Iterator[Listener] = iter(members)

    def send(self, named: dict[Listener, bool], left: int) -> int:
        """Send to at most `left` members; gives how many more may be sent to, 0 where members are left over."""
        frame, gone = self._frame, self.gone
        for member in islice(self._members, left):
            left -= 1
            if not gone or member not in gone:
                member.hear(self._with_name() if self._name and named[member] else frame)
        return left

    def _with_name(self) -> bytes:
        if not self._named:
            self._named = b'{"group":%b,%b' % (msgspec.json.encode(self._name), self._frame[1:])
        return self._named
