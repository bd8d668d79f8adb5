"""A server whose standard streams stall, are full or are not there serves, stops, and says what is missing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from .conftest import CLEAN, LIMIT, ask, jackfield_in_place, write

pytestmark = pytest.mark.walk

ENDPOINTS = "endpoints:\n  say: {url: /ws/say, process: say.say, auth: public}\n"
SAY = """\
import sys
from jackfield import process

@process
def say(number: int) -> int:
    print("x" * 200_000)
    print("y" * 200_000, file=sys.stderr)
    if number % 2:
        raise ValueError("z" * 10_000)
    return number
"""


@contextmanager
def served(folder: Path, **streams: Any) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that nobody has to listen to; its address stands in the state folder."""
    write(folder, endpoints=ENDPOINTS, say=SAY)
    server = subprocess.Popen(
        [sys.executable, "-m", "jackfield", "-C", str(folder), "serve", "--port", "0"],
        **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": CLEAN, **streams},
    )
    try:
        yield server, _address(folder, server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(LIMIT) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait(LIMIT)
        for stream in (server.stdout, server.stderr):
            if stream is not None:
                stream.close()


def _address(folder: Path, server: subprocess.Popen[bytes]) -> str:
    """Where it serves, once it does; the control port answers then."""
    while (done := jackfield_in_place(folder, "status", "--json")).returncode != 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
        assert server.returncode is None, f"the server ended with {server.returncode}"
    found: str = json.loads(done.stdout)["address"]
    return found


def talk(address: str) -> str:
    """Thirty messages, of which every second one is a stack in the log; gives the metrics."""
    with connect(f"ws{address.removeprefix('http')}/ws/say") as socket:
        for number in range(30):
            answer = ask(socket, number=number)
            assert (answer.get("result"), answer.get("error", {}).get("code")) in (
                (number, None),
                (None, "process_failed"),
            )
    with urllib.request.urlopen(f"{address}/health", timeout=LIMIT) as health:
        assert health.status == 200
    with urllib.request.urlopen(f"{address}/metrics", timeout=LIMIT) as metrics:
        text: str = metrics.read().decode()
    return text


def test_nobody_reads(tmp_path: Path) -> None:
    with served(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as (_, address):
        text = talk(address)
    for stream in ("stdout", "stderr"):
        assert f'jackfield_lines_dropped_total{{stream="{stream}"}}' in text


def test_the_disk_is_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full, served(tmp_path, stdout=full, stderr=full) as (_, address):
        text = talk(address)
    assert 'jackfield_lines_dropped_total{stream="stdout"} 30.0' in text
    assert 'jackfield_lines_dropped_total{stream="stderr"}' in text


def test_the_reader_has_left(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with served(tmp_path, stdout=writing, stderr=writing) as (_, address):
        os.close(writing)
        assert "jackfield_lines_dropped_total" in talk(address)


@pytest.mark.parametrize("fds", [(2,), (0, 1, 2)])
def test_there_is_none(tmp_path: Path, fds: tuple[int, ...]) -> None:
    def close() -> None:
        for fd in fds:
            os.close(fd)

    with served(tmp_path, preexec_fn=close) as (_, address):
        talk(address)
