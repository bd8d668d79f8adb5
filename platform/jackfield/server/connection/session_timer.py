"""The end of the session that a connection was opened with: the event before it, and the close at that moment.

Strategy. Each conversation has one timer, on the loop's clock, which cannot be set. Once a second it is checked whether
the wall clock was set, and only then at every conversation: where it says that the end is nearer than the timer does,
the timer is armed anew. A clock that is set back puts no end off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from jackfield.clocks import Jumps, watched
from jackfield.identity import Identity
from jackfield.logs import log
from jackfield.messages import moment

__all__ = ["CLOCK_LOOK", "ClockWatch", "Later", "SessionEnd"]

CLOCK_LOOK = 1.0
"""Seconds between two looks whether the clock was set; sessions that are over by it end then."""

Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]

_REASON = "the session has run out"


class _Member(Protocol):
    """The conversation, as its session's end sees it."""

    @property
    def identity(self) -> Identity:
        """The caller; read when a timer is armed."""

    def send_event(self, event: object) -> None:
        """Called for the event before the end. Never waits."""

    def end(self, name: str, reason: str = "") -> None:
        """Called at the end, with a code of the table. Never waits."""


class SessionEnd:
    """One timer for a conversation: first to the warning, `warning` seconds before the end, then to the end.

    Without `warning` there is no event. `clock` gives seconds since the epoch, `later` arms a timer (the running
    loop's `call_later`). A session without an end arms none.
    """

    __slots__ = ("_clock", "_ends_at", "_later", "_member", "_timer", "_warned", "_warning")

    def __init__(
        self, member: _Member, warning: float | None, clock: Callable[[], float], later: Later | None = None
    ) -> None:
        self._member = member
        self._warning = warning
        self._clock = watched(clock)
        self._later = later or asyncio.get_running_loop().call_later
        self._timer: asyncio.TimerHandle | None = None
        self._ends_at = 0.0  # by the steady clock
        self._warned = False

    def arm(self) -> None:
        """Begin, once the client was accepted: no event comes before that."""
        expires_at = self._member.identity.expires_at
        if expires_at is not None:
            self._warned = False
            self._arm(expires_at - self._clock())

    def move(self) -> None:
        """Take the end that the member's identity has now in place of the one before."""
        if self._timer is not None:
            self._timer.cancel()
            self.arm()

    def look(self) -> None:
        """The wall clock was set: end when it says so, where that is sooner."""
        expires_at = self._member.identity.expires_at
        if self._timer is None or expires_at is None:
            return
        left = expires_at - self._clock()
        if left < self._ends_at - self._clock.steady():
            self._timer.cancel()
            self._arm(left)

    def cancel(self) -> None:
        """The conversation is over: nothing more is sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, left: float) -> None:
        self._ends_at = self._clock.steady() + left
        if self._warning is None or self._warned or left <= 0:
            self._timer = self._later(left, self._end)
        else:
            self._timer = self._later(max(0.0, left - self._warning), self._warn)

    def _warn(self) -> None:
        self._warned = True
        self._arm(self._ends_at - self._clock.steady())
        event = {"event": "session_expiring", "expires_at": moment(self._member.identity.expires_at)}
        self._member.send_event(event)

    def _end(self) -> None:
        self._timer = None
        self._member.end("session_ended", _REASON)


class _Timed(Protocol):
    """A conversation, as the watch on the clock sees it."""

    def clock_was_set(self) -> None:
        """Called where the wall clock was set. Never waits."""


class ClockWatch:
    """Looks whether the wall clock was set, and then at each member. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], members: Iterable[_Timed]) -> None:
        self._clock = watched(clock)
        self._jumps = Jumps(self._clock)
        self._members = members

    async def watch(self) -> None:
        """Look every CLOCK_LOOK seconds until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(CLOCK_LOOK)

    def look(self) -> None:
        """Look once."""
        self._clock.latest()
        by = self._jumps.look()
        if by:
            log.warning("clock_set", seconds=round(by, 1))
            for member in self._members:
                member.clock_was_set()
