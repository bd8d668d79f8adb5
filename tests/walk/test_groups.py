"""A room on a real server: two users talk across publishes, one comes late, one is taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from .conftest import LIMIT, Server, write

pytestmark = pytest.mark.walk

GROUPS = """\
groups:
  "room:{room}": {history: 2, presence: {grace: 1s}, members: 3}
endpoints:
  room:
    url: /ws/rooms/{room}
    group: "room:{room}"
    process: chat.say
    reply_to: group
    event: said
"""
CHAT = """\
from jackfield import process

@process
def say(text: str) -> dict[str, str]:
    return {"text": text}
"""


def hear(socket: ClientConnection, count: int = 1) -> list[dict[str, Any]]:
    """The next events, without what differs from run to run."""
    found = [json.loads(socket.recv(timeout=LIMIT)) for _ in range(count)]
    for event in (*found, *(kept for one in found for kept in one.get("events", ()))):
        event.pop("$time", None)
    return found


def say(socket: ClientConnection, text: str) -> None:
    socket.send(json.dumps({"text": text}))


def test_two_users_in_a_room(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints=GROUPS, chat=CHAT)
    server = start(tmp_path)
    assert server.run("users", "add", "анна", "--password-stdin", given="пароль анны\n").returncode == 0
    room = "/ws/rooms/%D0%B7%D0%B0%D0%BB"
    group = "room:%D0%B7%D0%B0%D0%BB"
    admin = {"login": "admin"}
    with (
        server.socket(room, additional_headers=server.first_cookie()) as one,
        server.socket(room, additional_headers=server.cookie("анна")) as two,
    ):
        assert hear(one, 3) == [
            {"event": "history", "group": group, "events": [], "to": 0},
            {"event": "members", "group": group, "members": [admin], "count": 1},
            {"event": "joined", "group": group, "login": "анна", "count": 2},
        ]
        assert hear(two, 2)[1]["members"] == [admin, {"login": "анна"}]
        say(one, "Привет 😀")
        said = {"event": "said", "from": "admin", "text": "Привет 😀", "$n": 1}
        assert (hear(one), hear(two)) == ([said], [said])

        write(tmp_path, chat=CHAT.replace('{"text": text}', '{"text": text.upper()}'))
        assert server.run("publish").returncode == 0
        say(two, "ещё")
        again = {"event": "said", "from": "анна", "text": "ЕЩЁ", "$n": 2}
        assert (hear(one), hear(two)) == ([again], [again])

        with server.socket(room, additional_headers=server.first_cookie()) as late:
            assert hear(late, 2)[0] == {"event": "history", "group": group, "events": [said, again], "to": 2}
            with pytest.raises(InvalidStatus) as full:
                server.socket(room, additional_headers=server.first_cookie())
            assert full.value.response.status_code == 429
            assert json.loads(full.value.response.body)["code"] == "group_full"

            # another pattern: both move in the step that publishes
            write(tmp_path, endpoints=GROUPS.replace('"room:{room}"', '"hall:{room}"'))
            assert server.run("publish").returncode == 0
            hall = group.replace("room", "hall")
            assert hear(two, 2)[0] == {"event": "history", "group": hall, "events": [], "to": 0}
            say(two, "здесь")
            while (heard := hear(late)[0])["event"] != "said":
                pass
            assert heard == {"event": "said", "from": "анна", "text": "ЗДЕСЬ", "$n": 1}
    assert server.stop() == 0
