"""Feeds: what speaks in a group while it has members. One for each group and node; it begins, rests and begins again.

Strategy: these are the rules, on a clock that tests move. The generators themselves are carried out by the Runner.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

from jackfield import messages
from jackfield.errors import Refusal
from jackfield.groups.names import CONSOLE, Pattern
from jackfield.groups.presence import Later

__all__ = ["LINGER", "LONGEST_PAUSE", "MAX_FEEDS", "MAX_OF_CALLER", "Feeds", "Repeated", "Run", "Runner"]

MAX_FEEDS = 1000
"""Feeds of one node, where nothing else is said."""

MAX_OF_CALLER = 100
"""Feeds that go on because of one login, or one address without: as many as one connection may be in. A tenth of all
where that is more."""

LINGER = 2.0
"""Seconds that a feed goes on without members: who loads a page anew finds it as it was."""

LONGEST_PAUSE = 30.0
"""Seconds until a feed that failed begins again, at most; one that has run for so long begins again after 1."""


class Run(Protocol):
    """One generator at work. On the loop's thread; never waits or fails."""

    def stop(self) -> None:
        """End it: from here on nothing of it is sent, and `over` is not called."""


class Runner(Protocol):
    """Carries feeds out. On the loop's thread; none of the calls waits."""

    @property
    def closing(self) -> int:
        """How many that were stopped have not come to their end yet."""

    def judge(self, pattern: Pattern, group: str) -> None:
        """Raise Refusal where the name of a group is none that the feed of its pattern takes."""

    def begin(self, pattern: Pattern, group: str, over: Callable[[bytes | None, bool], None]) -> Run:
        """Begin the feed of a pattern for one group, in a later step of the loop.

        `over` is called at its end with a frame that members are to hear, if any, and whether it failed.
        """


class Repeated:
    """A feed that begins again after failures. It runs, waits for that, or rests (neither). On the loop's thread.

    `begin` gives the run that it began, None where there is nothing to begin, and is given what the run calls at its
    end (see Runner); `rested` is called where that was no failure, with the frame.
    """

    __slots__ = ("_again", "_began", "_begin", "_clock", "_failures", "_later", "_rested", "_run")

    def __init__(
        self,
        begin: Callable[[Callable[[bytes | None, bool], None]], Run | None],
        rested: Callable[[bytes | None], None],
        later: Later,
        clock: Callable[[], float],
    ) -> None:
        self._begin = begin
        self._rested = rested
        self._later = later
        self._clock = clock
        self._run: Run | None = None
        self._again: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._failures = 0  # one after the other

    @property
    def rests(self) -> bool:
        """Whether it neither runs nor waits."""
        return self._run is None and self._again is None

    def begin(self) -> None:
        """Begin it, also anew."""
        self.stop()
        self._failures = 0
        self._start()

    def stop(self) -> None:
        """It neither runs nor waits any more."""
        if self._run is not None:
            self._run.stop()
        if self._again is not None:
            self._again.cancel()
        self._run = self._again = None

    def _start(self) -> None:
        self._again = None
        self._began = self._clock()
        self._run = self._begin(self._over)

    def _over(self, frame: bytes | None, failed: bool) -> None:
        self._run = None
        if not failed:
            self._rested(frame)
            return
        if self._clock() - self._began >= LONGEST_PAUSE:
            self._failures = 0
        pause = min(2.0**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
        self._again = self._later(pause, self._start)


class _Feed:
    """The feed of one group."""

    __slots__ = ("caller", "holds", "leaving", "pattern", "said", "work")

    def __init__(self, pattern: Pattern, caller: str) -> None:
        self.pattern = pattern
        self.caller = caller  # whom it is counted for, "" for nobody
        self.holds = 0  # connections of this caller in the group
        self.work: Repeated
        self.leaving: asyncio.TimerHandle | None = None  # while the group is empty
        self.said: bytes | None = None  # why it rests, for members who come later


class Feeds:
    """The feeds of one node. All calls belong on the event loop's thread and none waits.

    `later` is a loop's `call_later`, `clock` gives its seconds; `tell` sends a frame to the members of a group.
    Without a `runner` there are none.
    """

    def __init__(self, later: Later, clock: Callable[[], float], tell: Callable[[str, bytes], None]) -> None:
        self.runner: Runner | None = None
        self.most = MAX_FEEDS
        self._later = later
        self._clock = clock
        self._tell = tell
        self._feeds: dict[str, _Feed] = {}
        self._of_callers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._feeds)

    def heard(self) -> Counter[str]:
        """How many groups with members have a feed, without the page's own, by the texts of their patterns."""
        heard = (feed.pattern.text for feed in self._feeds.values() if feed.leaving is None)
        return Counter(text for text in heard if text != CONSOLE)

    def check(self, wanted: Iterable[tuple[Pattern, str]], caller: str) -> None:
        """Raise Refusal where a connection of a caller cannot be in all of these groups because of their feeds."""
        if self.runner is None:
            return
        new = 0
        for pattern, group in wanted:
            if group not in self._feeds:
                self.runner.judge(pattern, group)
                new += 1
        if new and len(self._feeds) + self.runner.closing + new > self.most:
            raise Refusal("group_full", _full(self.most), retry_after=5)
        most = max(MAX_OF_CALLER, self.most // 10)
        if new and caller and self._of_callers[caller] + new > most:
            raise Refusal("group_full", f"The caller has begun {most:,} feeds, {_SHARE}", _FIX, retry_after=5)

    def came(self, pattern: Pattern, group: str, caller: str) -> bytes | None:
        """A group with a feed has one more member; gives a frame that this one is to hear.

        A feed is counted for the caller who began it for as long as he is in the group, or nobody is.
        """
        feed = self._feeds.get(group)
        if feed is None:
            if self.runner is None:
                return None
            feed = self._add(pattern, group, caller)
            feed.work.begin()
        elif feed.caller != caller and not feed.holds:
            self._release(feed)
        feed.holds += feed.caller == caller
        if feed.leaving is not None:
            feed.leaving.cancel()
            feed.leaving = None
        return feed.said

    def went(self, group: str, caller: str, *, last: bool) -> None:
        """A group has one member less; with the `last` the feed ends some time later."""
        feed = self._feeds.get(group)
        if feed is None:
            return
        feed.holds -= feed.caller == caller
        if not last:
            if not feed.holds:
                self._release(feed)
        elif feed.work.rests:
            self._drop(group)
        elif feed.leaving is None:
            feed.leaving = self._later(LINGER, lambda: self._drop(group))

    def renew(self, wanted: Iterable[tuple[Pattern, str]]) -> None:
        """Another generation is live: the feeds of these groups, which have members, begin anew; no other goes on.

        Where there are more than there may be, the members of the rest hear of it.
        """
        groups = {group: pattern for pattern, group in wanted}
        for group in [group for group in self._feeds if group not in groups]:
            self._drop(group)
        for group, pattern in groups.items():
            feed = self._feeds.get(group)
            if feed is not None:
                feed.pattern, feed.said = pattern, None
            elif len(self._feeds) < self.most:
                feed = self._add(pattern, group, "")
            else:
                self._tell(group, messages.error("group_full", _full(self.most), more={"group": group}))
                continue
            feed.work.begin()

    def close(self) -> None:
        """Stop all feeds; none begins any more."""
        self.runner = None
        for group in list(self._feeds):
            self._drop(group)

    def _add(self, pattern: Pattern, group: str, caller: str) -> _Feed:
        feed = self._feeds[group] = _Feed(pattern, caller)
        if caller:
            self._of_callers[caller] += 1

        def begin(over: Callable[[bytes | None, bool], None]) -> Run | None:
            return None if self.runner is None else self.runner.begin(self._feeds[group].pattern, group, over)

        # by its name: a feed that held itself would stay until a garbage collection
        feed.work = Repeated(begin, lambda frame: self._rested(group, frame), self._later, self._clock)
        return feed

    def _rested(self, group: str, frame: bytes | None) -> None:
        feed = self._feeds[group]
        if frame is not None:
            feed.said = frame
            self._tell(group, frame)
        if feed.leaving is not None:
            self._drop(group)

    def _drop(self, group: str) -> None:
        feed = self._feeds.pop(group)
        self._release(feed)
        feed.work.stop()
        if feed.leaving is not None:
            feed.leaving.cancel()

    def _release(self, feed: _Feed) -> None:
        """Count it for nobody."""
        if feed.caller:
            self._of_callers[feed.caller] -= 1
            if not self._of_callers[feed.caller]:
                del self._of_callers[feed.caller]
            feed.caller = ""


_SHARE = "which is all that goes on because of one login or address."
_FIX = "Leave a group that nobody else is in, or raise `limits.feeds`: a caller may begin a tenth, and 100 anyway."


def _full(most: int) -> str:
    return f"The server has {most:,} feeds, which is all that it has room for."
