"""Commands called in this process, with what costs time and is not what is tested made cheap."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jackfield.auth import passwords
from jackfield.cli import main
from tests.auth.conftest import cheap

_trust = cache(ssl.create_default_context)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with small parameters, and the certificates of the system read once: 20 ms a call each."""
    monkeypatch.setattr(passwords, "PasswordHasher", lambda **_: cheap())
    monkeypatch.setattr(ssl, "create_default_context", _trust)


SAY = "from jackfield import process\n@process\ndef say(text: str) -> str:\n    return text\n"


def write(folder: Path, endpoints: str, **processes: str) -> None:
    """The files of a project; without processes it has `say.say`."""
    (folder / "processes").mkdir(exist_ok=True)
    (folder / "endpoints.yaml").write_text(endpoints, "utf-8")
    for name, text in (processes or {"say": SAY}).items():
        (folder / "processes" / f"{name}.py").write_text(text, "utf-8")


def run(*arguments: object, given: str | bytes | None = None, **environment: str) -> Result:
    """One call of `jackfield`."""
    return CliRunner().invoke(main, [str(one) for one in arguments], input=given, env=environment)
