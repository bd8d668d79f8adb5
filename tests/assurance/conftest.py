"""What the tests of the rows stand on: a gateway over a real store, and a real server with real clients."""

from __future__ import annotations

from tests.server.conftest import begin, build_table, built, clock, door, empty_store, open_door
from tests.walk.conftest import start
from tests.walk.spa import devtools, here, visitor

__all__ = [
    "begin",
    "build_table",
    "built",
    "clock",
    "devtools",
    "door",
    "empty_store",
    "here",
    "open_door",
    "start",
    "visitor",
]
