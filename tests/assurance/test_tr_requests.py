"""Rows TR-2 to TR-4: which upgrade requests get as far as a process, and what the others are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.projects import ECHO
from tests.server.conftest import OpenServed
from tests.server.frames import KEY, request
from tests.server.served import COOKIE, Served
from tests.server.sockets import listening
from tests.walk.conftest import Server, jackfield_here, write

OWN = "https://app.example.com"
PUBLIC: dict[str, Any] = {"host": "0.0.0.0", "insecure": True}  # other machines reach it

# TR-2

ORIGINS: list[tuple[str, list[str], bool]] = [
    ("own", [OWN], True),
    ("named", ["https://shop.example.org"], True),
    ("one label below the wildcard", ["https://pr-7.preview.example.com:8443"], True),
    ("null", ["null"], False),
    ("suffix", [f"{OWN}.evil.example"], False),
    ("two headers, one ours", [OWN, "https://evil.example"], False),
]
"""Of each kind of verdict one; all of them are in tests/auth/test_origin.py."""
PROBED = """
  probe:
    url: /ws/probe
    process: p.probe
    origins: ["https://shop.example.org", "https://*.preview.example.com:8443"]
  strict: {url: /ws/strict, process: p.probe, origin_required: true}
"""
PROBE = """
import pathlib

@process
def probe(caller: Connection) -> dict[str, Any]:
    pathlib.Path("probed").touch()
    return {}
"""


@pytest.mark.parametrize(("name", "origins", "may"), ORIGINS, ids=[row[0] for row in ORIGINS])
async def test_tr_2_no_process_runs_for_a_page_of_a_foreign_origin(
    open_served: OpenServed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    origins: list[str],
    may: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    served = await open_served(PROBED, PROBE, public_url=OWN, **PUBLIC)
    await served.add("аня")
    headers = [*(await served.cookie("аня")), *(("origin", origin) for origin in origins)]
    caller = served.call("/ws/probe", headers)
    caller.incoming.put_nowait({"type": "websocket.receive", "text": "{}"})  # as if it were in already
    if may:
        await caller.until(2)
        await caller.leave()
    else:
        answer = await caller.refused()
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed"), name
        assert answer.json["fix"]
    assert (tmp_path / "probed").exists() == may, "whether the process ran"


# TR-3


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (request("/ws/public", Sec_WebSocket_Version="12"), 426, "bad_version"),
        (request("/ws/public", Sec_WebSocket_Version="14"), 426, "bad_version"),
        (request("/ws/public", Sec_WebSocket_Version=None), 400, "malformed_upgrade"),
        (request("/ws/public", Sec_WebSocket_Version="13\r\nSec-WebSocket-Version: 13"), 400, "malformed_upgrade"),
        (request("/ws/public", method="POST"), 405, "method_not_allowed"),
        (request("/ws/public", method="CONNECT"), 405, "method_not_allowed"),
        (request("/ws/public", version="1.0"), 400, "malformed_upgrade"),
        (request("/ws/public", Sec_WebSocket_Key=None), 400, "malformed_upgrade"),
        (request("/ws/public", Sec_WebSocket_Key="c2hvcnQ="), 400, "malformed_upgrade"),
        (request("/ws/public", Sec_WebSocket_Key=f"{KEY}\r\nSec-WebSocket-Key: {KEY}"), 400, "malformed_upgrade"),
        (request("/ws/public", Content_Length="5"), 400, "malformed_upgrade"),
    ],
)
async def test_tr_3_only_rfc_6455_version_13_over_get(served: Served, head: bytes, status: int, code: str) -> None:
    async with listening(served.gateway) as connect:
        peer = await connect()
        await peer.send(head)
        found, headers, body = await peer.answer()
        assert (found, json.loads(body)["code"]) == (status, code)
        assert headers.get("sec-websocket-version") == ("13" if code == "bad_version" else None)
        assert len(served.gateway.live.hub) == 0


# TR-4


@pytest.mark.walk
def test_tr_4_a_token_in_the_url_lets_nobody_in_and_is_kept_nowhere(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    write(tmp_path, endpoints="endpoints: {say: {url: /ws/say, process: chat.say}}\n", chat=ECHO)
    server = start(tmp_path, "--log", "json", ready='"event": "started"')
    token = server.first_cookie()["Cookie"].partition("=")[2]
    queries = (f"{COOKIE}={token}", f"a=1&{COOKIE}={token}&b")
    asked = [f"{path}?{query}" for path in ("/ws/say", "/auth/session", "/ws/no", "/metrics", "/") for query in queries]
    reported = [httpx.get(server.http + target) for target in asked]
    upgrades = (UPGRADE, UPGRADE | {"Cookie": f"{COOKIE}={token}"})
    reported += [httpx.get(f"{server.http}/ws/say?{COOKIE}={token}", headers=headers) for headers in upgrades]
    assert {(answer.status_code, answer.json()["code"]) for answer in reported} == {(400, "credential_in_query")}
    assert httpx.get(f"{server.http}/ws/say?token={token}", headers=UPGRADE).status_code == 401, "another name"
    kept = [jackfield_here(tmp_path, *command) for command in (["refusals"], ["status", "--json"])]
    kept.append(httpx.get(f"{server.http}/metrics").text)
    server.stop()
    assert sum('"refused"' in line for line in server.lines) == len(reported) + 1, "the log was looked at"
    for text in (*kept, *server.lines, *(answer.text for answer in reported)):
        assert token not in text


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
