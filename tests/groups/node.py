"""A whole node without a network: real gateway, connections and groups, on a loop whose time and turns a test moves."""

from __future__ import annotations

import asyncio
import json
from asyncio import _set_running_loop
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from jackfield.auth.store.tables import Change
from jackfield.identity import Identity
from jackfield.process.groups import Groups
from jackfield.routing.table import RoutingTable
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.deadlines import Deadlines
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.gateway import Gateway
from jackfield.server.handshake import revocation
from jackfield.server.handshake.callers import Callers
from jackfield.server.live import Live
from jackfield.server.options import Options
from jackfield.server.outboxes import Outboxes
from jackfield.server.request import Caller, Request
from jackfield.server.wire.transport import EXTENSION
from tests.server.served import FakeTransport, generation

__all__ = ["THREADS", "Line", "Loop", "Node"]

THREADS = 2
"""Calls of blocking processes that run at once."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Loop(asyncio.SelectorEventLoop):
    """A loop that does nothing by itself. Of two timers that are due at once the older one is first."""

    def __init__(self) -> None:
        self._is_inside = False
        super().__init__()
        self.now = 1_000.0
        self._timers = 0
        self.faults: list[dict[str, Any]] = []  # what failed in a step of its own
        self.set_exception_handler(lambda _loop, fault: self.faults.append(fault))

    def time(self) -> float:
        return self.now

    def is_running(self) -> bool:
        """Also while a test does what happens in a step; without that no task would begin at once."""
        return self._is_inside or super().is_running()

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._timers += 1
        return super().call_at(when + self._timers * 1e-6, callback, *args, context=context)

    def turn(self, times: int = 1) -> None:
        """Carry out what is due now; what that leaves for later waits for the next turn."""
        for _ in range(times):
            self.call_soon(self.stop)
            self.run_forever()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What is done inside is done in one step."""
        _set_running_loop(self)
        self._is_inside = True
        try:
            yield
        finally:
            self._is_inside = False
            _set_running_loop(None)


class Line(FakeTransport):
    """One client's end: it has its 101 when the test says so, and reads when the test says so."""

    def __init__(self, task: asyncio.Task[None] | None = None) -> None:
        super().__init__()
        self.task = task
        self.gate: asyncio.Future[bool] | None = None
        self.accepted = False
        self.has_left = False
        self.status = 0
        self.code = ""
        self.receiver: Conversation | None = None
        self.seen = 0
        self.number = 0  # bytes that always wait for a slow one, so that none is as full as another
        self.dropped = 0  # bytes that waited as it was closed

    def tune(self, _limits: object) -> None:
        pass

    def attach(self, receiver: Conversation) -> None:
        self.receiver = receiver

    post_limit = 0

    def post(self, text: bytes) -> None:
        assert self.receiver is not None, "the members of a group have their 101"
        self.receiver.hear(text)

    def write(self, text: bytes) -> int:
        assert self.accepted, "nothing is written before the 101"
        return super().write(text)

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        super().close(code, reason, at_once=at_once)
        if at_once:
            self.dropped, self.pending = self.dropped or self.pending, 0

    def slow(self) -> None:
        """Read nothing from here on."""
        self._fast = False
        self.pending = self.pending or self.number

    def take(self) -> None:
        super().take()
        self.pending = 0 if self._fast else self.number

    @property
    def is_answered(self) -> bool:
        """Whether the request has its answer."""
        return self.task is not None and self.task.done()

    def came(self) -> list[dict[str, Any]]:
        """What was written since the last look."""
        found = self.frames[self.seen :]
        self.seen = len(self.frames)
        return found


class _Known(Callers):
    """Callers whose login is the value of a header, with the roles that the test gave it."""

    users: dict[str, frozenset[str]]

    async def identify(self, request: Request, *, asks: bool = True, own: bool = False) -> Caller:
        login = b"".join(value for name, value in request.headers if name == b"x-login").decode()
        return Identity(login, self.users[login], "s1") if login and asks else None


@dataclass
class Node:
    """A gateway on such a loop. `outbox` bounds what waits for all clients, in bytes."""

    table: RoutingTable
    users: dict[str, frozenset[str]]
    outbox: int
    loop: Loop = field(default_factory=Loop)
    entries: int = 0
    pool: ThreadPoolExecutor | None = None

    def __post_init__(self) -> None:
        clock = self.loop.time
        self.dispatcher = Dispatcher(threads=THREADS, pool=self.pool, clock=clock, deadlines=Deadlines(clock))
        with self.loop.inside():
            live = Live(Options(), None, generation(1, self.table), lag_clock=self.loop.time, clock=self.loop.time)
            live.outboxes = Outboxes(self.outbox, self.loop.time)
            callers = _Known(live, None, folder=Path())
            callers.users = self.users
            self.gateway = Gateway(live, callers, self.dispatcher)
        self.live = live
        self.seats: list[Any] = []  # taken since the test has looked
        seat = live.hub.seat

        def take_seat(member: Any) -> None:
            self.seats.append(member)
            seat(member)

        live.hub.seat = take_seat  # type: ignore[method-assign]  # to count whoever is seated

    @property
    def groups(self) -> Groups:
        """What processes are given."""
        found = self.dispatcher.groups
        assert found is not None
        return found

    def now(self, act: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives that does not wait, in one step."""
        with self.loop.inside():
            try:
                act.send(None)
            except StopIteration as ended:
                found: T = ended.value
                return found
        raise AssertionError("it waits")

    def enter(self, path: str, login: str, *, held: bool) -> Line:
        """Ask for an upgrade; what came of it, or with `held` the line whose 101 waits for `answer`."""
        line = self.ask(path, login, held=held)
        self.until(lambda: line.gate is not None or line.is_answered)
        return line

    def ask(self, path: str, login: str, *, held: bool, address: str = "127.0.0.1") -> Line:
        """Ask for an upgrade, which may take its time."""
        line = Line()
        line.number = self.entries = self.entries + 1
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:8000"), (b"x-login", login.encode())],
            "client": (address, 5000),
            "extensions": {"websocket.http.response": {}, EXTENSION: line},
        }

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.accept":
                if held:
                    line.gate = asyncio.get_running_loop().create_future()
                    line.has_left = not await line.gate
                if line.has_left:
                    raise OSError("the client has left")
                line.accepted = True
            elif message["type"] == "websocket.http.response.start":
                line.status = message["status"]
            else:
                line.code = json.loads(message["body"])["code"]

        line.task = self.loop.create_task(self.gateway(scope, receive, send))  # type: ignore[arg-type]  # as an ASGI server
        return line

    def answer(self, line: Line, *, there: bool) -> None:
        """Let the 101 of a held line go out, to a client that is still there or not."""
        assert line.gate is not None
        assert line.task is not None
        line.gate.set_result(there)
        self.until(line.task.done)

    def until(self, condition: Callable[[], object]) -> None:
        """Turn until something is so, and some turns at most."""
        for _ in range(20):
            if condition():
                return
            self.loop.turn()
        raise AssertionError("it never came")

    def say(self, line: Line, message: dict[str, Any]) -> None:
        """A client's message, carried out until it is answered or the client is closed."""
        receiver, before = line.receiver, len(line.frames)
        assert receiver is not None
        with self.loop.inside():
            frame = receiver.received(json.dumps(message, ensure_ascii=False).encode())
            if frame is not None:
                receiver.write(frame)
        self.until(lambda: line.closed or any(one.get("$id") == message["$id"] for one in line.frames[before:]))

    def lose(self, line: Line) -> None:
        """The client's end is gone."""
        assert line.receiver is not None
        with self.loop.inside():
            line.receiver.lost(line.closed[0] if line.closed else 1001)

    def publish(self, table: RoutingTable) -> None:
        """Another table is live, as the publisher makes it so."""
        with self.loop.inside():
            found = revocation.verdicts(self.live, table)
            before = self.gateway.install(generation(self.live.generation.number + 1, table))
            revocation.adapt(self.live, found, before.table)

    def change(self, change: Change) -> None:
        """The store says that a user changed."""
        with self.loop.inside():
            revocation.session_changed(self.live, change)

    def close(self) -> None:
        """End all."""
        self.dispatcher.close()
        self.loop.close()
