"""docs/embedding.md: its Starlette application runs, and its numbers and sentences are the code's."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from jackfield.server.node import application
from jackfield.server.options import Options
from tests.pages import DOCS, write_files

PAGE = " ".join((DOCS / "embedding.md").read_text("utf-8").split())


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    write_files("embedding.md", "Starlette, with its sessions", tmp_path)
    monkeypatch.setenv("APP_SECRET", "the application's own secret")
    monkeypatch.syspath_prepend(tmp_path)
    host = importlib.import_module("app")
    with TestClient(host.app) as running:
        yield running
    del sys.modules["app"]


def test_the_session_of_the_page_is_who_is_connected_and_pushed_to(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/rt/ws/notices"):
        pass
    assert client.post("/login/аня").status_code == 200
    assert client.post("/notify/аня", json={"text": "рано"}).json() == {"told": 0}
    with client.websocket_connect("/rt/ws/notices") as socket:
        assert client.post("/notify/аня", json={"text": "Готово 👋"}).json() == {"told": 1}
        assert socket.receive_json() == {"event": "notice", "text": "Готово 👋"}


def test_the_page_says_what_the_code_says() -> None:
    assert f"`another server (process 4711) is running on …; {application._ONE_WORKER}`" in PAGE
    assert f"up to {Options().drain:g} s" in PAGE
