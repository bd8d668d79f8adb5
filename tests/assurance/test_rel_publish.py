"""Publishing while a thousand clients talk: nobody is closed, no message fails, each has one version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from jackfield.server.node import control
from tests.walk.conftest import Server, write

pytestmark = pytest.mark.walk

CONNECTIONS = 1000
TALKERS = 20
"""Each asks its share of the connections, one after the other, as fast as they answer."""

PUBLISHES = 60
"""Every tenth is broken."""

LIMIT = 240.0

FILE = "endpoints: {echo: {url: /ws/echo, process: traffic.echo, auth: public, limits: {rate: off}}}\n"
TRAFFIC = """\
import asyncio
from jackfield import process

@process
async def echo(number: int) -> dict[str, int]:
    began = VERSION
    await asyncio.sleep(0)
    return {"number": number, "began": began, "ended": VERSION}

VERSION = 0
"""


async def ask(socket: ClientConnection, number: int) -> int:
    """The version that answered one message."""
    await socket.send(json.dumps({"number": number}))
    answer = json.loads(await socket.recv())
    assert answer == {"number": number, "began": answer["began"], "ended": answer["began"]}
    return int(answer["began"])


async def talk(sockets: list[ClientConnection], over: asyncio.Event) -> tuple[int, dict[ClientConnection, int]]:
    """Ask one after the other until it is over; how often, and the last version of each."""
    sent = 0
    last = dict.fromkeys(sockets, 0)
    while not over.is_set():
        for socket in sockets:
            version = await ask(socket, sent)
            assert version >= last[socket], "an old version after a newer one"
            last[socket] = version
            sent += 1
    return sent, last


async def publish(project: Path, version: int, *, broken: bool) -> None:
    """Publish one version; a broken one is told and changes nothing."""
    text = TRAFFIC.replace("VERSION = 0", f"VERSION = {version}")
    write(project, traffic=text + "def def\n" if broken else text)
    answer = await asyncio.to_thread(control.ask, project / ".jackfield" / "server.json", "publish")
    if broken:
        assert answer["problems"][0]["severity"] == "error"
        return
    report = answer["ok"]
    assert (report["open"], report["closes"]) == (CONNECTIONS, [])


async def test_rel_12_publishing_under_load_closes_nobody_and_fails_no_message(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    write(tmp_path, endpoints=FILE, traffic=TRAFFIC)
    server = start(tmp_path)
    over = asyncio.Event()
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(f"{server.ws}/ws/echo", compression=None))
            for _ in range(CONNECTIONS)
        ]
        *talkers, witness = sockets
        async with asyncio.TaskGroup() as group:
            talking = [group.create_task(talk(talkers[turn::TALKERS], over)) for turn in range(TALKERS)]
            live = 0
            for version in range(1, PUBLISHES + 1):
                broken = version % 10 == 0
                await publish(tmp_path, version, broken=broken)
                live = live if broken else version
                assert await ask(witness, version) == live  # the message that follows a publish has it
            over.set()
        assert live == PUBLISHES - 1
        assert {await ask(socket, 0) for socket in sockets} == {live}
        sent = sum(task.result()[0] for task in talking)
        seen = {version for task in talking for version in task.result()[1].values()}
        assert sent > CONNECTIONS
        assert not {version for version in seen if version and version % 10 == 0}
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines
