"""Feeds in tests of processes: they speak to the clients of a project, and nothing of them is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jackfield.testing import Client, Project
from tests.server.served import until

from .desk import nothing_left

PLAN = """\
groups:
  "quotes:{symbol}": {feed: desk.ticks}
  "chosen:{number}": {feed: desk.numbers, history: 1, may_join: anyone}
endpoints:
  quotes: {url: "/ws/quotes/{symbol}", auth: public, group: "quotes:{symbol}"}
  chooses: {url: /ws/chooses, auth: public, actions: {subscribe: group.join, unsubscribe: group.leave}}
  clock: {url: "/ws/clock/{zone}", auth: public, feed: desk.clock}
"""
CODE = """\
import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from jackfield import process, resource

@resource
async def exchange() -> AsyncIterator[dict[str, int]]:
    yield {"цена": 1}

@resource
async def wall() -> AsyncIterator[int]:
    yield 12

@resource
async def shown(hour: Annotated[int, wall]) -> AsyncIterator[int]:
    yield hour + 1

@process
async def ticks(symbol: str, where: Annotated[dict[str, int], exchange]) -> AsyncIterator[dict[str, int]]:
    yield where
    await asyncio.Event().wait()

@process
async def numbers(number: int, hour: Annotated[int, shown]) -> AsyncIterator[dict[str, int]]:
    yield {"number": number, "hour": hour}
    await asyncio.Event().wait()

@process
async def clock(zone: int, hour: Annotated[int, wall]) -> AsyncIterator[dict[str, int]]:
    yield {"hour": hour + zone}
    yield {"hour": "wrong"}
"""


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "desk.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "endpoints.yaml").write_text(PLAN, encoding="utf-8")
    with nothing_left(tmp_path):
        yield tmp_path


async def test_all_members_hear_it_with_a_fake_in_its_place(folder: Path) -> None:
    async with (
        Project(folder, resources={"desk.exchange": {"цена": 7}}) as project,
        project.connect("quotes", params={"symbol": "ГАЗ"}) as one,
    ):
        assert await one.receive() == {"event": "message", "цена": 7}
        assert (await one.ask({"$id": 1}))["error"]["code"] == "no_messages"


@pytest.mark.parametrize(
    ("endpoint", "params", "event"),
    [("quotes", {"symbol": "x"}, {"цена": 1}), ("clock", {"zone": 3}, {"hour": 15})],
)
async def test_a_client_alone_opens_what_speaks_to_it(
    folder: Path, endpoint: str, params: dict[str, object], event: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(folder, endpoint, params=params) as client:
        assert await client.receive() == {"event": "message", **event}
        if endpoint == "clock":  # the second is not what the annotation says
            await until(lambda: "not what the annotation says" in caplog.text)


def numbers(frame: dict[str, Any]) -> list[object]:
    return [event.get("number") for event in (frame, *frame.get("events", ()))]


async def test_a_client_alone_opens_what_it_may_choose_and_all_that_this_needs(folder: Path) -> None:
    async with Client(folder, "chooses", resources={"desk.wall": 20}) as client:
        await client.send({"action": "subscribe", "group": "chosen:7"})
        heard = [await client.receive() for _ in range(3)]
        assert [event["hour"] for event in heard if event.get("event") == "message"] == [21]


async def test_clients_choose_what_they_hear(folder: Path) -> None:
    async with Project(folder) as project, project.connect("chooses") as one, project.connect("chooses") as two:
        for client in (one, two):
            await client.send({"action": "subscribe", "group": "chosen:7"})
        heard = [await one.receive() for _ in range(3)]
        assert [event["number"] for event in heard if event.get("event") == "message"] == [7]
        assert [event["group"] for event in heard if "joined" in event] == ["chosen:7"]
        seen: list[object] = []
        while not {7, "joined"} <= set(seen):  # with the history, where it came before the member
            frame = await two.receive()
            seen += [*numbers(frame), *frame]
        refused = await two.ask({"action": "subscribe", "group": "chosen:seven"})
        assert refused["error"]["code"] == "not_found"
        assert "whole number" in refused["error"]["message"]
