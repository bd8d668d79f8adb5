"""A server whose uvicorn lacks a name that ours stand on: one line says so, and plain ASGI serves."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import uvicorn
from websockets.exceptions import InvalidStatus

from .conftest import Server, ask, close_code, write

pytestmark = pytest.mark.walk

ENDPOINTS = """
endpoints:
  greeting: {url: /ws/greeting, process: greeting.answer}
  slow: {url: /ws/slow, process: greeting.slow, auth: public}
"""
PROCESS = """
import asyncio, sys
from jackfield import process

@process(reply="message")
def answer(message: str) -> str:
    return f"{message}!"

@process(reply="message")
async def slow(message: str) -> str:
    print("begun", file=sys.stderr, flush=True)
    await asyncio.sleep(0.5)
    return message
"""


def renamed(site: Path, old: str, new: str) -> str:
    """uvicorn as a release could be that calls one thing otherwise; gives the folder to look for it first."""
    copy = site / "uvicorn"
    shutil.copytree(Path(uvicorn.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*.py"):
        path.write_text(re.sub(rf"\b{old}\b", new, path.read_text("utf-8")), "utf-8")
    return str(site)


@pytest.mark.parametrize(
    ("old", "place"),
    [
        ("read_paused", "websockets.websockets_sansio_impl.WebSocketsSansIOProtocol.read_paused"),
        ("H11Protocol", "http.h11_impl.H11Protocol"),
    ],
)
def test_a_uvicorn_without_one_of_the_names_serves_by_plain_asgi(
    old: str, place: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    write(folder, endpoints=ENDPOINTS, greeting=PROCESS)
    site = renamed(tmp_path / "site", old, f"{old}_of_tomorrow")
    server = start(folder, "--admin-port", "0", PYTHONPATH=site)
    reported = [line for line in server.lines if "served_plainly" in line]
    assert len(reported) == 1
    assert f"uvicorn.protocols.{place}" in reported[0]
    with pytest.raises(InvalidStatus) as refused:
        server.socket("/ws/greeting")
    assert refused.value.response.headers["Jackfield-Error"] == "not_logged_in"
    server.run("users", "add", "anna", "--password-stdin", given="correct horse battery\n")
    with server.socket("/ws/greeting", additional_headers=server.cookie("anna")) as socket:
        assert ask(socket, message="Привет") == {"message": "Привет!"}
        assert ask(socket, message=1)["error"]["code"] == "invalid_message"
        assert ask(socket, message="x" * 60_000) == {"message": f"{'x' * 60_000}!"}
    admin = next(line.rpartition(" ")[2] for line in server.lines if line.startswith("Metrics, documents"))
    assert httpx.get(f"{admin}/metrics").status_code == 200
    assert httpx.get(f"{server.http}/metrics").status_code == 403
    assert server.run("publish").returncode == 0
    with server.socket("/ws/slow") as socket:
        socket.send('{"message": "last"}')
        server.wait_for("begun")
        server.hear(signal.SIGTERM)
        assert socket.recv(timeout=5) == '{"message":"last"}', "what was begun is answered"
        assert close_code(socket) == 1012
    assert server.ended() == 0
