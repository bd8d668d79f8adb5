"""What holds for every test, and what a run says of the tests that show the rows of docs/security.md.

`pytest tests/assurance --results FILE` writes that down; see tests/house/security_page.py, which reads it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from jackfield.auth.store.database import Database
from tests.assurance.results import Results

# how long an example takes, or the making of one, is the machine's affair
settings.register_profile("jackfield", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("jackfield")


@pytest.fixture(autouse=True)
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with much to do is no database that hangs; tests of that give a limit of their own."""
    monkeypatch.setattr(Database, "usual_limit", 60.0)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our one option."""
    parser.addoption("--results", type=Path, help="write what became of each test of tests/assurance into this file")


def pytest_configure(config: pytest.Config) -> None:
    """Take down results where they are asked for."""
    path: Path | None = config.getoption("results")
    if path is not None:
        config.pluginmanager.register(Results(path))
