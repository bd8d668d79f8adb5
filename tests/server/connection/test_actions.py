"""Several kinds of message on one socket: which one is meant, who may use it, how often, and where its reply goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.testing import Client, Project

ENDPOINTS = """
groups:
  "desk:{room}": {}
endpoints:
  desk:
    url: /ws/desk/{room}
    auth: optional
    group: "desk:{room}"
    actions:
      say: {process: chat.say, reply_to: group}
      typing: {process: echo.same, reply_to: others, limits: {rate: 1/s}}
      add: {process: chat.add, input: {properties: {a: {}, b: {maximum: 9}}, additionalProperties: false}}
      stream: chat.stream
      later: {process: chat.later, limits: {time: 100ms}}
      kick: {process: chat.kick, auth: {roles: [moderator, lead]}}
      seal: {process: chat.kick, auth: {roles: ["head-{room}"]}}
  typed: {url: /ws/typed, auth: public, action_key: тип, actions: {"a:1": chat.own, "b.2": chat.add}}
"""
CHAT = """
import asyncio
from collections.abc import AsyncIterator
from typing import Any
from jackfield import process

@process
def say(text: str, room: str) -> dict[str, str]:
    return {"text": text, "room": room}

@process(reply="sum")
def add(a: int, b: int = 2) -> int:
    return a + b

@process
async def stream(n: int) -> AsyncIterator[dict[str, int]]:
    for i in range(n):
        yield {"i": i}

@process
async def later(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "да"

@process
def kick(login: str) -> bool:
    return True

@process
def own(**fields: Any) -> dict[str, Any]:
    return {"тип": "мой", **fields}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "chat.py").write_text(CHAT, "utf-8")
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS, "utf-8")
    return Project(tmp_path, check_replies=True)


def enter(project: Project, **who: Any) -> Any:
    return project.connect("desk", params={"room": "зал"}, **who)


async def error(client: Client, message: dict[str, Any]) -> dict[str, Any]:
    await client.send(message)
    found: dict[str, Any] = await client.receive()
    assert found.get("$id") == message.get("$id")
    return found["error"]  # type: ignore[no-any-return]  # JSON


async def test_each_action_has_its_process_and_its_reply_says_whose_it_is(project: Project) -> None:
    async with project, enter(project) as client:
        assert await client.ask({"action": "add", "a": 1, "$id": 7}) == {"action": "add", "sum": 3, "$id": 7}
        assert await client.ask({"a": 1, "b": 5, "action": "add"}) == {"action": "add", "sum": 6}
        await client.send({"action": "stream", "n": 2, "$id": "s"})
        replies = [{"action": "stream", "i": i, "$id": "s"} for i in range(2)]
        assert await client.rest() == [*replies, {"$done": True, "$id": "s"}]
        assert await client.ask({"action": "later", "seconds": 0}) == {"action": "later", "result": "да"}


async def test_replies_go_where_the_action_says(project: Project) -> None:
    async with project, enter(project, login="анна") as anna, enter(project) as other:
        await anna.send({"action": "say", "text": "Привет 😀", "$id": 1})
        await anna.send({"action": "typing", "on": True})
        said = {"event": "say", "from": "анна", "text": "Привет 😀", "room": "зал"}
        assert await anna.rest() == [said, {"$done": True, "$id": 1}]
        assert await other.rest() == [said, {"event": "typing", "from": "анна", "on": True}]


async def test_a_reply_that_has_the_key_keeps_it_and_the_key_may_be_any_word(project: Project) -> None:
    async with project, project.connect("typed") as client:
        assert await client.ask({"тип": "a:1", "x": 1}) == {"тип": "мой", "x": 1}
        assert await client.ask({"тип": "b.2", "a": 1}) == {"тип": "b.2", "sum": 3}


@pytest.mark.parametrize(
    ("message", "path", "problem"),
    [
        ({"a": 1}, "/action", "is missing; it names the action: say, typing, add, stream, later, kick, seal"),
        ({"action": "ad", "a": 1}, "/action", 'names no action; did you mean "add"?'),
        ({"action": "удали"}, "/action", "names no action; there are say, typing, add, stream, later, kick, seal"),
        ({"action": 5}, "/action", "names no action; there are say, typing, add, stream, later, kick, seal"),
        ({"action": None}, "/action", "names no action; there are say, typing, add, stream, later, kick, seal"),
        ({"action": "add", "a": "x"}, "/a", "must be a whole number, not a text"),
        ({"action": "add", "a": 1, "b": 10}, "/b", "must be at most 9"),
        ({"action": "add", "a": 1, "c": 1}, "/c", 'unknown key "c"'),
        ({"action": "typing", "event": "x"}, "/event", ""),
    ],
)
async def test_what_is_no_message_is_named(project: Project, message: dict[str, Any], path: str, problem: str) -> None:
    async with project, enter(project) as client:
        found = await error(client, {**message, "$id": "а"})
        assert found["code"] == "invalid_message"
        assert [one["path"] for one in found["details"]] == [path]
        assert problem in found["details"][0]["problem"] or not problem
        assert found["example"]["action"] == (
            message["action"] if message.get("action") in ("add", "typing") else "say"
        )


@pytest.mark.parametrize(
    "text", ["[]", "5", "{", '{"action": "add", "a": 1', '{"action": ' + "[" * 70 + "]" * 70 + "}"]
)
async def test_what_is_no_object_is_answered(project: Project, text: str) -> None:
    async with project, enter(project) as client:
        await client.send(text)
        assert (await client.receive())["error"]["code"] == "invalid_message"


async def test_an_action_is_for_its_roles(project: Project) -> None:
    async with project, enter(project, login="анна", roles=["lead"]) as lead, enter(project) as guest:
        assert await lead.ask({"action": "kick", "login": "x"}) == {"action": "kick", "result": True}
        found = await error(guest, {"action": "kick", "login": "x", "$id": 3})
        assert found["code"] == "action_forbidden"
        assert found["message"] == '"kick" is for callers with the role "moderator" or "lead".'
        assert (await error(guest, {"action": "kick", "login": 5, "$id": [1]} | {"$id": 4}))[
            "code"
        ] == "action_forbidden"


async def test_a_role_of_an_action_may_name_the_address(project: Project) -> None:
    async with (
        project,
        enter(project, login="анна", roles=["head-зал"]) as head,
        enter(project, login="борис", roles=["head-b", "head-{room}"]) as other,
    ):
        assert (await head.ask({"action": "seal", "login": "x"}))["result"] is True
        assert (await error(other, {"action": "seal", "login": "x"}))["code"] == "action_forbidden"


async def test_an_action_has_a_rate_of_its_own(project: Project) -> None:
    async with project, enter(project) as client, enter(project) as other:
        for number in range(4):
            await client.send({"action": "typing", "$id": number})
        await client.send({"action": "add", "a": 1})
        found = await client.rest()
        assert [(one.get("$id"), "error" in one) for one in found] == [
            (0, False),
            (1, False),
            (2, True),
            (3, True),
            (None, False),
        ]
        assert found[2]["error"]["code"] == "rate_limited"
        assert 0 < found[2]["error"]["retry_after"] <= 2
        await other.send({"action": "typing", "$id": 9})
        assert {"$done": True, "$id": 9} in await other.rest()


async def test_an_action_has_a_time_of_its_own(project: Project) -> None:
    async with project, enter(project) as client:
        found = await error(client, {"action": "later", "seconds": 60, "$id": 1})
        assert found["code"] == "time_exceeded"
        assert await client.ask({"action": "later", "seconds": 0}) == {"action": "later", "result": "да"}


async def test_messages_of_all_kinds_keep_their_order(project: Project) -> None:
    async with project, enter(project) as client:
        for number in range(20):
            name = ("add", "later", "stream")[number % 3]
            own = {"add": {"a": number}, "later": {"seconds": 0}, "stream": {"n": 1}}[name]
            await client.send({"action": name, "$id": number, **own})
        found = [one["$id"] for one in await client.rest() if "$done" not in one]
        assert found == list(range(20))
