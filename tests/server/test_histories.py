"""What groups keep, through a gateway and a real store: over restarts, while the store is away, and for who enters."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.groups import histories as rules
from jackfield.server import histories
from jackfield.server.histories import HistoryKeeper
from jackfield.server.node.node import open_node
from jackfield.server.options import Options
from jackfield.state import State
from tests.clock import Clock
from tests.projects import SAY, write
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Served, until

HEAD = 'groups:\n  "room:{room}": {history: {last: 3, keep: 1m}}'
ROOM = """
  room: {url: "/ws/rooms/{room}", group: "room:{room}", process: p.echo, auth: public}
  club: {url: "/ws/clubs/{room}", group: "room:{room}", process: p.echo, auth: {roles: [member]}}
"""
WHO = """
async def knows(credential, request):
    return None
"""
NAME = "room:%D0%B7%D0%B0%D0%BB"
PATH = "/ws/rooms/%D0%B7%D0%B0%D0%BB"


def keeper_of(served: Served, **more: Any) -> HistoryKeeper:
    live = served.gateway.live
    keeper = HistoryKeeper(live.groups.histories, served.gateway.callers.authorities.keys.store, **more)
    live.groups.histories.keeper = keeper
    return keeper


def say(served: Served, text: str) -> None:
    served.gateway.live.groups.send(NAME, json.dumps({"event": "said", "text": text}).encode())


async def heard(caller: Caller, count: int) -> list[Any]:
    """The next frames, each as its text and number, those of a history in a list."""
    await caller.until(count + 1)
    frames = [json.loads(one["text"]) for one in caller.sent[1 : count + 1]]
    return [_short(frame) for frame in frames]


def _short(frame: dict[str, Any]) -> Any:
    return [_short(one) for one in frame["events"]] if "to" in frame else (frame["text"], frame["$n"])


@pytest.fixture
async def at_work(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Tasks that are ended with the test; batches and attempts follow each other at once."""
    monkeypatch.setattr(histories, "BATCH", 0)
    monkeypatch.setattr(histories, "AGAIN", 0)
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_room_goes_on_after_a_restart(
    open_served: OpenServed, at_work: list[asyncio.Task[None]], clock: Clock
) -> None:
    first = await open_served(ROOM, head=HEAD)
    keeper = keeper_of(first)
    at_work.append(asyncio.create_task(keeper.watch()))
    for text in ("Раз", "два", "три", "😀"):
        say(first, text)
    kept = first.gateway.live.groups.histories
    await until(lambda: kept.written == 4)
    clock.move(1)
    say(first, "до конца")
    at_work[0].cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
    await keeper.close()
    assert kept.written == 5

    second = await open_served(ROOM, head=HEAD)
    at_work.append(asyncio.create_task(keeper_of(second).watch()))
    one = second.call(PATH)
    assert await heard(one, 1) == [[("три", 3), ("😀", 4), ("до конца", 5)]]
    say(second, "шесть")
    assert (await heard(one, 2))[1] == ("шесть", 6)
    await one.leave()
    await until(lambda: second.gateway.live.groups.histories.written == 1)

    clock.move(59.5)
    third = await open_served(ROOM, head=HEAD)
    keeper = keeper_of(third)
    await keeper.tidy()
    at_work.append(asyncio.create_task(keeper.watch()))
    late = third.call(PATH)
    assert await heard(late, 1) == [[("до конца", 5), ("шесть", 6)]]
    await late.leave()


async def test_who_enters_waits_for_the_store_and_is_judged_again(open_served: OpenServed) -> None:
    served = await open_served(ROOM, head=HEAD)
    keeper = keeper_of(served)
    await served.add("аня", "member")
    member = served.call(PATH.replace("rooms", "clubs"), await served.cookie("аня"))
    await until(served.gateway.live.groups.histories.wanted)
    caller = served.call(PATH)
    say(served, "Привет")
    await served.store.disable("аня")
    await served.sessions.changes.look()
    assert (caller.sent, len(served.gateway.live.hub)) == ([], 0)
    await keeper.read_once()
    assert (await member.refused()).status in (401, 403)
    assert await heard(caller, 1) == [[("Привет", 1)]]
    say(served, "ещё")
    assert (await heard(caller, 2))[1] == ("ещё", 2)
    await caller.leave()


CHOOSES = """
  choose:
    url: /ws/choose
    auth: public
    actions: {subscribe: group.join, enter: p.enter}
"""
ENTER = """
@process
async def enter(connection: Connection) -> bool:
    return await connection.join("room:b")
"""


async def test_who_joins_later_waits_for_the_store_as_well(open_served: OpenServed) -> None:
    head = 'groups:\n  "room:{room}": {history: {last: 3, keep: 1m}, may_join: anyone}'
    served = await open_served(CHOOSES, ENTER, head=head)
    keeper, groups = keeper_of(served), served.gateway.live.groups
    caller = served.call("/ws/choose")
    await caller.accepted()
    for number, (message, name) in enumerate(
        [({"group": "room:a", "action": "subscribe"}, "a"), ({"action": "enter"}, "b")]
    ):
        caller.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        await until(groups.histories.wanted)
        await keeper.read_once()
        await caller.until(2 * number + 3)
        history, reply = (json.loads(one["text"]) for one in caller.sent[-2:])
        assert (history["event"], history["group"]) == ("history", f"room:{name}")
        assert reply["action"] == message["action"]
    await caller.leave()


async def test_a_visitor_who_is_new_has_one_group(open_served: OpenServed) -> None:
    """The id that a visitor is given has to be the same after the store was asked what it has of its group."""
    head = 'groups:\n  "help:{visitor}": {history: {last: 3, keep: 1m}}'
    served = await open_served(
        '\n  help: {url: /ws/help, group: "help:{visitor}", process: p.echo, auth: public}\n', head=head
    )
    keeper, groups = keeper_of(served), served.gateway.live.groups
    caller = served.call("/ws/help")
    await until(groups.histories.wanted)
    await keeper.read_once()
    assert await heard(caller, 1) == [[]]
    assert (len(groups), len(groups.histories.wanted())) == (1, 0)
    await caller.leave()


async def test_a_store_that_is_away_stops_nobody_and_is_told_of_once(
    open_served: OpenServed, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await open_served(ROOM, head=HEAD)
    keeper, groups = keeper_of(served), served.gateway.live.groups
    say(served, "before")
    assert await keeper.read_once()
    assert await keeper.write_once()
    (tmp_path / "store.db").rename(tmp_path / "away")
    monkeypatch.setattr(rules, "MAX_WAITING", 600)
    for text in ("1", "2", "3"):
        say(served, text)
        assert not await keeper.write_once()
        await keeper.tidy()
    caller = served.call("/ws/rooms/other")
    await until(groups.histories.wanted)
    assert not await keeper.read_once()
    assert await heard(caller, 1) == [[]]
    await caller.leave()
    assert (groups.histories.waiting, groups.histories.lost) == (2, 1)
    (tmp_path / "away").rename(tmp_path / "store.db")
    assert await keeper.write_once()
    assert await keeper.read_once()
    await keeper.tidy()
    assert await keeper.write_once()
    assert [line.count("history_unavailable") for line in caplog.text.splitlines() if "history" in line] == [1, 0]
    assert "history_lost events=1" in caplog.text
    counted = served.gateway.live.metrics.text().decode()
    assert 'jackfield_kept_events_total{outcome="written"} 3.0' in counted
    assert 'jackfield_kept_events_total{outcome="lost"} 1.0' in counted
    assert "jackfield_kept_events_waiting 0.0" in counted


async def test_a_stop_waits_so_long_for_the_store(
    open_served: OpenServed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = await open_served(ROOM, head=HEAD)
    keeper = keeper_of(served)
    say(served, "before")
    (tmp_path / "store.db").rename(tmp_path / "away")
    await keeper.close()
    assert "history_lost events=1" in caplog.text
    (tmp_path / "away").rename(tmp_path / "store.db")


@pytest.mark.parametrize("auth", ["", "auth: {login: off, verify: who.knows}"])
async def test_a_node_keeps_events_whoever_knows_its_users(tmp_path: Path, auth: str) -> None:
    text = f"{HEAD}\n{auth}\nendpoints:\n{ROOM.replace('p.echo', 'say.say')}"
    project = write(tmp_path, text, say=SAY, who=WHO if auth else "")
    for number in (1, 2):
        async with open_node(project, State.open(project), Options()) as node:
            groups = node.gateway.live.groups
            groups.send(NAME, b'{"event":"said"}')
            await groups.open((NAME,))
            assert [group.last for group in groups] == [number]
