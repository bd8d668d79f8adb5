"""How late the event loop is, and who held it up."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from dataclasses import dataclass, field
from typing import Any

import pytest

from jackfield.logs import log
from jackfield.server.lag import LIMIT, TELL_EVERY, TICK, TOLERANCE, Lag, place_of

from .conftest import Clock
from .door import LIMIT as PATIENCE
from .door import until

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the log was told."""
    events: Told = []

    def hear(event: str, fields: Any) -> dict[str, Any]:
        events.append((event, dict(fields)))
        return {}

    monkeypatch.setattr(log, "around", hear)
    return events


@dataclass
class Loop:
    """A loop whose lateness the test decides."""

    clock: Clock
    lag: Lag = field(init=False)

    def __post_init__(self) -> None:
        self.lag = Lag(clock=self.clock)
        self.lag.expect()

    def turn(self, late: float = 0.0) -> None:
        self.clock.move(TICK + late)
        self.lag.look()
        self.lag.expect()


@pytest.fixture
def loop() -> Loop:
    return Loop(Clock(now=1_000.0))


def test_a_loop_in_time_is_not_late(loop: Loop, told: Told) -> None:
    for _ in range(100):
        loop.turn(0.0005)
    assert loop.lag.buckets[0] == 100
    assert loop.lag.seconds == pytest.approx(0.05)
    assert loop.lag.stood() == 0.0, "what every timer is late adds up to nothing"
    assert (loop.lag.blocked, told) == (0, [])


def test_the_time_that_it_stood_still_adds_up(loop: Loop) -> None:
    loop.turn(1.0)
    loop.turn()
    loop.turn(TOLERANCE / 2)
    loop.turn(2.0)
    assert loop.lag.stood() == pytest.approx(3.0)


def test_it_is_known_before_the_next_look(loop: Loop) -> None:
    loop.clock.move(TICK + 4.0)
    assert loop.lag.stood() == pytest.approx(4.0)
    loop.lag.look()
    loop.lag.expect()
    assert loop.lag.stood() == pytest.approx(4.0), "counted once"


def test_nothing_is_late_before_somebody_watches() -> None:
    clock = Clock()
    lag = Lag(clock=clock)
    clock.move(100)
    assert lag.stood() == 0.0


def test_a_loop_that_nobody_saw_blocked_is_told_all_the_same(loop: Loop, told: Told) -> None:
    loop.turn(LIMIT)
    (event, fields) = told[0]
    assert event == "loop_blocked"
    assert fields["milliseconds"] == round(LIMIT * 1000)
    assert fields["at"].startswith("unknown")
    assert loop.lag.blocked == 1


def test_at_most_one_line_in_ten_seconds_but_all_are_counted(loop: Loop, told: Told) -> None:
    for _ in range(20):
        loop.turn(LIMIT)
    assert loop.lag.blocked == 20
    assert len(told) == 1
    loop.clock.move(0.0)
    loop.lag.expect()
    loop.turn(TELL_EVERY)
    assert len(told) == 2


def test_what_was_seen_is_told_once_and_its_end_too(loop: Loop, told: Told) -> None:
    loop.clock.move(TICK + LIMIT)
    for _ in range(3):
        loop.lag.catch(threading.get_ident(), own=0.3)
    loop.clock.move(1.0)
    loop.lag.look()
    assert [event for event, _ in told] == ["loop_blocked", "loop_free"]
    assert told[0][1]["watcher_late"] == 300
    assert told[1][1]["milliseconds"] == round((LIMIT + 1.0) * 1000)


def test_a_loop_in_time_is_not_caught(loop: Loop, told: Told) -> None:
    loop.clock.move(TICK + LIMIT / 2)
    loop.lag.catch(threading.get_ident(), own=0.0)
    assert told == []


def frame_in(module: str) -> types.FrameType:
    """The innermost frame of a call that goes through a module of this name into another."""
    names: dict[str, Any] = {"__name__": module, "frame": lambda: sys._getframe()}
    exec(compile("def say():\n    return frame()\n", "/srv/project/processes/чат.py", "exec"), names)
    found: types.FrameType = names["say"]()
    return found


def test_the_culprit_is_the_line_of_a_process() -> None:
    place = place_of(frame_in("jackfield_generation_7.чат"))
    assert place.at == "project/processes/чат.py:2 say"
    assert place.at in place.stack
    assert len(place.stack) == 15


def test_without_a_process_it_is_the_innermost_line() -> None:
    place = place_of(frame_in("somewhere.else"))
    assert place.at == place.stack[-1]
    assert place.at.endswith("<lambda>")
    assert "tests/server/test_lag.py" in place.at


async def test_whoever_holds_the_loop_is_named_while_he_does(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    caught = threading.Event()
    hear = log.around
    assert hear is not None

    def notice(event: str, fields: Any) -> Any:
        found = hear(event, fields)
        caught.set()
        return found

    monkeypatch.setattr(log, "around", notice)
    lag = Lag()
    watching = asyncio.create_task(lag.watch(tick=0.01))
    await asyncio.sleep(0)

    def hold_the_loop() -> bool:
        return caught.wait(PATIENCE)  # until the thread beside has told of us

    assert hold_the_loop()
    await until(lambda: len(told) >= 2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert [event for event, _ in told] == ["loop_blocked", "loop_free"]
    assert any("hold_the_loop" in line for line in told[0][1]["stack"])
    assert lag.blocked == 1
    assert lag.stood() >= LIMIT
    assert not [thread for thread in threading.enumerate() if thread.name == "jackfield-lag"]
