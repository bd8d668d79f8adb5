"""Clients that choose their groups by `group.join`, who lets them, and users who are taken out of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Refusal as Refused
from jackfield.groups.bans import LONGEST, MAX_BANS, Bans, span
from jackfield.testing import Client, Project, Refusal

ENDPOINTS = """
roles: {support: "", moderator: ""}
groups:
  "quotes:{symbol}": {history: 1, may_join: anyone}
  "team:{team}": {may_join: {roles: [support]}}
  "own:{team}": {may_join: {roles: ["of-{team}"]}}
  "room:{room}": {may_join: chat.may}
  "number:{n}": {may_join: chat.even}
  "slow:{x}": {may_join: chat.slow, members: 1}
  "closed:{x}": {}
endpoints:
  quotes:
    url: /ws/quotes
    auth: optional
    actions: {subscribe: group.join, unsubscribe: group.leave, say: chat.say, push: chat.push}
  hall:
    url: /ws/hall
    auth: optional
    group: hall
    actions:
      say: {process: echo.same, reply_to: group}
      remove: {process: group.remove, auth: {roles: [moderator]}}
"""
CHAT = """
import time
from jackfield import Connection, Groups, Reject, process

@process
async def may(room: str, connection: Connection) -> bool:
    if room == "нет":
        raise Reject("banned_word", "Не сюда.", word=room)
    return connection.identity.login == room

@process
def even(n: int) -> bool:
    return n % 2 == 0

@process(blocking=True)
def slow(x: str) -> bool:
    if x == "fails":
        raise RuntimeError
    return True

@process
async def push(group: str, groups: Groups) -> int:
    return await groups.send(group, {"event": "tick"})

@process
async def say(connection: Connection) -> list[str]:
    return list(connection.groups)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "chat.py").write_text(CHAT, "utf-8")
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS, "utf-8")
    return Project(tmp_path, check_replies=True)


async def subscribe(client: Client, group: str, action: str = "subscribe") -> Any:
    """What a join is answered, the code alone where that is an error."""
    await client.send({"action": action, "group": group, "$id": 1})
    found = [one for one in await client.rest() if one.get("$id") == 1]
    assert len(found) == 1
    return found[0]["error"]["code"] if "error" in found[0] else found[0]


async def test_a_client_chooses_what_it_hears(project: Project) -> None:
    async with project, project.connect("quotes") as client, project.connect("quotes") as other:
        joined = {"action": "subscribe", "group": "quotes:%D0%AF", "joined": True, "$id": 1}
        assert await subscribe(client, "quotes:%D0%AF") == joined
        assert await subscribe(client, "quotes:%D0%AF") == joined
        assert await other.ask({"action": "push", "group": "quotes:%D0%AF"}) == {"action": "push", "result": 1}
        (tick,) = await client.rest()
        assert (tick["event"], tick["group"], tick["$n"]) == ("tick", "quotes:%D0%AF", 1)
        await other.send({"action": "subscribe", "group": "quotes:%D0%AF"})
        history, reply = await other.rest()
        assert (history["event"], history["to"], reply["joined"]) == ("history", 1, True)
        left = {"action": "unsubscribe", "group": "quotes:%D0%AF", "joined": False, "$id": 1}
        assert await subscribe(client, "quotes:%D0%AF", "unsubscribe") == left
        assert await client.ask({"action": "say"}) == {"action": "say", "result": []}


@pytest.mark.parametrize(
    ("group", "login", "roles", "found"),
    [
        ("team:a", "анна", ["support"], True),
        ("team:a", "анна", ["moderator"], "group_forbidden"),
        ("team:a", "", [], "group_forbidden"),
        ("own:a", "анна", ["of-a"], True),
        ("own:b", "анна", ["of-a", "of-{team}"], "group_forbidden"),
        ("room:%D0%B0%D0%BD%D0%BD%D0%B0", "анна", [], True),
        ("room:b", "анна", [], "group_forbidden"),
        ("room:%D0%BD%D0%B5%D1%82", "анна", [], "banned_word"),
        ("number:2", "", [], True),
        ("number:3", "", [], "group_forbidden"),
        ("number:x", "", [], "group_forbidden"),
        ("slow:1", "", [], True),
        ("slow:fails", "", [], "process_failed"),
        ("closed:1", "анна", ["support", "moderator", "admin"], "group_forbidden"),
        ("hall", "анна", ["support"], "group_forbidden"),
        ("$console", "анна", ["admin"], "group_forbidden"),
        ("quotes:я", "", [], "group_forbidden"),
        ("quotes:", "", [], "group_forbidden"),
        ("", "", [], "invalid_message"),
        ("q" * 201, "", [], "invalid_message"),
    ],
)
async def test_a_group_lets_in_whom_its_rule_names(
    project: Project, group: str, login: str, roles: list[str], found: Any
) -> None:
    who: dict[str, Any] = {"login": login, "roles": roles} if login else {}
    async with project, project.connect("quotes", **who) as client:
        answer = await subscribe(client, group)
        assert (answer.get("joined") if isinstance(answer, dict) else answer) == found
        groups = (await client.ask({"action": "say"}))["result"]
        assert groups == ([group] if found is True else [])


async def test_a_client_is_told_how_a_name_is_written_and_no_python(project: Project) -> None:
    async with project, project.connect("quotes") as client:
        for action in ("subscribe", "unsubscribe"):
            await client.send({"action": action, "group": "quotes:я"})
            ((error,),) = [one.values() for one in await client.rest()]
            assert error["message"].endswith("percent-encoded there: quotes:%D1%8F.")


async def test_a_full_group_lets_nobody_in(project: Project) -> None:
    async with project, project.connect("quotes") as client, project.connect("quotes") as other:
        assert (await subscribe(client, "slow:1"))["joined"]
        assert await subscribe(other, "slow:1") == "group_full"


async def test_what_may_not_be_joined_may_not_be_left(project: Project) -> None:
    async with project, project.connect("quotes") as client:
        assert await subscribe(client, "closed:1", "unsubscribe") == "group_forbidden"
        assert (await subscribe(client, "quotes:1", "unsubscribe"))["joined"] is False


async def test_a_moderator_takes_a_user_out_who_does_not_get_in_again(project: Project) -> None:
    async with (
        project,
        project.connect("hall", login="борис", roles=["moderator"]) as moderator,
        project.connect("hall", login="анна") as anna,
        project.connect("hall", login="вера") as vera,
    ):
        begin = datetime.now(UTC)
        out = await moderator.ask({"action": "remove", "login": "анна", "for": "10m"})
        until = timedelta(minutes=10)
        assert until <= datetime.fromisoformat(out.pop("banned_until")) - begin < 2 * until
        assert out == {"action": "remove", "removed": 1}
        await moderator.send({"action": "say", "text": "тихо"})
        assert len(await vera.rest()) == 1
        assert await anna.rest() == [{"event": "left", "group": "hall", "login": "анна"}]
        with pytest.raises(Refusal) as caught:
            async with project.connect("hall", login="анна"):
                pass
        assert (caught.value.code, caught.value.status) == ("group_forbidden", 403)
        await anna.send({"action": "say", "text": "ещё я", "$id": 2})
        assert [one["error"]["code"] for one in await anna.rest()] == ["group_forbidden"]
        await moderator.rest()
        assert len(await vera.rest()) == 0
        again = await moderator.ask({"action": "remove", "login": "анна"})
        assert (again["removed"], "banned_until" in again) == (0, True)
        assert await moderator.ask({"action": "remove", "login": "вера"}) == {"action": "remove", "removed": 1}
        async with project.connect("hall", login="вера") as again:  # taken out for no time
            await again.send({"action": "say", "text": "я"})
            assert len(await again.rest()) == 1
        await moderator.send({"action": "remove", "login": "x", "group": "quotes:1", "$id": 5})
        assert [one["error"]["code"] for one in await moderator.rest() if one.get("$id") == 5] == ["group_forbidden"]
        assert [one["event"] for one in await vera.rest()] == ["left"]
        await vera.send({"action": "remove", "login": "борис"})
        assert (await vera.rest())[-1]["error"]["code"] == "action_forbidden"
        for wrong in ("долго", "366d"):
            await moderator.send({"action": "remove", "login": "x", "for": wrong})
            error = (await moderator.rest())[-1]["error"]
            assert (error["code"], error["details"][0]["path"]) == ("invalid_message", "/for")
            assert error["details"][0]["problem"].endswith("a year (365d) at most")


def test_bans_end_and_are_bounded() -> None:
    now = [1000.0]
    bans = Bans(lambda: now[0])
    bans.add("room", "анна", 10)
    with pytest.raises(Refused) as caught:
        bans.check("room", "анна")
    assert caught.value.retry_after == 10
    assert caught.value.detail.endswith("gets in again in 10 s.")
    assert caught.value.fix.startswith("Wait")
    bans.check("room", "борис")
    bans.check("hall", "анна")
    now[0] += 10
    bans.check("room", "анна")
    assert len(bans) == 0
    for number in range(MAX_BANS + 1):
        bans.add("room", str(number), 100 + number)
    assert len(bans) == MAX_BANS
    bans.check("room", "0")  # the one that would have ended first
    with pytest.raises(Refused):
        bans.check("room", "1")
    now[0] += 10_000
    bans.add("hall", "x", 1)
    assert len(bans) < MAX_BANS
    assert bans.until("hall", "x") == now[0] + 1
    for seconds in (-1, LONGEST + 1):
        with pytest.raises(ValueError, match="a ban lasts"):
            bans.add("room", "x", seconds)


@pytest.mark.parametrize(("unit", "seconds"), [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)])
def test_a_time_is_up_to_a_year(unit: str, seconds: int) -> None:
    most = min(int(LONGEST) // seconds, 999_999)
    for number in {0, 9, 10, 59, 299, 300, 365, 999, 8699, 8700, 99_999, 519_999, 525_599, most - 1, most}:
        if number <= most:
            assert span(f"{number}{unit}") == number * seconds
        else:
            with pytest.raises(ValueError, match="a year"):
                span(f"{number}{unit}")
    with pytest.raises(ValueError, match="a year"):
        span(f"{most + 1}{unit}")
