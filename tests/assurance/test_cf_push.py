"""CF-10: what comes from outside, and what stands in the store, is data."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from sqlalchemy import text

from tests.house.habits import PACKAGE
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Headers, Served, until

RUNS = frozenset({"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "joblib"})
"""Modules that make code of data."""

HOSTILE: tuple[dict[str, Any], ...] = (
    {"event": "__import__('os').system('id')", "text": "{0.__class__.__init__.__globals__}"},
    {"event": "a", "__class__": "os.system", "__reduce__": ["os.system", ["id"]], "py/object": "os.system"},
    {"event": "a", "text": "!!python/object/apply:os.system [id]", "constructor": {"prototype": {"x": 1}}},
    {
        "event": "a",
        "text": "gASVJQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==",
        "sql": "'; DROP TABLE jackfield_keys; --",
    },
    {"event": "a", "text": "${jndi:ldap://x/a} {{7*7}} <script>alert(1)</script> \r\n\x00\x1b[31m\u2028 Привет 😀"},
)


def test_cf_10_nothing_here_makes_code_of_data() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.name}: {name}" for name in names if name.partition(".")[0] in RUNS]
    assert found == []


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    endpoints = "  room: {url: /ws/room, process: p.echo, auth: public, group: room}\n"
    endpoints += "  both: {url: /ws/both, process: p.echo, auth: public, group: [room, hall]}\n"
    served = await open_served(endpoints, head="groups: {room: {history: 2}}\n")
    await served.add("шеф", "admin")
    return served


@pytest.mark.parametrize("event", HOSTILE)
async def test_cf_10_what_is_sent_from_outside_arrives_as_it_was(served: Served, event: dict[str, Any]) -> None:
    admin = await served.cookie("шеф")
    room = await heard(served, "room")
    assert (await served.http("POST", "/api/groups/room/events", admin, event)).json == {"delivered_to": 1}
    await until(lambda: len(room.sent) > 2)
    kept = frame(room, 2)
    assert kept == event | {"$n": 1, "$time": kept["$time"]}
    late = await heard(served, "both")
    assert frame(late, 1) == {"event": "history", "group": "room", "events": [kept], "to": 1}
    await served.http("POST", "/api/groups/hall/events", admin, event)
    await until(lambda: len(late.sent) > 2)
    assert frame(late, 2) == {"group": "hall", **event}


async def heard(served: Served, endpoint: str) -> Caller:
    """A client that has its 101 and what was kept."""
    caller = served.call(f"/ws/{endpoint}")
    await caller.until(2)
    return caller


def frame(caller: Caller, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(caller.sent[number]["text"])
    return found


FORGED = (
    b'{"event":"news","event":"history","events":[],"to":99}',
    b'{"event":"\\u0068istory","events":[]}',
    b'{"event":"a","\\u0024n":1}',
    b'{"event":"a","$time":"2027-01-01T00:00:00Z"}',
    b'{"event":"a","gr\\u006fup":"other"}',
    b'{"event":"a","error":{"code":"x"}}',
    b'{"event":"a"}{"event":"b"}',
    b'{"event":"a","x":NaN}',
    b'{"event":"\xff"}',
    b'{"event":"a","x":"\\ud800"}',
    b'{"event":"a","x":' + b"[" * 100_000,
    b'{"event":"a","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b"\x80\x04\x95\x25\x00\x00\x00",
)


async def test_cf_10_what_is_forged_or_garbage_reaches_nobody_and_the_next_event_does(served: Served) -> None:
    headers = [*await served.cookie("шеф"), ("content-type", "application/json")]
    room = await heard(served, "room")
    for body in FORGED:
        answer = await served.http("POST", "/api/groups/room/events", headers, body)
        assert answer.status in (400, 413), body[:60]
    assert (await served.http("POST", "/api/groups/room/events", headers, b'{"event":"true"}')).status == 202
    await until(lambda: len(room.sent) > 2)
    assert (frame(room, 2)["event"], frame(room, 2)["$n"]) == ("true", 1)


@pytest.mark.parametrize(
    "column",
    ['roles = \'{"py/object": "os.system"}\'', "roles = 'publisher'", "groups = '\"*\"'", "groups = '[[\"*\"]]'"],
)
async def test_cf_10_a_key_whose_row_was_forged_may_do_nothing(served: Served, column: str) -> None:
    _, value = await served.store.keys.add("shop", ["publisher"], ["order:*"], users=False, lasts=None)
    async with served.store._database.write() as connection:
        await connection.execute(text(f"UPDATE jackfield_keys SET {column}"))
    key: Headers = [("authorization", f"Bearer {value}")]
    answer = await served.http("POST", "/api/groups/order:7/events", key, {"event": "a"})
    assert (answer.status, answer.json["code"]) == (403, "role_required")
