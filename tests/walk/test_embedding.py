"""docs/embedding.md: a FastAPI application with users of its own, under a real uvicorn, gets a support desk."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tests.pages import write_files
from tests.walk.conftest import CLEAN, LIMIT, Server, close_code, jackfield

pytest.importorskip("fastapi")
pytestmark = pytest.mark.walk

SECRET = {"SHOP_SECRET": "the shop's own secret, of enough bytes"}
DOOR = """
from pathlib import Path
from typing import Annotated
from jackfield import process, resource

@resource
async def door():
    place = Path(__file__).parents[2] / "door"
    with place.open("a") as said:
        said.write("open ")
    yield place
    with place.open("a") as said:
        said.write("closed ")

@process
def say(text: str, place: Annotated[Path, door]) -> str:
    return place.name
"""


class Host(Server):
    """The application of the page, under uvicorn."""

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return ["-m", "uvicorn", "--app-dir", str(self.folder), "main:app", "--port", "0", *arguments]

    def _address(self, ready: str) -> str:
        found = re.search(r"http://\S+", ready)
        assert found is not None
        return found[0]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    shop = tmp_path / "shop"
    write_files("embedding.md", "A support desk in a FastAPI application", shop)
    (shop / "desk" / "processes" / "door.py").write_text(DOOR)
    with (shop / "desk" / "endpoints.yaml").open("a") as file:
        file.write("  door: {url: /ws/door, process: door.say, auth: public}\n")
    running = Host(shop, ready="Uvicorn running on", **SECRET)
    yield running
    running.stop()


def hear(socket: ClientConnection, event: str) -> Any:
    """The next event of this name, those before it left aside."""
    while True:
        said = json.loads(socket.recv(timeout=LIMIT))
        if said.get("event") == event:
            return said


def test_the_desk_of_the_page_from_the_start_to_the_stop(host: Host) -> None:
    cookies = {login: httpx.post(f"{host.http}/login/{login}").cookies["session"] for login in ("anna", "boris")}
    anna = {"Cookie": f"session={cookies['anna']}"}
    for headers, status in (
        ({"Cookie": f"session={cookies['boris']}"}, 403),
        ({}, 401),
        ({"Cookie": "session=x"}, 401),
    ):
        with pytest.raises(InvalidStatus) as refused:
            host.socket("/desk/ws/hall", additional_headers=headers)
        assert refused.value.response.status_code == status
    guest = {"Cookie": f"session={httpx.get(host.http).cookies['session']}"}
    with (
        host.socket("/desk/ws/hall", additional_headers=anna) as hall,
        host.socket("/desk/ws/help", origin=host.http, additional_headers=guest) as visitor,
        host.socket("/desk/ws/help", origin=host.http) as nobody,
    ):
        nobody.send('{"text": "Без куки 🍪"}')
        assert hear(hall, "asked")["id"].startswith("~")
        visitor.send('{"text": "Где мой заказ? 📦"}')
        asked = hear(hall, "asked")
        assert (asked["text"], asked["id"][:6]) == ("Где мой заказ? 📦", "guest-")
        with host.socket(f"/desk/ws/agents/{quote(asked['id'], safe='')}", additional_headers=anna) as agent:
            assert [one["text"] for one in hear(agent, "history")["events"]] == ["Где мой заказ? 📦"]
            agent.send('{"text": "Уже едет"}')
            assert hear(visitor, "said")["from"] == asked["id"]
            answer = hear(visitor, "said")
            assert (answer["from"], answer["name"], answer["text"]) == ("anna", "Anna Petrova", "Уже едет")
            done = httpx.post(f"{host.http}/tickets/{quote(asked['id'], safe='')}/close", headers=anna)
            assert done.json() == {"told": 2}
        assert hear(visitor, "ticket_closed")["by"] == "Anna Petrova"
        assert httpx.post(f"{host.http}/orders/7", headers=guest).status_code == 200
        assert hear(visitor, "ordered")["number"] == 7
        _publishes(host, visitor)
        _refuses_a_second(host)
        assert (host.folder / "door").read_text().split() == ["open", "open", "closed"]
        host.hear(signal.SIGTERM)
        assert close_code(visitor) == 1012
    host.stop()
    assert (host.folder / "door").read_text().split() == ["open", "open", "closed", "closed"]
    assert "opened_without_lifespan" not in "\n".join(host.lines)
    assert "Application shutdown complete" in "\n".join(host.lines)


def _publishes(host: Host, visitor: ClientConnection) -> None:
    support = host.folder / "desk" / "processes" / "support.py"
    support.write_text(support.read_text("utf-8").replace('{"text": text}', '{"text": text.upper()}'), "utf-8")
    done = jackfield(host.folder / "desk", "publish")
    assert done.returncode == 0, done
    visitor.send('{"text": "спасибо"}')
    assert hear(visitor, "said")["text"] == "СПАСИБО"


def _refuses_a_second(host: Host) -> None:
    """What each worker but one meets."""
    command = [sys.executable, *host._command(())]
    done = subprocess.run(command, env={**CLEAN, **SECRET}, capture_output=True, text=True, timeout=60, check=False)
    words = (
        rf"another server \(process {host.process.pid}\) is running on \S+; stop it, and start the host with one worker"
    )
    assert (done.returncode, bool(re.search(words, done.stderr))) == (3, True), done.stderr


def test_the_check_of_the_page(tmp_path: Path) -> None:
    write_files("embedding.md", "A support desk in a FastAPI application", tmp_path)
    done = jackfield(tmp_path / "desk", "check", PYTHONPATH=str(tmp_path), **SECRET)
    assert (done.returncode, done.stderr) == (0, "fine: 3 endpoints\n"), done


def test_the_tests_of_the_page_beside_a_server_that_runs(host: Host) -> None:
    write_files("embedding.md", "Tests of the host", host.folder)
    command = [sys.executable, "-m", "pytest", "-q", "test_shop.py"]
    environment = {**CLEAN, **SECRET, "PYTHONPATH": str(host.folder)}
    done = subprocess.run(
        command, cwd=host.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
