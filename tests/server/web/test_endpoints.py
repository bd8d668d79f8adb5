"""The endpoints that callers are told of, and messages that are checked before they are sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jackfield.describe.contract import Contract, contract
from jackfield.routing.table import RoutingTable
from jackfield.server.generation import Generation
from jackfield.server.web import endpoints
from tests.describe.documents.test_http_api import judge
from tests.server.conftest import Build, OpenServed
from tests.server.served import Served

ENDPOINTS = """
  open: {url: /ws/open, process: p.echo, auth: public, limits: {message: 2KiB}, summary: "Для всех 🍎"}
  say: {url: "/ws/rooms/{room}", process: p.echo, tags: [Chat]}
  desk: {url: /ws/desk, process: p.echo, auth: {roles: [support]}}
  own: {url: "/ws/of/{team}", process: p.echo, auth: {roles: ["of-{team}"]}}
  far: {url: /ws/far, process: p.echo, auth: public, origins: ["https://app.example.com"], origin_required: true}
  acts: {url: /ws/acts, auth: public, actions: {echo: p.echo, shout: p.echo}}
  raw: {url: /ws/raw, process: p.same, auth: public, messages: text}
  bits: {url: /ws/bits, process: p.weigh, auth: public, messages: binary}
"""
CODE = """
@process(reply="message")
def echo(message: str) -> str:
    return message

@process
def same(message: str) -> str:
    return message

@process
def weigh(message: bytes) -> bytes:
    return message
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS, CODE, host="0.0.0.0", insecure=True)
    for login, *roles in (("шеф", "admin"), ("аня", "support"), ("боб",)):
        await made.add(login, *roles)
    return made


async def listed(served: Served, login: str = "") -> dict[str, Any]:
    answer = await served.http("GET", "/api/endpoints", await served.cookie(login) if login else [])
    judge("endpoints", answer)
    return {one["name"]: one for one in answer.json["endpoints"]}


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("", {"open", "acts", "raw", "bits", "far"}),
        ("боб", {"open", "acts", "raw", "bits", "far", "say", "own"}),  # whether `own` is open hangs on the team
        ("аня", {"open", "acts", "raw", "bits", "far", "say", "own", "desk"}),
        ("шеф", {"open", "acts", "raw", "bits", "far", "say", "own", "desk"}),  # who reads the documents sees all
    ],
)
async def test_callers_see_the_endpoints_that_they_may_enter(served: Served, login: str, names: set[str]) -> None:
    found = await listed(served, login)
    assert set(found) == names
    assert found["open"]["summary"] == "Для всех 🍎"
    assert found["open"]["would"] is None
    for hidden in {"say", "desk"} - names:
        answer = await served.http("GET", f"/api/endpoints/{hidden}", await served.cookie(login) if login else [])
        assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_who_sees_all_is_told_what_would_be_refused(served: Served) -> None:
    found = await listed(served, "шеф")
    assert {name: one["would"]["code"] for name, one in found.items() if one["would"]} == {
        "desk": "role_required",
    }


async def test_an_endpoint_is_described_whole(served: Served) -> None:
    answer = await served.http("GET", "/api/endpoints/say", await served.cookie("боб"))
    judge("endpoint", answer)
    found = answer.json
    assert (found["path"], found["values"], found["tags"]) == ("/ws/rooms/{room}", {"room": "room"}, ["Chat"])
    (part,) = found["parts"]
    assert part["message"]["properties"] == {"message": {"type": "string"}}
    assert part["send"] == {"message": "…"}
    acts = (await served.http("GET", "/api/endpoints/acts")).json
    assert (acts["action_key"], [one["action"] for one in acts["parts"]]) == ("action", ["echo", "shout"])


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("open", '{"message": "Привет"}', None),
        ("open", '{"message": 5}', "/message"),
        ("open", '{"message": "Привет"', ""),
        ("open", "{}", "/message"),
        ("open", "[1]", ""),
        ("open", "[" * 70, ""),
        ("open", '{"message": "\\ud83d"}', "/message"),
        ("open", '{"$cancel": true}', None),
        ("acts", '{"action": "shout", "message": "а"}', None),
        ("acts", "{", ""),
        ("acts", "[]", ""),
        ("acts", '{"action": "shout"}', "/message"),
        ("acts", '{"action": "cry"}', "/action"),
        ("raw", "{", None),
        ("bits", "{", None),
    ],
)
async def test_a_message_is_checked_in_the_words_of_the_endpoint(
    served: Served, name: str, text: str, path: str | None
) -> None:
    answer = await served.http("POST", f"/api/endpoints/{name}/check", body={"text": text})
    judge("check-message", answer)
    details = answer.json["details"]
    assert [fault["path"] for fault in details] == ([] if path is None else [path])
    if details:
        caller = served.call(f"/ws/{name}")
        await caller.accepted()
        assert (await caller.ask_text(text))["error"]["details"] == details
        await caller.leave()


async def test_what_is_too_long_is_said_with_the_limit(served: Served) -> None:
    text = '{"message": "%s"}' % ("а" * 1500)
    answer = await served.http("POST", "/api/endpoints/open/check", body={"text": text})
    sentence = "The message has 3,015 bytes, and `limits.message` of this endpoint is 2,048."
    assert answer.json == {"details": [{"path": "", "problem": sentence}]}
    half = await served.http("POST", "/api/endpoints/open/check", body={"text": "\ud83d "})
    assert (half.status, half.json["code"]) == (400, "invalid_request")
    long = await served.http("POST", "/api/endpoints/open/check", body={"text": "а" * 200_000})
    assert (long.status, long.json["code"]) == (413, "body_too_large")
    assert "262,144" in long.json["detail"]


@pytest.mark.parametrize("name", ["open", "far"])
async def test_a_page_of_ours_asks_and_its_origin_stands_for_itself(served: Served, name: str) -> None:
    """A browser sends it with every POST; `far` is for pages of another origin, and for ours."""
    headers = [("origin", "http://127.0.0.1:8000")]
    answer = await served.http("POST", f"/api/endpoints/{name}/check", headers, {"text": "{}"})
    assert answer.json == {"details": [{"path": "/message", "problem": 'the key "message" is missing'}]}
    foreign = [("origin", "https://app.example.com")]
    assert (await served.http("GET", "/api/endpoints", foreign)).json["code"] == "origin_not_allowed"


async def test_a_check_is_a_call_of_the_generation_which_is_not_closed_meanwhile(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation, seen = served.gateway.live.generation, []

    def faults(*_: object) -> list[dict[str, str]]:
        seen.append(generation.calls)
        return []

    monkeypatch.setattr(endpoints, "_faults", faults)
    await served.http("POST", "/api/endpoints/open/check", body={"text": "{}"})
    assert (seen, generation.calls) == ([1], 0)


async def test_what_is_promised_is_made_once_for_each_publish(
    served: Served, build_table: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def contract_(table: RoutingTable) -> Contract:
        made.append(table)
        return contract(table)

    monkeypatch.setattr(endpoints, "contract", contract_)
    first, *others = await asyncio.gather(*(listed(served) for _ in range(3)))
    assert set(first) == {"open", "acts", "raw", "bits", "far"}
    assert [first, first] == others
    table = build_table("  new: {url: /ws/new, process: p.echo, auth: public}\n", CODE)
    served.gateway.install(await Generation.open(2, table))
    assert set(await listed(served)) == set(await listed(served)) == {"new"}
    assert len(made) == 2
    assert (await served.http("GET", "/api/endpoints/open")).status == 404
