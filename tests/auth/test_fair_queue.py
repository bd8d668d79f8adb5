"""Who is next where many wait: the networks in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from jackfield.auth.fair_queue import FairQueue, QueueFull


class Callers:
    """Those who come to one queue, and the order in which they are let in."""

    def __init__(self, at_once: int = 1, waiting: int = 100) -> None:
        self.queue = FairQueue(at_once=at_once, waiting=waiting)
        self.came_in: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, *networks: str, patience: float = 60.0) -> None:
        async def wait() -> None:
            await self.queue.acquire(networks, asyncio.get_running_loop().time() + patience)
            self.came_in.append(name)

        self.tasks[name] = asyncio.create_task(wait())
        await asyncio.sleep(0)

    async def go(self, times: int = 1) -> None:
        for _ in range(times):
            self.queue.release()
            for _ in range(3):
                await asyncio.sleep(0)

    async def outcome(self, name: str) -> type[BaseException] | None:
        (found,) = await asyncio.gather(self.tasks[name], return_exceptions=True)
        return None if found is None else type(found)


async def test_who_is_alone_goes_in() -> None:
    callers = Callers(at_once=2)
    await callers.come("a", "x")
    await callers.come("b", "x")
    await callers.come("c", "x")
    assert callers.came_in == ["a", "b"]
    assert callers.queue.waiting == 1
    await callers.go()
    assert callers.came_in == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("people", "order"),
    [
        ([("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c")], "a1 b1 c1 a2 a3"),
        ([("a1", "w", "a"), ("a2", "w", "a"), ("b1", "w", "b"), ("c1", "v", "c")], "a1 c1 b1 a2"),
        ([("a1", "w", "a", "1"), ("a2", "w", "a", "2"), ("b1", "w", "b", "1"), ("a3", "w", "a", "1")], "a1 b1 a2 a3"),
    ],
    ids=["networks", "wide ones first", "down to the address"],
)
async def test_networks_are_next_in_turn(people: Sequence[tuple[str, ...]], order: str) -> None:
    callers = Callers()
    await callers.come("first")
    for name, *networks in people:
        await callers.come(name, *networks)
    await callers.go(len(people))
    assert callers.came_in == ["first", *order.split()]
    await callers.go()
    assert callers.queue.waiting == 0


async def test_who_comes_last_of_a_crowd_makes_room_for_others() -> None:
    callers = Callers(waiting=3)
    await callers.come("first")
    for name in ("a1", "a2", "a3"):
        await callers.come(name, "w", "a")
    await callers.come("a4", "w", "a")
    assert await callers.outcome("a4") is QueueFull
    await callers.come("b1", "w", "b")
    assert await callers.outcome("a3") is QueueFull
    await callers.go(3)
    assert callers.came_in == ["first", "a1", "b1", "a2"]


async def test_who_gives_up_or_waits_too_long_keeps_no_place() -> None:
    callers = Callers()
    await callers.come("first")
    await callers.come("impatient", "a", patience=0.0)
    await callers.come("leaving", "a")
    await callers.come("next", "a")
    assert await callers.outcome("impatient") is TimeoutError
    callers.tasks["leaving"].cancel()
    assert await callers.outcome("leaving") is asyncio.CancelledError
    assert callers.queue.waiting == 1
    await callers.go()
    assert callers.came_in == ["first", "next"]


async def test_a_turn_that_comes_to_one_who_gives_up_goes_on_to_the_next() -> None:
    callers = Callers()
    await callers.come("first")
    await callers.come("leaving", "a")
    await callers.come("next", "b")
    callers.queue.release()
    callers.tasks["leaving"].cancel()
    assert await callers.outcome("leaving") is asyncio.CancelledError
    assert await callers.outcome("next") is None
    await callers.go()
    await callers.come("last")
    assert callers.came_in == ["first", "next", "last"]
