"""What the first user is shown: an endpoint that he may open as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.describe.contract import Contract, contract
from jackfield.routing.build import build
from jackfield.server.node.first_admin import FirstAdmin, entrance
from tests.projects import write

CODE = """
from jackfield import process

@process
def say(text: str) -> str: return text

@process
def room(room: str, text: str) -> str: return text
"""
ROOM = 'room: {url: "/ws/rooms/{room}", process: p.room}'
STAFF = "staff: {url: /ws/staff, process: p.say, auth: {roles: [support]}}"
PAGE = "page: {url: /ws/page, process: p.say, origin_required: true}"
ODD = "odd: {url: /ws/odd, process: p.say, input: {not: {required: [text]}}}"


def read(folder: Path, *endpoints: str) -> Contract:
    table = build(write(folder, "endpoints: {" + ", ".join(endpoints) + "}\n", p=CODE), 1)
    table.catalog.release()
    return contract(table)


def shown(folder: Path, *endpoints: str) -> list[str]:
    """The lines from the recipe on."""
    found = entrance(read(folder, *endpoints))
    text = FirstAdmin("secret", "token").text("name", "https://h.example/rt", found)
    return text.splitlines()[5:]


@pytest.mark.parametrize(
    "good",
    [
        "good: {url: /ws/good, process: p.say}",
        "good: {url: /ws/good, process: p.say, auth: public}",
        "good: {url: /ws/good, process: p.say, auth: optional}",
        "good: {url: /ws/good, process: p.say, auth: {roles: [support, admin]}}",
        "good: {url: /ws/good, process: p.say, origins: ['https://a.example']}",
    ],
)
@pytest.mark.parametrize("before", [ROOM, STAFF, PAGE, ODD])
def test_one_that_can_be_opened_as_it_is_comes_before_others(tmp_path: Path, before: str, good: str) -> None:
    assert "  wss://h.example/rt/ws/good" in shown(tmp_path, before, good)


def test_the_first_of_several_stays_the_first(tmp_path: Path) -> None:
    lines = shown(tmp_path, "one: {url: /ws/привет, process: p.say}", "two: {url: /ws/two, process: p.say}")
    assert lines == [
        "In Postman: New > WebSocket, paste the address",
        "  wss://h.example/rt/ws/привет",
        "under Headers add the key Cookie with the value",
        "  name=token",
        "press Connect, and send",
        '  {"text": "…"}',
    ]


def test_a_parameter_of_the_address_has_a_value(tmp_path: Path) -> None:
    with_example = f"{ROOM[:-1]}, examples: [{{params: {{room: кухня}}, steps: [{{send: {{text: a}}}}]}}]}}"
    for room, value in ((with_example, "%D0%BA%D1%83%D1%85%D0%BD%D1%8F"), (ROOM, "room")):
        assert f"  wss://h.example/rt/ws/rooms/{value}" in shown(tmp_path, STAFF, room)


def test_what_stands_in_the_way_is_reported(tmp_path: Path) -> None:
    lines = shown(tmp_path, STAFF)
    assert lines[:2] == [
        "Every endpoint is for users with a role. Let admin in with:",
        "  jackfield users roles admin +support",
    ]
    lines = shown(tmp_path, PAGE)
    assert lines[4:6] == ["and the key Origin with the value", "  https://h.example"]
    lines = shown(tmp_path, PAGE.replace("origin_required", "origins: ['https://*.a.example'], origin_required"))
    assert lines[5] == "  https://www.a.example"


def test_without_endpoints_only_the_user_is_shown(tmp_path: Path) -> None:
    assert entrance(read(tmp_path)) is None
    text = FirstAdmin("secret", "token").text("name", "http://h", None)
    assert text.splitlines()[-1] == "  Cookie: name=token"
