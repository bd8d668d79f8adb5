"""A node's groups on a clock that a test moves, and members that keep what they hear."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from jackfield.groups.group import Declared, Group
from jackfield.groups.groups import Groups
from jackfield.groups.names import Pattern
from jackfield.identity import ANONYMOUS, Identity


@dataclass(eq=False)
class Member:
    """A connection that keeps the frames of its groups."""

    identity: Identity = ANONYMOUS
    caller: str = ""
    is_present: bool = True
    is_over: bool = False
    room: int = 1 << 20
    groups: tuple[Group, ...] = ()
    frames: list[bytes] = field(default_factory=list)

    @property
    def known_as(self) -> str:
        return self.identity.login

    def hear(self, frame: bytes) -> None:
        self.frames.append(frame)

    def forget(self, group: str) -> None:
        pass

    @property
    def heard(self) -> list[dict[str, Any]]:
        """What came since the last look."""
        frames, self.frames = self.frames, []
        return [json.loads(frame) for frame in frames]


@dataclass(eq=False)
class Timer:
    """What a loop's call_later gives, for a clock that a test moves."""

    due: float
    act: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def later(self, seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        self.timers.append(Timer(self.now + seconds, act))
        return cast(asyncio.TimerHandle, self.timers[-1])

    def pass_(self, seconds: float) -> None:
        """Let the time pass, and what is due happen in its order."""
        end = self.now + seconds
        while due := sorted((t for t in self.timers if t.due <= end and not t.cancelled), key=lambda t: t.due):
            self.timers.remove(due[0])
            self.now = due[0].due
            due[0].act()
        self.now = end


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def groups(clock: Clock) -> Groups:
    return Groups(clock=lambda: clock.now, later=clock.later, passed=lambda: clock.now)


def declared(pattern: str, **more: Any) -> Declared:
    """What a plan says of a pattern."""
    return Declared(Pattern.parse(pattern), **more)
