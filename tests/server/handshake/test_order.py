"""In which order a request is judged: the project's code is run for nobody whom the way or the page keeps out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, Headers, Served

ENDPOINTS = """
  say: {url: /ws/say, process: p.who}
  public: {url: /ws/public, process: p.who, auth: public}
  optional: {url: /ws/optional, process: p.who, auth: optional}
  room: {url: "/ws/rooms/{room}", process: p.room}
  desk: {url: /ws/desk, process: p.who, auth: {roles: [support]}}
"""
CODE = """
from jackfield import Identity
ASKED: list[str] = []

async def verify(credential: str, request: Any) -> Identity | None:
    ASKED.append(credential)
    return Identity("zoe", frozenset({"admin"})) if credential == "zoe" else None

@process
def who(caller: Connection) -> str:
    return caller.identity.login

@process
def room(room: int, caller: Connection) -> str:
    return caller.identity.login
"""
BAD: Headers = [("cookie", f"{COOKIE}=stranger")]
ZOE: Headers = [("cookie", f"{COOKIE}=zoe")]
TWO: Headers = [("cookie", f"{COOKIE}=a; {COOKIE}=b")]
FOREIGN: Headers = [("origin", "https://evil.example")]
HOST: Headers = [("host", "evil.example")]


async def opened(open_served: OpenServed, own: str = "", **options: Any) -> tuple[Served, list[str]]:
    served = await open_served(ENDPOINTS, CODE, head=f"auth: {{{own}verify: p.verify}}", **options)
    function = served.gateway.live.generation.table.verify
    assert function is not None
    asked: list[str] = function.__globals__["ASKED"]
    return served, asked


@pytest.mark.parametrize(
    ("target", "headers", "code"),
    [
        ("/ws/say", [*HOST, *BAD], "wrong_host"),
        (f"/ws/say?{COOKIE}=x", BAD, "credential_in_query"),
        (f"/ws/public?{COOKIE}=x", [], "credential_in_query"),
        (f"/nowhere?{COOKIE}=x", BAD, "credential_in_query"),
        ("/nowhere", BAD, "not_found"),
        ("/nowhere", TWO, "not_found"),
        ("/ws/rooms/x", BAD, "not_found"),
        ("/ws/rooms/x", [*FOREIGN, *BAD], "not_found"),
        ("/ws/say", [*FOREIGN, *BAD], "origin_not_allowed"),
        ("/ws/say", [*FOREIGN, *TWO], "origin_not_allowed"),
        ("/ws/optional", [*FOREIGN, *BAD], "origin_not_allowed"),
        ("/ws/public", [*FOREIGN, *BAD], "origin_not_allowed"),
    ],
)
@pytest.mark.parametrize("own", ["", "login: off, "])
async def test_nobody_is_asked_about_a_request_that_goes_no_further(
    open_served: OpenServed, own: str, target: str, headers: Headers, code: str
) -> None:
    served, asked = await opened(open_served, own)
    answer = await served.call(target, headers).refused()
    assert (answer.json["code"], asked) == (code, [])
    answer = await served.http("GET", target, headers)
    assert asked == []
    assert answer.json["code"] == code or answer.json["would"]["code"] == code


@pytest.mark.parametrize("headers", [BAD, ZOE, [("authorization", "Bearer stranger")], [("cookie", f"{COOKIE}=a b")]])
async def test_a_public_endpoint_asks_nobody(open_served: OpenServed, headers: Headers) -> None:
    served, asked = await opened(open_served)
    caller = served.call("/ws/public", headers)
    await caller.accepted()
    assert await caller.ask({}) == {"result": ""}
    await caller.leave()
    answer = await served.http("GET", "/ws/public", headers)
    assert (answer.status, answer.json["would"], asked) == (426, None, [])


async def test_an_optional_endpoint_asks_about_a_credential_and_about_none_nobody(open_served: OpenServed) -> None:
    served, asked = await opened(open_served)
    assert (await served.call("/ws/optional", BAD).refused()).json["code"] == "bad_credential"
    assert asked == ["stranger"]
    for headers, login in ((ZOE, "zoe"), ([], "")):
        caller = served.call("/ws/optional", headers)
        await caller.accepted()
        assert await caller.ask({}) == {"result": login}
        await caller.leave()
    assert asked == ["stranger", "zoe"]
    assert (await served.call("/ws/optional", TWO).refused()).json["code"] == "contradictory_credentials"


async def test_the_role_is_judged_after_the_credential(open_served: OpenServed) -> None:
    served, asked = await opened(open_served)
    assert (await served.call("/ws/desk", ZOE).refused()).json["code"] == "role_required"
    assert asked == ["zoe"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/openapi.json", "/asyncapi.yaml", "/"])
async def test_what_is_open_to_all_on_this_machine_asks_nobody(open_served: OpenServed, path: str) -> None:
    served, asked = await opened(open_served)
    assert (await served.http("GET", path, BAD)).status == 200
    assert asked == []


async def test_what_is_for_administrators_asks_where_one_may_read_it(open_served: OpenServed) -> None:
    served, asked = await opened(open_served, host="0.0.0.0", insecure=True)
    assert (await served.http("GET", "/openapi.json", ZOE)).status == 200
    assert (await served.http("GET", "/metrics", BAD)).status == 403
    assert asked == ["zoe", "stranger"]
    assert (await served.http("POST", "/openapi.json", BAD)).status == 405


@pytest.mark.parametrize("path", ["/openapi.json", "/metrics", "/api/users"])
async def test_and_nobody_where_none_may(open_served: OpenServed, path: str) -> None:
    served, asked = await opened(open_served, host="0.0.0.0", insecure=True, admin_port=9000)
    answer = await served.http("GET", path, BAD)
    assert (answer.status, asked) == (403, [])
    assert "--admin-port" in answer.json["fix"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/auth/login", {"login": "аня", "password": "x"}, 401),
        ("POST", "/auth/logout", b"", 200),
        ("POST", "/auth/refresh", b"", 400),
        ("GET", "/auth/sessions", b"", 400),
        ("DELETE", "/auth/sessions/x", b"", 400),
    ],
)
async def test_our_own_login_asks_about_its_own_sessions_alone(
    open_served: OpenServed, method: str, path: str, body: Any, status: int
) -> None:
    served, asked = await opened(open_served)
    answer = await served.http(method, path, BAD, body)
    assert (answer.status, asked) == (status, []), json.dumps(answer.json)


async def test_a_server_that_stops_asks_nobody(open_served: OpenServed) -> None:
    served, asked = await opened(open_served)
    served.gateway.live.ready = False
    assert (await served.call("/ws/say", BAD).refused()).json["code"] == "not_ready"
    assert asked == []
