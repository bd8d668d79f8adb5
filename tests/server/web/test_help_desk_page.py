"""The help desk of docs/endpoints.md, as it is copied from there: a visitor whom nobody knows, and an agent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import jackfield
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Served, until

PAGE = (Path(jackfield.__file__).parent / "docs" / "endpoints.md").read_text("utf-8")
SECTION = PAGE.partition("### A help desk\n")[2].partition("\n### ")[0]
DESK, HALL, CODE = re.findall(r"^```(?:yaml|python)\n# .*?\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


async def desk(open_served: OpenServed, hall: str = "") -> Served:
    text, code = DESK + hall, CODE
    if hall:
        text = text.replace("process: echo.same", "process: p.ask", 1)
    head, _, endpoints = text.partition("endpoints:")
    served = await open_served(endpoints, code, head=head)
    for login, role in (("анна", "agent"), ("шеф", "admin")):
        await served.add(login, role)
    return served


async def entered(served: Served, target: str, login: str = "") -> Caller:
    caller = served.call(target, await served.cookie(login) if login else [])
    await caller.accepted()
    return caller


def heard(caller: Caller, event: str) -> list[dict[str, object]]:
    found = [json.loads(frame["text"]) for frame in caller.sent[1:] if "text" in frame]
    return [frame for frame in found if frame.get("event") == event]


async def test_a_visitor_and_an_agent_talk_and_those_who_wait_are_listed(open_served: OpenServed) -> None:
    served = await desk(open_served)
    visitor = await entered(served, "/ws/help")
    await entered(served, "/ws/help")  # another one
    await visitor.ask({"text": "Не работает 😀"})
    await until(lambda: heard(visitor, "said") != [])
    listed = (await served.http("GET", "/api/groups", await served.cookie("шеф"))).json["groups"]
    assert [one["count"] for one in listed] == [1, 1]
    assert (await served.http("GET", "/api/groups", await served.cookie("анна"))).status == 403, "as the page says"
    agents = [await entered(served, f"/ws/desk/{one['group'].removeprefix('help:')}", "анна") for one in listed]
    (agent,) = [one for one in agents if heard(one, "history")[0]["to"] == 1]
    await agent.ask({"text": "Иду"})
    await until(lambda: len(heard(visitor, "said")) > 1)
    assert [(one["from"], one["text"]) for one in heard(visitor, "said")] == [(None, "Не работает 😀"), ("анна", "Иду")]
    assert [heard(one, "members")[0]["count"] for one in (visitor, agent)] == [1, 2]


async def test_agents_hear_of_each_question(open_served: OpenServed) -> None:
    served = await desk(open_served, HALL)
    agent, visitor = await entered(served, "/ws/hall", "анна"), await entered(served, "/ws/help")
    await visitor.ask({"text": "Не работает 😀"})
    await until(lambda: heard(agent, "asked") != [])
    (asked,) = heard(agent, "asked")
    assert asked["text"] == "Не работает 😀"
    room = await entered(served, f"/ws/desk/{quote(str(asked['id']), safe='~')}", "анна")
    await until(lambda: heard(room, "history") != [])
    assert heard(room, "history")[0]["to"] == 1
