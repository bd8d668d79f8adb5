"""What a publish does to connections that are open, and to another publish, on every Python and without a network."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from jackfield.errors import PlanError
from jackfield.server.node.node import Node
from tests.projects import write
from tests.server.publish.test_publisher import opened
from tests.server.served import Served, until

ENDPOINTS = """\
{auth}
endpoints:
  say: {{url: "/ws/{{room}}/say", process: say.say, auth: {access}, limits: {{message: {message}}}}}
"""
SAY = """\
from jackfield import Connection, Identity, process

@process
def say(text: str, room: {room}, caller: Connection) -> str:
    return f"{answer} {{text}} {{room!r}}"

async def verify(credential: str, request: object) -> Identity | None:
    return Identity("аня") if credential == "good" else None
"""
OWN, THEIRS = "", "auth: {login: off, verify: say.verify}"


def plan(folder: Path, answer: str, room: str = "str", message: str = "1KiB", auth: str = OWN) -> None:
    access = "public" if auth == OWN and answer != "own" else "required"
    write(
        folder,
        endpoints=ENDPOINTS.format(auth=auth, access=access, message=message),
        say=SAY.format(room=room, answer=answer),
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def door_of(node: Node) -> Served:
    sessions = node.gateway.live.sessions
    return Served(node.gateway, sessions.store, sessions, sessions.passwords)


async def test_an_open_connection_takes_the_new_plan_with_its_next_message(project: Path) -> None:
    plan(project, "one")
    async with opened(project) as node:
        caller = door_of(node).call("/ws/7/say")
        await caller.accepted()
        assert await caller.ask({"text": "да"}) == {"result": "one да '7'"}
        plan(project, "two", room="int", message="2KiB")
        await node.publisher.publish()
        assert await caller.ask({"text": "да"}) == {"result": "two да 7"}, "code and path parameters are the new ones"
        assert "result" in await caller.ask({"text": "x" * 1500}), "and so are limits"
        plan(project, "three")
        await node.publisher.publish()
        assert (await caller.ask({"text": "x" * 1500}))["error"]["code"] == "message_too_long"
        assert await caller.ask({"text": "да"}) == {"result": "three да '7'"}
        await caller.leave()


async def test_one_publish_at_a_time(project: Path) -> None:
    plan(project, "one")
    async with opened(project) as node:
        plan(project, "two")
        reports = await asyncio.gather(*(node.publisher.publish() for _ in range(3)))
        assert [report.generation for report in reports] == [2, 3, 4], "each is built on what the one before left"
        assert [report.changed for report in reports] == [("say",), (), ()]
        assert node.gateway.live.generation.number == 4


async def test_by_which_way_somebody_came_is_judged_again(project: Path) -> None:
    plan(project, "own")
    async with opened(project) as node:
        served = door_of(node)
        caller = served.call("/ws/7/say", await served.cookie("admin"))
        await caller.accepted()
        plan(project, "theirs", auth=THEIRS.replace("off", "on"))
        await node.publisher.publish()
        assert await caller.ask({"text": "да"}) == {"result": "theirs да '7'"}, "another way beside it closes nobody"
        foreign = served.call("/ws/7/say", [("cookie", "gen_app_auth_token=good")])
        await foreign.accepted()
        plan(project, "theirs", auth=THEIRS)
        await node.publisher.publish()
        assert await caller.closed() == (4401, "this way of logging in is not taken any more")
        plan(project, "own")
        await node.publisher.publish()
        assert (await foreign.closed())[0] == 4401


async def test_a_login_of_our_own_needs_a_start(project: Path) -> None:
    plan(project, "theirs", auth=THEIRS)
    async with opened(project) as node:
        plan(project, "own")
        with pytest.raises(PlanError) as raised:
            await node.publisher.publish()
        assert [problem.code for problem in raised.value.problems] == ["needs_restart"]
        assert node.gateway.live.generation.number == 1


POLLED = 'endpoints:\n  room: {url: /ws/room, group: "room:7", process: polled.call, auth: public}\n'
POLLER = """\
from __future__ import annotations
import asyncio
from typing import Annotated
from jackfield import Groups, process, resource
from tests.server.publish.test_publisher_open import GATES, OPENING, TICKS

@resource
async def poller(groups: Groups):
    async def poll(heard):
        while True:
            number, done = await heard.get()
            async with groups.state("room:7") as state:
                state["said"] = state.get("said", 0) + 1
                sent = await groups.send("room:7", {"event": "тик", "number": number, "said": state["said"]})
            done.append((sent, len(await groups.members("room:7"))))
    TICKS.append(queue := asyncio.Queue())
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(poll(queue))
        yield queue
        task.cancel()
    TICKS.remove(queue)

@resource
async def gate(before: Annotated[asyncio.Queue, poller]):
    OPENING.append(before)
    await GATES["opening"].wait()
    yield

@process
async def call(polls: Annotated[None, gate]) -> None:
    await GATES["call"].wait()
# """
TICKS: list[asyncio.Queue[tuple[int, list[tuple[int, int]]]]] = []
OPENING: list[object] = []
GATES: dict[str, asyncio.Event] = {}


async def tick(number: int) -> list[tuple[int, int]]:
    """Tell all pollers of an event; gives what each send reached, and the members that each poller saw."""
    done: list[tuple[int, int]] = []
    for queue in TICKS:
        queue.put_nowait((number, done))
    await until(lambda: len(done) == len(TICKS))
    return sorted(done)


async def test_what_resources_push_is_heard_once_over_a_publish(project: Path) -> None:
    GATES.update(opening=asyncio.Event(), call=asyncio.Event())
    GATES["opening"].set()
    write(project, endpoints=POLLED, polled=POLLER)
    async with opened(project) as node:
        caller = door_of(node).call("/ws/room")
        await caller.accepted()
        assert await tick(1) == [(1, 1)]
        caller.incoming.put_nowait({"type": "websocket.receive", "text": "{}"})  # keeps the first generation
        GATES["opening"].clear()
        write(project, endpoints=POLLED, polled=f"{POLLER}another")
        publishing = asyncio.create_task(node.publisher.publish())
        await until(lambda: len(OPENING) == 2)
        assert await tick(2) == [(0, 1), (1, 1)], "the new one is silent before it is live"
        GATES["opening"].set()
        assert (await publishing).generation == 2
        assert await tick(3) == [(0, 1), (1, 1)], "and the old one after that"
        GATES["call"].set()
        await until(lambda: len(TICKS) == 1)
        assert await tick(4) == [(1, 1)]
        await caller.until(5)
        heard = [json.loads(one["text"]) for one in caller.sent[1:]]
        assert [(event["number"], event["said"]) for event in heard] == [(1, 1), (2, 2), (3, 3), (4, 4)]
        await caller.leave()
    assert TICKS == []
