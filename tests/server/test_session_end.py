from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from jackfield.identity import Identity
from jackfield.server.session_end import SessionEnd

from .conftest import Clock


class Member:
    """A conversation as its session's end sees it."""

    def __init__(self, expires_at: float | None) -> None:
        self.identity = Identity("аня", session="s1", expires_at=expires_at)
        self.told: list[Any] = []

    def send_event(self, event: object) -> None:
        self.told.append(event)

    def end(self, name: str, reason: str = "") -> None:
        self.told.append((name, reason))


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
    assert member.told == [("session_ended", "the session has run out")]
    assert timers.none_left


async def test_the_event_comes_before_it(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 100)
    end_of(member, 60, clock, timers).arm()
    timers.fire()
    assert member.told == [{"event": "session_expiring", "expires_at": "2027-01-15T08:01:40+00:00"}]
    timers.fire()
    assert member.told[1:] == [("session_ended", "the session has run out")]
    assert timers.armed_for == [40, 60]


async def test_who_connects_late_hears_of_it_at_once(clock: Clock, timers: Timers) -> None:
    member = Member(clock() + 20)
    end_of(member, 60, clock, timers).arm()
    assert timers.armed_for == [0]
    assert member.told == []  # the accept is not out yet
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
    assert [one["event"] for one in member.told if isinstance(one, dict)] == ["session_expiring"] * (1 + warned)
    assert member.told[-1] == ("session_ended", "the session has run out")


async def test_nothing_is_told_after_the_end_of_the_conversation(clock: Clock, timers: Timers) -> None:
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
