"""A stop with a thousand replies on the way loses none."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.server.frames import masked, request
from tests.walk.conftest import Server, write

pytestmark = pytest.mark.walk

IN_FLIGHT = 1000
IDLE = 100
AT_ONCE = 50
LIMIT = 60.0

WORK = """\
import asyncio
from jackfield import Connection, process

@process(reply="number")
async def work(number: int, seconds: float, caller: Connection) -> int:
    caller.send({"event": "began"})
    await asyncio.sleep(seconds)
    return number
"""


async def opened(stack: AsyncExitStack, server: Server, number: int) -> list[ClientConnection]:
    """That many connections."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one() -> ClientConnection:
        async with room:
            return await stack.enter_async_context(connect(f"{server.ws}/ws/work", compression=None, open_timeout=30))

    return list(await asyncio.gather(*(one() for _ in range(number))))


async def begin(socket: ClientConnection, number: int) -> None:
    """Send one message and wait until it is being answered."""
    await socket.send(json.dumps({"number": number, "seconds": 1 + number % 40 / 10}))
    assert json.loads(await socket.recv()) == {"event": "began"}


async def heard(socket: ClientConnection) -> tuple[list[object], int | None]:
    """All that comes until the end, and the code of the end."""
    frames: list[object] = []
    try:
        while True:
            frames.append(json.loads(await socket.recv()))
    except ConnectionClosed:
        return frames, socket.close_code


async def test_rel_6_a_thousand_replies_on_the_way_and_none_is_lost(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    """Each takes up to five seconds. Nobody new is taken meanwhile, everybody is told to come back."""
    write(tmp_path, endpoints="endpoints: {work: {url: /ws/work, process: work.work, auth: public}}\n", work=WORK)
    server = start(tmp_path)
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        busy = await opened(stack, server, IN_FLIGHT)
        idle = await opened(stack, server, IDLE)
        await asyncio.gather(*(begin(socket, number) for number, socket in enumerate(busy)))
        server.hear(signal.SIGTERM)
        ends = await asyncio.gather(*(heard(socket) for socket in busy))
        assert ends == [([{"number": number}], 1012) for number in range(IN_FLIGHT)]
        assert await asyncio.gather(*(heard(socket) for socket in idle)) == [([], 1012)] * IDLE
    assert server.ended(limit=30) == 0
    assert not (tmp_path / ".jackfield" / "server.json").exists()
    server.stop()
    assert not any("Traceback" in line or "drain_too_long" in line for line in server.lines), server.lines


async def test_rel_6_who_is_not_yet_closed_is_served(tmp_path: Path, start: Callable[..., Server]) -> None:
    """The closes of many are spread over seconds; until its own turn a connection is answered as ever."""
    write(tmp_path, endpoints="endpoints: {work: {url: /ws/work, process: work.work, auth: public}}\n", work=WORK)
    server = start(tmp_path)
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        sockets = await opened(stack, server, IN_FLIGHT)
        server.hear(signal.SIGTERM)
        await asyncio.to_thread(server.wait_for, "stopping")
        answered = 0

        async def ask_until_closed(socket: ClientConnection) -> None:
            nonlocal answered
            try:
                while True:
                    await socket.send(json.dumps({"number": 1, "seconds": 0.2}))
                    await socket.recv()
                    assert json.loads(await socket.recv()) == {"number": 1}
                    answered += 1
            except ConnectionClosed:
                assert socket.close_code == 1012

        await asyncio.gather(*(ask_until_closed(socket) for socket in sockets))
        assert answered > IN_FLIGHT / 2  # each has some seconds on average; at once it would be next to none
    assert server.ended(limit=30) == 0


async def test_rel_6_a_second_signal_does_not_wait(tmp_path: Path, start: Callable[..., Server]) -> None:
    write(tmp_path, endpoints="endpoints: {work: {url: /ws/work, process: work.work, auth: public}}\n", work=WORK)
    server = start(tmp_path, "--drain", "10m")
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        (busy,) = await opened(stack, server, 1)
        await busy.send(json.dumps({"number": 1, "seconds": 25}))
        await busy.recv()
        server.hear(signal.SIGTERM)
        await asyncio.to_thread(server.wait_for, "stopping")
        server.hear(signal.SIGTERM)
        assert await heard(busy) == ([], 1012)
        assert busy.close_reason == "the server restarts"
    assert server.ended(limit=5) == 0


async def test_rel_6_who_does_not_read_holds_nobody_up(tmp_path: Path, start: Callable[..., Server]) -> None:
    """A client that takes no answers has some seconds; what is waited for is what somebody works on."""
    more = "  large: {url: /ws/large, process: work.large, auth: public}\n"
    text = "endpoints:\n  work: {url: /ws/work, process: work.work, auth: public}\n" + more
    large = "\n@process(reply='text')\ndef large() -> str:\n    return 'x' * 1_000_000\n"
    write(tmp_path, endpoints=text, work=WORK + large)
    server = start(tmp_path, "--drain", "10m")
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        (busy,) = await opened(stack, server, 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.http.rpartition(":")[2]), limit=1024)
        stack.callback(writer.close)
        writer.write(request("/ws/large"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked(1, b"{}") * 40)  # and from here on it reads nothing
        await begin(busy, 39)
        server.hear(signal.SIGTERM)
        assert await heard(busy) == ([{"number": 39}], 1012)
        assert await asyncio.to_thread(server.ended, 15) == 0  # STALL is twice that
    server.stop()
    assert any("connection_closed cause=restart" in line and "endpoint=large" in line for line in server.lines)
    assert not any("drain_too_long" in line or "[error" in line for line in server.lines), server.lines
