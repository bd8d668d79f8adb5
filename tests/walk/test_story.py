"""The story end to end: the repository itself as the example, a real server, real clients."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from .conftest import ROOT, Server

pytestmark = pytest.mark.walk


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of what the repository ships as its example."""
    shutil.copy(ROOT / "endpoints.yaml", tmp_path)
    shutil.copytree(ROOT / "processes", tmp_path / "processes", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_first_start_login_and_greeting(example: Path, start: Callable[..., Server]) -> None:
    server = start(example)
    assert any(
        line.split() == ["greeting", f"{server.ws}/ws/greeting", "{message:", "str}", "->", "{message:", "str}"]
        for line in server.lines
    ), server.lines

    first = (example / ".jackfield" / "first-admin").read_text()
    assert (example / ".jackfield" / "first-admin").stat().st_mode & 0o777 == 0o600
    password = next(line.split()[1] for line in first.splitlines() if line.split()[:1] == ["password"])
    assert not any(password in line for line in server.lines)

    answer = httpx.post(f"{server.http}/auth/login", json={"login": "admin", "password": password})
    assert answer.status_code == 200
    body = answer.json()
    assert body["login"] == "admin"
    assert body["roles"] == ["admin"]
    cookie = f"gen_app_auth_token={body['token']}"
    assert answer.headers["set-cookie"] == f"{cookie}; HttpOnly; SameSite=Lax; Path=/; Max-Age=43200"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers

    with (
        connect(f"{server.ws}/ws/greeting", additional_headers={"Cookie": cookie}) as one,
        connect(f"{server.ws}/ws/greeting", additional_headers={"Cookie": cookie}) as two,
    ):
        for socket, sent, expected in [
            (one, "Привет", "Привет!"),
            (two, "Как дела?", "Отлично! Как у тебя?"),
            (one, "Ещё 🤝", "Ещё 🤝"),
            (two, "", ""),
        ]:
            socket.send(json.dumps({"message": sent}, ensure_ascii=False))
            assert json.loads(socket.recv(timeout=5)) == {"message": expected}

    # the cookie line of the first start is a session of its own
    line = next(line.split()[1] for line in first.splitlines() if line.strip().startswith("Cookie:"))
    with connect(f"{server.ws}/ws/greeting", additional_headers={"Cookie": line}) as socket:
        socket.send('{"message": "Привет"}')
        assert json.loads(socket.recv(timeout=5)) == {"message": "Привет!"}


def test_bad_messages_are_answered_and_the_conversation_lives(example: Path, start: Callable[..., Server]) -> None:
    server = start(example)
    with connect(f"{server.ws}/ws/greeting", additional_headers=server.cookie()) as socket:
        messages: list[tuple[str | bytes, str]] = [
            ("", ""),
            ("nope", ""),
            ("[1]", ""),
            ("{}", "/message"),
            ('{"mesage": "x"}', "/mesage"),
            ('{"message": 5}', "/message"),
            ('{"message": NaN}', "/message"),
            ('{"message": "\\ud800"}', "/message"),
            ('{"message": ' + "[" * 70 + "]" * 70 + "}", ""),
            (b"\x00\x01", ""),
        ]
        for bad, path in messages:
            socket.send(bad)
            error = json.loads(socket.recv(timeout=5))["error"]
            assert error["code"] == "invalid_message", bad
            assert path in [detail["path"] for detail in error["details"]], error
            assert error["example"] == {"message": "Привет"}
        socket.send(json.dumps({"message": "x" * 70_000}))
        assert json.loads(socket.recv(timeout=5))["error"]["code"] == "message_too_long"
        socket.send('{"$id": 7, "mesage": 1}')
        answer = json.loads(socket.recv(timeout=5))
        assert answer["$id"] == 7
        assert 'did you mean "message"' in answer["error"]["details"][0]["problem"]
        socket.send('{"message": "Привет", "$id": "а"}')
        assert json.loads(socket.recv(timeout=5)) == {"message": "Привет!", "$id": "а"}
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_refusals_teach(example: Path, start: Callable[..., Server]) -> None:
    server = start(example)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.ws}/ws/greeting?secret=query")
    response = refused.value.response
    assert response.status_code == 401
    assert response.headers["Jackfield-Error"] == "not_logged_in"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"].startswith('Cookie realm="jackfield", form-action="/auth/login"')
    assert "/auth/login" in json.loads(response.body)["fix"]

    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.ws}/ws/greetin")
    assert refused.value.response.status_code == 404
    assert "/ws/greeting" in json.loads(refused.value.response.body)["fix"]

    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.ws}/ws/greeting", origin=Origin("https://evil.example"), additional_headers=server.cookie())
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["fix"].startswith('origins: ["https://evil.example"]')

    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.ws}/ws/greeting", additional_headers={"Cookie": "gen_app_auth_token=nope"})
    assert refused.value.response.status_code == 401

    server.stop()
    assert not any("secret=query" in line or "ERROR" in line for line in server.lines), server.lines


def test_a_plain_get_reports_the_finished_address(example: Path, start: Callable[..., Server]) -> None:
    server = start(example)
    answer = httpx.get(f"{server.http}/ws/greeting")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["code"] == "upgrade_required"
    assert body["websocket_url"] == f"{server.ws}/ws/greeting"
    assert body["login"]["url"] == f"{server.http}/auth/login"
    assert body["send"] == {"message": "Привет"}
    assert body["would"]["status"] == 401

    answer = httpx.get(f"{server.http}/ws/greeting", headers=server.cookie())
    assert answer.json()["would"] is None
    page = httpx.get(f"{server.http}/ws/greeting", headers={"Accept": "text/html"})
    assert page.status_code == 426
    assert f"{server.ws}/ws/greeting" in page.text
    assert httpx.post(f"{server.http}/ws/greeting").status_code == 405
    assert httpx.get(f"{server.http}/health").json() == {"status": "ok"}
    old = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}
    answer = httpx.get(f"{server.http}/ws/greeting", headers={**old, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert answer.status_code == 426
    assert answer.headers["sec-websocket-version"] == "13"


def test_what_happened_is_counted(example: Path, start: Callable[..., Server]) -> None:
    server = start(example)
    with connect(f"{server.ws}/ws/greeting", additional_headers=server.cookie()) as socket:
        for message in ('{"message": "Привет"}', '{"message": 5}', '{"message": "а"}'):
            socket.send(message)
            socket.recv(timeout=5)
        text = httpx.get(f"{server.http}/metrics").text
        assert 'jackfield_connections{endpoint="greeting"} 1.0' in text
        assert 'jackfield_messages_total{endpoint="greeting",outcome="answered"} 2.0' in text
        assert 'jackfield_messages_total{endpoint="greeting",outcome="invalid_message"} 1.0' in text
        assert 'jackfield_handshakes_total{code="",endpoint="greeting",outcome="accepted"} 1.0' in text
    assert "admin" not in text
    server.wait_for("connection_closed .*code=1000")
    assert 'jackfield_closes_total{code="1000"} 1.0' in httpx.get(f"{server.http}/metrics").text
