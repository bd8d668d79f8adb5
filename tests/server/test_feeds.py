"""Feeds at work in a gateway: one generator for a group, one for each connection, and nothing left of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

import pytest

from jackfield.groups import feeds as groups_feeds
from jackfield.groups import groups
from jackfield.groups.feeds import LINGER
from jackfield.server import feeds
from jackfield.server.connection import clean_up
from jackfield.server.generation import Generation
from jackfield.server.wire.transport import ROOM
from tests.groups.conftest import Clock as Timers

from .conftest import Build, OpenServed
from .served import LIMIT, Caller, Served, until

HEAD = 'groups:\n  "quotes:{number}": {feed: p.ticks}\n'
ENDPOINTS = """\
  quotes: {url: "/ws/quotes/{number}", auth: public, group: "quotes:{number}"}
  plain: {url: /ws/plain, auth: public, process: p.join}
  clock: {url: "/ws/clock/{name}", auth: public, feed: p.clock}
"""
CODE = """
import sys
from collections.abc import AsyncIterator
from jackfield import Groups, resource

EVENTS: dict[Any, asyncio.Queue] = {}
SEEN: list[Any] = []

@resource
async def shop():
    yield "лавка"

async def taken(key: Any) -> Any:
    value = await EVENTS.setdefault(key, asyncio.Queue()).get()
    return value() if callable(value) else value

@process
async def ticks(number: int, groups: Groups, where: Annotated[str, shop]) -> AsyncIterator[Any]:
    assert where == "лавка"
    SEEN.append(("begun", number))
    try:
        while True:
            yield await taken(number)
    finally:
        SEEN.append(("ended", number))

@process
async def clock(name: str, caller: Connection) -> AsyncIterator[Any]:
    SEEN.append(("begun", name))
    try:
        yield {"event": "hello", "name": name, "endpoint": caller.endpoint}
        while True:
            yield await taken(name)
    finally:
        SEEN.append(("ended", name))

@process
async def join(group: str, caller: Connection) -> bool:
    return await caller.join(group)
"""


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    """The clock of all feeds."""
    found = Timers()
    for module in (groups, feeds):
        monkeypatch.setattr(module, "_call_later", found.later)
    return found


@pytest.fixture
async def speaking(open_served: OpenServed, timers: Timers) -> AsyncIterator[Served]:
    before = asyncio.all_tasks()
    made = await open_served(ENDPOINTS, CODE, head=HEAD)
    yield made
    async with asyncio.timeout(LIMIT):
        await made.gateway.close_feeds()
        await made.gateway.live.generation.retire(LIMIT)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


def names(served: Served) -> dict[str, Any]:
    """What processes/p.py of the live generation holds."""
    route = served.gateway.live.generation.table.routes["plain"]
    found: dict[str, Any] = route.process.function.__globals__
    return found


def say(served: Served, key: object, value: object) -> None:
    names(served)["EVENTS"].setdefault(key, asyncio.Queue()).put_nowait(value)


def heard(caller: Caller) -> list[Any]:
    return [json.loads(one["text"]) for one in caller.sent[1:] if one["type"] == "websocket.send"]


async def open_(served: Served, target: str) -> Caller:
    caller = served.call(target)
    await caller.accepted()
    return caller


async def publish(served: Served, build_table: Build, endpoints: str = ENDPOINTS, head: str = HEAD) -> Generation:
    """Make another generation live; gives the one before."""
    gateway = served.gateway
    table = build_table(endpoints, CODE + "# another\n", head=head)
    return gateway.install(await Generation.open(gateway.live.generation.number + 1, table))


def raises(exc: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise exc

    return act


def cancels() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


# groups


async def test_one_generator_speaks_to_all_members_however_they_came(speaking: Served, timers: Timers) -> None:
    one, two = await open_(speaking, "/ws/quotes/7"), await open_(speaking, "/ws/plain")
    assert await two.ask({"group": "quotes:7"}) == {"result": True}
    for value in ({"event": "tick", "цена": 1}, {"x": "😀"}, {}, None, 5):
        say(speaking, 7, value)
    events: list[dict[str, Any]] = [{"event": "tick", "цена": 1}, {"event": "message", "x": "😀"}, {"event": "message"}]
    events += [{"event": "message", "result": 5}]
    await one.until(5)
    await two.until(6)
    assert heard(one) == events
    assert heard(two)[1:] == [{**event, "group": "quotes:7"} for event in events]
    await one.leave()
    timers.pass_(LINGER * 2)
    say(speaking, 7, {"event": "still"})
    await two.until(7)
    await two.leave()
    assert names(speaking)["SEEN"] == [("begun", 7)]
    timers.pass_(LINGER)
    await until(lambda: len(names(speaking)["SEEN"]) == 2)
    assert len(speaking.gateway.live.groups.feeds) == 0


async def test_it_waits_for_no_reader(speaking: Served) -> None:
    stuck = asyncio.Event()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await stuck.wait()

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    slow = asyncio.create_task(speaking.gateway(speaking.scope("websocket", "/ws/quotes/7", []), incoming.get, send))
    other = await open_(speaking, "/ws/quotes/7")
    for number in range(10):
        say(speaking, 7, {"event": "tick", "n": number, "text": "x" * ROOM})
    await other.until(11)
    incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await other.leave()
    async with asyncio.timeout(LIMIT):
        await slow


async def test_an_address_without_a_login_has_its_share(speaking: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups_feeds, "MAX_OF_CALLER", 1)
    monkeypatch.setattr(speaking.gateway.live.groups.feeds, "most", 2)
    one, plain = await open_(speaking, "/ws/quotes/1"), await open_(speaking, "/ws/plain")
    refused = await speaking.call("/ws/quotes/2").refused()
    assert (refused.status, refused.json["code"]) == (429, "group_full")
    assert (await plain.ask({"group": "quotes:2"}))["error"]["code"] == "group_full"
    elsewhere = speaking.call("/ws/quotes/2", client=("10.9.9.9", 5000))
    await elsewhere.accepted()
    for caller in (one, plain, elsewhere):
        await caller.leave()


async def test_a_name_that_does_not_fit_is_not_found(speaking: Served) -> None:
    refused = await speaking.call("/ws/quotes/abc").refused()
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert "whole number" in refused.json["detail"]
    caller = await open_(speaking, "/ws/plain")
    assert (await caller.ask({"group": "quotes:abc"}))["error"]["code"] == "not_found"
    await caller.leave()
    assert len(speaking.gateway.live.groups) == 0


@pytest.mark.parametrize(
    "value",
    [
        raises(RuntimeError("упало")),
        raises(SystemExit(1)),
        cancels,
        {"event": "joined"},
        {"event": "x", "group": "y"},
        {"event": "x", "$n": 1},
        {"x": float("nan")},
        {"event": 5},
        {"event": "x", "text": "x" * feeds.LONGEST_EVENT},
        raises(asyncio.CancelledError()),
    ],
    ids="raises exits cancels ours group number nan noname long cancelled".split(),  # noqa: SIM905 - words
)
async def test_a_failure_is_an_incident_and_it_begins_again(
    speaking: Served, timers: Timers, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    caller = await open_(speaking, "/ws/quotes/7")
    say(speaking, 7, value)
    await until(lambda: timers.timers)
    seen = names(speaking)["SEEN"]
    assert ("process_failed" in caplog.text, "group='quotes:7'" in caplog.text) == (True, True)
    assert seen == [("begun", 7), ("ended", 7)]
    timers.pass_(1)
    say(speaking, 7, {"event": "again"})
    await caller.until(2)
    assert heard(caller) == [{"event": "again"}]
    await caller.leave()


async def test_a_rejection_is_told_and_another_member_begins_it_anew(speaking: Served) -> None:
    reject = names(speaking)["Reject"]
    one, two = await open_(speaking, "/ws/quotes/7"), await open_(speaking, "/ws/quotes/7")
    say(speaking, 7, raises(reject("no_such_number", "нет 😀", group="mine", number=7)))
    await one.until(2)
    await two.until(2)
    told = {"code": "no_such_number", "message": "нет 😀", "group": "quotes:7", "number": 7}
    assert heard(one) == heard(two) == [{"error": told}]
    await one.leave()
    late = await open_(speaking, "/ws/quotes/7")
    await late.until(2)
    assert heard(late) == [{"error": told}]
    await two.leave()
    await late.leave()
    again = await open_(speaking, "/ws/quotes/7")
    say(speaking, 7, {"event": "again"})
    await again.until(2)
    assert heard(again) == [{"event": "again"}]
    await again.leave()


async def test_a_rejection_that_cannot_be_told_is_an_incident(
    speaking: Served, timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await open_(speaking, "/ws/quotes/7")
    say(speaking, 7, raises(names(speaking)["Reject"]("bad", number=float("nan"))))
    await until(lambda: timers.timers)
    assert "process_failed" in caplog.text
    await caller.leave()


async def test_a_publish_begins_it_anew_and_frees_the_old_generation(speaking: Served, build_table: Build) -> None:
    caller = await open_(speaking, "/ws/quotes/7")
    say(speaking, 7, {"event": "old"})
    await caller.until(2)
    old = names(speaking)
    before = await publish(speaking, build_table)
    old["EVENTS"][7].put_nowait({"event": "too late"})
    say(speaking, 7, {"event": "new"})
    await caller.until(3)
    async with asyncio.timeout(LIMIT):
        await before.retire(LIMIT)
    assert heard(caller) == [{"event": "old"}, {"event": "new"}]
    assert old["SEEN"] == [("begun", 7), ("ended", 7)]
    await caller.leave()


async def test_what_an_old_one_says_at_its_end_nobody_hears(
    speaking: Served, build_table: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def last_words(_key: object) -> dict[str, str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            said.append(1)
        return {"event": "stale"}

    said: list[int] = []
    monkeypatch.setitem(names(speaking), "taken", last_words)
    caller = await open_(speaking, "/ws/quotes/7")
    old = names(speaking)
    await until(lambda: old["SEEN"])
    before = await publish(speaking, build_table)
    await until(lambda: ("ended", 7) in old["SEEN"])
    say(speaking, 7, {"event": "new"})
    await caller.until(2)
    assert (said, heard(caller)) == ([1], [{"event": "new"}])
    await caller.leave()
    await before.retire(LIMIT)


async def test_a_publish_with_another_hint_tells_the_members_of_what_does_not_fit(
    speaking: Served, build_table: Build
) -> None:
    caller = await open_(speaking, "/ws/quotes/7")
    gateway = speaking.gateway
    code = CODE.replace("ticks(number: int", "ticks(number: Literal['8']")
    before = gateway.install(await Generation.open(2, build_table(ENDPOINTS, code, head=HEAD)))
    await caller.until(2)
    (told,) = heard(caller)
    assert (told["error"]["code"], told["error"]["group"]) == ("not_found", "quotes:7")
    await caller.leave()
    await before.retire(LIMIT)


async def test_one_that_swallows_its_cancellation_is_ended_by_force(
    speaking: Served, timers: Timers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feeds, "CLEAN_UP", 0.02)
    monkeypatch.setattr(clean_up, "CLEAN_UP", 0.02)

    async def deaf() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                caplog.records.clear()

    code = names(speaking)
    monkeypatch.setitem(code, "taken", lambda _key: deaf())
    caller = await open_(speaking, "/ws/quotes/7")
    await until(lambda: code["SEEN"])
    await caller.leave()
    timers.pass_(LINGER)
    assert speaking.gateway.live.groups.feeds.runner is not None
    assert speaking.gateway.live.groups.feeds.runner.closing == 1
    await until(lambda: speaking.gateway.live.groups.feeds.runner.closing == 0)  # type: ignore[union-attr]  # see above
    assert "generator_not_ended" in caplog.text


async def test_a_stop_ends_what_still_runs(speaking: Served) -> None:
    caller, other = await open_(speaking, "/ws/quotes/7"), await open_(speaking, "/ws/clock/a")
    say(speaking, 7, {"event": "x"})
    await caller.until(2)
    await other.until(2)
    async with asyncio.timeout(LIMIT):
        await speaking.gateway.close_feeds()
    assert [event for event, _ in names(speaking)["SEEN"]].count("ended") == 2
    await caller.leave()
    await other.leave()


# connections


async def test_each_connection_has_one_of_its_own(speaking: Served) -> None:
    one, two = await open_(speaking, "/ws/clock/%D0%B0"), await open_(speaking, "/ws/clock/b")
    say(speaking, "а", {"x": 1})
    await one.until(3)
    await two.until(2)
    assert heard(one) == [{"event": "hello", "name": "а", "endpoint": "clock"}, {"event": "message", "x": 1}]
    assert heard(two) == [{"event": "hello", "name": "b", "endpoint": "clock"}]
    await one.leave()
    await until(lambda: ("ended", "а") in names(speaking)["SEEN"])
    assert ("ended", "b") not in names(speaking)["SEEN"]
    await two.leave()


async def test_the_end_of_it_does_not_close_the_connection(speaking: Served) -> None:
    caller = await open_(speaking, "/ws/clock/a")
    say(speaking, "a", raises(names(speaking)["Reject"]("over", "всё")))
    await caller.until(3)
    assert heard(caller)[1] == {"error": {"code": "over", "message": "всё"}}
    assert (await caller.ask({"$id": 7}))["$id"] == 7
    await caller.leave()


async def test_each_message_is_answered_that_there_are_none(speaking: Served) -> None:
    caller = await open_(speaking, "/ws/quotes/1")
    for text in ('{"$id": "я", "x": 1}', "[", '{"$id": []}', "[" * 100_000, '{"$id": 5}'):
        caller.incoming.put_nowait({"type": "websocket.receive", "text": text})
    caller.incoming.put_nowait({"type": "websocket.receive", "bytes": b"\xff"})
    await caller.until(7)
    assert {frame["error"]["code"] for frame in heard(caller)} == {"no_messages"}
    assert [frame.get("$id") for frame in heard(caller)] == ["я", None, None, None, 5, None]
    assert speaking.gateway.live.metrics.meter("quotes").others == {"no_messages": 6}
    await caller.leave()


async def test_one_of_a_connection_waits_for_its_reader(speaking: Served) -> None:
    stuck, made = asyncio.Event(), []
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await stuck.wait()
        sent.append(message)

    def more() -> dict[str, str]:
        made.append(1)
        return {"event": "more", "text": "x" * ROOM}

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    scope = speaking.scope("websocket", "/ws/clock/a", [])
    task = asyncio.create_task(speaking.gateway(scope, incoming.get, send))
    for _ in range(5):
        say(speaking, "a", more)
    await until(lambda: made)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(made) == 1
    stuck.set()
    await until(lambda: len(sent) == 7)
    incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    async with asyncio.timeout(LIMIT):
        await task


async def test_one_that_waits_for_a_reader_who_is_closed_is_no_failure(
    speaking: Served, timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    stuck = asyncio.Event()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await stuck.wait()

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    task = asyncio.create_task(speaking.gateway(speaking.scope("websocket", "/ws/clock/a", []), incoming.get, send))
    say(speaking, "a", {"event": "more", "text": "x" * ROOM})
    (queue,) = names(speaking)["EVENTS"].values()
    await until(queue.empty)
    for member in speaking.gateway.live.hub:
        member.end("restart")
    await until(lambda: ("ended", "a") in names(speaking)["SEEN"])
    stuck.set()
    incoming.put_nowait({"type": "websocket.disconnect", "code": 1012})
    async with asyncio.timeout(LIMIT):
        await task
    assert "process_failed" not in caplog.text
    assert timers.timers == []


async def test_one_of_a_connection_begins_again_after_failures(
    speaking: Served, timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await open_(speaking, "/ws/clock/a")
    say(speaking, "a", raises(RuntimeError("упало")))
    await until(lambda: timers.timers)
    assert "process_failed" in caplog.text
    timers.pass_(1)
    await caller.until(3)
    assert [event["event"] for event in heard(caller)] == ["hello", "hello"]
    say(speaking, "a", raises(RuntimeError("опять")))
    await until(lambda: timers.timers)
    await caller.leave()
    timers.pass_(60)
    assert names(speaking)["SEEN"].count(("begun", "a")) == 2
