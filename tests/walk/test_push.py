"""What other programs send to a real server: with a key, from a terminal, by the lines of the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from .conftest import CLEAN, LIMIT, ROOT, Server, jackfield_in_place, write

pytestmark = pytest.mark.walk

ENDPOINTS = """\
endpoints:
  order: {url: "/ws/orders/{order}", process: echo.same, group: "order:{order}", auth: optional}
  meter: {url: /ws/meter, process: echo.same, auth: {roles: [device]}}
"""
EVENT = {"event": "paid", "text": "Оплачено 😀"}
VERIFY = """\
from pathlib import Path

async def who(credential, request):
    with Path(__file__).with_name("seen").open("a") as seen:
        seen.write(credential + "\\n")
"""


def heard(socket: ClientConnection) -> dict[str, Any]:
    found = json.loads(socket.recv(timeout=LIMIT))
    assert isinstance(found, dict)
    return found


def made(server: Server, *arguments: str) -> dict[str, str]:
    """A new key, as the header that carries it."""
    done = server.run("keys", "add", *arguments)
    assert done.returncode == 0, done.stderr
    return {"Authorization": f"Bearer {done.stdout.strip()}"}


def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as ended:
        socket.recv(timeout=LIMIT)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


def test_a_shop_tells_who_waits_for_an_order(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=ENDPOINTS)
    server = start(tmp_path)
    shop = made(server, "магазин", "--role", "publisher", "--role", "device", "--groups", "order:*")
    key = shop["Authorization"].removeprefix("Bearer ")
    with (
        server.socket("/ws/orders/7") as nobody,
        server.socket("/ws/orders/8", additional_headers=server.first_cookie()) as admin,
        server.socket("/ws/meter", additional_headers=shop) as device,
    ):
        said = httpx.post(f"{server.http}/api/groups/order:7/events", json=EVENT, headers=shop)
        assert (said.status_code, said.json()) == (202, {"delivered_to": 1})
        assert heard(nobody) == EVENT
        assert httpx.post(f"{server.http}/api/users/admin/events", json=EVENT, headers=shop).status_code == 403

        text = json.dumps({**EVENT, "n": 2}, ensure_ascii=False)
        assert server.run("send", "--user", "admin", text).stdout == "delivered to 1 connection\n"
        assert heard(admin) == {**EVENT, "n": 2}
        of_meter = server.run("send", "--user", "admin", "--endpoint", "meter", text)
        assert of_meter.stdout == "delivered to 0 connections\n"
        elsewhere = ("send", "--group", "order:8", "--url", server.http, text)
        assert server.run(*elsewhere, JACKFIELD_KEY=key).stdout == "delivered to 1 connection\n"
        assert heard(admin) == {**EVENT, "n": 2}

        assert server.run("keys", "remove", "магазин").returncode == 0
        assert close_code(device) == 4401  # the server has heard of it
        assert httpx.post(f"{server.http}/api/groups/order:7/events", json=EVENT, headers=shop).status_code == 401
        refused = server.run(*elsewhere, JACKFIELD_KEY=key)
        assert (refused.returncode, refused.stderr[:14]) == (1, "jackfield: 401")
    assert server.stop() == 0
    assert key not in "\n".join(server.lines)


def test_keys_where_people_log_in_elsewhere(tmp_path: Path, start: Callable[..., Server]) -> None:
    """The store is opened by the first key; the project's function is asked about no key."""
    write(tmp_path, endpoints=f"auth: {{login: off, verify: people.who}}\n{ENDPOINTS}", people=VERIFY)
    server = start(tmp_path)
    assert not (tmp_path / ".jackfield" / "store.db").exists()
    meter = made(server, "meter", "--role", "device")
    with server.socket("/ws/meter", additional_headers=meter) as device:
        device.send('{"n": 1}')
        assert heard(device) == {"n": 1}
        for wrong in ("jf_wrong", "another"):
            with pytest.raises(InvalidStatus) as refused:
                server.socket("/ws/meter", additional_headers={"Authorization": f"Bearer {wrong}"})
            assert refused.value.response.status_code == 401
        assert server.run("keys", "remove", "meter").returncode == 0
        assert close_code(device) == 4401
    assert (tmp_path / "processes" / "seen").read_text("utf-8") == "another\n"
    assert server.stop() == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_lines_of_the_page_work(tmp_path: Path, start: Callable[..., Server]) -> None:
    page = (ROOT / "platform" / "jackfield" / "docs" / "push.md").read_text("utf-8")
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", page, flags=re.S))
    write(tmp_path, endpoints=ENDPOINTS)
    server = start(tmp_path)
    assert server.run("users", "add", "anna", "--password-stdin", given="a good long phrase\n").returncode == 0
    lines = lines.replace("http://127.0.0.1:8000", server.http).replace("https://desk.example.com", server.http)
    lines = lines.replace("curl ", "curl --silent --show-error --fail --write-out '\\n' ")
    program = f'jackfield() {{ "{sys.executable}" -m jackfield -C "{tmp_path}" "$@"; }}\n'
    with (
        server.socket("/ws/orders/7") as order,
        server.socket("/ws/orders/8", additional_headers=server.cookie("anna")) as anna,
    ):
        done = subprocess.run(
            [
                "bash",
                "-euc",
                f"{program}{lines.replace('jackfield send', 'export JACKFIELD_KEY=$KEY; jackfield send')}",
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            env=CLEAN,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            '{"delivered_to":1}',
            '{"delivered_to":1,"online":true}',
            '{"online":true,"connections":1}',
            "delivered to 1 connection",
            "delivered to 1 connection",
        ]
        paid = {"event": "paid", "order": 7}
        assert [heard(order), heard(order), heard(anna), heard(anna)] == [paid] * 4
    assert server.stop() == 0


ROOM = """
groups: {"room:{room}": {history: 9, presence: {grace: 1m}}}
endpoints:
  room:
    url: /ws/rooms/{room}
    process: echo.same
    group: "room:{room}"
    reply_to: group
    auth: optional
    examples:
      - name: said
        clients: {anna: {as: {login: anna}, params: {room: a}}, b: {as: nobody, params: {room: a}}}
        steps:
          - {client: anna, expect: {event: history, group: "room:a", events: [], to: 0}}
          - {client: anna, expect: {event: members, count: 1}, partial: true}
          - {client: b, expect: {event: history, events: []}, partial: true}
          - {client: b, expect: {event: members, count: 2}, partial: true}
          - {push: {group: "room:a", event: {event: "новость", text: "👋"}}}
          - {client: b, expect: {event: "новость", text: "👋", $n: 1}, partial: true}
          - {client: anna, expect: {event: "новость", text: "👋"}, partial: true}
          - {push: {user: anna, event: {event: you}}, client: anna, expect: {event: you}}
"""


def test_examples_push_into_a_running_server_and_its_rooms(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=ROOM)
    assert jackfield_in_place(tmp_path, "test").returncode == 0
    server = start(tmp_path)
    server.run("users", "add", "anna", "--password-stdin", given="пароль для теста\n")
    line = ("test", "--url", server.ws, "--token", f"anna={server.token('anna')}")
    done = server.run(*line)
    assert (done.returncode, "want of a service key: set JACKFIELD_KEY, made with jackfield keys" in done.stderr) == (
        1,
        True,
    )
    assert "skip  said: no service key for what it pushes" in done.stdout
    keys = {name: made(server, name, "--role", "publisher", *may)["Authorization"][7:] for name, may in MAY.items()}
    done = server.run(*line, JACKFIELD_KEY=keys["shop"])
    assert (
        "could not push: 403 The key shop is for order:*, and not for room:a. A key for it is made with" in done.stdout
    )
    for _ in range(2):  # at the second time the room has a history, and anna has not left it for a minute
        done = server.run(*line, JACKFIELD_KEY=keys["desk"])
        assert (done.returncode, "  ok    said" in done.stdout) == (0, True), done.stdout


MAY = {"shop": ("--groups", "order:*"), "desk": ("--groups", "room:*", "--users")}
