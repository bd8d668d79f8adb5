"""What a publish does to connections that are open, and to another publish, on every Python and without a network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jackfield.errors import PlanError
from jackfield.server.node.node import Node
from tests.projects import write
from tests.server.publish.test_publisher import opened
from tests.server.served import Served

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
