"""What holds for every test, and what a run says of the tests that show the rows of docs/security.md.

`pytest tests/assurance --results FILE` writes that down; see tests/house/security_page.py, which reads it.
`pytest --hypothesis-profile many` draws 1,000 examples for each property, where the suite draws 20: run it by hand
after a change of what the property is about.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from jackfield.auth.store.database import Database
from tests.assurance.results import Results
from tests.clock import Clock

# how long an example takes, or the making of one, depends on the machine
settings.register_profile("few", max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("many", settings.get_profile("few"), max_examples=1_000)
settings.load_profile("few")


@pytest.fixture
def clock() -> Clock:
    """A clock that only the test moves."""
    return Clock()


@pytest.fixture(autouse=True)
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with much to do is no database that hangs; tests of that give a limit of their own."""
    monkeypatch.setattr(Database, "usual_limit", 60.0)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """No looking for garbage among the tests while they are collected: nothing goes, and it is half of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our one option."""
    parser.addoption("--results", type=Path, help="write what became of each test of tests/assurance into this file")


def pytest_configure(config: pytest.Config) -> None:
    """Write results where they are asked for; with `-n` in the process that collects the reports of all workers."""
    path: Path | None = config.getoption("results")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(path))
