"""The exported files in Postman's own command line: its linter, and a run of the requests against a real server.

It runs HTTP requests alone; WebSocket requests are linted and then skipped by it. It reports nowhere: it has no
account here, and its network is this machine's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.node import program, run

from .conftest import ROOT, Server, jackfield_here

pytestmark = pytest.mark.walk


@pytest.fixture
def postman(tmp_path: Path) -> Callable[..., Any]:
    """Postman's command line, with a home of its own."""
    found = program("postman-cli", "postman")
    return lambda *arguments: run(found, *arguments, env={**os.environ, "HOME": str(tmp_path)}, cwd=tmp_path)


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    shutil.copytree(ROOT / "tests" / "describe" / "full", folder, ignore=shutil.ignore_patterns(".jackfield"))
    return folder


def test_its_linter_finds_nothing(tmp_path: Path, postman: Callable[..., Any]) -> None:
    for folder in (ROOT, project(tmp_path)):
        out = tmp_path / f"out-{folder.name}"
        jackfield_here(folder, "export", "postman", str(out))
        (collection,) = (out / "postman" / "collections").iterdir()
        done = postman("collection", "lint", str(collection), "-f", "warning", "-r", "json")
        found = json.loads(done.stdout)
        assert (done.returncode, found["diagnostics"]) == (0, [])
        assert found["filesScanned"] == len(list(collection.glob("*.request.yaml")))


def test_its_linter_would_find_something(tmp_path: Path, postman: Callable[..., Any]) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.request.yaml").write_text("$kind: websocket-requests\nurl: x\n")
    assert postman("collection", "lint", str(tmp_path / "bad")).returncode != 0


def test_its_runner_logs_in_keeps_the_token_and_is_reported_the_addresses(
    tmp_path: Path, start: Callable[..., Server], postman: Callable[..., Any]
) -> None:
    server = start(project(tmp_path))
    out = tmp_path / "out"
    jackfield_here(server.folder, "export", "postman", str(out), "--url", server.http)
    (collection,) = (out / "postman" / "collections").iterdir()
    (environment,) = (out / "postman" / "environments").iterdir()
    (http,) = out.glob("*.http.postman_collection.json")
    key = server.run("keys", "add", "bell", "--role", "publisher", "--groups", "hall:*").stdout.strip()
    given = {"login": "admin", "password": server.password(), "key": key}
    secrets = [part for name, value in given.items() for part in ("--env-var", f"{name}={value}")]
    reported = [(name, 200) for name in ("log in", "who am I", "my sessions", "stay logged in", "log out")]
    reported += [(f"push {event} to hall-%D0%B7%D0%B0%D0%BB", 202) for event in ("закрыто", "rung")]

    done = postman("collection", "run", str(collection), "-e", str(environment), *secrets)
    # of a collection with WebSocket requests it writes no report; it names them as what they are, and goes on
    endpoints = re.findall(r"(\S+) \(ws-raw-request\)", done.stdout)
    assert endpoints == ["greeting", "room", "ticket", "count", "hall", "quotes", "clock", "pay", "note", "open"], (
        done.stdout
    )
    ran = re.findall(r"^Root (.*)\n\n  \w+ \S+ \[(\d+)", done.stdout, re.MULTILINE)
    assert ([(name, int(status)) for name, status in ran], done.returncode) == (reported, 0), done.stdout

    report = tmp_path / "report.json"
    exported = ("-r", "json", "--reporter-json-export", str(report), "--reporter-json-structure", "newman")
    done = postman("collection", "run", str(http), *secrets, *exported)
    found = json.loads(report.read_text())["run"]
    answers = [(one["item"]["name"], one["response"]["code"]) for one in found["executions"]]
    assert answers == [*reported, *((f"ask {name}", 426) for name in endpoints)]
    assert (done.returncode, found["failures"]) == (0, []), done.stdout
