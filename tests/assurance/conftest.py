"""What the tests of the rows stand on: a gateway over a real store, and a real server with real clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.auth.conftest import provider
from tests.server.conftest import begin, build_table, built, empty_store, open_served, served
from tests.server.sockets import Listening, listening
from tests.walk.conftest import Server, start
from tests.walk.spa import devtools, here, visitor

from .rough import app, begun

__all__ = [
    "begin",
    "build_table",
    "built",
    "devtools",
    "empty_store",
    "here",
    "open_served",
    "provider",
    "served",
    "start",
    "visitor",
]


@pytest.fixture
async def connect() -> AsyncIterator[Listening]:
    """Connections to an application that takes all, behind our wire."""
    async with listening(app) as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own."""
    yield from begun(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests of a file share."""
    yield from begun(tmp_path_factory.mktemp("shared"))
