from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jackfield.identity import Identity
from jackfield.server.connection.session_timer import CLOCK_LOOK, ClockWatch, SessionEnd
from tests.server.conftest import Clock


class Member:
    """A conversation as its session's end sees it."""

    def __init__(self, expires_at: float | None) -> None:
        self.identity = Identity("аня", session="s1", expires_at=expires_at)
        self.reported: list[Any] = []

    def send_event(self, event: object) -> None:
        self.reported.append(event)

    def end(self, name: str, reason: str = "") -> None:
        self.reported.append((name, reason))


class Members:
    """The open connections; counts how often they are looked at."""

    def __init__(self, ends: list[SessionEnd]) -> None:
        self.asked = 0
        self._ends = ends

    def __iter__(self) -> Iterator[Members]:
        self.asked += 1
        yield self

    def clock_was_set(self) -> None:
        for end in self._ends:
            end.look()


class Timers:
    """The one timer that is armed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._armed: tuple[asyncio.TimerHandle, float, Callable[[], None]] | None = None
        self.armed_for: list[float] = []

    def __call__(self, delay: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        assert self._armed is None or self._armed[0].cancelled(), "two timers"
        handle = asyncio.get_running_loop().call_later(3600, call)
        self._armed = (handle, delay, call)
        self.armed_for.append(delay)
        return handle

    def fire(self) -> None:
        assert self._armed is not None
        handle, delay, call = self._armed
        assert not handle.cancelled()
        handle.cancel()
        self._armed = None
        self._clock.move(delay)
        call()

    @property
    def none_left(self) -> bool:
        return self._armed is None or self._armed[0].cancelled()


@pytest.fixture
def timers(clock: Clock) -> Timers:
    return Timers(clock)


def end_of(member: Member, warning: float | None, clock: Clock, timers: Timers) -> SessionEnd:
    return SessionEnd(member, warning, clock, timers)


async def test_a_connection_ends_with_its_session(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 100)
    end_of(member, None, clock, timers).arm()
    assert timers.armed_for == [100]
    timers.fire()
    assert member.reported == [("session_ended", "the session has run out")]
    assert timers.none_left


async def test_the_event_comes_before_it(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 100)
    end_of(member, 60, clock, timers).arm()
    timers.fire()
    assert member.reported == [{"event": "session_expiring", "expires_at": "2027-01-15T08:01:40+00:00"}]
    timers.fire()
    assert member.reported[1:] == [("session_ended", "the session has run out")]
    assert timers.armed_for == [40, 60]


async def test_who_connects_late_hears_of_it_at_once(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 20)
    end_of(member, 60, clock, timers).arm()
    assert timers.armed_for == [0]
    assert member.reported == []  # the accept is not out yet
    timers.fire()
    assert timers.armed_for == [0, 20]


@pytest.mark.parametrize("warned", [False, True])
async def test_a_moved_end_has_its_own_event(clock: Clock, timers: Timers, warned: bool) -> None:
    member = Member(clock() + 100)
    end = end_of(member, 60, clock, timers)
    end.arm()
    if warned:
        timers.fire()
    member.identity = Identity("аня", session="s1", expires_at=clock() + 1000)
    end.move()
    assert timers.armed_for[-1] == 940
    timers.fire()
    timers.fire()
    assert [one["event"] for one in member.reported if isinstance(one, dict)] == ["session_expiring"] * (1 + warned)
    assert member.reported[-1] == ("session_ended", "the session has run out")


async def test_nothing_is_reported_after_the_end_of_the_conversation(clock: Clock, timers: Timers) -> None:
    end = end_of(Member(clock() + 100), 60, clock, timers)
    end.move()  # before it began
    assert timers.none_left
    end.arm()
    end.cancel()
    end.cancel()
    end.move()
    assert timers.none_left
    end_of(Member(None), 60, clock, timers).arm()
    assert timers.none_left


# the clock is set


def armed(timers: Timers) -> float:
    assert not timers.none_left
    return timers.armed_for[-1]


@pytest.mark.parametrize("warning", [None, 60])
async def test_a_clock_set_forward_brings_the_end_nearer(clock: Clock, timers: Timers, warning: float | None) -> None:
    member = Member(clock() + 1000)
    end = end_of(member, warning, clock, timers)
    end.arm()
    clock.set(400)
    end.look()
    assert armed(timers) == 600 - (warning or 0)
    clock.move(100)
    end.look()
    assert len(timers.armed_for) == 2, "nothing was set"
    clock.set(3600)
    end.look()
    timers.fire()
    assert member.reported == [("session_ended", "the session has run out")]
    assert timers.none_left
    end.look()


async def test_who_was_warned_is_not_warned_again(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 100)
    end = end_of(member, 60, clock, timers)
    end.arm()
    timers.fire()
    clock.set(30)
    end.look()
    assert armed(timers) == 30
    timers.fire()
    assert [isinstance(one, dict) for one in member.reported] == [True, False]


async def test_who_was_not_is_warned_at_once_where_it_is_time_for_that(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 1000)
    end = end_of(member, 60, clock, timers)
    end.arm()
    clock.set(970)
    end.look()
    assert armed(timers) == 0
    timers.fire()
    assert armed(timers) == 30
    timers.fire()
    assert [isinstance(one, dict) for one in member.reported] == [True, False]


@pytest.mark.parametrize("looked", [True, False])
async def test_a_clock_set_back_puts_no_end_off(clock: Clock, timers: Timers, looked: bool) -> None:
    member = Member(clock() + 100)
    end = end_of(member, 60, clock, timers)
    end.arm()
    clock.set(-3600)
    if looked:
        end.look()
    timers.fire()
    timers.fire()
    assert timers.armed_for == [40, 60]
    assert member.reported[-1] == ("session_ended", "the session has run out")


async def test_the_watch_looks_at_all_ends_when_the_clock_was_set(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    timers = [Timers(clock) for _ in range(3)]
    ends = [end_of(Member(clock() + 5000), None, clock, one) for one in timers]
    for end in ends:
        end.arm()
    members = Members(ends)
    watch = ClockWatch(clock, members)
    for _ in range(5):
        clock.move(1)
        watch.look()
    assert members.asked == 0, "nobody is looked at while nothing is set"
    clock.set(3600)
    watch.look()
    watch.look()
    assert members.asked == 1
    assert caplog.text.count("clock_set seconds=3600") == 1
    assert [armed(one) for one in timers] == [5000 - 5 - 3600] * 3


def test_the_watch_looks_every_second() -> None:
    assert CLOCK_LOOK == 1.0
