"""docs/embedding.md: what it says of Starlette's sessions holds, and its numbers and sentences are the code's."""

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

APP = """
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from jackfield import application
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

rt = application(Path(__file__).parent / "desk")


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    async with rt:
        yield {"rt": rt}


async def login(request: Request) -> JSONResponse:
    request.session["login"] = request.path_params["login"]
    return JSONResponse({})


async def notify(request: Request) -> JSONResponse:
    event = {"event": "notice", "text": (await request.json())["text"]}
    return JSONResponse({"told": await request.state.rt.groups.send_to(request.path_params["login"], event)})


app = Starlette(
    routes=[
        Route("/login/{login}", login, methods=["POST"]),
        Route("/notify/{login}", notify, methods=["POST"]),
        Mount("/rt", rt),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=os.environ["APP_SECRET"])],
    lifespan=lifespan,
)
"""
PLAN = "auth: {login: off, cookie: session, verify: accounts.who}"
NOTICES = "endpoints: {notices: {url: /ws/notices}}"
PAGE = " ".join((DOCS / "embedding.md").read_text("utf-8").split())


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    write_files("embedding.md", "Starlette, with its sessions", tmp_path)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "desk" / "endpoints.yaml").write_text(f"{PLAN}\n{NOTICES}\n")
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
    assert PLAN in PAGE
    assert f"`another server (process 4711) is running on …; {application._ONE_WORKER}`" in PAGE
    assert f"up to {Options().drain:g} s" in PAGE
