"""Schemathesis against a live server: what the document says and what the server answers are one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Server, write

pytestmark = pytest.mark.walk

ENDPOINTS = """
title: "Стойка 📞"
roles: {support: "Agents", admin: "All"}
endpoints:
  say: {url: /ws/say, process: p.say}
  room: {url: "/ws/комнаты/{room}/{number}", process: p.room, auth: {roles: [support]}}
  open: {url: /ws/open, process: p.say, auth: public, origins: any}
  maybe: {url: /ws/maybe, process: p.say, auth: optional}
"""
CODE = """
from jackfield import process

@process(reply="message")
def say(message: str) -> str:
    return message

@process(reply="message")
def room(room: str, number: int, message: str) -> str:
    return message
"""

# A 426 is what a plain GET on an endpoint is for.
SETTINGS = """
hooks = "hooks"

[generation]
with-security-parameters = false

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "426", "429", "503"]

[auth.dynamic.openapi.bearer]
path = "/auth/login"
extract_selector = "/token"
payload = {login = "root", password = "correct horse"}
"""

# The administrator with whom the run is logged in must live on.
HOOKS = """
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    if (case.path_parameters or {}).get("login") == "root":
        case.path_parameters["login"] = "nobody"
"""


@pytest.fixture
def server(start: Callable[..., Server], tmp_path: Path) -> Server:
    write(tmp_path, endpoints=ENDPOINTS, p=CODE)
    server = start(tmp_path)
    added = server.run("users", "add", "root", "--role", "admin", "--password-stdin", given="correct horse\n")
    assert added.returncode == 0, added.stderr
    return server


def run(server: Server, *options: str) -> str:
    """One run, in a folder of its own; what it printed. Fails where it found something."""
    folder = server.folder / "run"
    folder.mkdir()
    (folder / "schemathesis.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "hooks.py").write_text(HOOKS, encoding="utf-8")
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    done = subprocess.run(
        [*command, "run", f"{server.http}/openapi.json", "--seed=1", "--checks=all", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "120"},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout


def test_the_server_does_what_its_document_says(server: Server) -> None:
    reported = run(server, "--max-examples=15", "--continue-on-failure")
    found = re.search(r"(\d+) generated, (\d+) passed", reported)
    assert found is not None, reported[-2_000:]
    assert int(found[1]) > 300
    assert found[1] == found[2]
    assert not [line for line in server.lines if "server_fault" in line]
