"""A start that cannot succeed: its exit code and one line that says why."""

from __future__ import annotations

import socket as network
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.projects import SAY
from tests.walk.conftest import CLEAN, Server, jackfield, jackfield_in_place, write

pytestmark = pytest.mark.walk

FILE = "endpoints:\n  echo: {url: /ws/echo, process: echo.say}\n"
SAMPLE = "change-me-change-me-change-me-change-me"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, endpoints=FILE, echo=SAY)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of something that takes connections and says nothing."""
    with network.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def reported(folder: Path, *arguments: str, run: Any = jackfield, **environment: str) -> tuple[int, str]:
    """The exit code and the one line of a start that fails. One that hangs fails after a minute."""
    done = run(folder, "serve", "--port", "0", *arguments, **environment)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Usage")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("jackfield: ")
    return done.returncode, lines[0]


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (["--store", "postgresql+asyncpg://127.0.0.1:1/db"], {}, 1, "store of users"),
        (["--store", "mysql://nowhere/db"], {}, 2, "mysql"),
        (["--store", "store.db"], {}, 2, "JACKFIELD_STORE is not the URL of a database"),
        (["--store", "sqlite+aiosqlite:////no/such/folder/store.db"], {}, 1, "store of users"),
        ([], {"JACKFIELD_SECRET_KEYS": "short"}, 2, "shorter than 32 bytes"),
        ([], {"JACKFIELD_SECRET_KEYS": SAMPLE}, 2, "a sample that anybody could guess"),
        ([], {"JACKFIELD_SECRET_KEYS_FILE": "/no/such/file"}, 2, "/no/such/file"),
        ([], {"JACKFIELD_STATE": "/proc/nowhere"}, 1, "cannot write into the state folder"),
        (["--tls-cert", "/no/cert.pem", "--tls-key", "/no/key.pem"], {}, 2, "cannot use --tls-cert"),
        (["--host", "192.0.2.1", "--insecure"], {}, 1, "cannot listen on"),
        (["--host", "0.0.0.0"], {}, 2, "--insecure"),
    ],
)
def test_rel_20_what_is_wrong_is_one_line(
    project: Path, arguments: list[str], environment: dict[str, str], code: int, words: str
) -> None:
    run = jackfield_in_place if code == 2 else jackfield  # before anything is begun
    found, line = reported(project, *arguments, run=run, **environment)
    assert (found, words in line) == (code, True), line


def test_rel_20_a_store_that_says_nothing(project: Path, silent: int) -> None:
    code, line = reported(project, "--store", f"postgresql+asyncpg://127.0.0.1:{silent}/db")
    assert (code, "store of users" in line) == (1, True), line


def without_room(folder: Path, blocks: int) -> tuple[int, str]:
    """A start whose files cannot grow beyond some blocks of 512 bytes, as on a disk that has no more of them."""
    command = [sys.executable, "-m", "jackfield", "-C", str(folder), "serve", "--port", "0"]
    limited = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *command]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False, env=CLEAN)
    (line,) = done.stderr.splitlines()
    return done.returncode, line


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are of POSIX")
def test_rel_20_a_disk_without_room(project: Path, start: Callable[..., Server]) -> None:
    state = project / ".jackfield"
    words = [(0, "cannot write into the state folder"), (1, "cannot use the store of users and sessions in")]
    assert [(code, f"{word} {state}" in line) for code, line, word in tried(project, words)] == [(1, True)] * 2
    assert start(project).stop() == 0
    words[0] = (0, "cannot use the lock in")
    assert [(code, f"{word} {state}" in line) for code, line, word in tried(project, words)] == [(1, True)] * 2


def tried(project: Path, words: list[tuple[int, str]]) -> list[tuple[int, str, str]]:
    return [(*without_room(project, blocks), word) for blocks, word in words]


@pytest.mark.parametrize("name", ["server.json", "first-admin"])
def test_rel_20_a_file_that_cannot_be_written(project: Path, start: Callable[..., Server], name: str) -> None:
    file = project / ".jackfield" / name
    file.mkdir(parents=True)
    done = jackfield(project, "serve", "--port", "0", "--log", "json")
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert (done.returncode, line.startswith(f"jackfield: cannot write {file}: Is a directory")) == (1, True), line
    assert ("jackfield users passwd admin" in line) == (name == "first-admin"), "that user is there already"
    file.rmdir()
    start(project)
    assert (project / ".jackfield" / "first-admin").exists() == (name == "server.json"), "no password was lost"


def test_rel_20_no_project_and_a_broken_one(tmp_path: Path) -> None:
    code, line = reported(tmp_path)
    assert (code, "there is no endpoints.yaml" in line) == (2, True), line
    write(tmp_path, endpoints="endpoints: {echo: {url: /ws/echo, proces: echo.say}}\n")
    done = jackfield(tmp_path, "serve", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("endpoints.yaml:1:")
    assert "nothing is served" in done.stderr.splitlines()[-1]
