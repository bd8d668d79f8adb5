"""The contract that most of these tests read; what they load is let go, so that later tests find no module of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from jackfield.describe.contract import Contract
from tests.describe import made


@pytest.fixture(autouse=True, scope="module")
def _modules_are_let_go() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("jackfield_generation"):
            del sys.modules[name]


@pytest.fixture(scope="session")
def full() -> Contract:
    """The contract of the project with every feature of endpoints.yaml."""
    return made.full()
