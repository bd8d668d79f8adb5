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
from jackfield.server.connection.conversation import Conversation
from tests.groups.node import Line

__all__ = [
    "BIG",
    "CODE",
    "CONNECTIONS",
    "LIMITED",
    "MEANT",
    "PLANS",
    "TASKS",
    "Call",
    "Client",
    "Desk",
    "Frame",
    "Hand",
    "Id",
    "Plan",
    "error",
    "gives",
    "reply",
]

BIG = 70_000
"""Bytes of some frames: with one of them the client is behind, with two it is too slow."""

LIMITED = 2
"""Messages a second that the endpoint `limited` takes."""

CONNECTIONS = 3
"""Connections that an endpoint with hooks takes, with those whose end is to be told."""

TASKS = 1_000_000
"""From here on tasks that processes begin are numbered in the log."""

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

@process(reply="v")
async def enter(who: int, connection: Connection) -> str | int:
    with DESK[0].at_work(LABEL[0], -2 * who):
        await DESK[0].step(-2 * who, connection)
        return DESK[0].last(-2 * who)

@process
async def leave(who: int, code: int, connection: Connection) -> None:
    with DESK[0].at_work(LABEL[0], -2 * who - 1, code):
        await DESK[0].step(-2 * who - 1, connection)

@process(reply="v")
def enter_at_once(who: int) -> int:
    with DESK[0].at_work(LABEL[0], -2 * who):
        return DESK[0].gives(who)

@process
def leave_at_once(who: int, code: int) -> None:
    with DESK[0].at_work(LABEL[0], -2 * who - 1, code):
        DESK[0].gives(who)

@process(reply="v", blocking=True)
def enter_in_thread(who: int) -> int:
    with DESK[0].at_work(LABEL[0], -2 * who):
        return DESK[0].gives(who)

@process(blocking=True)
def leave_in_thread(who: int, code: int) -> None:
    with DESK[0].at_work(LABEL[0], -2 * who - 1, code):
        DESK[0].gives(who)
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
        names = task.get_coro().cr_frame.f_locals  # two that come at once have no order
        connection = names["host"].connection if "host" in names else names["made"].args[2]
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


def gives(who: int) -> int:
    """What a hook gives that nobody tells what to do."""
    if who % 4 == 3:
        raise Reject("own", "нет 🙂")
    if who % 7 == 6:
        raise ZeroDivisionError
    return who


class Desk:
    """Where processes ask what to do, and say what becomes of them."""

    big = "x" * BIG

    def __init__(self) -> None:
        self.gates: dict[int, asyncio.Future[tuple[str, Any]]] = {}
        self.said: dict[int, str | int] = {}
        self.stubborn: set[int] = set()
        self.log: list[tuple[Any, ...]] = []
        self.starts = 0
        self.gives = gives

    @contextmanager
    def at_work(self, label: int, n: int, *told: int) -> Iterator[None]:
        """A call from its first step to its last."""
        self.log.append((n, "begins", label, *told))
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
        elif what == "start":
            self.starts += 1
            connection.start(self._go_on(TASKS + self.starts))
        else:
            try:
                if what == "next":
                    found: Any = (await connection.next(within=value))["n"]
                else:
                    found = (await connection.request({"event": "q"}, answer=Answer, within=value)).v
            except (TimeoutError, RuntimeError) as exc:
                found = type(exc).__name__
            self.log.append((n, what, found))

    async def _go_on(self, n: int) -> None:
        with self.at_work(0, n):
            await asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class Plan:
    """What is live: the endpoints with their concurrency; `time` is their limit in seconds."""

    label: int
    time: float
    endpoints: dict[str, int]
    hooks: dict[str, tuple[str, str]]  # what is called at the begin and at the end of a connection

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
            elif name in self.hooks:
                what, bounds["connections"] = {"process": f"p.{MEANT[name]}"}, CONNECTIONS
                named = zip(("on_connect", "on_disconnect"), self.hooks[name], strict=True)
                what |= {key: f"p.{hook}" for key, hook in named if hook}
            what["url"] = f"/ws/{name}/{{who}}" if name in MEANT and name != "limited" else f"/ws/{name}"
            lines.append(f"  {name}: {json.dumps({**what, 'limits': bounds})}")
        return "\n".join(lines) + "\n"


MEANT = {"limited": "call", "hooked": "call", "blocked": "plain", "left": "plain"}
"""The process of an endpoint that is not named by it."""

_HOOKED = {"hooked": 2, "blocked": 1, "left": 1}

PLANS = (
    Plan(
        0,
        2.5,
        {"plain": 1, "call": 1, "stream": 1, "count": 1, "block": 1, "steps": 1, "desk": 1, "limited": 1, **_HOOKED},
        {"hooked": ("enter", "leave"), "blocked": ("enter_in_thread", "leave_in_thread"), "left": ("", "leave")},
    ),
    Plan(
        1,
        6.5,
        {"plain": 2, "call": 2, "stream": 3, "count": 2, "block": 4, "steps": 3, "desk": 2, "limited": 2, **_HOOKED},
        {"hooked": ("enter_at_once", "leave"), "blocked": ("enter", "leave_in_thread"), "left": ("", "leave_at_once")},
    ),
    Plan(
        2,
        2.5,
        {"call": 1, "stream": 2, "desk": 1, "blocked": 1, "left": 1},
        {"blocked": ("enter_in_thread", ""), "left": ("enter", "leave")},
    ),
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
    act: Callable[[], None] = lambda: None  # what it waits to do
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
    conversation: Conversation
    endpoint: str
    concurrency: int
    who: int = 0
    address: str = ""
    is_held: bool = False  # whether its 101 waits for the test
    stage: str = "open"  # or turn, hook, held, refused
    until: float = math.inf  # when it is refused
    status: str = ""
    is_seated: bool = True
    is_owed: bool = False
    has_left: bool = False  # before its 101
    kept: int = -1  # the plan that says what is done at its end, where that is not live
    frames: list[Frame] = field(default_factory=list)  # that wait for the 101
    starts: list[int] = field(default_factory=list)
    closes: bool = False
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

    @property
    def connection(self) -> Connection:
        """What processes are given."""
        return self.conversation.connection


def reply(value: object, message_id: Id) -> Frame:
    """The frame of a reply."""
    return {"v": value} | ({} if message_id is None else {"$id": message_id})


def error(code: str, message_id: Id = None) -> Frame:
    """The frame of an error."""
    return {"error": code} | ({} if message_id is None else {"$id": message_id})
