"""The wire, with little patience for clients that say nothing after our close."""

from __future__ import annotations

import pytest

from jackfield.server.wire import http1, patched


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what only waits for the end; what is to be read meanwhile is tested with all of it (test_linger.py)."""
    monkeypatch.setattr(patched, "_LAST_SECONDS", 0.1)
    monkeypatch.setattr(http1, "_LINGER", 0.1)
