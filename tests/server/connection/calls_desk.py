"""Processes of each kind that do what a test tells them, the plans that bind them to endpoints, and their calls."""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jackfield import Connection, Reject
from tests.groups.node import Line

__all__ = ["BIG", "CODE", "LIMITED", "PLANS", "Call", "Client", "Desk", "Frame", "Hand", "Id", "Plan"]

BIG = 70_000
"""Bytes of some frames: with one of them the client is behind, with two it is too slow."""

LIMITED = 2
"""Messages a second that the endpoint `limited` takes."""

CODE = """
from collections.abc import AsyncIterator, Iterator
from typing import Any
from jackfield import Connection, process

DESK: list[Any] = []
LABEL = [0]

@process(reply="v")
def plain(n: int) -> int:
    with DESK[0].at_work(LABEL[0], n):
        return n

@process(reply="v")
async def call(n: int, connection: Connection) -> str | int:
    with DESK[0].at_work(LABEL[0], n):
        await DESK[0].step(n, connection)
        return DESK[0].last(n)

@process(reply="v")
async def stream(n: int, connection: Connection) -> AsyncIterator[str | int]:
    with DESK[0].at_work(LABEL[0], n):
        while await DESK[0].step(n, connection):
            yield DESK[0].last(n)

@process(reply="v")
def count(n: int, times: int) -> Iterator[str]:
    with DESK[0].at_work(LABEL[0], n):
        for _ in range(times):
            yield DESK[0].big

@process(reply="v", blocking=True)
def block(n: int) -> int:
    with DESK[0].at_work(LABEL[0], n):
        return n

@process(reply="v", blocking=True)
def steps(n: int, times: int) -> Iterator[int]:
    with DESK[0].at_work(LABEL[0], n):
        yield from range(times)
"""


@dataclass
class Answer:
    """What a client answers."""

    v: int


Frame = dict[str, Any]
Id = str | int | None


class Hand(ThreadPoolExecutor):
    """Threads in the test's hand: what is submitted runs when the test says so."""

    def __init__(self) -> None:
        super().__init__(1)
        self.jobs: list[tuple[Future[Any], Callable[[], Any], Connection]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        task: Any = asyncio.current_task()
        connection = task.get_coro().cr_frame.f_locals["host"].connection  # two that come at once have no order
        self.jobs.append((future, lambda: fn(*args, **kwargs), connection))
        return future

    @property
    def waiting(self) -> int:
        """Jobs that were not cancelled."""
        self.jobs = [job for job in self.jobs if not job[0].cancelled()]
        return len(self.jobs)

    def whose(self, place: int) -> tuple[Connection, int]:
        """Of which connection a job is, and the how manieth."""
        connection = self.jobs[place][2]
        return connection, sum(job[2] is connection for job in self.jobs[:place])

    def run(self, place: int) -> None:
        """Carry out one of those."""
        future, act, _ = self.jobs.pop(place)
        assert future.set_running_or_notify_cancel()
        try:
            future.set_result(act())
        except BaseException as exc:  # noqa: BLE001 - as an executor does
            future.set_exception(exc)


class Desk:
    """Where processes ask what to do, and say what becomes of them."""

    big = "x" * BIG

    def __init__(self) -> None:
        self.gates: dict[int, asyncio.Future[tuple[str, Any]]] = {}
        self.said: dict[int, str | int] = {}
        self.stubborn: set[int] = set()
        self.log: list[tuple[Any, ...]] = []

    @contextmanager
    def at_work(self, label: int, n: int) -> Iterator[None]:
        """A call from its first step to its last."""
        self.log.append((n, "begins", label))
        how = ""
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            how = "cut"
            raise
        except BaseException as exc:
            how = type(exc).__name__
            raise
        finally:
            self.log.append((n, "ends", how))

    def last(self, n: int) -> str | int:
        """What the call is to give."""
        return self.said.pop(n)

    async def step(self, n: int, connection: Connection) -> bool:
        """Do what the test says, until the process has something to give; True: and goes on."""
        while True:
            gate = self.gates[n] = asyncio.get_running_loop().create_future()
            try:
                what, value = await gate
            except asyncio.CancelledError:
                if n not in self.stubborn:
                    raise
                what, value = "return", n
            finally:
                del self.gates[n]
            if what in ("return", "yield"):
                self.said[n] = value
                return bool(what == "yield")
            await self._do(n, what, value, connection)

    async def _do(self, n: int, what: str, value: Any, connection: Connection) -> None:
        if what == "swallow":
            self.stubborn.add(n)
        elif what == "fail":
            raise ZeroDivisionError
        elif what == "reject":
            raise Reject("own", "нет 🙂")
        elif what == "send":
            connection.send({"event": "e", "v": value})
        elif what == "close":
            connection.close(4001, "пока")
        else:
            try:
                if what == "next":
                    found: Any = (await connection.next(within=value))["n"]
                else:
                    found = (await connection.request({"event": "q"}, answer=Answer, within=value)).v
            except (TimeoutError, RuntimeError) as exc:
                found = type(exc).__name__
            self.log.append((n, what, found))


@dataclass(frozen=True)
class Plan:
    """What is live: the endpoints with their concurrency; `time` is their limit in seconds."""

    label: int
    time: float
    endpoints: dict[str, int]

    @property
    def text(self) -> str:
        """endpoints.yaml."""
        limits = f"queue: 100000B, rate: off, per_user: 1000, time: {int(self.time * 1000)}ms"
        lines = [f"defaults: {{auth: optional, limits: {{{limits}}}}}", "endpoints:"]
        for name, concurrency in self.endpoints.items():
            what: Frame = {"process": f"p.{name}"}
            bounds: Frame = {"concurrency": concurrency}
            if name == "desk":
                what = {"actions": {one: f"p.{one}" for one in ("plain", "call", "stream")}}
            elif name == "limited":
                what, bounds["rate"] = {"process": "p.call"}, f"{LIMITED}/s"
            lines.append(f"  {name}: {json.dumps({'url': f'/ws/{name}', **what, 'limits': bounds})}")
        return "\n".join(lines) + "\n"


PLANS = (
    Plan(0, 2.5, {"plain": 1, "call": 1, "stream": 1, "count": 1, "block": 1, "steps": 1, "desk": 1, "limited": 1}),
    Plan(1, 6.5, {"plain": 2, "call": 2, "stream": 3, "count": 2, "block": 4, "steps": 3, "desk": 2, "limited": 2}),
    Plan(2, 2.5, {"call": 1, "stream": 2, "desk": 1}),
)


@dataclass(eq=False)
class Call:
    """A message and what becomes of it. `phase` is what it waits for."""

    client: Client
    n: int
    kind: str  # a process, or answered, wrong, aside, binary
    action: str = ""  # the process that is meant
    id: Id = None
    times: int = 0
    frame: Frame = field(default_factory=dict)
    phase: str = "waits"
    label: int = -1
    limit: float = math.inf
    due: float = math.inf  # when its time is over, in this phase
    left: float = 0.0  # of its time, while that stands still
    since: float = 0.0
    place: int = 0
    began_as: int = 0
    began: bool = False
    given: int = 0
    number: int = 0
    stubborn: bool = False
    taken_back: bool = False
    came_to_end: bool = False


@dataclass(eq=False)
class Client:
    """One client, and what is due to it."""

    line: Line
    connection: Connection
    endpoint: str
    concurrency: int
    due: list[Frame] = field(default_factory=list)
    inbox: deque[Call] = field(default_factory=deque)
    running: list[Call] = field(default_factory=list)
    requests: dict[int, Call] = field(default_factory=dict)
    last_request: int = 0
    slow: bool = False
    pending: int = 0  # frames that a slow one has not taken
    bigs: int = 0  # large ones among them
    behind: bool = False
    is_mixed: bool = False  # several calls were at work since the last look
    draining: bool = False
    drain_since: float = math.inf
    is_over: bool = False
    lost: bool = False
    code: int = 0
    rate_due: float = 0.0
