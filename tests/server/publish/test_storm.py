"""A hundred publishes while everything that a connection can have goes on: nothing that was promised is lost."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.server.publish import retiring
from jackfield.server.publish.retiring import GENERATIONS, OUTLIVE
from tests.groups.conftest import Clock as Timers
from tests.projects import write
from tests.server.publish.test_publisher import opened
from tests.server.publish.test_publisher_open import door_of
from tests.server.served import Caller, Served, until

PUBLISHES = 100
PACE = OUTLIVE / PUBLISHES - 1
"""Seconds between two publishes: what only works may do so through all of them."""

PLAN = """\
groups:
  "room:{room}": {feed: p.ticks}
defaults: {auth: public}
endpoints:
  visits: {url: "/ws/visits/{name}", on_connect: p.enter, on_disconnect: p.leave, process: p.talk}
  room: {url: "/ws/rooms/{room}", group: "room:{room}", process: p.say}
  clock: {url: /ws/clock, feed: p.clock}
  talk: {url: /ws/talk, process: p.talk}
  ask: {url: /ws/ask, process: p.ask}
  task: {url: /ws/task, process: p.task}
  stream: {url: /ws/stream, process: p.stream}
"""
CODE = """\
import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from jackfield import Connection, process, resource
from tests.server.publish.test_storm import HOOKS, PUSHED
NUMBER = {number}

@resource
async def pool():
    state = {{"is_open": True}}
    yield state
    state["is_open"] = False

Pool = Annotated[dict[str, bool], pool]

def told(what: object, pool: Pool) -> dict[str, Any]:
    return {{"what": what, "number": NUMBER, "open": pool["is_open"]}}

@process
async def enter(name: int, connection: Connection) -> dict[str, Any]:
    HOOKS["enter", name] += 1
    await asyncio.sleep(0)
    return {{"event": "hello", "name": name}}

@process
async def leave(name: int, code: int) -> None:
    await asyncio.sleep(0)
    HOOKS["leave", name] += 1

@process
async def ticks(room: int) -> AsyncIterator[dict[str, Any]]:
    yield {{"event": "tick", "number": NUMBER}}
    await asyncio.Event().wait()

@process
def say(pool: Pool) -> dict[str, Any]:
    return told("said", pool)

@process
async def clock(pool: Pool) -> AsyncIterator[dict[str, Any]]:
    while True:
        yield {{"event": "told", **told(await PUSHED["clock"].get(), pool)}}

@process
async def talk(text: str, connection: Connection, pool: Pool) -> dict[str, Any]:
    connection.send({{"event": "waits"}})
    return told(text + (await connection.next(within=3600))["text"], pool)

@process
async def ask(connection: Connection, pool: Pool) -> dict[str, Any]:
    return told((await connection.request({{"event": "waits"}}, within=3600))["text"], pool)

@process
async def task(connection: Connection, pool: Pool) -> None:
    async def work() -> None:
        connection.send({{"event": "waits"}})
        connection.send({{"event": "told", **told(await PUSHED["task"].get(), pool)}})
    connection.start(work())

@process
async def stream(pool: Pool) -> AsyncIterator[dict[str, Any]]:
    while (value := await PUSHED["stream"].get()) is not None:
        yield told(value, pool)
"""
HOOKS: Counter[tuple[str, int]] = Counter()
PUSHED: dict[str, asyncio.Queue[Any]] = {}


def heard(caller: Caller) -> list[dict[str, Any]]:
    """What came, without what makes an event of it and a request of that."""
    frames = [json.loads(one["text"]) for one in caller.sent[1:] if one["type"] == "websocket.send"]
    return [{key: value for key, value in frame.items() if key not in ("event", "$request")} for frame in frames]


def say(caller: Caller, message: object) -> None:
    caller.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})


def told(what: object, number: int) -> dict[str, Any]:
    return {"what": what, "number": number, "open": True}


class Waiting:
    """Connections that wait, each in its own way, in the generation `number`."""

    def __init__(self, door: Served, number: int) -> None:
        self.number = number
        self.callers = {name: door.call(f"/ws/{name}") for name in ("talk", "ask", "task", "clock")}
        self.ticks = 0

    async def begin(self) -> None:
        for name, caller in self.callers.items():
            await caller.accepted()
            if name != "clock":
                say(caller, {"text": "Привет, "} if name == "talk" else {})
                await caller.until(2)

    async def tick(self) -> None:
        PUSHED["clock"].put_nowait(self.ticks)
        self.ticks += 1
        await self.callers["clock"].until(1 + self.ticks)

    async def end(self) -> None:
        """Give each what it waits for; all of that, and nothing else, was said, by the code in which it began."""
        say(self.callers["talk"], {"text": "мир 👋"})
        say(self.callers["ask"], {"$answer": 1, "text": "да"})
        PUSHED["task"].put_nowait("сделано")
        for name, answer in (("talk", "Привет, мир 👋"), ("ask", "да"), ("task", "сделано")):
            await self.callers[name].until(3)
            assert heard(self.callers[name]) == [{}, told(answer, self.number)]
        assert heard(self.callers["clock"]) == [told(tick, self.number) for tick in range(self.ticks)]
        for caller in self.callers.values():
            await caller.leave()


async def test_a_storm_of_publishes_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timers = Timers()
    monkeypatch.setattr(retiring, "_call_later", timers.later)
    HOOKS.clear()
    PUSHED.update((name, asyncio.Queue()) for name in ("clock", "task", "stream"))
    project = write(tmp_path / "project", PLAN, p=CODE.format(number=1))
    generations: list[weakref.ref[Any]] = []
    async with opened(project) as node:
        # schemas for editors are a third of what a publish costs here
        monkeypatch.setattr(node.publisher, "_on_live", lambda _table: None)
        door, elders = door_of(node), node.publisher._retiring
        live: Callable[[], Any] = lambda: node.gateway.live.generation  # noqa: E731 - no name may hold one
        before = len(asyncio.all_tasks())
        room, stream, forgotten = door.call("/ws/rooms/7"), door.call("/ws/stream"), door.call("/ws/talk")
        for caller in (room, stream, forgotten):
            await caller.accepted()
        await room.until(2)
        say(stream, {"$id": "поток"})
        say(forgotten, {"text": "и"})
        await forgotten.until(2)
        waiting = Waiting(door, 1)
        await waiting.begin()
        leaving: Awaitable[None] = asyncio.sleep(0)
        for number in range(2, PUBLISHES + 2):
            generations.append(weakref.ref(live()))
            visitor = door.call(f"/ws/visits/{number}")  # comes, as the one before leaves, while this is published
            write(project, p=CODE.format(number=number))
            await asyncio.gather(node.publisher.publish(), leaving)
            timers.pass_(PACE)
            await visitor.until(2)
            leaving = visitor.leave()
            if (number - waiting.number) % GENERATIONS == 0:
                waiting = Waiting(door, number)
                await waiting.begin()
            await waiting.tick()
            if number - waiting.number == GENERATIONS - 1:
                await waiting.end()
            PUSHED["stream"].put_nowait(number)
            await room.until(number + 1 + (number - 2))
            assert await room.ask({}) == told("said", number)
            # those of the stream, of what waits, and of what nobody answers
            await until(lambda: len(elders) <= 3)
        await leaving
        await until(lambda: HOOKS.total() == 2 * PUBLISHES)
        assert set(HOOKS.values()) == {1}, "each hook ran once"
        ticks = [one["number"] for one in heard(room) if "what" not in one]
        assert ticks == list(range(1, PUBLISHES + 2)), "the feed of the group went on in each generation"
        assert (await forgotten.closed())[0] == 1012, "what nobody answers was ended by the fourth publish"
        PUSHED["stream"].put_nowait(None)
        await stream.until(PUBLISHES + 2)
        *values, last = heard(stream)
        assert values == [{**told(number, 1), "$id": "поток"} for number in range(2, PUBLISHES + 2)]
        assert last == {"$id": "поток", "$done": True}
        if waiting.number + GENERATIONS > PUBLISHES + 1:
            await asyncio.gather(*(caller.leave() for caller in waiting.callers.values() if not caller.task.done()))
        for caller in (room, stream):
            await caller.leave()
        await until(lambda: not elders)
        assert node.gateway.alive == (0, 0, 0, 0)
        assert len(asyncio.all_tasks()) == before
        assert [timer for timer in timers.timers if not timer.cancelled] == []
        timers.timers.clear()
        gc.collect()
        assert [one() for one in generations if one() is not None] == [], "nothing of an old one is left"
        assert len([name for name in list(sys.modules) if name.endswith("processes.p")]) <= 2
