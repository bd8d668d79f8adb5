"""The wall clock, watched by a clock that cannot be set.

Strategy. Sessions, tokens and the counts of logins are kept with times of the wall clock, because other servers and a
restart must understand them. But that clock is set now and then, by a person, by NTP, by a machine that wakes up. So
whatever ends is over as soon as either clock says so: a clock set forward ends it at once, one set back puts nothing
off that was seen before. What lasts for a while, a cache or a window, is measured by the steady clock alone. And what
seems to come from the future is looked at with the time in mind that it would be, had the clock not been set back.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["SET", "Clock", "Ends", "Jumps", "watched"]

SET = 1.0
"""Seconds between the two clocks from which the wall clock was set; with less it ran a little fast or slow."""


class Clock:
    """Called, it gives the wall clock's seconds since the epoch; `steady` gives seconds that only ever pass."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self.steady = steady
        self._latest = wall()
        self._at = steady()

    def __call__(self) -> float:
        return self._wall()

    def latest(self) -> float:
        """The latest time that it can be: that of the wall clock, or what it would be, had it not been set back.

        A clock that was ahead and was put right leaves this ahead by as much. So nothing ends by it; it only tells
        what may have been made on another machine, or here before, from what cannot.
        """
        now = self.steady()
        self._latest = max(self._wall(), self._latest + now - self._at)
        self._at = now
        return self._latest


def watched(clock: Callable[[], float]) -> Clock:
    """`clock` as a Clock. A function in the place of the wall clock, a test's for example, is its own steady one."""
    if isinstance(clock, Clock):
        return clock
    return Clock() if clock is time.time else Clock(clock, clock)


class Jumps:
    """Finds out that the wall clock was set; each who wants to know has one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = self._offset()

    def look(self) -> float:
        """By how many seconds the wall clock was set since the last look, forward or back; 0 if it was not."""
        before, self._ahead = self._ahead, self._offset()
        by = self._ahead - before
        if abs(by) < SET:
            self._ahead = before  # so that small steps add up
            return 0.0
        return by

    def _offset(self) -> float:
        return self._clock() - self._clock.steady()


class Ends:
    """When sessions end, by both clocks; the `room` that were asked for last are remembered.

    The end by the steady clock is that which a session had when it was first asked for.
    """

    def __init__(self, clock: Clock, room: int) -> None:
        self._clock = clock
        self._room = room
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def over(self, session: str, expires_at: float) -> bool:
        """Whether a session is over that ends at `expires_at`, seconds since the epoch."""
        left = expires_at - self._clock()
        if left <= 0:
            return True
        now, known = self._clock.steady(), self._known.get(session)
        if known is None or known[0] != expires_at:
            known = self._known[session] = expires_at, now + left
        self._known.move_to_end(session)
        while len(self._known) > self._room:
            self._known.popitem(last=False)
        return now >= known[1]
