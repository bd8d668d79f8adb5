"""Rows REL-11 and MS-11 at their full size, by hand: members that read nothing beside many that hear every event.

    python -m tests.assurance.by_hand                                     REL-11: 60 s, 200 events a second
    python -m tests.assurance.by_hand --slow 1 --healthy 20 --events 100000 --rate 10000     MS-11

Ends with 1 where a bound of the rows is passed. It sends no faster than the members hear: what was reached is printed,
and on a machine that does not carry it, it is less than what was asked for. Needs Linux, which tells what a process
holds.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

import click
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from tests.server.frames import request
from tests.walk.conftest import Server

from .broadcasts import project
from .rough import address
from .test_ms_floods import MEGABYTE, Rough

FIRST = 1_000_000
"""The number of the first event: all have as many digits, so all frames are of one length."""

AHEAD = 50
"""Events that are on their way at most."""

SAMPLES = 20
"""Members that look at each event and at its time; of the others the bytes are counted."""

SOON = 5.0
"""Seconds in which a member that reads nothing is closed, once more waits for it than may."""


class Ear(asyncio.Protocol):
    """A member that hears as cheaply as Python can."""

    def __init__(self, *, looks: bool) -> None:
        self.entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bytes = 0
        self.last = b""
        self.is_over = False
        self.times: list[tuple[int, float]] = []
        self._looks = looks

    def data_received(self, data: bytes) -> None:
        if not self.entered.done():
            head, _, data = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101"), head
            self.entered.set_result(None)
        self.bytes += len(data)
        if self._looks:
            now = time.perf_counter()
            data = self.last + data
            found = list(re.finditer(rb'"n":(\d+),', data))
            self.times += [(int(one[1]), now) for one in found]
            self.last = data[found[-1].end() :] if found else data

    def connection_lost(self, _exc: Exception | None) -> None:
        self.is_over = True


async def _ears(server: Server, count: int) -> list[Ear]:
    loop = asyncio.get_running_loop()
    host, port = address(server)
    ears = []
    for number in range(count):
        transport, ear = await loop.create_connection(lambda looks=number < SAMPLES: Ear(looks=looks), host, port)  # type: ignore[misc]  # mypy infers no lambda with a default
        transport.write(request("/ws/hall", Host=f"{host}:{port}"))
        await asyncio.wait_for(ear.entered, 30)
        ears.append(ear)
    return ears


class Run:
    """One run: what was sent and what was seen."""

    def __init__(self, server: Server, stage: ClientConnection, ears: list[Ear], size: int) -> None:
        self.server, self.stage, self.ears, self.size = server, stage, ears, size
        self.peak = 0
        self.sent: dict[int, float] = {}
        self.next = FIRST
        self.frame = 0  # bytes of one

    async def broadcast(self, events: int, rate: float) -> tuple[list[float], float]:
        """Send so many events; gives the seconds until the samples heard each, and how many went out a second."""
        for ear in self.ears:
            ear.times.clear()
        began, first = time.perf_counter(), self.next
        before = [ear.bytes for ear in self.ears]
        for number in range(events):
            if (early := began + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            while self.frame and number - self._heard(before) > AHEAD:  # noqa: ASYNC110 - what comes sets no event
                await asyncio.sleep(0.002)
            self.sent[self.next] = time.perf_counter()
            await self.stage.send(json.dumps({"first": self.next, "count": 1, "size": self.size}))
            self.next += 1
            await self.stage.recv()
            if not self.frame:
                await self._learn(before)
            if number % 50 == 0:
                self.peak = max(self.peak, self.server.memory())
        async with asyncio.timeout(60):
            while self._heard(before) < events:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        waits = []
        for ear in self.ears[:SAMPLES]:
            assert [number for number, _ in ear.times] == list(range(first, self.next)), "in order, and each once"
            waits += [at - self.sent[number] for number, at in ear.times]
        heard = {ear.bytes - one for ear, one in zip(self.ears, before, strict=True)}
        assert heard == {events * self.frame}, "all that was sent, and nothing else"
        return waits, events / seconds

    async def _learn(self, before: list[int]) -> None:
        """How long a frame is: one was sent, and all have it when nothing more comes."""
        async with asyncio.timeout(30):
            found: set[int] = set()
            while len(found) != 1 or found == {0}:
                await asyncio.sleep(0.05)
                found = {ear.bytes - one for ear, one in zip(self.ears, before, strict=True)}
        (self.frame,) = found

    def _heard(self, before: list[int]) -> int:
        """Events that the one has heard which has heard the least."""
        return min(ear.bytes - one for ear, one in zip(self.ears, before, strict=True)) // max(self.frame, 1)


async def _run(folder: Path, slow: int, healthy: int, events: int, rate: float, size: int) -> bool:
    server = Server(project(folder))
    try:
        ears = await _ears(server, healthy)
        async with connect(server.ws + "/ws/stage", compression=None) as stage:
            run = Run(server, stage, ears, size)
            await run.broadcast(AHEAD, rate)
            alone, _ = await run.broadcast(max(events // 6, 200), rate)
            before, descriptors = server.memory(), server.descriptors()
            crowd = [Rough(server, "/ws/hall", window=4_096) for _ in range(slow)]
            run.peak, began = 0, time.perf_counter()
            closes = asyncio.create_task(asyncio.to_thread(_closes, server, slow, began))
            waits, reached = await run.broadcast(events, rate)
            closed = await closes
            after, left = server.memory(), server.descriptors()
            for one in crowd:
                with closing(one.socket):
                    pass
        most = slow * MEGABYTE + 50_000_000
        cuts = [quantiles(part, n=100)[98] for part in (alone, waits)]
        print(f"{events:,} events of {run.frame:,} bytes to {healthy:,} members, {slow:,} beside them read nothing")
        print(f"asked for {rate:g} events a second, reached {reached:.0f}: {reached * healthy:,.0f} deliveries")
        print(f"memory {before / MEGABYTE:.1f} MiB, at most {run.peak / MEGABYTE:.1f}, after it {after / MEGABYTE:.1f}")
        print(f"the first was closed 4408 after {closed[0]:.1f} s, the last after {closed[-1]:.1f} s")
        print(f"heard after, p99: alone {cuts[0] * 1e3:.0f} ms, with those {cuts[1] * 1e3:.0f} ms")
        bounds = {
            "memory": run.peak - before < most,
            "closed in time": closed[-1] - closed[0] < SOON,
            "sockets gone": left == descriptors,
            "nobody else closed": not any(ear.is_over for ear in ears),
            "p99 at most twice as long": cuts[1] <= 2 * cuts[0],
        }
        for name, holds in bounds.items():
            print(f"{'holds' if holds else 'PASSED'}: {name}")
        return all(bounds.values())
    finally:
        server.stop()


def _closes(server: Server, count: int, began: float) -> list[float]:
    """When each of the slow ones was closed."""
    found = []
    for _ in range(count):
        server.wait_for("connection_closed.*code=4408.*were not read", 300)
        found.append(time.perf_counter() - began)
    assert all(one <= other for one, other in pairwise(found))
    return found


@click.command()
@click.option("--slow", default=100)
@click.option("--healthy", default=1_000)
@click.option("--events", default=12_000)
@click.option("--rate", default=200.0)
@click.option("--size", default=1_000)
def main(slow: int, healthy: int, events: int, rate: float, size: int) -> None:
    """Rows REL-11 and MS-11 at their full size."""
    with tempfile.TemporaryDirectory() as folder:
        holds = uvloop.run(_run(Path(folder), slow, healthy, events, rate, size))
    sys.exit(not holds)


if __name__ == "__main__":
    main()
