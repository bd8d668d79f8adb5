"""The project that the client for tests is tried on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.projects import write

from .desk import CODE, ENDPOINTS, nothing_left


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """The project of desk.py; whatever a test does with it, nothing is left."""
    with nothing_left(write(tmp_path, ENDPOINTS, desk=CODE)):
        yield tmp_path
