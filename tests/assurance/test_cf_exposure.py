"""Rows CF-8 and CF-12: what is not told at all, and what is told to whom."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield.state import State, StateError
from tests.server.conftest import OpenServed
from tests.server.served import COOKIE, SERVED, SERVED_CODE, Served
from tests.walk.conftest import Server, jackfield_here, write

KEY = "9f2c0d51b7e84a63-тайный-ключ-4b1f6e0c8d7a"
ENDPOINTS = "endpoints: {say: {url: /ws/say, process: chat.say}}\n"
CHAT = """
from jackfield import process

@process(reply="message")
def say(message: str) -> str:
    raise RuntimeError("сломано")
"""

# CF-8


@pytest.mark.walk
def test_cf_8_no_secret_is_in_a_page_a_metric_a_log_or_a_file_that_others_read(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    write(tmp_path, endpoints=ENDPOINTS, chat=CHAT)
    server = start(tmp_path, "--log", "json", ready='"event": "started"', JACKFIELD_SECRET_KEYS=KEY)
    password, token = server.password(), server.first_cookie()["Cookie"].partition("=")[2]
    control = json.loads((tmp_path / ".jackfield" / "server.json").read_text())
    secrets = {KEY, KEY[:16], password, token, "wr0ng-Pa55word", "pAsted-t0ken"}
    secrets |= {value for name, value in control.items() if "secret" in name}
    assert len(secrets) == 7, "the secret of `publish` is among them"

    reported = [httpx.get(server.http + path, headers=header).text for path in PATHS for header in HEADERS]
    login = f"{server.http}/auth/login"
    reported.append(httpx.post(login, json={"login": "admin", "password": "wr0ng-Pa55word"}).text)
    answer = httpx.post(login, json={"login": "admin", "password": password})
    given = answer.json()["token"]
    secrets.add(given)
    reported.append(answer.text.replace(given, "", 1))
    reported.append(httpx.post(login, content=f'{{"login": "{password}", "password": '.encode()).text)
    reported.append(httpx.get(f"{server.http}/auth/session", headers={"Cookie": f"{COOKIE}={token}"}).text)
    with server.socket("/ws/say", additional_headers={"Cookie": f"{COOKIE}={token}"}) as socket:
        socket.send(json.dumps({"message": "а"}))
        reported.append(str(socket.recv(timeout=5)))
    write(tmp_path, chat=CHAT + "\ndef broken(:\n")
    done = server.run("publish", JACKFIELD_SECRET_KEYS=KEY)
    reported += [done.stdout, done.stderr]
    reported += [jackfield_here(tmp_path, *command) for command in (["refusals"], ["status", "--json"])]
    server.stop()

    assert any("сломано" in line for line in server.lines), "the log was looked at"
    for text in (*reported, *server.lines, *readable(tmp_path)):
        assert [secret for secret in secrets if secret in text] == []


PATHS = ("/", "/health", "/metrics", "/ws/say", "/ws/nowhere", "/auth/login", "/auth/session", "/api/users", "/docs")
HEADERS: list[dict[str, str]] = [
    {},
    {"Cookie": f"{COOKIE}=pAsted-t0ken"},
    {"Authorization": "Bearer pAsted-t0ken"},
    {"Accept": "text/html"},
]


def readable(folder: Path) -> list[str]:
    """The content of every file of a project that not only its owner may read."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    open_to_others = [path for path in files if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]
    assert any(path.name == "endpoints.yaml" for path in open_to_others)
    inside = {path.parent for path in files if path.parent.stat().st_mode & 0o077 == 0}
    return [p.read_text("utf-8", "replace") for p in open_to_others if not inside & {p.parent, *p.parent.parents}]


@pytest.mark.parametrize("key", ["", "short", "k" * 31, "сорок букв нет"[:15], "change-me" * 3])
def test_cf_8_the_start_refuses_a_key_under_32_bytes(tmp_path: Path, key: str) -> None:
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS)
    with pytest.raises(StateError) as caught:
        State.open(tmp_path, secret_keys=f"{'k' * 40},{key}").keys()
    assert not key or key not in str(caught.value)


# CF-12

LISTENERS: list[tuple[str, dict[str, Any], bool]] = [
    ("loopback", {}, True),
    ("localhost", {"host": "localhost"}, True),
    ("behind a proxy on this machine", {"behind_proxy": ("127.0.0.1",)}, False),
    ("loopback with a public address", {"public_url": "https://app.example.com"}, False),
    ("all addresses", {"host": "0.0.0.0", "insecure": True}, False),
    ("another address", {"host": "10.0.0.1", "insecure": True}, False),
    ("inside another application", {"embedded": True}, False),
]


async def opened(served: Served, login: str, **scope: Any) -> dict[str, bool]:
    """What of the pages that are not for the public a caller gets."""
    cookie = await served.cookie(login) if login else []
    plain = await served.http("GET", "/ws/say", cookie, **scope)
    return {
        "metrics": (await served.http("GET", "/metrics", cookie, **scope)).status == 200,
        "documents": (await served.http("GET", "/openapi.json", cookie, **scope)).status == 200,
        "an example message": plain.json["send"] is not None,
        "the nearest address": "/ws/say" in (await served.call("/ws/sai", cookie, **scope).refused()).json["fix"],
    }


@pytest.mark.parametrize(("name", "options", "is_open"), LISTENERS, ids=[row[0] for row in LISTENERS])
async def test_cf_12_what_is_not_public_is_open_by_listener_or_to_administrators(
    open_served: OpenServed, name: str, options: dict[str, Any], is_open: bool
) -> None:
    served = await open_served(SERVED, SERVED_CODE, **options)
    await served.add("bob", "support")
    await served.add("admin", "admin")
    forwarded = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-host", "localhost")]
    for login in ("", "bob"):
        for client in (("10.1.2.3", 5000), ("127.0.0.1", 5000), ("::1", 5000), None):
            found = await opened(served, login, client=client)
            assert set(found.values()) == {is_open}, (name, found)
    assert set((await opened(served, "admin")).values()) == {True}
    assert ((await served.http("GET", "/metrics", forwarded)).status == 200) == is_open
    assert (await served.http("GET", "/api/page")).json["reader"] == is_open, "what the page shows of them"
    cookies = [[], await served.cookie("bob"), await served.cookie("admin")]
    assert [(await served.http("GET", "/api/users", cookie)).status for cookie in cookies] == [401, 403, 200]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1:8000", "0"])
async def test_cf_12_a_page_whose_name_was_made_to_point_here_gets_nothing(served: Served, host: str) -> None:
    """DNS rebinding: the browser believes the page to be of our origin, and only the Host header tells."""
    await served.add("admin", "admin")
    headers = [("host", host), ("origin", f"http://{host}"), *(await served.cookie("admin"))]
    for path in ("/", "/metrics", "/ws/say", "/auth/session", "/api/users", "/docs"):
        answer = await served.http("GET", path, headers)
        assert (answer.status, answer.json["code"]) == (400, "wrong_host"), path
    assert (await served.call("/ws/public", headers).refused()).json["code"] == "wrong_host"
    health = await served.http("GET", "/health", headers)
    assert health.json == {"status": "ok"}, "it says no more to anybody"


async def test_cf_12_no_page_shows_how_the_server_failed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_credential: object) -> None:
        raise RuntimeError("сломано")

    monkeypatch.setattr(served.sessions, "identify", fail)
    for path in ("/ws/say", "/metrics", "/auth/session", "/api/users"):
        answer = await served.http("GET", path, [("cookie", f"{COOKIE}=a")])
        assert (answer.status, answer.json["code"]) == (500, "server_fault"), path
        for word in ("сломано", "Traceback", "RuntimeError", ".py"):
            assert word not in answer.body.decode()
