"""One group of this node: its members, the events that it keeps, and sending in slices and in one order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, repeat
from typing import Literal, Protocol

import msgspec

from jackfield import messages
from jackfield.groups.names import Pattern
from jackfield.groups.presence import GRACE, Later, Presence
from jackfield.identity import Identity

__all__ = ["HISTORY_SIZE", "PLAIN", "SLICE", "Declared", "Group", "Kept", "Listener", "number_of"]

SLICE = 500
"""Members that get an event before other work has its turn."""

HISTORY_SIZE = 1024 * 1024
"""Bytes of the events that a group keeps for newcomers; beyond it the oldest go."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What stands under `groups:` for a pattern.

    `history` is how many events a newcomer gets, and `keep` the seconds for which the store has them, 0 for not at all.
    `members` is how many connections a group has, None for no bound.
    `presence` is what members hear of each other, empty for nothing; one may be gone for `grace` seconds.
    `feed` says that something speaks in a group while it has members.
    """

    pattern: Pattern
    history: int = 0
    members: int | None = None
    presence: Literal["", "names", "count"] = ""
    grace: float = GRACE
    feed: bool = False
    keep: float = 0.0


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
    def known_as(self) -> str:
        """By what bans know the caller."""

    @property
    def caller(self) -> str:
        """The login, or the address of who has none, "" where that is not known: whom feeds are counted for."""

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
        """It leaves or enters a group before it has its 101: it is not to hear then what was of that group before."""

    def hear(self, frame: bytes) -> None:
        """Queue the frame of one event."""


class Kept(Protocol):
    """The history of a group that the store has as well. On the loop's thread; never waits or fails."""

    @property
    def is_open(self) -> bool:
        """Whether it is known what was kept; what is sent before waits there."""

    @property
    def oldest(self) -> float:
        """The moment of the oldest event that may still be given, in seconds since the epoch."""

    def hold(self, frame: bytes, now: float, but: Listener | None) -> None:
        """Take an event that is sent before that; the group is given it again, with its moment."""

    def hear(self, member: Listener) -> None:
        """Have a member told of what was kept as soon as that is known."""

    def add(self, number: int, now: float, frame: bytes) -> None:
        """Write an event in time."""


class Group:
    """A group of this node. `members` says of each whether its events carry the group's name."""

    __slots__ = ("_slices", "declared", "history", "kept", "last", "members", "name", "presence", "size")

    def __init__(self, name: str, declared: Declared, later: Later) -> None:
        self.name = name
        self.declared = declared
        self.presence: Presence | None = None
        self.kept: Kept | None = None
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

    @property
    def is_open(self) -> bool:
        """Whether newcomers hear at once what was kept."""
        return self.kept is None or self.kept.is_open

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
        `now` is in seconds since the epoch. Where it is not known yet what was kept, all have it after that.
        """
        if self.kept is not None and not self.is_open:
            self.kept.hold(frame, now, but)
            return len(self.members) - (but in self.members)
        self.last += 1
        if self.declared.history:
            frame = b'%b,"$n":%d,"$time":"%b"}' % (frame[:-1], self.last, str(messages.moment(now)).encode())
            self.history.append(frame)
            self.size += len(frame)
            self._trim()
            if self.kept is not None:
                self.kept.add(self.last, now, frame)
        reached = len(self.members) - (but in self.members)  # before it is too much for one of them
        self._put(_Sending(frame, self.name, list(self.members), list(self.members.values()), but))
        return reached

    def spread(self, frame: bytes, members: Sequence[Listener]) -> None:
        """Send a frame that is no event of the group to these members, behind what was sent before."""
        self._put(_Sending(frame, "", members, repeat(False)))

    def _put(self, sending: _Sending) -> None:
        self._slices.append(sending)
        if len(self._slices) == 1:
            self._send_slice()

    def greet(self, member: Listener) -> None:
        """Have a newcomer hear the kept events, the newest that it has room for, where the group keeps any."""
        if self.kept is not None and not self.is_open:
            self.kept.hear(member)
        elif self.declared.history:
            member.hear(self._past(member.room))

    def came(self, member: Listener) -> bytes | None:
        """A member has its 101: the others hear of it. Gives the list, for the member.

        None where there is none, or not yet: who waits for the kept events hears it behind them.
        """
        said = None if self.presence is None else self.presence.came(member)
        return said if self.is_open else None

    def recall(self, frames: Iterable[bytes], last: int) -> None:
        """Put events that were kept before those sent since; these are numbered beyond `last`, the newest's number."""
        self.history = deque((*frames, *(frame for frame in self.history if number_of(frame) > last)))
        self.size = sum(map(len, self.history))
        self.last = max(self.last, last)
        self._trim()

    def _past(self, room: int) -> bytes:
        if self.kept is not None:
            self._forget_before(self.kept.oldest)
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
            left = self._slices[0].send(left)
            if not left:
                asyncio.get_running_loop().call_soon(self._send_slice)
                return
            self._slices.popleft()

    def _trim(self) -> None:
        while len(self.history) > self.declared.history or self.size > HISTORY_SIZE:
            self.size -= len(self.history.popleft())

    def _forget_before(self, moment: float) -> None:
        while self.history and _decode(self.history[0]).time.timestamp() < moment:
            self.size -= len(self.history.popleft())


class _Numbered(msgspec.Struct):
    """What a group that keeps events gives each of them."""

    number: int = msgspec.field(name="$n")
    time: datetime = msgspec.field(name="$time")


_decode = msgspec.json.Decoder(_Numbered).decode


def number_of(frame: bytes) -> int:
    """The number of an event that a group has kept."""
    return _decode(frame).number


class _Sending:
    """A frame on its way to the members of its moment, except `but`; to those of `named` with the group's name."""

    __slots__ = ("_frame", "_members", "_name", "_named", "gone")

    def __init__(
        self,
        frame: bytes,
        name: str,
        members: Iterable[Listener],
        named: Iterable[bool],
        but: Listener | None = None,
    ) -> None:
        self.gone: set[Listener] = (
            set() if but is None else {but}
        )  # left since; one that is back has had this event with the history
        self._frame = frame
        self._name = name
        self._named = b""
        self._members = zip(members, named)  # noqa: B905 - `named` may be endless

    def send(self, left: int) -> int:
        """Send to at most `left` members; gives how many more may be sent to, 0 where members are left over."""
        frame, gone = self._frame, self.gone
        for member, named in islice(self._members, left):
            left -= 1
            if not gone or member not in gone:
                hear = member.hear  # in two steps: it is no method, and half as dear this way
                hear(self._with_name() if named else frame)
        return left

    def _with_name(self) -> bytes:
        if isinstance(self._frame, messages.Payload):
            return self._frame
        if not self._named:
            self._named = b'{"group":%b,%b' % (msgspec.json.encode(self._name), self._frame[1:])
        return self._named
