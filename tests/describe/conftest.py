"""The projects that these tests load are let go, so that later tests find no module of theirs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _modules_are_let_go() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("jackfield_generation"):
            del sys.modules[name]
