"""The project that the client for tests is tried on, and what must be gone after each test."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jackfield.testing import Project

ENDPOINTS = """
auth: {verify: desk.who}
endpoints:
  say: {url: /ws/say, process: desk.say}
  staff: {url: /ws/staff, process: desk.say, auth: {roles: [support, lead]}}
  shown: {url: /ws/shown, process: desk.say, refusals: close, auth: {roles: [lead]}}
  page: {url: /ws/page, process: desk.say, auth: public, origin_required: true}
  room: {url: "/ws/комнаты/{room}/{number}", process: desk.room, auth: optional, limits: {connections: 1}}
  stream: {url: /ws/stream, process: desk.stream, auth: public}
  fill: {url: /ws/fill, process: desk.fill, auth: public}
  wait: {url: /ws/wait, process: desk.wait, auth: public, limits: {time: 60s}}
  slowly: {url: /ws/slowly, process: desk.slowly, auth: public, limits: {time: 60s}}
  query: {url: /ws/query, process: desk.query, auth: public}
  order: {url: /ws/order, process: desk.order, auth: public}
"""
CODE = """
import asyncio, threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from jackfield import Connection, Identity, Reject, Request, process, resource

OPENED: list[str] = []
GATE = asyncio.Event()
DOOR = threading.Event()

@resource
async def database() -> AsyncIterator[dict[str, Any]]:
    OPENED.append("opened")
    yield {"kind": "real", "seen": OPENED}
    OPENED.append("closed")

def who(credential: str, request: Request) -> Identity | None:
    return Identity("verified", frozenset({"support"})) if credential == "right" else None

@process(reply="message")
def say(message: str, caller: Connection) -> str | None:
    match message:
        case "ring": caller.send({"event": "ring", "login": caller.identity.login})
        case "forge": caller.send({"event": "ring", "$id": 7, "error": {"code": "busy"}})
        case "bye": caller.close(4000, "пока")
        case "no": raise Reject("not_today", "Not today.", wanted=message)
        case "break": raise KeyError("полка")
        case "lie": return 7
        case "exit": raise SystemExit(3)
        case "nothing": return None
    return message

@process
def room(
    room: str, number: int, add: int, db: Annotated[dict[str, Any], database], caller: Connection
) -> dict[str, Any]:
    db["total"] = db.get("total", 0) + add
    return {"room": room, "number": number, "kind": db["kind"], "total": db["total"], "login": caller.identity.login}

@process(reply="n")
def stream(to: int) -> Iterator[int]:
    yield from range(1, to + 1)

@process(reply="n")
async def fill(caller: Connection) -> AsyncIterator[str]:
    while True:
        caller.state["n"] = caller.state.get("n", 0) + 1
        OPENED.append("made")
        yield "x" * 32_000

@process(reply="waited")
async def wait(text: str) -> str:
    if text == "open":
        GATE.set()
    elif text == "shut":
        GATE.clear()
    else:
        await GATE.wait()
        OPENED.append("waited")
    return text

@process(reply="waited", blocking=True)
def slowly(text: str) -> str:
    DOOR.wait(20) if text == "wait" else DOOR.set()
    return text

@process
async def order(item: str, caller: Connection) -> dict[str, str]:
    caller.send({"event": "how_many"})
    more = await caller.next()
    card = await caller.request({"event": "pay", "of": more["item"]}, answer=dict[str, str])
    return {"card": card["number"]}

@process
def query(caller: Connection) -> dict[str, str]:
    return dict(caller.query)
"""


def names_of(project: Project) -> dict[str, Any]:
    """The module of the processes."""
    found: dict[str, Any] = project.table.routes["say"].process.function.__globals__
    return found


def _generations() -> set[str]:
    return {name for name in list(sys.modules) if name.startswith("jackfield_generation")}


@contextmanager
def nothing_left(folder: Path) -> Iterator[None]:
    """What is begun within is gone afterwards: tasks, threads, modules and files."""
    tasks, threads, finders = asyncio.all_tasks(), set(threading.enumerate()), list(sys.meta_path)
    modules = _generations()  # of other tests
    yield
    assert asyncio.all_tasks() <= {*tasks, asyncio.current_task()}  # a fixture may end in another task
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)  # that of `auth.verify` was reported to end, too
        assert not thread.is_alive()
    assert _generations() <= modules
    assert sys.meta_path == finders
    files = {name for _, folders, names in os.walk(folder) for name in (*folders, *names)}
    assert files == {"endpoints.yaml", "processes", "desk.py"}
