"""Commands called in this process, with what costs time and is not what is tested made cheap."""

from __future__ import annotations

import ssl
from functools import cache

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


def run(*arguments: object, given: str | bytes | None = None, **environment: str) -> Result:
    """One call of `jackfield`."""
    return CliRunner().invoke(main, [str(one) for one in arguments], input=given, env=environment)
