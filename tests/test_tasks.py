"""Tasks out of reach, and tasks that do not want to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from jackfield.tasks import Ended, end, hide

SOON = 0.02
LIMIT = 30.0


def _nobody(task: object) -> None:
    raise AssertionError(task)


async def gentle(reported: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        reported.append("cleaned")


async def stubborn(reported: list[str]) -> None:
    """Swallows one cancellation, as code does that catches too much."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        reported.append("swallowed")
        await asyncio.Event().wait()


async def deaf(reported: list[str]) -> None:
    """Swallows all of them."""
    try:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                reported.append("swallowed")
    finally:
        reported.append("cleaned")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (gentle, ["cleaned"]),
        (stubborn, ["swallowed"]),
        (deaf, ["swallowed", "swallowed", "forced", "cleaned"]),
    ],
)
async def test_every_task_ends(kind: Callable[[list[str]], Awaitable[None]], expected: list[str]) -> None:
    reported: list[str] = []
    task = asyncio.ensure_future(kind(reported))
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task], SOON, lambda _task: reported.append("forced")), LIMIT)
    await asyncio.wait({task}, timeout=LIMIT)
    assert task.done()
    assert reported == expected
    assert task.cancelled() == ("forced" not in reported)


async def test_what_an_ended_task_waited_for_is_ended_with_it() -> None:
    reported: list[str] = []
    inner = asyncio.create_task(deaf(reported))

    async def outer() -> None:
        try:
            await inner
        finally:
            await asyncio.sleep(0)  # a clean-up may still wait
            reported.append("outer")

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task], SOON, lambda _task: None), LIMIT)
    assert inner.done()
    assert isinstance(task.exception(), Ended)
    assert reported == ["swallowed", "swallowed", "cleaned", "outer"]


async def test_an_async_generator_is_ended_where_it_waits() -> None:
    reported: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await deaf(reported)

    async def use() -> None:
        found = numbers()
        async for _ in found:
            await found.aclose()  # type: ignore[attr-defined]  # it is an async generator

    task = asyncio.create_task(use())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task], SOON, lambda _task: None), LIMIT)
    assert isinstance(task.exception(), Ended)
    assert reported[-1] == "cleaned"


async def test_one_that_catches_everything_is_given_up() -> None:
    over = asyncio.Event()

    async def immortal() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except BaseException:  # noqa: BLE001 - what is tested
                continue

    task = asyncio.create_task(immortal())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task], SOON, lambda _task: None), LIMIT)
    assert not task.done()
    over.set()
    await asyncio.wait_for(task, LIMIT)


async def test_a_task_that_is_over_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await end([task], SOON, _nobody)
    await end([], SOON, _nobody)
    assert not task.cancelled()


async def test_a_hidden_task_runs_and_is_cancelled_by_its_owner_alone() -> None:
    reported: list[str] = []
    ours, theirs = asyncio.create_task(gentle(reported)), asyncio.create_task(gentle(reported))
    hide(ours)
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.wait({theirs})
    assert (theirs.cancelled(), ours.done()) == (True, False)
    ours.cancel()
    await asyncio.wait({ours})
    assert (ours.cancelled(), reported) == (True, ["cleaned", "cleaned"])
