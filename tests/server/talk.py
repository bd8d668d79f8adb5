"""A conversation with the network in the test's hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jackfield.config.plan import Limits
from jackfield.identity import Identity
from jackfield.process.connection import Connection
from jackfield.process.resources import Opened
from jackfield.routing.table import RoutingTable
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.rate import TokenBuckets
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.metrics import Meter
from jackfield.server.options import Options
from jackfield.server.request import Standing

from .served import LIMIT, until

CODE = """
GATES: dict[str, asyncio.Event] = {}
SEEN: list[str] = []

@process(reply="message")
def echo(message: str, caller: Connection) -> str:
    SEEN.append(message)
    if message == "send":
        caller.send({"event": "before", "from": caller.identity.login})
    if message == "close":
        caller.close(4001, "пока")
    if message == "twice":
        caller.close(4001, "one")
        caller.close(4002, "two")
    return message

@process(reply="message")
async def wait(message: str) -> str:
    SEEN.append(message)
    await GATES.setdefault(message, asyncio.Event()).wait()
    return message

@process(reply="message")
async def selfish(message: str) -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    return message

@process
async def stream(n: int, caller: Connection):
    try:
        for i in range(n):
            yield i
            if i == 2 and n == 1_000:
                caller.close()
        await GATES.setdefault("stream", asyncio.Event()).wait()
    finally:
        SEEN.append("ended")

@process
async def stubborn():
    while True:
        try:
            SEEN.append("step")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            SEEN.append("cancelled")
        yield None

@process
async def large(kilobytes: int) -> str:
    return "x" * (kilobytes * 1024)

@process
def heavy(kilobytes: int) -> str:
    return "x" * (kilobytes * 1024)
"""
ENDPOINTS = "".join(
    f"  {name}: {{url: /ws/{name}, process: p.{name}}}\n"
    for name in ("echo", "wait", "selfish", "stream", "stubborn", "large", "heavy")
)


class FakeTransport:
    """A network driven by hand: what is written stays in `pending` until `take`, unless it is fast."""

    def __init__(self, *, fast: bool = True) -> None:
        self.pending = 0
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str, bool] | None = None
        self.reading = True
        self.pauses = 0
        self.held = 0
        self._fast = fast
        self._taken = asyncio.Event()
        self.changed = asyncio.Event()
        self.on_resume: Callable[[], None] = lambda: None

    def write(self, text: bytes) -> int:
        if self.closed is None:
            self.frames.append(json.loads(text))
            self.pending += 0 if self._fast else len(text)
            self.changed.set()
        return self.pending

    def hold(self) -> None:
        self.held += 1

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
        self.on_resume()

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


@dataclass
class Talk:
    """A conversation with the network in the test's hand."""

    network: FakeTransport
    one: Conversation
    live: Live
    buckets: TokenBuckets
    seen: list[str]
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)

    def say(self, *messages: object) -> None:
        for message in messages:
            text = message if isinstance(message, str) else json.dumps(message)
            frame = self.one.received(text.encode())
            if frame is not None:
                self.one.write(frame)

    def text(self, *messages: str) -> None:
        self.say(*({"message": message} for message in messages))

    @property
    def connection(self) -> Connection:
        return self.one.connection

    async def frames(self, number: int) -> list[dict[str, Any]]:
        await self.network.until(lambda: len(self.network.frames) >= number)
        return self.network.frames

    async def seeing(self, *messages: str) -> None:
        """Wait until the process has begun these."""
        await until(lambda: self.seen[: len(messages)] == list(messages))

    async def finished(self) -> None:
        async with asyncio.timeout(LIMIT):
            await self.one.finished()


Begin = Callable[..., Talk]


def opened(number: int, table: RoutingTable) -> Generation:
    """A generation without resources."""
    return Generation(number, table, Opened())


def talk_on(
    table: RoutingTable,
    endpoint: str,
    dispatcher: Dispatcher,
    clock: Callable[[], float],
    *,
    fast: bool,
    limits: Limits,
    like: Talk | None = None,
) -> Talk:
    """Begin a conversation on an endpoint of CODE, on the same node as `like`."""
    names = table.routes["echo"].process.function.__globals__
    network = FakeTransport(fast=fast)
    live = like.live if like else Live(Options(), None, opened(1, table), lag_clock=clock)
    buckets = like.buckets if like else TokenBuckets(live.lag)
    standing = Standing(endpoint, {}, (), "http://127.0.0.1")
    meter = Meter()
    one = Conversation(network, live, dispatcher, buckets, standing, meter, limits=limits, clock=clock)
    one.begin(Connection(one, id="c1", endpoint=endpoint, identity=Identity("аня"), params={}, query={}), limits)
    return Talk(network, one, live, buckets, names["SEEN"], names["GATES"], meter)


def replies(*messages: str) -> list[dict[str, Any]]:
    return [{"message": message} for message in messages]
