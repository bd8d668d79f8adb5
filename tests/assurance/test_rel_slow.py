"""Row REL-11: members of a group that read nothing are closed at a bounded price, and all others hear every event.

By hand with the numbers of the row: `python -m tests.assurance.by_hand`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.walk.conftest import LIMIT, Server

from .broadcasts import BATCH, broadcast, project
from .test_ms_floods import MEGABYTE, Rough

pytestmark = pytest.mark.walk

SLOW = 10
HEALTHY = 50
EVENTS = 160
SIZE = 64_000
WAIT = LIMIT + EVENTS * HEALTHY / 1_000

SPARE = 4 * MEGABYTE
"""Bytes that the server's memory moves by whatever happens; what waits for several is there once."""

EACH = 100 * 1024
"""Bytes for each slow member; what the kernel keeps for it is not the server's."""


async def test_rel_11_members_that_read_nothing_are_closed_and_the_others_hear_every_event(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start(project(tmp_path))
    async with asyncio.timeout(WAIT), AsyncExitStack() as stack:

        async def opened(path: str) -> ClientConnection:
            return await stack.enter_async_context(connect(server.ws + path, compression=None, max_size=None))

        stage = await opened("/ws/stage")
        members = [await opened("/ws/hall") for _ in range(HEALTHY)]
        await broadcast(server, stage, members, max(EVENTS // 4, 4 * BATCH), SIZE)
        before, descriptors = server.memory(), server.descriptors()
        crowd = [stack.enter_context(closing(Rough(server, "/ws/hall", window=4_096).socket)) for _ in range(SLOW)]
        seen = await broadcast(server, stage, members, EVENTS, SIZE)
        assert seen.peak - before < SPARE + SLOW * EACH, f"{EVENTS * SIZE:,} bytes were sent to each"
        for _ in crowd:
            await asyncio.to_thread(server.wait_for, "connection_closed.*code=4408.*were not read", 5)
        assert (seen.reached[0], seen.reached[-1]) == (HEALTHY + SLOW, HEALTHY)
        for client in crowd:
            client.close()
        after = await broadcast(server, stage, members, 4 * BATCH, SIZE)
        assert after.reached == [HEALTHY] * 4
        assert server.descriptors() == descriptors
    assert server.stop() == 0
    closes = [found[1] for line in server.lines if (found := re.search(r"connection_closed.*code=(\d+)", line))]
    assert closes.count("4408") == SLOW, "nobody else was too slow"
    assert not any("Traceback" in line for line in server.lines)
