"""What the tests of the rows stand on: a gateway over a real store, and a real server with real clients."""

from __future__ import annotations

from tests.server.conftest import begin, build_table, built, clock, empty_store, open_served, served
from tests.walk.conftest import start
from tests.walk.spa import devtools, here, visitor

__all__ = [
    "begin",
    "build_table",
    "built",
    "clock",
    "devtools",
    "empty_store",
    "here",
    "open_served",
    "served",
    "start",
    "visitor",
]
