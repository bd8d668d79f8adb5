"""A gateway with a real store, called as an ASGI server would call it, and one conversation: both without a network."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.config.plan import Limits
from jackfield.identity import Identity
from jackfield.process.connection import Connection
from jackfield.process.resources import Opened
from jackfield.routing.table import RoutingTable
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.rate import TokenBuckets
from jackfield.server.gateway import Gateway
from jackfield.server.generation import Generation
from jackfield.server.live import Live
from jackfield.server.observe.metrics import Meter
from jackfield.server.options import Options
from jackfield.server.request import Standing

LIMIT = 30.0
"""Seconds after which a test that waits has failed."""

COOKIE = "gen_app_auth_token"
PASSWORD = "пароль с пробелами 🔑"
Headers = list[tuple[str, str]]


async def until(condition: Callable[[], object]) -> None:
    """Wait for what sets no event that a test could wait on."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0)


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    fields: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of a header, in their order."""
        return [value for one, value in self.fields if one == name]

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class Caller:
    """One upgrade and what follows it."""

    task: asyncio.Task[None]
    incoming: asyncio.Queue[dict[str, Any]]
    sent: list[MutableMapping[str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, number: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.sent) < number:
                assert not self.task.done(), (self.sent, self.task)
                self.changed.clear()
                await asyncio.wait(
                    [self.task, waiting := asyncio.create_task(self.changed.wait())],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                waiting.cancel()

    async def accepted(self) -> str | None:
        """Wait for the accept; the sub-protocol."""
        await self.until(1)
        assert self.sent[0]["type"] == "websocket.accept", self.sent
        chosen: str | None = self.sent[0]["subprotocol"]
        return chosen

    async def ask(self, message: object) -> dict[str, Any]:
        return await self.ask_text(json.dumps(message))

    async def ask_text(self, text: str) -> dict[str, Any]:
        number = len(self.sent)
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        await self.until(number + 1)
        found = json.loads(self.sent[number]["text"])
        assert isinstance(found, dict)
        return found

    async def closed(self) -> tuple[int, str]:
        """Wait for our close frame and answer it."""
        await until(lambda: bool(self.sent) and self.sent[-1]["type"] == "websocket.close")
        await self.leave()
        return self.sent[-1]["code"], self.sent[-1]["reason"]

    async def leave(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(LIMIT):
            await self.task

    async def refused(self) -> Answer:
        """The HTTP answer that the upgrade got instead of a 101."""
        async with asyncio.timeout(LIMIT):
            await self.task
        start, body = self.sent
        assert start["type"] == "websocket.http.response.start"
        return _answer(start, body["body"])


@dataclass
class Served:
    """A gateway and what stands behind it."""

    gateway: Gateway
    store: Store
    sessions: Sessions
    passwords: Passwords
    host: str = "127.0.0.1:8000"

    async def add(self, login: str, *roles: str, password: str | None = None) -> None:
        hashed = await self.passwords.hash(password) if password else None
        await self.store.add(login, hashed, roles)

    async def cookie(self, login: str) -> Headers:
        """A new session of a user, as a header."""
        return [("cookie", f"{COOKIE}={(await self.sessions.open_for(login)).token}")]

    def scope(self, kind: str, target: str, headers: Headers) -> dict[str, Any]:
        path, _, query = target.partition("?")
        fields = headers if any(name == "host" for name, _ in headers) else [("host", self.host), *headers]
        return {
            "type": kind,
            "scheme": "ws" if kind == "websocket" else "http",
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields],
            "client": ("10.1.2.3", 5000),
            "extensions": {"websocket.http.response": {}} if kind == "websocket" else {},
        }

    async def http(
        self,
        method: str,
        target: str,
        headers: Headers | None = None,
        body: bytes | object = b"",
        *,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
        **more: Any,
    ) -> Answer:
        """One plain request; a body that is no bytes is sent as JSON. `meanwhile` happens before the body comes."""
        fields = list(headers or [])
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.append(("content-type", "application/json"))
        parts = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if meanwhile is not None and parts:
                await meanwhile()
            return parts.pop() if parts else {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {**self.scope("http", target, fields), "method": method, "http_version": "1.1", **more}
        async with asyncio.timeout(LIMIT):
            await self.gateway(scope, receive, send)
        return _answer(sent[0], b"".join(message.get("body", b"") for message in sent[1:]))

    def call(self, target: str, headers: Headers | None = None, **more: Any) -> Caller:
        """One upgrade request."""
        incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        incoming.put_nowait({"type": "websocket.connect"})
        scope = {**self.scope("websocket", target, headers or []), **more}

        async def send(message: MutableMapping[str, Any]) -> None:
            caller.sent.append(message)
            caller.changed.set()

        caller = Caller(asyncio.create_task(self.gateway(scope, incoming.get, send)), incoming)
        return caller


async def log_in(
    served: Served, login: str = "аня", password: str = PASSWORD, *headers: tuple[str, str], **more: Any
) -> Answer:
    """What a login is answered."""
    given = {"login": login, "password": password}
    return await served.http("POST", "/auth/login", list(headers), given, **more)


def cookie_of(answer: Answer) -> Headers:
    """The cookie that an answer sets, as the header that carries it."""
    return [("cookie", answer.headers["set-cookie"].partition(";")[0])]


def _answer(start: MutableMapping[str, Any], body: bytes) -> Answer:
    fields = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return Answer(start["status"], dict(fields), body, fields)


SERVED = """
  say:
    url: /ws/say
    process: p.echo
    summary: "Повторяет"
    examples: [{name: one, steps: [{send: {message: "Привет"}}]}]
  public: {url: /ws/public, process: p.echo, auth: public}
  optional: {url: /ws/optional, process: p.who, auth: optional}
  desk: {url: /ws/desk, process: p.echo, auth: {roles: [support]}}
  room: {url: "/ws/rooms/{room}", process: p.room}
  small: {url: /ws/small, process: p.echo, limits: {per_user: 1}}
  wait: {url: /ws/wait, process: p.wait}
"""
SERVED_CODE = """
GATE: list[asyncio.Event] = []

@process(reply="message")
def echo(message: str) -> str:
    return message

@process
def who(caller: Connection) -> dict[str, Any]:
    return {"login": caller.identity.login, "known": bool(caller.identity), "query": caller.query}

@process
def room(room: int) -> int:
    return room

@process(reply="message")
async def wait(message: str) -> str:
    GATE.append(asyncio.Event())
    await GATE[-1].wait()
    return message
"""
CODE = """
import dataclasses
import threading

THREADS = threading.Semaphore(0)

@dataclasses.dataclass
class Answer:
    text: str

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
async def wait_and_yield(message: str):
    yield await wait(message)

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

@process(reply="message", blocking=True)
def blocked(message: str) -> str:
    SEEN.append(message)
    THREADS.acquire()
    return message

@process(reply="message")
async def dialogue(message: str, caller: Connection, within: float = 5) -> str:
    SEEN.append(message)
    if message == "ask":
        answer = await caller.request({"event": "how"}, answer=Answer, within=within)
        return f"{answer.text}"
    try:
        found = await caller.next(within=within)
    except TimeoutError:
        return "late"
    except ConnectionError:
        SEEN.append("gone")
        raise
    return message + found["message"]

@process
async def large(kilobytes: int) -> str:
    return "x" * (kilobytes * 1024)

@process
def heavy(kilobytes: int) -> str:
    return "x" * (kilobytes * 1024)
"""
ENDPOINTS = "".join(
    f"  {name}: {{url: /ws/{name}, process: p.{name}}}\n"
    for name in (
        "echo",
        "wait",
        "wait_and_yield",
        "selfish",
        "stream",
        "stubborn",
        "blocked",
        "dialogue",
        "large",
        "heavy",
    )
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
    threads: threading.Semaphore = field(default_factory=threading.Semaphore)
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


def generation(number: int, table: RoutingTable) -> Generation:
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
    live = like.live if like else Live(Options(), None, generation(1, table), lag_clock=clock)
    buckets = like.buckets if like else TokenBuckets(live.lag)
    standing = Standing(endpoint, {}, (), "http://127.0.0.1")
    meter = Meter()
    one = Conversation(network, live, dispatcher, buckets, standing, meter, limits=limits, clock=clock)
    one.begin(Connection(one, id="c1", endpoint=endpoint, identity=Identity("аня"), params={}, query={}), limits)
    return Talk(
        network, one, live, buckets, names["SEEN"], names["GATES"], names.get("THREADS", threading.Semaphore()), meter
    )


def replies(*messages: str) -> list[dict[str, Any]]:
    return [{"message": message} for message in messages]
