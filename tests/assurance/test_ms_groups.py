"""Row MS-11 in a group: one member that reads nothing is closed, and the others hear every event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.walk.conftest import LIMIT, Server

from .broadcasts import QUEUE, broadcast, project
from .test_ms_floods import MEGABYTE, Rough

pytestmark = pytest.mark.walk

EVENTS = 320
SIZE = 64_000
MEMBERS = 4

SOON = 5.0
"""Seconds in which the one is closed."""


async def test_ms_11_a_member_that_reads_nothing_is_closed_and_the_others_hear_every_event(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start(project(tmp_path))
    async with asyncio.timeout(3 * LIMIT), AsyncExitStack() as stack:

        async def opened(path: str) -> ClientConnection:
            return await stack.enter_async_context(connect(server.ws + path, compression=None, max_size=None))

        stage = await opened("/ws/stage")
        members = [await opened("/ws/hall") for _ in range(MEMBERS)]
        await broadcast(server, stage, members, 40, SIZE)  # what it costs while all of them read
        before, descriptors = server.memory(), server.descriptors()
        with Rough(server, "/ws/hall", window=4_096) as slow:
            seen = await broadcast(server, stage, members, EVENTS, SIZE)
            assert seen.peak - before < 8 * MEGABYTE, f"of {EVENTS * SIZE:,} bytes that were sent to it"
            ended = await asyncio.to_thread(server.wait_for, "connection_closed.*code=4408", SOON)
            assert f"more than {QUEUE:,} bytes were not read" in ended
            assert slow.is_reset(), "what it did not take is gone, in the kernel as well"
        assert seen.reached[0] == MEMBERS + 1
        assert seen.reached[-1] == MEMBERS
        await broadcast(server, stage, members, 40, SIZE)
        assert server.descriptors() == descriptors
