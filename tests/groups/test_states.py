"""The state of a group: one at a time, kept as JSON, gone an hour after the last member."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jackfield.groups import states
from jackfield.groups.states import KEPT, MAX_SIZE, MAX_STATES, States


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def members() -> set[str]:
    return set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock, members: set[str]) -> States:
    return States(clock, members.__contains__)


async def put(kept: States, group: str, **values: Any) -> None:
    async with kept.of(group) as state:
        state.update(values)


async def read(kept: States, group: str) -> dict[str, Any]:
    async with kept.of(group) as state:
        return dict(state)


async def test_what_stands_in_it_at_the_end_is_kept(kept: States) -> None:
    await put(kept, "game:1", ход="e4", moves=[1, {"a": None}])
    assert await read(kept, "game:1") == {"ход": "e4", "moves": [1, {"a": None}]}
    assert await read(kept, "game:2") == {}
    assert len(kept) == 1


async def test_nobody_else_has_it_meanwhile(kept: States) -> None:
    async def add() -> None:
        async with kept.of("game:1") as state:
            before = state.get("n", 0)
            await asyncio.sleep(0)
            state["n"] = before + 1

    await asyncio.gather(*(add() for _ in range(50)))
    assert await read(kept, "game:1") == {"n": 50}


async def test_what_is_taken_out_is_a_copy(kept: States) -> None:
    await put(kept, "g", x=[1])
    found = await read(kept, "g")
    found["x"].append(2)
    assert await read(kept, "g") == {"x": [1]}


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), "\ud800", {1: 2}])
async def test_what_is_no_json_is_not_kept(kept: States, value: object) -> None:
    await put(kept, "g", x=1)
    with pytest.raises((ValueError, TypeError)):
        await put(kept, "g", y=value)
    assert await read(kept, "g") == {"x": 1}


async def test_an_exception_and_too_much_leave_it_as_it_was(kept: States) -> None:
    await put(kept, "g", x=1)
    with pytest.raises(ZeroDivisionError):
        async with kept.of("g") as state:
            state["x"] = 1 / 0
    with pytest.raises(ValueError, match="65,536 bytes"):
        await put(kept, "g", y="ё" * MAX_SIZE)
    assert await read(kept, "g") == {"x": 1}


async def test_it_outlives_the_last_member_by_an_hour(kept: States, clock: Clock, members: set[str]) -> None:
    members.add("g")
    await put(kept, "g", x=1)
    clock.now += 10 * KEPT
    assert await read(kept, "g") == {"x": 1}
    members.clear()
    kept.emptied("g")
    clock.now += KEPT - 1
    members.add("g")  # one comes back, and leaves later
    clock.now += 5
    assert await read(kept, "g") == {"x": 1}
    members.clear()
    kept.emptied("g")
    clock.now += KEPT
    assert await read(kept, "g") == {}
    assert len(kept) == 0


async def test_without_members_it_counts_from_the_last_use(kept: States, clock: Clock) -> None:
    await put(kept, "g", x=1)
    clock.now += KEPT - 1
    assert await read(kept, "g") == {"x": 1}
    clock.now += KEPT - 1
    assert await read(kept, "g") == {"x": 1}
    clock.now += KEPT
    await put(kept, "other", x=1)
    assert len(kept) == 1


async def test_an_empty_one_takes_no_room(kept: States, members: set[str]) -> None:
    members.add("g")
    await put(kept, "g", x=1)
    async with kept.of("g") as state:
        state.clear()
    assert len(kept) == 0


async def test_there_are_no_more_than_so_many(kept: States, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "MAX_STATES", 3)
    assert MAX_STATES == 10_000
    for number in range(3):
        await put(kept, f"g{number}", x=1)
    with pytest.raises(ValueError, match="all that a server keeps"):
        await put(kept, "g3", x=1)
    clock.now += KEPT
    await put(kept, "g3", x=1)
    assert len(kept) == 1
