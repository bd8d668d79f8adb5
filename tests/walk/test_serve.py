"""The first minutes of a server: what it shows, where it leaves the password, what it refuses to start with."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import socket as network
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from .conftest import CLEAN, ROOT, Server, ask, jackfield, write

pytestmark = pytest.mark.walk

ENDPOINTS = """\
endpoints:
  greeting:
    url: /ws/greeting
    process: greeting.answer
    examples:
      - name: "A greeting"
        steps:
          - send: {message: "Привет"}
            expect: {message: "Привет!"}
  sum: {url: "/ws/sum/{by}", process: greeting.add, auth: public}
"""
GREETING = """\
from jackfield import process

@process(reply="message")
def answer(message: str) -> str:
    return "Привет!" if message == "Привет" else message

@process(reply="sum")
def add(by: int, number: int = 0) -> int:
    return by + number
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, endpoints=ENDPOINTS, greeting=GREETING)


def refused(folder: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Start a server that must not start; gives the exit code and stderr's lines."""
    done = jackfield(folder, "serve", "--port", "0", *arguments, **environment)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()


def test_the_banner_line_for_line(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    first_admin = project / ".jackfield" / "first-admin"
    assert server.lines == [
        "Jackfield serves 2 endpoints:",
        f"  greeting  {server.ws}/ws/greeting  {{message: str}} -> {{message: str}}",
        f"  sum       {server.ws}/ws/sum/{{by}}  {{number?: int}} -> {{sum: int}}",
        f"Page: {server.http}/",
        f"Documents: {server.http}/docs and {server.http}/docs/reference",
        f"First start: the user admin was made; password and cookie are in {first_admin}",
        "Stop with Ctrl+C.",
    ]
    assert first_admin.stat().st_mode & 0o777 == 0o600
    recipe = first_admin.read_text(encoding="utf-8")
    assert f"\n  {server.ws}/ws/greeting\n" in recipe
    assert '\n  {"message": "Привет"}\n' in recipe
    assert server.stop() == 0
    assert not (project / ".jackfield" / "server.json").exists()

    # the second start has nothing to show of it
    again = start(project)
    assert again.lines[-2] == (
        "To get in: `jackfield token admin` prints a cookie; `jackfield users passwd admin` sets a password."
    )
    assert not any("First start" in line for line in again.lines), again.lines
    assert first_admin.read_text(encoding="utf-8") == recipe


def test_on_a_terminal_the_password_is_shown_and_nowhere_else(project: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "jackfield", "-C", str(project), "serve", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=CLEAN,
    )
    os.close(theirs)
    try:
        shown = _read_until(ours, "Stop with Ctrl+C.")
        assert not (project / ".jackfield" / "first-admin").exists()
        password = str(re.search(r"password +(\S+)", shown)[1])  # type: ignore[index]
        cookie = str(re.search(r"Cookie: (gen_app_auth_token=\S+)", shown)[1])  # type: ignore[index]
        address = str(re.search(r"paste the address\s+(ws://\S+)", shown)[1])  # type: ignore[index]
        assert shown.count(password) == 1
        assert "In Postman: New > WebSocket" in shown
        assert '{"message": "Привет"}' in shown
        with connect(address, additional_headers={"Cookie": cookie}) as socket:
            assert ask(socket, message="Привет") == {"message": "Привет!"}
        base = address.replace("ws://", "http://").removesuffix("/ws/greeting")
        answer = httpx.post(f"{base}/auth/login", json={"login": "admin", "password": password})
        assert answer.status_code == 200
        assert password not in _read_until(ours, "\x1b[1mlogin")  # the log tells of the login
    finally:
        process.terminate()
        process.wait(timeout=20)
        os.close(ours)
    assert process.returncode == 0


def _read_until(terminal: int, text: str, limit: float = 20) -> str:
    shown, end = b"", time.monotonic() + limit
    while text.encode() not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, shown.decode()
        shown += os.read(terminal, 4096)
    return shown.decode()


def test_a_listener_that_others_reach_makes_no_admin(project: Path, start: Callable[..., Server]) -> None:
    code, lines = refused(project, "--host", "0.0.0.0")
    assert (code, len(lines)) == (2, 1), lines
    assert "0.0.0.0 can be reached from other machines" in lines[0]
    assert "--insecure" in lines[0]
    server = start(project, "--host", "0.0.0.0", "--insecure")
    hint = "Nobody can log in yet; make the first user with: jackfield users add admin --role admin"
    assert hint in server.lines
    assert any(line.startswith("Documents (for users with the role admin): http") for line in server.lines)
    assert not (project / ".jackfield" / "first-admin").exists()
    assert server.run("users", "list", "--format", "json").stdout.strip() == "[]"


@pytest.mark.shows("REL-20")
def test_a_taken_port_is_one_line(project: Path) -> None:
    with network.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines = refused(project, "--port", str(port))
    assert code == 1
    assert lines == [
        f"jackfield: 127.0.0.1:{port} is taken by another program; stop it, or choose another port: --port {port + 1}"
    ]


@pytest.mark.shows("REL-20")
def test_a_second_server_on_the_same_state_is_one_line(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    code, lines = refused(project)
    assert (code, len(lines)) == (1, 1), lines
    assert f"another server (process {server.process.pid}) is running on {project / '.jackfield'}" in lines[0]
    assert httpx.get(f"{server.http}/health").status_code == 200
    assert server.run("status").returncode == 0, "the one that runs is not disturbed"


def test_a_broken_project_at_the_first_start(tmp_path: Path) -> None:
    write(
        tmp_path,
        endpoints=ENDPOINTS.replace("process: greeting.add", "process: greeting.sub"),
        greeting=GREETING.replace("by: int", "by: Unknown"),
    )
    code, lines = refused(tmp_path)
    assert code == 1
    assert any(line.startswith(("endpoints.yaml:10:", "processes/greeting.py:8:")) for line in lines)
    assert re.fullmatch(r"jackfield: \d problems?; nothing is served", lines[-1])


def test_settings_from_the_environment(project: Path, start: Callable[..., Server]) -> None:
    secret = project / "keys"
    secret.write_text("0123456789abcdef" * 4 + "\n", encoding="utf-8")
    with network.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "JACKFIELD_HOST": "localhost",
        "JACKFIELD_PORT": "1",
        "JACKFIELD_LOCKED": "1",
        "JACKFIELD_LOG": "json",
        "JACKFIELD_STATE": str(project / "state"),
        "JACKFIELD_SECRET_KEYS_FILE": str(secret),
        "JACKFIELD_PROT": "1",
    }
    write(project)
    done = jackfield(project, "serve", "--host", "127.0.0.1", "--insecure", JACKFIELD_PORT="70000")
    assert done.returncode == 2
    assert "JACKFIELD_PORT" in done.stderr
    process = subprocess.Popen(
        [sys.executable, "-m", "jackfield", "-C", str(project), "serve", "--port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**CLEAN, **environment},
    )
    assert process.stderr is not None
    with process.stderr as stream:
        lines = []
        for line in stream:
            lines.append(line.rstrip())
            if '"event": "started"' in line:
                break
        try:
            text = "\n".join(lines)
            assert "JACKFIELD_PROT in the environment means nothing; did you mean JACKFIELD_PORT?" in text
            assert f'"address": "http://localhost:{port}"' in text  # the flag goes before the environment
            assert (project / "state" / "server.json").exists()
            assert not (project / ".jackfield").exists()
            assert not (project / "state" / "secret_keys").exists()
            done = jackfield(project, "publish", JACKFIELD_STATE=str(project / "state"))
            assert "--locked" in done.stderr
        finally:
            process.terminate()
            stream.read()
            assert process.wait(timeout=20) == 0


def test_from_another_folder_and_from_below(tmp_path: Path) -> None:
    """The project is the nearest folder upwards with endpoints.yaml; none is one line."""
    write(tmp_path / "mine", endpoints=ENDPOINTS, greeting=GREETING)
    command = [sys.executable, "-m", "jackfield", "check"]
    done = subprocess.run(
        command, cwd=tmp_path / "mine" / "processes", env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "fine: 2 endpoints\n")
    done = subprocess.run(command, cwd=tmp_path, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "-C DIR" in done.stderr
    assert "jackfield new DIR" in done.stderr


def test_the_repository_itself_is_the_example(tmp_path: Path, start: Callable[..., Server]) -> None:
    shutil.copy(ROOT / "endpoints.yaml", tmp_path)
    shutil.copytree(ROOT / "processes", tmp_path / "processes", ignore=shutil.ignore_patterns("__pycache__"))
    server = start(tmp_path)
    shape = "{message: str} -> {message: str}"
    assert server.lines[:3] == [
        "Jackfield serves 2 endpoints:",
        f"  greeting  {server.ws}/ws/greeting  {shape}",
        f"  faq       {server.ws}/ws/faq       {shape}",
    ]


GUEST = """\
import logging, logging.config, sys, traceback
from jackfield import process

logging.config.dictConfig({
    "version": 1,
    "handlers": {"own": {"class": "logging.StreamHandler", "formatter": "own"}},
    "formatters": {"own": {"format": "own form: %(message)s"}},
    "root": {"level": "INFO", "handlers": ["own"]},
})

@process(reply="sum")
def add(by: int) -> int:
    print("Привет", "мир\\nдва")
    print('{"event": "sold", "level": "warning", "pieces": 3}')
    sys.stdout.buffer.write("байты\\n".encode())
    sys.stderr.write("\\x1b[31mкрасный\\x1b[0m\\n")
    logging.getLogger(__name__).info("logged")
    return by
"""


def test_a_log_for_programs_is_an_object_a_line_whatever_a_process_prints(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    write(tmp_path, endpoints=ENDPOINTS.replace("greeting.add", "guest.add"), greeting=GREETING, guest=GUEST)
    server = start(tmp_path, "--log", "json", ready='"event": "started"')
    assert (tmp_path / ".jackfield" / "first-admin").stat().st_mode & 0o777 == 0o600
    with server.socket("/ws/sum/2") as socket:
        assert ask(socket) == {"sum": 2}
    assert server.stop() == 0
    events = [json.loads(line) for line in server.lines]
    assert [event["event"] for event in events[:2]] == ["first_admin_made", "started"]
    (opened,) = (event for event in events if event["event"] == "connection_opened")
    call = {"endpoint": "sum", "connection": opened["connection"], "login": ""}
    told = [event for event in events if event.get("connection") == call["connection"] and "client" not in event]
    assert all(event.pop("timestamp") for event in told)
    assert told == [
        {"level": "info", "event": "Привет мир\\nдва", "logger": "stdout", **call},
        {"level": "warning", "event": "sold", "logger": "stdout", "pieces": 3, **call},
        {"level": "info", "event": "байты", "logger": "stdout", **call},
        {"level": "info", "event": "красный", "logger": "stderr", **call},
        {"level": "info", "event": "own form: logged", "logger": "stderr", **call},
    ]
    assert server.stdout == ""
