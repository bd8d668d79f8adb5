"""A stop closes in batches, waits for answers and has an end."""

from __future__ import annotations

import asyncio

import pytest

from jackfield.server.node.drain import PER_SECOND, SPREAD, STEP, drain
from tests.server.served import until


class Member:
    """A connection that answers when its gate opens."""

    def __init__(self, *, answered: bool = True, fault: Exception | None = None) -> None:
        self.gate = asyncio.Event()
        self.asked = self.done = self.cancelled = False
        self._fault = fault
        if answered:
            self.gate.set()

    async def drain(self) -> None:
        self.asked = True
        if self._fault:
            raise self._fault
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.done = True


class Pauses:
    """The pauses between batches, over at once; how many had been asked at each."""

    def __init__(self, members: list[Member]) -> None:
        self.members = members
        self.asked: list[int] = []
        self.seconds = 0.0

    async def __call__(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)
        self.asked.append(sum(member.asked for member in self.members))


async def drained(number: int, time_limit: float = 25.0) -> tuple[list[Member], Pauses]:
    members = [Member() for _ in range(number)]
    pauses = Pauses(members)
    assert await drain(members, time_limit, pause=pauses)
    assert all(member.done for member in members)
    return members, pauses


async def test_few_are_closed_at_once() -> None:
    for number in (0, 1, 10):
        _, pauses = await drained(number)
        assert pauses.asked == []


async def test_many_are_spread_evenly_and_no_longer_than_the_spread() -> None:
    number = int(2 * SPREAD * PER_SECOND)
    _, pauses = await drained(number)
    batches = round(SPREAD / STEP)
    assert pauses.asked == [number // batches * (turn + 1) for turn in range(batches - 1)]
    assert SPREAD - STEP <= pauses.seconds + STEP / 2 < SPREAD + STEP


async def test_the_spread_takes_half_of_a_short_drain_at_most() -> None:
    _, pauses = await drained(1000, time_limit=2.0)
    assert len(pauses.asked) == 9


async def test_the_order_is_nobodys() -> None:
    """Two drains of the same hundred do not begin with the same twentieth; once in 10^20 they do."""
    firsts = []
    for _ in range(2):
        members = [Member() for _ in range(400)]
        first: list[int] = []

        async def pause(_seconds: float, members: list[Member] = members, first: list[int] = first) -> None:
            await asyncio.sleep(0)
            if not first:
                first += [number for number, member in enumerate(members) if member.asked]

        await drain(members, 25, pause=pause)
        firsts.append(first)
    assert len(firsts[0]) == len(firsts[1]) == 20
    assert firsts[0] != firsts[1]


async def test_it_waits_for_answers() -> None:
    busy, idle = Member(answered=False), Member()
    draining = asyncio.create_task(drain([busy, idle], 5))
    await until(lambda: idle.done)
    assert not draining.done()
    busy.gate.set()
    assert await draining
    assert busy.done


async def test_its_end_breaks_off_what_is_left() -> None:
    busy = Member(answered=False)
    assert not await drain([busy, Member()], 0.01)
    assert busy.cancelled


async def test_a_second_signal_breaks_off_too() -> None:
    busy = Member(answered=False)
    draining = asyncio.create_task(drain([busy], 60))
    await until(lambda: busy.asked)
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert busy.cancelled


async def test_one_that_fails_is_logged_and_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    fine = Member()
    assert await drain([Member(fault=RuntimeError("сломалось")), fine], 5)
    assert fine.done
    assert "drain_failed" in caplog.text
