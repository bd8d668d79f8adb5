"""Refusals are written in the background, in batches, whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from jackfield.auth.refused import Refusals, Refused, Wanted
from jackfield.errors import Refusal
from jackfield.server import refusals as module
from jackfield.server.refusals import RefusalKeeper
from tests.server.served import until


class House:
    """A node's refusals with their keeper; its store notes what it is asked, and raises `fault` where there is one."""

    def __init__(self, *, has_store: bool = True) -> None:
        self.batches: list[Sequence[Refused]] = []
        self.purges = 0
        self.fault: Exception | None = None
        self.live = Refusals()
        self.keeper = self.live.keeper = RefusalKeeper(self.live, self.open, has_store=has_store)

    async def open(self) -> Any:
        if self.fault is not None:
            raise self.fault
        return SimpleNamespace(refusals=self)

    async def write(self, batch: Sequence[Refused]) -> None:
        self.batches.append(batch)

    async def purge(self) -> None:
        self.purges += 1

    async def find(self, wanted: Wanted) -> Sequence[Refused]:
        return [one for batch in self.batches for one in batch if wanted.fits(one)]

    def refuse(self, *numbers: int) -> None:
        for number in numbers:
            self.live.note(Refused(1000.0 + number, "/", "x", 403, "", f"l{number}", f"c{number}", ""))


@pytest.fixture
def house() -> House:
    return House()


def timed(monkeypatch: pytest.MonkeyPatch, after: Callable[[float], None] = lambda _: None) -> list[float]:
    """The pauses that are made, none of which takes any time but the one between two sweeps."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        after(seconds)
        await (asyncio.Event().wait() if seconds == module.SWEEP else asyncio.sleep(0))

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    return pauses


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_batches_are_bounded_and_parted_by_a_pause(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = timed(monkeypatch)
    monkeypatch.setattr(module, "BATCH", 2)
    watching = asyncio.create_task(house.keeper.watch())
    await until(lambda: house.purges)
    house.refuse(1, 2, 3)
    await until(lambda: not house.live.waiting)
    for _ in range(10):
        await asyncio.sleep(0)
    assert [[one.login for one in batch] for batch in house.batches] == [["l1", "l2"], ["l3"]]
    assert pauses == [module.SWEEP, module.PAUSE, module.PAUSE], "nothing is due"
    assert house.purges == 1
    assert await house.live.find(Wanted(login="l3")) == house.batches[1]
    await stop(watching)


async def test_many_are_swept_sooner(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch)
    monkeypatch.setattr(module, "_MANY", 2)
    watching = asyncio.create_task(house.keeper.watch())
    await until(lambda: house.purges == 1)
    for number, purges in ((1, 1), (2, 2), (3, 2), (4, 3)):
        house.refuse(number)
        await until(lambda number=number: len(house.batches) == number)  # type: ignore[misc]  # of a default mypy infers nothing
        for _ in range(10):
            await asyncio.sleep(0)
        assert house.purges == purges
    await stop(watching)


async def test_a_store_that_is_away_is_asked_again_later(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def after(seconds: float) -> None:
        if seconds == module.AGAIN:
            house.fault = None

    pauses = timed(monkeypatch, after)
    watching = asyncio.create_task(house.keeper.watch())
    await until(lambda: house.purges)
    house.fault = Refusal("store_unavailable")
    house.fault.__cause__ = OSError("диск")
    house.refuse(1)
    await until(lambda: house.batches)
    assert pauses == [module.SWEEP, module.PAUSE, module.AGAIN, module.PAUSE]
    assert [record.message for record in caplog.records] == ["refusals_not_kept reason='диск'"]
    await stop(watching)


async def test_what_fails_for_a_reason_of_ours_is_logged_with_it_and_ends_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.fault = LookupError("нет")
    house.refuse(1)
    assert not await house.keeper.write_once()
    await house.keeper.sweep()
    (record,) = caplog.records
    assert record.message.startswith("refusals_failed reason='LookupError'")
    assert record.levelname == "ERROR"
    house.fault = None
    assert await house.keeper.write_once()
    house.fault = LookupError("нет")
    await house.keeper.sweep()
    assert len(caplog.records) == 2, "once more"


async def test_a_store_is_opened_when_there_is_something_for_it() -> None:
    house = House(has_store=False)
    await house.keeper.sweep()
    assert await house.keeper.write_once()
    assert (house.purges, house.batches) == (0, [])
    house.refuse(1)
    await house.keeper.write_once()
    await house.keeper.sweep()
    assert house.purges == 1


async def test_a_stop_writes_all_that_waits_and_tells_what_it_could_not(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    house.refuse(*range(5))
    await house.keeper.close()
    assert [len(batch) for batch in house.batches] == [2, 2, 1]
    assert caplog.records == []
    house.refuse(6, 7)
    monkeypatch.setattr(module, "CLOSING", 0.0)
    monkeypatch.setattr(house, "write", lambda _batch: asyncio.Event().wait())
    await house.keeper.close()
    assert [record.message for record in caplog.records] == [
        "refusals_lost refusals=2 reason='more came than are written'"
    ]


async def test_what_is_lost_is_told_with_a_sweep_and_once(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    timed(monkeypatch)
    house.live.lost = 3
    watching = asyncio.create_task(house.keeper.watch())
    await until(lambda: caplog.records)
    await stop(watching)
    house.live.lost = 5
    await house.keeper.close()
    assert [record.message.partition(" reason")[0] for record in caplog.records] == [
        "refusals_lost refusals=3",
        "refusals_lost refusals=2",
    ]
