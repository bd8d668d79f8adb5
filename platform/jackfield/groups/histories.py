"""What the groups of a node keep in the store: what is to be read as one opens, and what waits to be written. No I/O.

Strategy. A group whose pattern has `keep` opens with what the store has of it; until that is read, what is sent to it
waits, so that numbers go on and no newcomer misses an event. Where the store does not answer, the group opens without:
its numbers then go on from the milliseconds since 1970, beyond all that it ever gave, and what was kept is put
before what was sent since as soon as it can be read. What waits to be written is bounded; over it the oldest are lost.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from jackfield.groups.group import HISTORY_SIZE, Group, Listener, number_of

__all__ = [
    "AT_ONCE",
    "MAX_BATCH",
    "MAX_RESTING",
    "MAX_WAITING",
    "REST",
    "Batch",
    "Event",
    "Histories",
    "Keeper",
    "Past",
    "Wanted",
]

AT_ONCE = 50
"""Groups whose kept events are read at once."""

MAX_BATCH = 2000
"""Events that are written in one transaction."""

MAX_WAITING = 16 * 1024 * 1024
"""Bytes of the events of a node that wait to be written, and of those that wait for their groups to open."""

REST = 60.0
"""Seconds that a group with kept events stays in memory when nobody is in it any more."""

MAX_RESTING = 10_000
"""Groups with kept events that stay in memory for so long; with more, the first to be left go first."""

_EVENT = 200  # bytes of an event beside its frame
_SLACK = 100  # events over those that a group may give, before the oldest are taken out of the store


class Event(NamedTuple):
    """An event to be written. `at` is in seconds since the epoch."""

    group: Group
    pattern: str
    number: int
    at: float
    frame: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A group to be read: its newest `most` events, none before `oldest`, `size` bytes of them together."""

    group: str
    most: int
    oldest: float
    size: int = HISTORY_SIZE


@dataclass(frozen=True, slots=True)
class Past:
    """What was kept of a group: its newest number, 0 for none, and events that can be given, the oldest first."""

    last: int
    frames: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Batch:
    """Events to be written; and groups with the number of the oldest event that they may still give."""

    events: Sequence[Event]
    oldest: Mapping[str, int]


class Keeper(Protocol):
    """Reads and writes for the groups of a node. On the loop's thread; neither call waits or fails."""

    def read(self) -> None:
        """Something is to be read: see `wanted`."""

    def write(self) -> None:
        """Something is to be written: see `take`."""


class Histories:
    """The kept events of one node. All calls belong on the loop's thread. `clock` gives seconds since the epoch,
    `passed` seconds that nobody sets.

    `forget` is called with groups that nobody was in for a while. Without a keeper, nothing is kept beyond the process.
    """

    def __init__(
        self, clock: Callable[[], float], passed: Callable[[], float], forget: Callable[[Group], None]
    ) -> None:
        self.now = clock
        self.keeper: Keeper | None = None
        self.keeps: Mapping[str, float] = {}  # of the plan that is live, by pattern
        self.written = 0  # events, since the start
        self.lost = 0
        self._passed = passed
        self._forget = forget
        self._answers = True  # whether the store did, when it was asked last
        self._opening: dict[str, Group] = {}
        self._without: dict[str, Group] = {}  # open, and what is kept of them is still to be read
        self._resting: dict[str, tuple[Group, float]] = {}  # nobody is in them; and until when they stay
        self._queue: deque[Event] = deque()
        self._taken: Sequence[Event] = ()  # what is being written
        self._unwritten: Counter[str] = Counter()  # of both, how many are of a group
        self._size = 0  # bytes of both, and of what waits for groups to open

    @property
    def opening(self) -> int:
        """How many groups wait for the store to say what was kept of them."""
        return len(self._opening)

    @property
    def waiting(self) -> int:
        """How many events wait to be written."""
        return len(self._queue) + len(self._taken)

    def tend(self, group: Group) -> None:
        """Take over what the plan says of a group that was just made, or that a publish concerns."""
        kept = group.kept
        if (self.keeper is not None and group.declared.keep > 0) == (kept is not None):
            return
        if kept is None:
            self._begin(group)
        else:
            assert isinstance(kept, _Kept)
            self._opened(group, None)
            self._drop(group)

    def _begin(self, group: Group) -> None:
        assert self.keeper is not None
        self.sweep()
        group.kept = _Kept(self, group)
        if self._answers:
            self._opening[group.name] = group
        else:  # nobody waits for a store that is known to be away
            self._opened(group, None)
        self.keeper.read()

    def _drop(self, group: Group) -> None:
        """It has nothing kept any more, or is no more. The two would live until a garbage collection."""
        group.kept = None
        for names in (self._opening, self._without, self._resting):
            names.pop(group.name, None)

    # reading

    async def opened(self, groups: Iterable[Group], time_limit: float) -> bool:
        """Wait until these are open, so many seconds at most; whether any was not."""
        closed = [kept.opened for group in groups if isinstance(kept := group.kept, _Kept) and not kept.is_open]
        if closed:
            try:
                async with asyncio.timeout(time_limit):
                    for one in closed:
                        await one.wait()
            except TimeoutError:
                pass
        return bool(closed)

    def wanted(self) -> Sequence[Wanted]:
        """The groups to be read next; none where there are none."""
        groups = list((self._opening or self._without).values())[:AT_ONCE]
        now = self.now()
        return [Wanted(one.name, one.declared.history, now - one.declared.keep) for one in groups]

    def answered(self) -> None:
        """The store did what it was asked for."""
        self._answers = True

    def found(self, pasts: Mapping[str, Past]) -> None:
        """The store has answered with what was kept of groups."""
        self.answered()
        for name, past in pasts.items():
            if (group := self._opening.get(name) or self._without.get(name)) is not None:
                self._opened(group, past)

    def failed(self) -> None:
        """The store does not answer: all that wait for it open without what was kept of them."""
        self._answers = False
        for group in tuple(self._opening.values()):
            self._opened(group, None)

    def _opened(self, group: Group, past: Past | None) -> None:
        """What is kept of a group is known, or is not to be known yet."""
        kept = group.kept
        assert isinstance(kept, _Kept)
        own = () if kept.is_open else tuple(group.history)  # of the time when it kept none in the store
        self._opening.pop(group.name, None)
        if past is not None:
            self._without.pop(group.name, None)
            group.recall(past.frames, past.last)
        elif not kept.is_open:
            group.last = max(group.last, int(self.now() * 1000))
            self._without[group.name] = group
        if not kept.is_open:
            last = past.last if past is not None else 0
            for frame in own:
                if (number := number_of(frame)) > last:
                    kept.add(number, self.now(), frame)
            self._size -= kept.size
            kept.open()
        if not group.members:
            self.rest(group)

    def rest(self, group: Group) -> None:
        """The last member of a group with kept events has left."""
        self._resting.pop(group.name, None)
        self._resting[group.name] = group, self._passed() + REST

    def sweep(self, most: int = AT_ONCE) -> None:
        """Forget groups that nobody was in for a while, or too many of these; at most so many."""
        for _ in range(min(most, len(self._resting))):
            group, end = next(iter(self._resting.values()))
            if end > self._passed() and len(self._resting) <= MAX_RESTING:
                break
            del self._resting[group.name]
            if group.members or group.kept is None:
                continue
            if group.kept.is_open and not self._unwritten[group.name]:
                self._drop(group)
                self._forget(group)
            else:
                self.rest(group)

    def hold(self, kept: _Kept, size: int) -> None:
        """An event waits for its group to open; where too many do, that opens at once."""
        self._size += size
        if self._size > MAX_WAITING:
            self._opened(kept.group, None)

    # writing

    def add(self, event: Event) -> None:
        """Have an event written in time."""
        self._queue.append(event)
        self._unwritten[event.group.name] += 1
        self._size += len(event.frame) + _EVENT
        while self._size > MAX_WAITING and self._queue:
            self._done(self._queue.popleft())
            self.lost += 1
        if self.keeper is not None:
            self.keeper.write()

    def take(self) -> Batch:
        """The events to be written next; `wrote` or `put_back` is called before the next are taken."""
        self._taken = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
        counts = Counter(event.group for event in self._taken)
        firsts = {group: number_of(group.history[0]) if group.history else group.last for group in counts}
        oldest = {}
        for group, count in counts.items():
            if isinstance(kept := group.kept, _Kept) and group.name not in self._without:
                kept.untrimmed += count
                if kept.untrimmed >= max(group.declared.history, _SLACK):
                    kept.untrimmed = 0
                    oldest[group.name] = firsts[group]
        # a feed may have said more since the last batch than its group can give
        return Batch([event for event in self._taken if event.number >= firsts[event.group]], oldest)

    def wrote(self) -> None:
        """What was taken is in the store, or its group cannot give it any more."""
        self.written += len(self._taken)
        for event in self._taken:
            self._done(event)
        self._taken = ()

    def put_back(self) -> None:
        """What was taken may not be in the store: it is written again."""
        self._queue.extendleft(reversed(self._taken))
        self._taken = ()

    def _done(self, event: Event) -> None:
        self._size -= len(event.frame) + _EVENT
        self._unwritten[event.group.name] -= 1
        if not self._unwritten[event.group.name]:
            del self._unwritten[event.group.name]


class _Kept:
    """The Kept of one group."""

    __slots__ = ("_held", "_histories", "_newcomers", "group", "is_open", "opened", "untrimmed")

    def __init__(self, histories: Histories, group: Group) -> None:
        self.group = group
        self.is_open = False
        self.opened = asyncio.Event()
        self.untrimmed = 0  # events since the store had no more of it than it may give
        self._histories = histories
        self._held: list[tuple[bytes, float, Listener | None]] = []
        self._newcomers: list[Listener] = []

    @property
    def oldest(self) -> float:
        """The moment of the oldest event that may still be given, in seconds since the epoch."""
        return self._histories.now() - self.group.declared.keep

    def hold(self, frame: bytes, now: float, but: Listener | None) -> None:
        """Take an event that is sent before it is open."""
        self._held.append((frame, now, but))
        self._histories.hold(self, len(frame) + _EVENT)

    def hear(self, member: Listener) -> None:
        """Have a member told of what was kept as soon as that is known."""
        self._newcomers.append(member)

    def add(self, number: int, now: float, frame: bytes) -> None:
        """Write an event in time."""
        self._histories.add(Event(self.group, self.group.declared.pattern.text, number, now, frame))

    @property
    def size(self) -> int:
        """The bytes of what waits for it."""
        return sum(len(frame) + _EVENT for frame, _now, _but in self._held)

    def open(self) -> None:
        """Tell newcomers of what was kept, and send what waits for it."""
        self.is_open = True
        self.opened.set()
        newcomers, self._newcomers = self._newcomers, []
        held, self._held = self._held, []
        for member in dict.fromkeys(newcomers):
            if member in self.group.members:
                self.group.greet(member)
                if self.group.presence is not None and member.is_present:
                    member.hear(self.group.presence.listed(member))
        for frame, now, but in held:
            self.group.send(frame, now, but)
