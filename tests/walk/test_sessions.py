"""The life of a session, over a real server: the event before its end, a refresh, its end, and administration."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.projects import ECHO

from .conftest import LIMIT, Server, ask, close_code, write

pytestmark = pytest.mark.walk

PASSWORD = "пароль с пробелами 🔑"


def serve(start: Callable[..., Server], folder: Path, session: str) -> Server:
    write(
        folder,
        endpoints=f"""
auth: {{session: {session}}}
endpoints:
  say: {{url: /ws/say, process: echo.say, session_warning: 2s}}
""",
        echo=ECHO,
    )
    return start(folder)


def client(server: Server, login: str = "admin", password: str = "") -> httpx.Client:
    """Somebody who is logged in; httpx keeps the cookie."""
    made = httpx.Client(base_url=server.http)
    body = {"login": login, "password": password or server.password()}
    assert made.post("/auth/login", json=body).status_code == 200
    return made


def socket_of(server: Server, who: httpx.Client) -> ClientConnection:
    cookie = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
    return server.socket("/ws/say", additional_headers={"Cookie": cookie})


def test_a_session_warns_and_ends_unless_it_is_refreshed(tmp_path: Path, start: Callable[..., Server]) -> None:
    server = serve(start, tmp_path, "1m")
    with closing(client(server)) as left, closing(client(server)) as kept:
        store = sqlite3.connect(tmp_path / ".jackfield" / "store.db")
        end = round(time.time() + 3, 3)  # a plan's sessions last a minute at least, which is long for a test
        store.execute("update jackfield_sessions set expires_at = ?", (end,))
        store.commit()
        store.close()
        with socket_of(server, left) as one, socket_of(server, kept) as other:
            for socket in (one, other):
                event = json.loads(socket.recv(timeout=10))
                assert event["event"] == "session_expiring"
                assert int(end) == datetime.fromisoformat(event["expires_at"]).timestamp()
            assert time.time() < end
            assert kept.post("/auth/refresh").status_code == 200
            assert ask(one, message="Привет") == {"message": "Привет"}
            assert close_code(one, 10) == 4401
            assert time.time() >= end
            assert ask(other, message="Привет") == {"message": "Привет"}
            with pytest.raises(InvalidStatus) as caught:
                socket_of(server, left)
            assert caught.value.response.status_code == 401
            with socket_of(server, kept) as again:
                assert ask(again, message="Привет") == {"message": "Привет"}


def test_an_administrator_adds_changes_closes_and_removes_users(tmp_path: Path, start: Callable[..., Server]) -> None:
    server = serve(start, tmp_path, "1h")
    with closing(client(server)) as admin:
        added = admin.post("/api/users", json={"login": "аня", "password": PASSWORD, "roles": ["support"]})
        assert added.status_code == 201
        address = added.headers["location"]
        assert admin.get(address).json()["roles"] == ["support"]
        acts: list[tuple[str, Callable[[], httpx.Response]]] = [
            (PASSWORD, lambda: admin.post(f"{address}/close")),
            (PASSWORD, lambda: admin.patch(address, json={"password": PASSWORD + "!"})),
            (PASSWORD + "!", lambda: admin.delete(address)),
        ]
        for password, act in acts:
            with closing(client(server, "аня", password)) as anna, socket_of(server, anna) as socket:
                assert ask(socket, message="я") == {"message": "я"}
                assert act().status_code == 200
                with pytest.raises(ConnectionClosed):
                    socket.recv(timeout=LIMIT)
                assert socket.close_code == 4401
                assert anna.get("/auth/sessions").status_code == 401
        assert [user["login"] for user in admin.get("/api/users").json()["users"]] == ["admin"]
        assert admin.request("TRACE", "/api/users").status_code == 405


def test_who_guesses_is_refused_also_by_the_server_after_it(tmp_path: Path, start: Callable[..., Server]) -> None:
    server = serve(start, tmp_path, "1h")
    for number in range(2):
        reported = [
            httpx.post(f"{server.http}/auth/login", json={"login": "admin", "password": "a wrong one"}).status_code
            for _ in range(11)
        ]
        assert reported == ([429] * 11 if number else [401] * 10 + [429])
        server.stop()
        server = start(tmp_path)
