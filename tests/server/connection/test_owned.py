"""What a process starts on a connection, and what waits for its end."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import pytest

from jackfield.server.connection import owned
from tests.server.served import LIMIT, Begin, until


async def forever(seen: list[str], *, swallow: bool = False) -> None:
    seen.append("begun")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            if not swallow:
                raise
            swallow = False


async def test_a_task_ends_with_its_connection_and_holds_its_generation(begin: Begin) -> None:
    talk, seen = begin("echo"), list[str]()
    talk.connection.start(forever(seen))
    await until(lambda: seen == ["begun"])
    assert talk.live.generation._calls == 1
    assert not talk.connection.closed
    talk.one.lost(1001)
    assert talk.connection.closed
    await until(lambda: talk.live.generation._calls == 0)
    assert seen == ["begun", "cancelled"]
    with pytest.raises(ConnectionError):
        talk.connection.start(forever(seen))


async def test_one_that_ends_before_its_first_step_leaves_nothing(begin: Begin) -> None:
    talk, seen = begin("echo"), list[str]()
    talk.connection.start(forever(seen))
    talk.one.end("removed")
    talk.one.lost(1006)
    await until(lambda: talk.live.generation._calls == 0)
    assert seen == []


async def test_what_it_raises_is_an_incident_and_the_connection_lives(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(exc: BaseException) -> None:
        raise exc

    talk = begin("echo")
    for exc in (ValueError("сломано"), SystemExit(3)):
        talk.connection.start(fail(exc))
    await until(lambda: caplog.text.count("process_failed") == 2)
    assert "сломано" in caplog.text
    talk.connection.start(fail(asyncio.CancelledError()))
    talk.text("ещё")
    assert await talk.frames(1) == [{"message": "ещё"}]
    assert caplog.text.count("process_failed") == 2


async def test_there_are_so_many_at_most(begin: Begin) -> None:
    talk, seen = begin("echo"), list[str]()
    for _ in range(owned.MOST):
        talk.connection.start(forever(seen))
    with pytest.raises(RuntimeError, match="16"):
        talk.connection.start(forever(seen))
    with pytest.raises(TypeError, match="coroutine"):
        talk.connection.start(forever)  # type: ignore[arg-type]  # the usual slip


async def test_what_swallows_its_cancellation_is_ended_by_force(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(owned, "CLEAN_UP", 0.01)
    talk, seen = begin("echo"), list[str]()
    talk.connection.start(forever(seen, swallow=True))
    await until(lambda: seen)
    talk.one.lost(1006)
    await until(lambda: talk.live.generation._calls == 0)
    assert "task_not_ended" in caplog.text


async def test_it_may_ask_the_client(begin: Begin) -> None:
    talk, answers = begin("echo"), list[Any]()

    async def ask() -> None:
        answers.append(await talk.connection.request({"event": "how"}))

    talk.connection.start(ask())
    frames = await talk.frames(1)
    talk.say({"$answer": frames[0]["$request"], "как": "хорошо"})
    await until(lambda: answers)
    assert answers == [{"как": "хорошо"}]


@pytest.mark.parametrize("how", ["lost", "closed", "drained"])
async def test_the_end_is_waited_for(begin: Begin, how: str) -> None:
    talk = begin("echo")
    waits = [asyncio.create_task(talk.connection.wait_closed()) for _ in range(2)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await asyncio.sleep(0)
    assert not waits[1].done()
    if how == "lost":
        talk.one.lost(1006)
    elif how == "closed":
        talk.connection.close()
    else:
        await talk.one.drain()
    async with asyncio.timeout(LIMIT):
        await waits[1]
        await talk.connection.wait_closed()
    assert talk.connection.closed


async def test_a_weak_reference_ends_with_the_connection(begin: Begin) -> None:
    talk = begin("echo")
    connections = weakref.WeakSet({talk.connection})
    assert list(connections) == [talk.connection]
