"""What a command loads: each starts at once, because it loads no more than it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield import beginnings

SERVER = {"sqlalchemy", "starlette", "uvicorn", "h11", "jwt", "cryptography"}
OURS = {"wire", "web", "connection", "handshake", "gateway", "live", "generation", "publish.publisher", "node.node"}
HEAVY = SERVER | {f"jackfield.server.{name}" for name in OURS}
PROVIDERS = {"jwt", "cryptography", "httpx", "jackfield.auth.jwt"}

SHOW = """
import json, sys
from jackfield.cli import main
try:
    main(sys.argv[1:], prog_name="jackfield")
finally:
    print("\\n" + json.dumps(sorted(sys.modules)))
"""


def loaded(*arguments: str) -> set[str]:
    """What a process has loaded that ran a command, with settings in its environment as in a container."""
    settings = os.environ | {"JACKFIELD_PORT": "8000", "JACKFIELD_SECRET_KEYS": "0f" * 8 + "3c5a9b7d" * 4}
    command = [sys.executable, "-c", SHOW, *arguments]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in beginnings.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["check"], ["publish"], ["status"], ["refusals"], ["schema"], ["call", "/ws/greeting"]],
    ids=lambda arguments: str(arguments[0]),
)
def test_a_command_loads_neither_the_server_nor_the_store(project: Path, arguments: list[str]) -> None:
    found = loaded("-C", str(project), *arguments)
    assert found & HEAVY == set()
    assert arguments != ["--help"] or not [name for name in found if name.startswith("jackfield.server")]


def test_a_token_is_made_without_the_server(project: Path) -> None:
    found = loaded("-C", str(project), "token", "anna")
    assert found & (HEAVY - {"sqlalchemy"}) == set(), "the store is a database, and no more is loaded"


def test_a_server_that_asks_no_provider_loads_nothing_that_checks_their_tokens() -> None:
    code = "import json, sys, jackfield.cli.serve; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(json.loads(done.stdout)) & PROVIDERS == set()
