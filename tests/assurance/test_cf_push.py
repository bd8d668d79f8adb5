"""CF-10: what comes from outside, and what stands in the store, is data."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from sqlalchemy import text

from tests.house.habits import PACKAGE
from tests.server.conftest import OpenServed
from tests.server.served import Headers, Served, until

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
    served = await open_served("  room: {url: /ws/room, process: p.echo, auth: public, group: room}\n")
    await served.add("шеф", "admin")
    return served


@pytest.mark.parametrize("event", HOSTILE)
async def test_cf_10_what_is_sent_from_outside_arrives_as_it_was(served: Served, event: dict[str, Any]) -> None:
    admin = await served.cookie("шеф")
    room = served.call("/ws/room")
    await room.accepted()
    assert (await served.http("POST", "/api/groups/room/events", admin, event)).json == {"delivered_to": 1}
    await until(lambda: len(room.sent) > 1)
    assert json.loads(room.sent[1]["text"]) == event


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
