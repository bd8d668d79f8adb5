"""Time limits, slow calls and the threads of blocking processes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jackfield.server.connection import clean_up, deadlines
from jackfield.server.connection.dispatch import Dispatcher
from tests.server.conftest import Clock, RouteOf, ask, error
from tests.server.served import LIMIT

# time


@pytest.mark.shows("MS-4")
@pytest.mark.parametrize(
    "code",
    [
        "@process\nasync def say() -> None:\n    await asyncio.Event().wait()",
        "@process\nasync def say():\n    await asyncio.Event().wait()\n    yield 1",
        "@process\nasync def say():\n    while True:\n        yield None",
        "@process\ndef say():\n    while True:\n        yield None",
        "@process(blocking=True)\ndef say() -> None:\n    GATE.wait(5)",
        "@process(blocking=True)\ndef say():\n    GATE.wait(5)\n    yield 1",
    ],
)
async def test_a_call_that_takes_too_long_is_ended(
    dispatcher: Dispatcher, route_of: RouteOf, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    route = route_of(f"GATE = threading.Event()\n{code}", "    limits: {time: 20ms}\n")
    try:
        (frame,) = await ask(dispatcher, route, {"$id": "а"})
    finally:
        route.process.function.__globals__["GATE"].set()
    assert frame["$id"] == "а"
    assert frame["error"]["code"] == "time_exceeded"
    assert "0.02 s" in frame["error"]["message"]
    assert "time_exceeded" in caplog.text


async def test_a_generator_that_runs_out_of_time_cleans_up(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    code = """
ENDED = []

@process
async def say():
    try:
        yield 1
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        ENDED.append(1)
"""
    route = route_of(code, "    limits: {time: 20ms}\n")
    frames = await ask(dispatcher, route, {})
    assert [frame.get("result") for frame in frames] == [1, None]
    assert route.process.function.__globals__["ENDED"] == [1]


@pytest.mark.parametrize("mark", ["@process", "@process(blocking=True)"])
async def test_a_sync_generator_that_is_left_cleans_up(dispatcher: Dispatcher, route_of: RouteOf, mark: str) -> None:
    code = f"""
ENDED = threading.Event()

{mark}
def say():
    try:
        yield 1
        yield float("nan")
    finally:
        ENDED.set()
"""
    route = route_of(code)
    frames = await ask(dispatcher, route, {})
    assert [frame.get("result") for frame in frames] == [1, None]
    ended: threading.Event = route.process.function.__globals__["ENDED"]
    assert await asyncio.to_thread(ended.wait, LIMIT)


async def test_a_clean_up_that_does_not_end_is_given_up(
    dispatcher: Dispatcher, route_of: RouteOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean_up, "CLEAN_UP", 0.02)
    code = """
@process
async def say():
    try:
        yield float("nan")
    finally:
        await asyncio.Event().wait()
"""
    assert (await error(dispatcher, route_of(code), {}))["code"] == "process_failed"


DEAF = """
async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            SWALLOWED.append(1)

SWALLOWED = []
"""


async def test_a_clean_up_that_swallows_its_cancellation_is_ended_by_force(
    dispatcher: Dispatcher, route_of: RouteOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clean_up, "CLEAN_UP", 0.02)
    monkeypatch.setattr(clean_up, "BREAK_OFF", 0.02)
    code = "@process\nasync def say():\n    try:\n        yield float('nan')\n    finally:\n        await deaf()"
    assert (await error(dispatcher, route_of(DEAF + code), {}))["code"] == "process_failed"
    assert "generator_not_ended process='p.say' at='" in caplog.text
    assert "processes/p.py:" in caplog.text
    assert " deaf'" in caplog.text


@pytest.mark.parametrize("call", ["await deaf()", "await deaf()\n    yield 1"])
async def test_a_call_that_swallows_the_end_of_its_time_is_ended_by_force(
    dispatcher: Dispatcher,
    route_of: RouteOf,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    monkeypatch.setattr(deadlines, "INSIST", 0.02)
    route = route_of(f"{DEAF}@process\nasync def say():\n    {call}", "    limits: {time: 20ms}\n")
    assert (await error(dispatcher, route, {}))["code"] == "time_exceeded"
    assert route.process.function.__globals__["SWALLOWED"] == [1]
    assert "call_not_ended at='" in caplog.text
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_call_that_ends_in_its_time_after_all_is_left_alone(
    dispatcher: Dispatcher, route_of: RouteOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deadlines, "INSIST", 60)
    code = (
        "@process\nasync def say():\n    try:\n        await asyncio.Event().wait()\n"
        "    finally:\n        await asyncio.sleep(0)"
    )
    assert (await error(dispatcher, route_of(code, "    limits: {time: 20ms}\n"), {}))["code"] == "time_exceeded"
    assert not dispatcher.deadlines._overdue
    assert "call_not_ended" not in caplog.text


@pytest.mark.shows("REL-17")
async def test_a_slow_call_on_the_loop_is_named(
    dispatcher: Dispatcher, route_of: RouteOf, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    route = route_of("TICK = []\n@process\ndef say(n: float) -> None:\n    TICK[0](n)\n    assert n < 9")
    route.process.function.__globals__["TICK"].append(clock.move)
    await ask(dispatcher, route, {"n": 0.04})
    assert "slow_call" not in caplog.text
    await ask(dispatcher, route, {"n": 0.06})
    assert "slow_call process='p.say' connection='" in caplog.text
    caplog.clear()
    await ask(dispatcher, route, {"n": 9})
    assert "milliseconds=9000" in caplog.text, "one that fails in the end is named as well"


async def test_a_slow_step_of_a_generator_is_named(
    dispatcher: Dispatcher, route_of: RouteOf, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    route = route_of("TICK = []\n@process\ndef say():\n    yield 1\n    TICK[0](0.2)\n    yield 2")
    route.process.function.__globals__["TICK"].append(clock.move)
    await ask(dispatcher, route, {})
    assert caplog.text.count("slow_call") == 1


# threads

GATED = """
GATE = threading.Event()
BEGUN = threading.Semaphore(0)

@process(blocking=True)
def say(n: int) -> int:
    BEGUN.release()
    GATE.wait(5)
    return n
"""


async def test_blocking_calls_beyond_the_threads_are_busy(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    route = route_of(GATED)
    names = route.process.function.__globals__
    calls = [asyncio.create_task(ask(dispatcher, route, {"n": n})) for n in (1, 2)]
    for _ in calls:
        assert await asyncio.to_thread(names["BEGUN"].acquire, timeout=LIMIT)
    (frame,) = await ask(dispatcher, route, {"n": 3, "$id": "я"})
    assert frame["error"]["code"] == "busy"
    assert frame["error"]["retry_after"] == 1
    assert frame["$id"] == "я"
    names["GATE"].set()
    assert await asyncio.gather(*calls) == [[{"result": 1}], [{"result": 2}]]
    for n in range(5):
        assert await ask(dispatcher, route, {"n": n}) == [{"result": n}], "the threads are free again"


async def test_a_blocking_call_that_outlives_its_limit_keeps_its_thread(
    dispatcher: Dispatcher, route_of: RouteOf
) -> None:
    route = route_of(GATED, "    limits: {time: 20ms}\n")
    names = route.process.function.__globals__
    for n in (1, 2):
        assert (await error(dispatcher, route, {"n": n}))["code"] == "time_exceeded"
    assert (await error(dispatcher, route, {"n": 3}))["code"] == "busy"
    names["GATE"].set()
    async with asyncio.timeout(LIMIT):
        while (await ask(dispatcher, route, {"n": 4})) != [{"result": 4}]:
            await asyncio.to_thread(names["BEGUN"].acquire, timeout=0.01)


async def test_a_call_that_is_cancelled_before_a_thread_took_it_gives_its_place_back(
    dispatcher: Dispatcher,
) -> None:
    gate = threading.Event()
    running = [asyncio.create_task(dispatcher.in_thread(lambda: gate.wait(LIMIT))) for _ in range(2)]
    await asyncio.sleep(0)
    dispatcher._threads._free.release()  # as if a thread had reported that it is free a moment before it is
    late = asyncio.create_task(dispatcher.in_thread(lambda: None))
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert dispatcher._threads._free.acquire(blocking=False), "the place of the cancelled call is free"
    gate.set()
    await asyncio.gather(*running)


async def test_two_calls_at_once_do_not_share_defaults(dispatcher: Dispatcher, route_of: RouteOf) -> None:
    route = route_of("@process\ndef say(a: list[int] = []) -> list[int]:\n    a.append(1)\n    return a")
    assert await ask(dispatcher, route, {}) == [{"result": [1]}]
    assert await ask(dispatcher, route, {}) == [{"result": [1]}]
