"""Fixtures for pytest: `pytest_plugins = ["jackfield.testing.plugin"]` in the conftest.py at the root of the tests.

It is not an entry point of pytest on purpose: that would load the server in every run of pytest on the machine, also in
those of projects that have nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from jackfield.testing.client import Client

__all__ = ["jackfield_client", "jackfield_folder"]


@pytest.fixture
def jackfield_folder(request: pytest.FixtureRequest) -> Path:
    """The project's folder: the nearest with endpoints.yaml from the test's file upwards.

    A fixture of this name in a conftest.py of the tests says otherwise.
    """
    start = request.path.parent
    for folder in (start, *start.parents):
        if (folder / "endpoints.yaml").is_file():
            return folder
    pytest.fail(
        f"there is no endpoints.yaml in {start} or a folder above it; "
        "write a fixture jackfield_folder that gives the project's folder"
    )


@pytest.fixture
def jackfield_client(jackfield_folder: Path) -> Callable[..., Client]:
    """Makes clients of the project: `async with jackfield_client("room", login="anna") as c`. Takes what Client takes.

    It is not a coroutine, so pytest-asyncio and anyio both run it.
    """
    return partial(Client, jackfield_folder)
