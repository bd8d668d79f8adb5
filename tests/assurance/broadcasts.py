"""What the rows about slow members of a group share: a server, members that read nothing, and others that hear all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection

from tests.walk.conftest import Server, write

QUEUE = 256 * 1024
"""Bytes of `limits.queue`."""

BATCH = 4
"""Events that are sent at once; the next ones when the others have heard these."""

ENDPOINTS = f"""\
defaults: {{auth: public, limits: {{rate: off, per_address: off, ping: off, connections: 5000, queue: {QUEUE}B}}}}
endpoints:
  hall: {{url: /ws/hall, group: hall, process: echo.nothing}}
  stage: {{url: /ws/stage, process: play.send}}
"""
PLAY = """\
from jackfield import Groups, process

@process
async def send(first: int, count: int, size: int, groups: Groups) -> int:
    for number in range(first, first + count):
        reached = await groups.send("hall", {"event": "news", "n": number, "text": "ы" * (size // 2)})
    return reached
"""


def project(folder: Path) -> Path:
    """A hall, whose members hear what is sent from the stage."""
    return write(folder, ENDPOINTS, play=PLAY)


@dataclass
class Broadcast:
    """What was seen while it went on."""

    peak: int = 0
    """Bytes of the server at most."""

    reached: list[int] = field(default_factory=list)
    """How many members each batch was sent to."""

    seconds: list[float] = field(default_factory=list)
    """How long each batch took to the last one who hears."""


async def broadcast(
    server: Server, stage: ClientConnection, members: Sequence[ClientConnection], events: int, size: int
) -> Broadcast:
    """Send so many events of so many bytes; each of these members hears every one, in order, and nothing else."""
    seen = Broadcast()
    for first in range(0, events, BATCH):
        began = time.perf_counter()
        await stage.send(json.dumps({"first": first, "count": BATCH, "size": size}))
        await asyncio.gather(*(_hear(member, first) for member in members))
        seen.seconds.append(time.perf_counter() - began)
        seen.reached.append(json.loads(await stage.recv())["result"])
        seen.peak = max(seen.peak, server.memory())
    return seen


async def _hear(member: ClientConnection, first: int) -> None:
    for number in range(first, first + BATCH):
        frame = json.loads(await member.recv())
        assert (frame["event"], frame["n"]) == ("news", number)
