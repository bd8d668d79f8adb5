"""A gateway with a real store, called as an ASGI server would call it, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.server.gateway import Gateway

LIMIT = 30.0
"""Seconds after which a test that waits has failed."""

COOKIE = "gen_app_auth_token"
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
        number = len(self.sent)
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
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
