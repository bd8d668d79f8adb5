"""What administrators see of a running server: its connections, its log, and what it serves."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from jackfield.cli import connections
from jackfield.logs import log
from jackfield.server import status
from jackfield.server.node import control_verbs
from jackfield.server.node.control_verbs import verbs
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Headers, Served, until

ENDPOINTS = """
  room: {url: "/ws/rooms/{room}", process: p.echo, group: "room:{room}", inspect: payloads}
  desk: {url: /ws/desk, process: p.echo, group: [desk, "room:7"]}
  feed: {url: /ws/feed, process: p.echo, auth: public}
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS)
    for login, *roles in (("шеф", "admin"), ("магазин", "publisher"), ("аня", "support")):
        await made.add(login, *roles)
    return made


@pytest.fixture
async def admin(served: Served) -> Headers:
    return await served.cookie("шеф")


async def opened(served: Served, target: str, login: str = "") -> Caller:
    caller = served.call(target, await served.cookie(login) if login else [])
    await caller.accepted()
    return caller


async def test_connections_are_listed_newest_first_in_pages_and_closed_one_by_one(
    served: Served, admin: Headers
) -> None:
    room, desk, feed = [
        await opened(served, f"/ws/{path}", login)
        for path, login in (("rooms/1", "аня"), ("desk", "аня"), ("feed", ""))
    ]
    listed, after = [], ""
    while True:
        page = (await served.http("GET", f"/api/connections?limit=2&after={after}", admin)).json
        listed += page["connections"]
        if (after := page["next"]) is None:
            break
    assert [(one["endpoint"], one["login"]) for one in listed] == [("feed", None), ("desk", "аня"), ("room", "аня")]
    of_anna = (await served.http("GET", f"/api/connections?login={quote('аня')}&endpoint=desk", admin)).json
    (found,) = of_anna["connections"]
    assert (found["endpoint"], found["login"], found["seconds"]) == ("desk", "аня", 0)
    assert (await served.http("DELETE", f"/api/connections/{found['id']}", admin)).json == {}
    assert await desk.closed() == (4403, "closed by an administrator")
    again = await served.http("DELETE", f"/api/connections/{found['id']}", admin)
    assert (again.status, again.json["code"]) == (404, "no_such_connection")
    assert [await caller.ask({"message": "?"}) for caller in (room, feed)] == [{"message": "?"}] * 2
    for headers in ([], await served.cookie("магазин")):
        assert (await served.http("DELETE", f"/api/connections/{listed[0]['id']}", headers)).status in (401, 403)


async def test_of_a_connection_is_told_what_it_does_and_where_it_is(
    served: Served, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_AT_ONCE", 1)  # others have their turn after each
    room, _ = await opened(served, f"/ws/rooms/{quote('зал')}", "аня"), await opened(served, "/ws/feed")
    (before,) = (await served.http("GET", f"/api/connections?search={quote('АН')}", admin)).json["connections"]
    assert (before["silent"], before["groups"], before["watchable"]) == (None, ["room:%D0%B7%D0%B0%D0%BB"], True)
    assert (before["waiting"], before["messages"], before["since"][:10]) == (0, 0, "2027-01-15")
    await room.ask({"message": "👋"})
    await room.ask({"message": 1})  # what is refused came, too
    for wanted in ("d0%B7", "room", before["id"][:5]):
        (found,) = (await served.http("GET", f"/api/connections?search={quote(wanted)}", admin)).json["connections"]
        assert (found["id"], found["silent"], found["messages"]) == (before["id"], 0, 2)
    assert (await served.http("GET", "/api/connections?search=nobody", admin)).json == {"connections": [], "next": None}
    wrong = await served.http("GET", "/api/connections?after=here", admin)
    assert (wrong.status, wrong.json["code"]) == (400, "invalid_request")


async def test_the_command_tells_who_is_connected(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    room, _ = await opened(served, "/ws/rooms/1", "аня"), await opened(served, "/ws/feed")
    await room.ask({"message": "👋"})
    verb = verbs(served.gateway.live, None)["connections"]  # type: ignore[arg-type]  # it asks no publisher
    monkeypatch.setattr(control_verbs, "MOST_SHOWN", 1)
    for search, endpoint, line in (
        ("", "feed", r"\w+  feed  visitor at 10\.1\.2\.3  0 s, 0 messages"),
        ("АНЯ", "room", r"\w+  room  аня at 10\.1\.2\.3  0 s, 1 message, the last 0 s ago, in room:1"),
    ):
        answer = await verb({"search": search})
        assert [(one["endpoint"], one["messages"]) for one in answer["connections"]] == [(endpoint, int(bool(search)))]
        monkeypatch.setattr(connections, "speak", lambda *_, answer=answer, **__: answer)
        told = CliRunner().invoke(connections.command, [search])
        assert re.fullmatch(line, told.stdout.strip()), told.output
        assert "these are 1 of 2" in told.stderr
    assert json.loads(CliRunner().invoke(connections.command, ["--json"]).stdout) == answer["connections"]


async def test_the_last_lines_of_the_log_are_told_from_a_level_on(served: Served, admin: Headers) -> None:
    log.warning("осторожно", login="анна 👋", password="Bearer jf_0123456789abcdefghijklmnop")
    log.error("said", login="анна")
    lines = (await served.http("GET", f"/api/log?search={quote('АННА')}&limit=2", admin)).json["events"]
    assert [(one["level"], one["event"]) for one in lines] == [("error", "said"), ("warning", "осторожно")]
    serious = (await served.http("GET", "/api/log?level=error&limit=1", admin)).json["events"]
    assert serious == lines[:1]
    assert "0123456789" not in json.dumps(lines)
    refused = await served.http("GET", "/api/log?level=loud", admin)
    assert (refused.status, "debug, info" in refused.json["detail"]) == (400, True)


async def test_what_is_served_is_told_as_by_the_command(served: Served, admin: Headers) -> None:
    caller = await opened(served, "/ws/feed")
    found = (await served.http("GET", "/api/status", admin)).json
    assert (found["connections"], found["began"], found["fell_back"]) == (1, 1_800_000_000.0, None)
    assert [(one["name"], one["connections"]) for one in found["endpoints"]][2] == ("feed", 1)
    await caller.leave()
    await until(lambda: not len(served.gateway.live.hub))


@pytest.mark.parametrize("path", ["/api/log", "/api/status", "/api/connections"])
async def test_nobody_else_sees_it(served: Served, open_served: OpenServed, path: str) -> None:
    assert (await served.http("GET", path, await served.cookie("магазин"))).json["code"] == "role_required"
    assert (await served.http("GET", path)).json["code"] == "not_logged_in"
    public = await open_served(ENDPOINTS, host="0.0.0.0", insecure=True, admin_port=9000)
    assert (await public.http("GET", path, await public.cookie("шеф"))).json["fix"] == (
        "Ask the listener of --admin-port."
    )
