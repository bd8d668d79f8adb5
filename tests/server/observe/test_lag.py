"""How late the event loop is, and who held it up."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jackfield.errors import Refusal
from jackfield.identity import ANONYMOUS
from jackfield.logs import log
from jackfield.process.connection import GONE, Connection
from jackfield.routing.table import Match
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.handshake.judge import params_of
from jackfield.server.observe.lag import LIMIT, LOG_EVERY, TICK, TOLERANCE, Lag, Place, place_of
from jackfield.server.observe.metrics import Meter
from tests.server.conftest import Build, Clock, Writer
from tests.server.served import LIMIT as PATIENCE
from tests.server.served import until

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Told:
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


def test_a_loop_in_time_is_not_late(loop: Loop, reported: Told) -> None:
    for _ in range(100):
        loop.turn(0.0005)
    assert loop.lag.buckets[0] == 100
    assert loop.lag.seconds == pytest.approx(0.05)
    assert loop.lag.stood() == 0.0, "what every timer is late adds up to nothing"
    assert (loop.lag.blocked, reported) == (0, [])


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


def test_a_loop_that_nobody_saw_blocked_is_reported_all_the_same(loop: Loop, reported: Told) -> None:
    loop.turn(LIMIT)
    (event, fields) = reported[0]
    assert event == "loop_blocked"
    assert fields["milliseconds"] == round(LIMIT * 1000)
    assert fields["at"].startswith("unknown")
    assert loop.lag.blocked == 1


def test_at_most_one_line_in_ten_seconds_but_all_are_counted(loop: Loop, reported: Told) -> None:
    for _ in range(20):
        loop.turn(LIMIT)
    assert loop.lag.blocked == 20
    assert len(reported) == 1
    loop.clock.move(0.0)
    loop.lag.expect()
    loop.turn(LOG_EVERY)
    assert len(reported) == 2


@pytest.mark.shows("REL-17")
def test_what_was_seen_is_reported_once_and_its_end_too(loop: Loop, reported: Told) -> None:
    loop.clock.move(TICK + LIMIT)
    for _ in range(3):
        loop.lag.catch(threading.get_ident(), own=0.3)
    loop.clock.move(1.0)
    loop.lag.look()
    assert [event for event, _ in reported] == ["loop_blocked", "loop_free"]
    assert reported[0][1]["watcher_late"] == 300
    assert reported[1][1]["milliseconds"] == round((LIMIT + 1.0) * 1000)


def test_a_loop_in_time_is_not_caught(loop: Loop, reported: Told) -> None:
    loop.clock.move(TICK + LIMIT / 2)
    loop.lag.catch(threading.get_ident(), own=0.0)
    assert reported == []


def frame_in(module: str) -> types.FrameType:
    """The innermost frame of a call that goes through a module of this name into another."""
    names: dict[str, Any] = {"__name__": module, "frame": lambda: sys._getframe()}
    exec(compile("def say():\n    return frame()\n", "/srv/project/processes/чат.py", "exec"), names)
    found: types.FrameType = names["say"]()
    return found


def test_the_culprit_is_the_line_of_a_process() -> None:
    place = place_of(frame_in("processes.чат"))
    assert place.at == "project/processes/чат.py:2 say"
    assert place.at in place.stack
    assert len(place.stack) == 15


def test_without_a_process_it_is_the_innermost_line() -> None:
    place = place_of(frame_in("somewhere.else"))
    assert place.at == place.stack[-1]
    assert place.at.endswith("<lambda>")
    assert "server/observe/test_lag.py" in place.at


def module(name: str, file: str, code: str, **names: Any) -> dict[str, Any]:
    """A module of this name, whose code came from this file."""
    made: dict[str, Any] = {"__name__": name, **names}
    exec(compile(code, file, "exec"), made)
    return made


def test_what_is_raised_is_not_who_raises_it() -> None:
    raised = module("jackfield.errors", "/x/jackfield/errors.py", "def made():\n    return get()\n", get=sys._getframe)
    code = "def judge():\n    return made()\n"
    part = module("jackfield.server.web.login", "/x/jackfield/server/web/login.py", code, made=raised["made"])
    place = place_of(part["judge"]())
    assert place.stack[-1] == "x/jackfield/errors.py:2 made"
    assert place.at == "server/web/login.py:2 judge"
    assert (place.endpoint, place.process, place.idle) == ("", "", False)


class Seen(ValueError):
    """What is raised where a library had the lock; whoever asks for its text is where the thread has come since."""

    frame: types.FrameType | None = None

    def __str__(self) -> str:
        self.frame = sys._getframe()
        return "нет"


SERVED = """
@process
def say(text: str, room: str = "") -> str:
    return text
"""


def test_a_handshake_is_reported_by_its_endpoint_and_its_process(build_table: Build) -> None:
    route = build_table('\n  talk: {url: "/ws/{room}", process: p.say}\n', SERVED).routes["talk"]
    seen = Seen()

    def convert(text: str) -> str:
        raise seen

    slow = replace(route, signature=replace(route.signature, params={"room": convert}))
    with pytest.raises(Refusal):
        params_of(Match(slow, {"room": "я"}))
    assert seen.frame is not None
    place = place_of(seen.frame)
    assert (place.endpoint, place.process) == ("talk", "p.say")
    assert place.at == f"processes/p.py:{route.process.line} p.say"
    assert any("judge.py" in line for line in place.stack), "how it came there is told all the same"


@pytest.mark.parametrize("way", ["in_place", "in_task"])
async def test_a_message_is_reported_by_its_endpoint_and_its_process(build_table: Build, way: str) -> None:
    route = build_table("\n  talk: {url: /ws/talk, process: p.say}\n", SERVED).routes["talk"]
    places: list[Place] = []

    def decode(data: bytes | str) -> Any:
        places.append(place_of(sys._getframe()))
        return route.signature.decode(data)

    slow = replace(route, signature=replace(route.signature, decode=decode))
    dispatcher = Dispatcher(threads=1)
    connection = Connection(GONE, id="c", endpoint="talk", identity=ANONYMOUS, params={}, query={})
    if way == "in_place":
        in_place = dispatcher.in_place(slow, {}, Meter())
        assert in_place is not None
        assert in_place(connection, b'{"text": "a"}', dispatcher.clock()) == b'{"result":"a"}'
    else:
        task = asyncio.current_task()
        assert task is not None
        answer = dispatcher.in_task(slow, {}, Meter())
        assert await answer(connection, b'{"text": "a"}', task, Writer()) == b'{"result":"a"}'
    dispatcher.close()
    (place,) = places
    assert (place.endpoint, place.process) == ("talk", "p.say")
    assert place.at == f"processes/p.py:{route.process.line} p.say"


class Proxy:
    """A value of somebody's project that must not be asked what it is."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"asked for {name}")


def test_values_are_looked_at_without_asking_them() -> None:
    code = "def serve():\n    value = proxy\n    return get()\n"
    part = module("jackfield.server.x", "/x/jackfield/server/x.py", code, proxy=Proxy(), get=sys._getframe)
    assert place_of(part["serve"]()).at == "jackfield/server/x.py:3 serve"


def test_a_thread_that_holds_the_lock_is_reported_of_where_the_loop_only_waits(loop: Loop, reported: Told) -> None:
    inside, leave = threading.Event(), threading.Event()
    names = {"inside": inside, "leave": leave}
    code = "def work():\n    inside.set()\n    leave.wait(5)\n"
    work = module("processes.report", "/srv/project/processes/report.py", code, **names)["work"]
    threads = [threading.Thread(target=work), threading.Thread(target=leave.wait, args=(PATIENCE,))]
    for thread in threads:
        thread.start()
    assert inside.wait(PATIENCE)
    loop.clock.move(TICK + LIMIT)
    loop.lag.catch(threads[1].ident or 0, own=0.3)
    loop.lag.expect()
    loop.clock.move(LOG_EVERY)
    loop.lag.catch(threads[1].ident or 0, own=0.0)
    leave.set()
    for thread in threads:
        thread.join(PATIENCE)
    (_, first), (_, second) = reported
    assert first["at"] == "project/processes/report.py:3 work"
    assert first["threads"] == ["project/processes/report.py:3 work"]
    assert "threads" not in second, "the watcher woke in time, so nobody held the lock"
    assert "threading.py" in second["at"]


async def test_whoever_holds_the_loop_is_named_while_he_does(reported: Told, monkeypatch: pytest.MonkeyPatch) -> None:
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
    await until(lambda: len(reported) >= 2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert [event for event, _ in reported] == ["loop_blocked", "loop_free"]
    assert any("hold_the_loop" in line for line in reported[0][1]["stack"])
    assert lag.blocked == 1
    assert lag.stood() >= LIMIT
    assert not [thread for thread in threading.enumerate() if thread.name == "jackfield-lag"]
