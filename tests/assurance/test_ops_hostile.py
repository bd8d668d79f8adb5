"""OPS-2 under attack: what the whole log of a server holds after hundreds of requests with a secret in each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.walk.conftest import Server, jackfield_here, write

from .hostile import ask, leaks, shapes

pytestmark = pytest.mark.walk

ENDPOINTS = """
endpoints:
  say: {url: /ws/say, process: say.say}
  open: {url: /ws/open, process: say.say, auth: public}
  room: {url: "/ws/rooms/{room}", process: say.room, auth: public}
"""
SAY = """
from jackfield import process

@process
def say(text: str) -> str:
    if text.startswith("fail"):
        raise ValueError(text)
    return text

@process
def room(room: int, text: str) -> str:
    return text
"""
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiLQsNC90Y8iLCJleHAiOjF9.c2lnbmF0dXJl-Xb81_kQz7LmP0aR4tY"
PASSWORD = "qT7-vR2x_Lm9-Zk4wPd8"
DRAWN = 300


@pytest.mark.parametrize("style", ["json", "text"])
def test_ops_2_hostile_requests_leave_no_piece_of_a_secret_and_none_is_without_an_answer(
    tmp_path: Path, start: Callable[..., Server], style: str
) -> None:
    write(tmp_path, endpoints=ENDPOINTS, say=SAY)
    server = start(tmp_path, "--log", style, ready="started" if style == "json" else "Stop with Ctrl")
    assert server.run("users", "add", "admin2", "--password-stdin", given=PASSWORD).returncode == 0
    answer = httpx.post(f"{server.http}/auth/login", json={"login": "admin2", "password": PASSWORD})
    secrets = {"token": answer.json()["token"], "password": PASSWORD, "jwt": JWT}
    host = server.http.removeprefix("http://")
    sent = shapes(host, secrets, DRAWN)
    assert len(sent) > 600
    wrong = [(one.name, status) for one in sent if (status := ask(int(host.rpartition(":")[2]), one, 10)) >= 500]
    assert wrong == []
    refusals = jackfield_here(tmp_path, "refusals")
    metrics = httpx.get(f"{server.http}/metrics").text
    assert server.stop() == 0
    assert len(server.lines) > 400
    assert leaks("\n".join([*server.lines, server.stdout, refusals, metrics]), secrets) == []
    if style == "json":
        names = {json.loads(line)["event"] for line in server.lines}
        assert {"refused", "login_refused", "process_failed", "connection_opened"} <= names
        assert "server_fault" not in names
