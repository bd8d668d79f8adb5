"""Jackfield mounted in another application, on plain ASGI."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import jackfield
from jackfield.state import StateError
from tests.projects import write

FILE = """
endpoints:
  greeting: {url: /ws/greeting, process: greeting.answer, auth: public}
  private: {url: /ws/private, process: greeting.answer}
"""
PROCESS = """
from jackfield import process

@process(reply="message")
def answer(message: str) -> str:
    return f"{message}!"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, FILE, greeting=PROCESS)


def test_mounted_below_a_prefix_without_a_lifespan(project: Path) -> None:
    app = Starlette(routes=[Mount("/rt", jackfield.application(project))])
    with TestClient(app) as client:
        with client.websocket_connect("/rt/ws/greeting") as socket:
            socket.send_text('{"message": "Привет"}')
            assert socket.receive_json() == {"message": "Привет!"}
        body = client.get("/rt/ws/greeting").json()
        assert body["websocket_url"] == "ws://testserver/rt/ws/greeting"
        assert body["login"]["url"] == "http://testserver/rt/auth/login"
        assert body["send"] is None, "examples are for listeners that only this machine reaches"
        assert client.get("/ws/greeting").status_code == 404
        refused = client.get("/rt/ws/private").json()["would"]
        assert refused["code"] == "not_logged_in"
        assert "/rt/auth/login" in refused["fix"]
        challenge = client.get("/rt/auth/session").headers["www-authenticate"]
        assert 'form-action="/rt/auth/login"' in challenge


def test_the_lifespan_opens_and_closes(project: Path) -> None:
    with TestClient(jackfield.application(project)) as client:
        assert (project / ".jackfield" / "server.json").exists()
        assert client.get("/ready").json() == {"status": "ok"}
    assert not (project / ".jackfield" / "server.json").exists()


def test_a_broken_project_fails_at_start_with_its_problems(project: Path) -> None:
    (project / "endpoints.yaml").write_text("endpoints: {x: {url: /ws/x, process: greeting.answe}}", encoding="utf-8")
    with pytest.raises(BaseException, match=r"did you mean \"greeting.answer\"") as failed:  # noqa: SIM117
        with TestClient(jackfield.application(project)):
            pass
    assert failed.value is not None


async def test_no_handler_of_the_host_is_touched(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = list(logging.getLogger().handlers)
    app = jackfield.application(project)
    sent: list[object] = []
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    incoming.put_nowait({"type": "websocket.receive", "text": '{"message": "а"}'})

    async def send(message: object) -> None:
        sent.append(message)
        if len(sent) == 2:
            incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    scope = {"type": "websocket", "path": "/ws/greeting", "headers": [(b"host", b"x")], "scheme": "ws"}
    with caplog.at_level(logging.INFO, "jackfield"):
        async with asyncio.timeout(10):
            await app(scope, incoming.get, send)
    await app.close()
    assert sent == [
        {"type": "websocket.accept", "subprotocol": None},
        {"type": "websocket.send", "text": '{"message":"а!"}'},
    ]
    assert any(record.getMessage().startswith("connection_opened") for record in caplog.records)
    assert logging.getLogger().handlers == before


def test_secrets_may_stand_in_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, store = project / "keys", project / "store"
    keys.write_text("0123456789abcdef" * 4 + "\n", encoding="ascii")
    store.write_text(f"sqlite+aiosqlite:///{project / 'elsewhere.db'}\n", encoding="utf-8")
    monkeypatch.setenv("JACKFIELD_SECRET_KEYS_FILE", str(keys))
    monkeypatch.setenv("JACKFIELD_STORE_FILE", str(store))
    with TestClient(jackfield.application(project)) as client:
        assert client.get("/health").status_code == 200
    assert (project / "elsewhere.db").exists()
    assert not (project / ".jackfield" / "secret_keys").exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"JACKFIELD_STORE": "sqlite+aiosqlite://", "JACKFIELD_STORE_FILE": "store"}, "keep one of them"),
        ({"JACKFIELD_STORE_FILE": "/no/such/file"}, "No such file"),
        ({"JACKFIELD_STORE_FILE": "/dev/zero"}, "it is a device"),
        ({"JACKFIELD_SECRET_KEYS_FILE": "/dev/zero"}, "it is a device"),
    ],
)
def test_a_secret_given_twice_or_in_no_file_is_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StateError, match=words), TestClient(jackfield.application(project)):
        pass
