"""Visitors: one who is not logged in has a group of his own, over reloads, and cannot choose another's."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest

from jackfield.server.handshake.visitors import COOKIE
from jackfield.server.members import Members
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Served

ENDPOINTS = """
  help: {url: /ws/help, auth: optional, group: "help:{visitor}", process: p.own}
  plain: {url: /ws/plain, auth: optional, process: p.own}
"""
CODE = """


@process
def own(connection: Connection) -> dict[str, object]:
    return {"visitor": connection.visitor, "groups": list(connection.groups)}
"""


@pytest.fixture
async def house(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS, CODE)
    await made.add("аня")
    return made


def set_cookie(caller: Caller) -> str:
    """What the 101 sets, "" for nothing."""
    return next((value.decode() for _, value in caller.sent[0].get("headers", ())), "")


async def enter(house: Served, cookie: str = "", target: str = "/ws/help") -> tuple[Caller, dict[str, Any]]:
    caller = house.call(target, [("cookie", cookie)] if cookie else [])
    await caller.accepted()
    return caller, await caller.ask({})


async def test_a_visitor_keeps_his_group_over_reloads(house: Served) -> None:
    caller, found = await enter(house)
    value = SimpleCookie(set_cookie(caller))[COOKIE]
    assert (value["httponly"], value["samesite"], value["path"], value["max-age"]) == (True, "Lax", "/", "2592000")
    assert found["visitor"].startswith("~")
    assert found["groups"] == [f"help:{found['visitor']}"]
    await caller.leave()
    again, same = await enter(house, f"a=b; {COOKIE}={value.value}")
    assert same["visitor"] == found["visitor"]
    assert SimpleCookie(set_cookie(again))[COOKIE].value == value.value
    other, another = await enter(house)
    assert another["visitor"] != found["visitor"]
    await again.leave()
    await other.leave()


@pytest.mark.parametrize(
    "change", [lambda v: v[:-1], lambda v: f"~{'x' * 22}.{v.split('.')[1]}", lambda v: "anna", str.upper]
)
async def test_nobody_chooses_an_id(house: Served, change: Any) -> None:
    caller, found = await enter(house)
    value = SimpleCookie(set_cookie(caller))[COOKIE].value
    forged, other = await enter(house, f"{COOKIE}={change(value)}")
    assert other["visitor"] not in (found["visitor"], "anna", "~" + "x" * 22)
    await caller.leave()
    await forged.leave()


async def test_who_is_logged_in_is_the_login(house: Served) -> None:
    caller = house.call("/ws/help", await house.cookie("аня"))
    await caller.accepted()
    found = await caller.ask({})
    assert (found["visitor"], found["groups"]) == ("аня", ["help:%D0%B0%D0%BD%D1%8F"])
    assert set_cookie(caller) == ""
    await caller.leave()


async def test_an_endpoint_without_such_a_group_sets_nothing(house: Served) -> None:
    caller, found = await enter(house, target="/ws/plain")
    other, another = await enter(house, target="/ws/plain")
    assert found["visitor"].startswith("~")
    assert (another["visitor"] == found["visitor"], set_cookie(caller)) == (False, "")
    await caller.leave()
    await other.leave()


async def test_who_is_not_logged_in_is_sent_to_taken_out_and_kept_out_by_the_visitor(house: Served) -> None:
    caller, found = await enter(house)
    plain, of_plain = await enter(house, target="/ws/plain")
    cookie = SimpleCookie(set_cookie(caller))[COOKIE].value
    members, (group,) = Members(house.gateway.live), found["groups"]
    assert members.send_to(found["visitor"], b'{"event":"a"}', None) == 1
    everybody = (of_plain["visitor"], "~other", "", found["visitor"])
    assert [members.remove(group, who, 0).connections for who in everybody] == [0, 0, 0, 1]
    assert members.remove(group, found["visitor"], 60).connections == 0
    refused = await house.call("/ws/help", [("cookie", f"{COOKIE}={cookie}")]).refused()
    assert refused.json["code"] == "group_forbidden"
    other, _ = await enter(house)
    assert members.close(of_plain["visitor"], "пока") == 1
    assert await plain.closed() == (4403, "пока")
    for one in (caller, other):
        await one.leave()
