"""Connections in groups, through the whole product without a network: replies to groups, Groups, Connection.join."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jackfield.groups.group import Declared
from jackfield.groups.groups import Groups
from jackfield.groups.names import Pattern
from jackfield.identity import ANONYMOUS
from jackfield.process.connection import GONE, Connection
from jackfield.server.connection.membership import Membership
from jackfield.server.connection.outbox import Outbox
from jackfield.testing import Closed, Project, Refusal
from tests.projects import write

ENDPOINTS = """
groups:
  "room:{room}": {members: 2}
endpoints:
  room: {url: "/ws/rooms/{room}", auth: optional, group: "room:{room}", process: chat.say, reply_to: group, event: said}
  quiet: {url: /ws/quiet, auth: public, group: quiet, process: chat.count, reply_to: others}
  desk: {url: /ws/desk, auth: optional, process: desk.push}
  ask: {url: /ws/ask, auth: optional, process: desk.ask}
  note: {url: /ws/note, auth: public, group: note, process: desk.note}
  slow: {url: "/ws/slow/{room}", auth: optional, group: [slow, "slow:{room}"], process: desk.ask}
"""
CHAT = """
from collections.abc import Iterator
from typing import Any
from jackfield import process

@process
def say(text: str) -> dict[str, Any]:
    return {"text": text, "from": "somebody else", "event": "x", "group": 1, "name": "кто-то", "$n": 5}

@process(reply="n")
def count(to: int) -> Iterator[int]:
    yield from range(1, to + 1)
"""
DESK = """
from typing import Any
from jackfield import Connection, Groups, Refusal, process

@process
async def push(room: str, groups: Groups, connection: Connection, text: str = "x", login: str = "") -> int:
    if login:
        return await groups.send_to(login, {"event": "notice", "text": text})
    return await groups.send(groups.name("room:{room}", room=room), {"event": "pushed", "text": text}, but=connection)

@process
async def note(word: str, groups: Groups) -> int:
    async with groups.state("note") as state:
        state[word] = state.get(word, 0) + 1
        return state[word]

async def trying(connection: Connection, group: str) -> bool | str:
    try:
        return await connection.join(group)
    except Refusal as refusal:
        return refusal.code

@process
async def ask(do: str, groups: Groups, connection: Connection, group: str = "", login: str = "") -> dict[str, Any]:
    found: Any = {
        "join": lambda: connection.join(group),
        "try": lambda: trying(connection, group),
        "leave": lambda: connection.leave(group),
        "remove": lambda: groups.remove(group, login),
        "close": lambda: groups.close(login, "пока"),
        "bad": lambda: groups.send(group, {"event": "members"}),
    }.get(do)
    done = await found() if found else None
    people = [identity.login for identity in await groups.members(group or "none")]
    return {"done": done, "groups": list(connection.groups), "members": people}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(write(tmp_path, ENDPOINTS, chat=CHAT, desk=DESK), check_replies=False)


async def test_a_reply_to_the_group_is_an_event_for_all(project: Project) -> None:
    async with (
        project,
        project.connect("room", params={"room": "зал"}, login="анна", name="Анна П.") as anna,
        project.connect("room", params={"room": "зал"}) as guest,
        project.connect("room", params={"room": "b"}) as stranger,
    ):
        await anna.send({"text": "Привет 😀", "$id": 7})
        await guest.send({"text": "и вам"})
        first = {"event": "said", "from": "анна", "name": "Анна П.", "text": "Привет 😀"}
        second = {"event": "said", "from": None, "text": "и вам"}
        assert await anna.rest() == [first, {"$done": True, "$id": 7}, second]
        assert await guest.rest() == [first, second]
        assert await stranger.rest() == []
        await guest.send({"text": 1, "$id": 8})
        assert [message["error"]["code"] for message in await guest.rest()] == ["invalid_message"]
        assert await anna.rest() == []


async def test_each_value_of_a_generator_is_an_event_for_the_others(project: Project) -> None:
    async with project, project.connect("quiet") as one, project.connect("quiet") as other:
        await one.send({"to": 2, "$id": 1})
        assert await one.rest() == [{"$done": True, "$id": 1}]
        assert await other.rest() == [{"event": "message", "from": None, "n": n} for n in (1, 2)]


async def test_processes_send_to_groups_and_users(project: Project) -> None:
    async with (
        project,
        project.connect("desk", login="desk") as desk,
        project.connect("room", params={"room": "7"}, login="анна") as anna,
        project.connect("ask", login="анна") as again,
    ):
        assert await desk.ask({"room": "7"}) == {"result": 1}
        assert await desk.ask({"room": "8"}) == {"result": 0}
        assert await desk.ask({"room": "", "login": "анна"}) == {"result": 2}
        assert await desk.ask({"room": "", "login": "nobody"}) == {"result": 0}
        notice = {"event": "notice", "text": "x"}
        assert await anna.rest() == [{"event": "pushed", "text": "x"}, notice]
        assert await again.rest() == [notice]


async def test_a_connection_joins_and_leaves(project: Project) -> None:
    async with (
        project,
        project.connect("ask", login="анна") as anna,
        project.connect("desk") as desk,
        project.connect("slow", params={"room": "1"}) as slow,
    ):
        joined = {"done": True, "groups": ["room:7"], "members": ["анна"]}
        assert await anna.ask({"do": "join", "group": "room:7"}) == joined
        assert await anna.ask({"do": "join", "group": "room:7"}) == joined | {"done": False}
        await desk.ask({"room": "7"})
        assert await anna.receive() == {"group": "room:7", "event": "pushed", "text": "x"}
        assert await anna.ask({"do": "leave", "group": "room:7"}) == {"done": True, "groups": [], "members": []}
        assert (await slow.ask({"do": ""}))["groups"] == ["slow", "slow:1"]


async def test_processes_keep_a_state_for_a_group(project: Project) -> None:
    async with project, project.connect("note") as one, project.connect("note") as other:
        assert await one.ask({"word": "да"}) == {"result": 1}
        assert await other.ask({"word": "да"}) == {"result": 2}
        assert await other.ask({"word": "нет"}) == {"result": 1}


@pytest.mark.parametrize("group", ["зал", "a b", "$x", "x" * 201, ""])
async def test_what_no_group_can_be_called_is_a_fault_of_the_process(project: Project, group: str) -> None:
    async with project, project.connect("ask") as client:
        await client.send({"do": "join", "group": group})
        assert (await client.receive())["error"]["code"] == "process_failed"


async def test_an_event_of_ours_is_a_fault_of_the_process(project: Project) -> None:
    async with project, project.connect("ask") as client:
        await client.send({"do": "bad", "group": "room:7"})
        assert (await client.receive())["error"]["code"] == "process_failed"


async def test_a_full_group_is_refused_at_the_upgrade_and_as_an_error(project: Project) -> None:
    async with (
        project,
        project.connect("room", params={"room": "7"}),
        project.connect("room", params={"room": "7"}),
        project.connect("ask") as late,
    ):
        with pytest.raises(Refusal) as caught:
            await project.connect("room", params={"room": "7"}).__aenter__()
        assert (caught.value.code, caught.value.status) == ("group_full", 429)
        await late.send({"do": "join", "group": "room:7", "$id": 3})
        answer = await late.receive()
        assert (answer["error"]["code"], answer["error"]["retry_after"], answer["$id"]) == ("group_full", 5, 3)
        await late.send({"do": "try", "group": "room:7"})
        assert (await late.receive())["done"] == "group_full"


async def test_a_name_that_is_too_long_is_not_found(project: Project) -> None:
    async with project:
        with pytest.raises(Refusal) as caught:
            await project.connect("room", params={"room": "ж" * 40}).__aenter__()
        assert caught.value.status == 404
        assert "longer than 200" in caught.value.detail


async def test_a_user_is_taken_out_of_a_group_and_closed(project: Project) -> None:
    async with (
        project,
        project.connect("room", params={"room": "7"}, login="анна") as anna,
        project.connect("ask") as desk,
    ):
        removed: dict[str, Any] = {"do": "remove", "group": "room:7", "login": "анна"}
        assert (await desk.ask(removed))["done"] == 1
        assert (await desk.ask(removed))["done"] == 0
        assert (await desk.ask({"do": "close", "login": "анна"}))["done"] == 1
        assert await anna.receive() == {"event": "left", "group": "room:7", "login": "анна"}
        with pytest.raises(Closed) as caught:
            await anna.receive()
        assert (caught.value.code, caught.value.reason) == (4403, "пока")
        assert (await desk.ask({"do": "close", "login": ""}))["done"] == 0


class Owner:
    """A conversation that keeps what its groups send."""

    identity = ANONYMOUS
    address = ""
    is_entering = False
    connection = Connection(GONE, id="1", endpoint="room", identity=ANONYMOUS, params={}, query={})
    outbox = cast(Outbox, SimpleNamespace(limit=1000, pending=0))

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ended = ""
        self.is_over = False

    def listen(self) -> Callable[[bytes], None]:
        return lambda frame: self.heard.append(json.loads(frame)["event"])

    def end(self, name: str, reason: str = "") -> None:
        self.ended = name


async def test_what_comes_before_the_101_waits_behind_what_was_kept_and_the_list_of_members() -> None:
    groups, owner = Groups(), Owner()
    groups.declare([Declared(Pattern.parse("room:{room}"), history=5, presence="names")])
    membership = Membership(owner, groups)
    membership.enter(("room:1",), 1000)
    groups.send("room:1", b'{"event":"meanwhile"}')
    assert owner.heard == []
    membership.entered()
    groups.send("room:1", b'{"event":"later"}')
    assert owner.heard == ["history", "members", "meanwhile", "later"]
    membership.end()
    groups.send("room:1", b'{"event":"too late"}')
    assert owner.heard[-1] == "later"


def test_too_much_before_the_101_ends_the_connection() -> None:
    groups, owner = Groups(), Owner()
    membership = Membership(owner, groups)
    membership.enter(("room:1",), 40)
    groups.send("room:1", b'{"event":"%b"}' % (b"x" * 20))
    assert owner.ended == ""
    groups.send("room:1", b'{"event":"y"}')
    assert owner.ended == "too_slow_reader"


async def test_who_leaves_a_group_before_the_101_hears_nothing_of_it() -> None:
    groups, owner = Groups(), Owner()
    groups.declare([Declared(Pattern.parse("room:{room}"), history=5)])
    membership = Membership(owner, groups)
    membership.enter(("room:1",), 1000)
    groups.send("room:1", b'{"event":"of the first"}')
    membership.move(("room:1", "room:2"))
    groups.send("room:2", b'{"event":"of the second"}')
    groups.leave(membership, "room:1")
    membership.entered()
    assert owner.heard == ["history", "of the second"]


async def test_a_connection_that_is_over_is_put_into_no_group() -> None:
    groups, owner = Groups(), Owner()
    membership = Membership(owner, groups)
    membership.enter((), 1000)
    membership.end()
    membership.move(("room:1",))
    owner.is_over = True
    late = Membership(owner, groups)
    assert not await late.join("room:1")
    late.move(("room:1",))
    assert len(groups) == 0


async def test_who_is_closed_by_the_first_list_of_members_is_in_no_other() -> None:
    groups, owner = Groups(), Owner()
    groups.declare([Declared(Pattern.parse("room:{room}"), presence="names", grace=60.0)])
    watching = Membership(Owner(), groups)
    watching.enter(("room:2",), 1000)
    watching.entered()
    membership = Membership(owner, groups)
    owner.listen = lambda: lambda _frame: membership.end()  # type: ignore[method-assign]  # it takes nothing
    membership.enter(("room:1", "room:2"), 1000)
    membership.entered()
    (room,) = groups
    assert (list(room.members), room.presence._here) == ([watching], 1)  # type: ignore[union-attr]


async def test_who_leaves_is_in_no_group(project: Project) -> None:
    async with project, project.connect("ask") as desk:
        async with project.connect("room", params={"room": "7"}, login="анна"):
            assert (await desk.ask({"do": "", "group": "room:7"}))["members"] == ["анна"]
        assert (await desk.ask({"do": "", "group": "room:7"}))["members"] == []
