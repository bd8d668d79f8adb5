"""Leaving: what has begun ends, is cut off, or is told; and a client that does not read."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from jackfield.testing import Client, Project, client, gateway, websocket

from .desk import names_of


async def test_a_client_that_does_not_receive_holds_the_generator_back(folder: Path) -> None:
    async with Project(folder) as project, project.connect("fill") as c:
        made = names_of(project)["OPENED"]
        await c.send({})
        for _ in range(1000):  # turns of the loop, in each of which it would make one more
            await asyncio.sleep(0)
        before = len(made)
        assert before * 32_000 <= websocket.UNREAD + 5 * 64 * 1024
        for _ in range(before + 5):
            await c.receive()
        assert len(made) > before


async def test_a_call_that_has_begun_is_finished_when_its_client_leaves(folder: Path) -> None:
    async with Project(folder) as project:
        names = names_of(project)
        async with project.connect("wait") as c:
            await c.send({"text": "a"})
            with pytest.raises(TimeoutError):
                await c.receive(within=0.01)
            asyncio.get_running_loop().call_soon(names["GATE"].set)
        assert names["OPENED"][-1] == "waited"


async def hang(client: Client, *texts: str) -> None:
    """Enter, begin calls that do not end, and leave."""
    async with client as c:
        for text in texts:
            await c.send({"text": text})
        with pytest.raises(TimeoutError):
            await c.receive(within=0.01)


@pytest.mark.parametrize("number", [1, 40], ids=["one", "more than an inbox holds"])
async def test_a_call_that_does_not_end_is_cancelled_and_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    monkeypatch.setattr(client, "LEAVE_LIMIT", 0.01)
    with pytest.raises(TimeoutError, match=r'still at work 0\.01 s after .* cancelled; the last .* was {"text":"a"}$'):
        await hang(Client(folder, "wait"), *["a"] * number)
    assert "generation_kept_busy" not in caplog.text


async def test_a_test_that_failed_is_not_held_up_by_its_calls(folder: Path) -> None:
    async def fails() -> None:
        async with Client(folder, "wait") as c:
            await c.send({"text": "a"})
            await c.receive(within=0.01)

    with pytest.raises(TimeoutError, match="nothing came"):
        await fails()


async def test_threads_are_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_thread() -> None:
        async with Project(folder) as project:
            all_served.append(names_of(project)["DOOR"])
            with pytest.raises(TimeoutError, match="still at work"):
                await hang(project.connect("slowly"), "wait")

    all_served: list[threading.Event] = []
    async with Client(folder, "slowly") as c:
        assert await c.ask({"text": "да"}) == {"waited": "да"}
    monkeypatch.setattr(client, "LEAVE_LIMIT", 0.01)
    monkeypatch.setattr(gateway, "THREADS_LIMIT", 0.01)
    with pytest.raises(TimeoutError, match="blocking=True has not returned"):
        await in_thread()
    all_served[0].set()


async def test_a_project_closes_clients_that_are_still_open(folder: Path) -> None:
    async with Project(folder) as project:
        c = await project.connect("say", login="a").__aenter__()
        assert await c.ask({"message": "a"}) == {"message": "a"}
    with pytest.raises(RuntimeError, match="not connected"):
        await c.receive()
    async with project:  # again, loaded anew
        assert "say" in project.table.routes


async def test_a_cancelled_test_leaves_nothing(folder: Path) -> None:
    async def forever() -> None:
        async with Client(folder, "wait") as c:
            await c.send({"text": "a"})
            begun.set()
            await c.receive(within=60)

    begun = asyncio.Event()
    task = asyncio.create_task(forever())
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
