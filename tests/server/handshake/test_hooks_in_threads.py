"""Hooks that are plain functions with `blocking=True`: in threads, within their time, and each in its turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield.server.handshake import hooks
from tests.server.conftest import OpenServed
from tests.server.served import LIMIT, Served, until

HEAD = 'groups:\n  "room:{room}": {presence: count}\n'
ENDPOINTS = """\
  room:
    {url: "/ws/rooms/{room}", auth: public, group: "room:{room}", process: p.say, on_connect: p.enter,
     on_disconnect: p.leave}
"""
CODE = """
GATES: dict[str, threading.Event] = {}
SEEN: list[Any] = []

def wait(name: str) -> None:
    if name in GATES:
        GATES[name].wait(30)

@process(blocking=True)
def enter(room: str, caller: Connection) -> dict[str, str]:
    SEEN.append(("enter", room, threading.current_thread() is threading.main_thread()))
    caller.send({"event": "sent"})
    if room == "closed":
        raise Reject("closed", "Закрыто 🔒")
    if room == "broken":
        raise ValueError("тайна")
    wait("enter")
    SEEN.append(("entered", room))
    return {"event": "welcome", "room": room}

@process(blocking=True)
def leave(room: str, code: int) -> None:
    SEEN.append(("leave", room, code))
    wait("leave")

@process
def say(text: str) -> str:
    return text
"""


@pytest.fixture
async def served(open_served: OpenServed) -> AsyncIterator[Served]:
    before = asyncio.all_tasks()
    made = await open_served(ENDPOINTS, CODE, head=HEAD)
    yield made
    for gate in names(made)["GATES"].values():
        gate.set()
    await made.gateway.close_feeds()
    assert made.gateway.live.generation._calls == 0
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


def names(served: Served) -> dict[str, Any]:
    """What processes/p.py holds."""
    found: dict[str, Any] = served.gateway.live.generation.table.routes["room"].process.function.__globals__
    return found


def seen(served: Served, *kinds: str) -> list[Any]:
    return [one for one in names(served)["SEEN"] if not kinds or one[0] in kinds]


def gate(served: Served, name: str) -> threading.Event:
    """What threads wait at from now on."""
    made: threading.Event = names(served)["GATES"].setdefault(name, threading.Event())
    return made


def nothing_is_left(served: Served, room: str) -> bool:
    live = served.gateway.live
    return not len(live.hub) and live.groups.members(f"room:{room}") == ()


async def test_it_runs_in_a_thread_and_what_it_sends_follows_what_it_gives(served: Served) -> None:
    caller = served.call("/ws/rooms/%D1%87%D0%B0%D0%B9")
    await caller.until(4)
    assert seen(served, "enter") == [("enter", "чай", False)]
    said = [one["text"] for one in caller.sent[1:3]]
    assert ["welcome" in said[0], "sent" in said[1]] == [True, True]
    await caller.leave()
    await until(lambda: seen(served, "leave"))
    assert seen(served, "leave") == [("leave", "чай", 1001)]


@pytest.mark.parametrize(("room", "status", "code"), [("closed", 403, "rejected"), ("broken", 500, "server_fault")])
async def test_it_refuses(served: Served, room: str, status: int, code: str) -> None:
    answer = await served.call(f"/ws/rooms/{room}").refused()
    assert (answer.status, answer.json["code"]) == (status, code)
    assert nothing_is_left(served, room)
    await served.gateway.close_feeds()
    assert not seen(served, "leave")


async def test_its_time_is_bounded_and_what_it_gives_later_is_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "CONNECT_LIMIT", 0.01)
    let = gate(served, "enter")
    answer = await served.call("/ws/rooms/a").refused()
    assert (answer.status, answer.json["code"]) == (503, "not_in_time")
    assert nothing_is_left(served, "a")
    let.set()
    await until(lambda: seen(served, "entered"))  # the thread runs on
    await served.gateway.close_feeds()
    assert nothing_is_left(served, "a")
    assert not seen(served, "leave")


async def test_a_client_that_leaves_while_it_runs_leaves_nothing_and_is_told_of(served: Served) -> None:
    let = gate(served, "enter")

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def fail(_message: Any) -> None:
        raise OSError

    task = asyncio.create_task(served.gateway(served.scope("websocket", "/ws/rooms/a", []), receive, fail))
    await until(lambda: seen(served, "enter"))
    let.set()
    async with asyncio.timeout(LIMIT):
        await task
    assert nothing_is_left(served, "a")
    await until(lambda: seen(served, "leave"))
    assert seen(served, "leave") == [("leave", "a", 1006)]


async def test_one_more_than_there_are_threads_waits_and_none_is_lost(served: Served) -> None:
    let = gate(served, "enter")
    callers = [served.call(f"/ws/rooms/{number}") for number in range(3)]
    await until(lambda: len(seen(served, "enter")) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(seen(served, "enter")) == 2
    let.set()
    for caller in callers:
        await caller.accepted()
    let = gate(served, "leave")
    for caller in callers:
        await caller.leave()
    await until(lambda: len(seen(served, "leave")) == 2)
    let.set()
    await until(lambda: len(seen(served, "leave")) == 3)
    assert {room for _, room, _ in seen(served, "leave")} == {"0", "1", "2"}


async def test_one_whose_time_is_over_in_the_line_takes_no_thread(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    let = gate(served, "enter")
    callers = [served.call(f"/ws/rooms/{number}") for number in range(2)]
    await until(lambda: len(seen(served, "enter")) == 2)
    with monkeypatch.context() as short:
        short.setattr(hooks, "CONNECT_LIMIT", 0.01)
        assert (await served.call("/ws/rooms/late").refused()).json["code"] == "not_in_time"
    let.set()
    callers += [served.call(f"/ws/rooms/{number}") for number in range(2, 4)]
    for caller in callers:
        await caller.accepted()
        await caller.leave()
    await until(lambda: len(seen(served, "leave")) == 4)
    assert "late" not in {room for _, room, *_ in seen(served, "enter", "leave")}
