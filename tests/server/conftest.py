"""Projects written inside the tests and built for real, and what stands in for the network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jackfield.identity import ANONYMOUS, Identity
from jackfield.process.connection import Connection
from jackfield.routing import Route, RoutingTable, build

LIMIT = 5.0
"""Seconds after which a test that waits has failed."""

HEADER = """
import asyncio, dataclasses, datetime, decimal, enum, threading, time, typing, uuid
from typing import Annotated, Any, Literal
import msgspec
from msgspec import Meta
from jackfield import Connection, Key, Reject, process
"""
ECHO = """
@process(reply="message")
def echo(message: str) -> str:
    return message
"""

Build = Callable[..., RoutingTable]


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Writer:
    """What the dispatcher wrote, decoded; `full` lets the next `room` wait."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    rooms: int = 0

    def write(self, text: bytes) -> None:
        frame = json.loads(text)
        assert isinstance(frame, dict)
        self.frames.append(frame)

    async def room(self) -> None:
        self.rooms += 1


class Nowhere:
    """An Outbox whose client has left."""

    def send_event(self, event: object) -> None:
        pass

    def close(self, code: int, reason: str) -> None:
        pass


class FakeTransport:
    """A network driven by hand: what is written stays in `pending` until `take`, unless it is fast."""

    def __init__(self, *, fast: bool = True) -> None:
        self.pending = 0
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str, bool] | None = None
        self.reading = True
        self.pauses = 0
        self._fast = fast
        self._taken = asyncio.Event()
        self.changed = asyncio.Event()

    def write(self, text: bytes) -> None:
        if self.closed is None:
            self.frames.append(json.loads(text))
            self.pending += 0 if self._fast else len(text)
            self.changed.set()

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        if self.closed is None:
            self.closed = (code, reason, at_once)
            self._taken.set()
            self.changed.set()

    def pause(self) -> None:
        self.reading = False
        self.pauses += 1

    def resume(self) -> None:
        self.reading = True
        self.changed.set()

    def take(self) -> None:
        """The client reads all that is there."""
        self.pending = 0
        self._taken.set()

    async def room(self, limit: int) -> None:
        while self.pending >= limit and self.closed is None:
            self._taken.clear()
            await self._taken.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the other side has brought `condition` about."""
        async with asyncio.timeout(LIMIT):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def build_table(tmp_path: Path) -> Iterator[Build]:
    """Build a table from the text of `endpoints:` and of processes/p.py; each call is one more generation."""
    made: list[RoutingTable] = []

    def make(endpoints: str, code: str = ECHO, *, head: str = "") -> RoutingTable:
        (tmp_path / "processes").mkdir(exist_ok=True)
        (tmp_path / "processes" / "p.py").write_text(HEADER + code, encoding="utf-8")
        (tmp_path / "endpoints.yaml").write_text(f"{head}\nendpoints:\n{endpoints}", encoding="utf-8")
        made.append(build(tmp_path, len(made) + 1))
        return made[-1]

    yield make
    for table in made:
        table.catalog.release()


@pytest.fixture
def route_of(build_table: Build) -> Callable[..., Route]:
    """The one route of a project whose processes/p.py has the function `say`."""

    def make(code: str, more: str = "", url: str = "/ws/say") -> Route:
        return build_table(f"  say:\n    url: {url}\n    process: p.say\n{more}", code).routes["say"]

    return make


def connection(identity: Identity = ANONYMOUS, params: Mapping[str, Any] | None = None) -> Connection:
    """A connection for processes that want one; what they send goes nowhere."""
    return Connection(Nowhere(), id="c1", endpoint="say", identity=identity, params=params or {}, query={})
