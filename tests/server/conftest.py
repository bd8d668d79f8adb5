"""Projects written inside the tests and built for real, and what stands in for the network."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.config.plan import Limits
from jackfield.identity import ANONYMOUS, Identity
from jackfield.messages import Binary
from jackfield.process.connection import GONE, Connection
from jackfield.routing.build import build
from jackfield.routing.table import Route, RoutingTable
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.gateway import open_gateway
from jackfield.server.generation import Generation
from jackfield.server.observe.metrics import Meter
from jackfield.server.options import Options
from tests.clock import Clock as Clock
from tests.projects import write

from .served import CODE, ENDPOINTS, LIMIT, SERVED, SERVED_CODE, Begin, Served, Talk, talk_on

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
RouteOf = Callable[..., Route]
OpenServed = Callable[..., Awaitable[Served]]


@dataclass
class Writer:
    """What the dispatcher wrote, decoded; `full` lets the next `room` wait."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    rooms: int = 0
    streaming: bool = False
    way: Any = None
    message_id: Any = None
    cancelled: bool = False
    is_behind: bool = False

    def write(self, text: bytes) -> None:
        frame = json.loads(text)
        assert isinstance(frame, dict)
        self.frames.append(frame)

    async def room(self) -> None:
        self.rooms += 1


class Queued(Dispatcher):
    """Answers every message as one that waited in the inbox; where it need not wait, it is answered in place."""


@pytest.fixture(scope="module")
def built() -> Iterator[dict[tuple[str, str, str], RoutingTable]]:
    """Tables that the tests of a module share, by their texts: building one takes longer than most tests."""
    tables: dict[tuple[str, str, str], RoutingTable] = {}
    yield tables
    for table in tables.values():
        table.catalog.release()


_number = itertools.count(-1, -1)  # no generation of a node has such a one: its modules are reported from these


@pytest.fixture
def build_table(tmp_path: Path, built: dict[tuple[str, str, str], RoutingTable]) -> Iterator[Build]:
    """Build a table from the text of `endpoints:` and of processes/p.py; each call is one more generation.

    Where the code keeps nothing but lists and dicts that are empty at first, a later test of the module has the same
    table.
    """
    made: list[RoutingTable] = []
    own: list[RoutingTable] = []

    def make(endpoints: str, code: str = ECHO, *, head: str = "") -> RoutingTable:
        write(tmp_path, f"{head}\nendpoints:\n{endpoints}", p=HEADER + code)
        key = (endpoints, code, head)
        table = built.get(key)
        if table is None or table in made:
            table = build(tmp_path, next(_number))
            if key in built or not _begins_empty(code):
                own.append(table)
            else:
                built[key] = table
        made.append(table)
        if table not in own:
            for kept in _kept(table):
                kept.clear()
        return table

    yield make
    for table in own:
        table.catalog.release()


def _begins_empty(code: str) -> bool:
    """Whether all that a module keeps are lists and dicts without anything in them."""
    values = [node.value for node in ast.parse(code).body if isinstance(node, ast.Assign | ast.AnnAssign)]
    return all(value is not None and ast.unparse(value) in ("[]", "{}") for value in values)


def _kept(table: RoutingTable) -> Iterator[list[Any] | dict[str, Any]]:
    for route in table.routes.values():
        if not route.process.file.endswith(".py"):
            continue  # what a table is called by is of the package, and so are its globals
        for name, value in route.process.function.__globals__.items():
            if name.isupper() and isinstance(value, list | dict):
                yield value


@pytest.fixture
def route_of(build_table: Build) -> Callable[..., Route]:
    """The one route of a project whose processes/p.py has the function `say`."""

    def make(code: str, more: str = "", url: str = "/ws/say") -> Route:
        return build_table(f"  say:\n    url: {url}\n    process: p.say\n{more}", code).routes["say"]

    return make


def connection(identity: Identity = ANONYMOUS, params: Mapping[str, Any] | None = None) -> Connection:
    """A connection for processes that want one; what they send goes nowhere."""
    return Connection(GONE, id="c1", endpoint="say", identity=identity, params=params or {}, query={})


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store in which nobody is yet; to make its tables takes longer than to copy them."""
    path = tmp_path_factory.mktemp("store") / "store.db"

    async def make() -> None:
        await (await Store.open(f"sqlite+aiosqlite:///{path}", Clock())).close()

    asyncio.run(make())
    return path.read_bytes()


@pytest.fixture
async def open_served(
    build_table: Build, tmp_path: Path, clock: Clock, empty_store: bytes
) -> AsyncIterator[OpenServed]:
    """A gateway over a table built from text, with a real store; `Options` by name."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(
            endpoints: str, code: str = ECHO, *, head: str = "", lifetime: float = 3600.0, **options: Any
        ) -> Served:
            table = build_table(endpoints, code, head=head)
            file = tmp_path / "store.db"
            if not file.exists():
                file.write_bytes(empty_store)
            store = await Store.open(f"sqlite+aiosqlite:///{file}", clock)
            stack.push_async_callback(store.close)
            passwords = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
            stack.push_async_callback(passwords.close)
            tokens = Tokens([b"k" * 32], clock=clock)
            sessions = Sessions(store, tokens, passwords, lifetime=lifetime, idle=None, clock=clock)
            dispatcher = Dispatcher(threads=2)
            stack.callback(dispatcher.close)
            generation = await Generation.open(1, table)
            gateway = open_gateway(Options(**options), sessions, generation, dispatcher, clock=clock)
            return Served(gateway, store, sessions, passwords)

        yield make


@pytest.fixture
async def begin(build_table: Build, clock: Clock) -> AsyncIterator[Begin]:
    """Begin a conversation on an endpoint; nothing of it is left when the test ends."""
    before = asyncio.all_tasks()
    dispatcher = Dispatcher(threads=1, clock=clock)
    table: list[RoutingTable] = []
    talks: list[Talk] = []

    def make(endpoint: str, *, fast: bool = True, **limits: Any) -> Talk:
        if not table:
            table.append(build_table(ENDPOINTS, CODE))
        talks.append(talk_on(table[0], endpoint, dispatcher, clock, fast=fast, limits=Limits(**limits)))
        return talks[-1]

    yield make
    for talk in talks:
        talk.one.lost(1006)
        for gate in talk.gates.values():
            gate.set()
        await talk.finished()
    dispatcher.close()
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


@pytest.fixture(params=[Dispatcher, Queued], ids=["in place", "queued"])
def dispatcher(clock: Clock, request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    """Two threads, and a clock that stands still; both ways in which a message is answered."""
    made: Dispatcher = request.param(threads=2, clock=clock)
    yield made
    made.close()


async def ask(dispatcher: Dispatcher, route: Route, data: object, **params: Any) -> list[dict[str, Any]]:
    """All that is answered to one message; bytes stand for a binary one."""
    text = data if isinstance(data, str | bytes) else json.dumps(data, ensure_ascii=False)
    raw = text.encode() if isinstance(text, str) else None
    writer, caller = Writer(), connection(Identity("аня"), params)
    in_place = None if raw is None or isinstance(dispatcher, Queued) else dispatcher.in_place(route, {}, Meter())
    if in_place is not None and raw is not None:
        last = in_place(caller, raw, dispatcher.clock())
    else:
        task = asyncio.current_task()
        assert task is not None
        async with asyncio.timeout(LIMIT):
            last = await dispatcher.in_task(route, {}, Meter())(
                caller, raw if raw is not None else Binary(), task, writer
            )
    if last is not None:
        writer.write(last)
    return writer.frames


async def error(dispatcher: Dispatcher, route: Route, data: object) -> dict[str, Any]:
    """The one error that answers a message."""
    (frame,) = await ask(dispatcher, route, data)
    assert set(frame) <= {"error", "$id"}
    found: dict[str, Any] = frame["error"]
    return found


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    """A gateway with an endpoint of each kind, and two users."""
    made = await open_served(SERVED, SERVED_CODE)
    await made.add("аня", "support")
    await made.add("bob")
    return made
