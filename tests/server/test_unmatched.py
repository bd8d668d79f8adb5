"""Messages that no row was for, from the way of a message to the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from jackfield.server import unmatched
from jackfield.server.unmatched import LONGEST, Unmatched
from tests.auth.conftest import Clock
from tests.server.served import until


class House:
    """A store that can be away."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.away = False
        self.kept = Unmatched(self.open)

    async def open(self) -> Store:
        if self.away:
            raise Refusal("store_unavailable") from OSError("диск")
        return self.store

    async def found(self) -> dict[str, int]:
        return {one.noted.message: one.count for one in await self.store.unmatched.list()}


@pytest.fixture
async def house(tmp_path: Path, empty_store: bytes, clock: Clock) -> AsyncIterator[House]:
    (tmp_path / "store.db").write_bytes(empty_store)
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/store.db", clock)
    yield House(store)
    await store.close()


def note(house: House, text: str) -> None:
    house.kept.note("бот", "faq", "no_row", {"message": text})


async def test_what_is_noted_is_written_in_a_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmatched, "BATCH", 0.0)
    watching = asyncio.create_task(house.kept.watch())
    note(house, "а")
    async with asyncio.timeout(30):
        while await house.found() != {'{"message":"а"}': 1}:  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    note(house, "а")
    note(house, "б 🙂")
    await house.kept.close()
    assert await house.found() == {'{"message":"а"}': 2, '{"message":"б 🙂"}': 1}


async def test_a_store_that_is_away_loses_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.away = True
    note(house, "а")
    for _ in range(3):
        await house.kept.close()
    assert [record.message for record in caplog.records] == ["unmatched_unavailable reason='диск'"], "told once"
    note(house, "а")
    house.away = False
    await house.kept.close()
    assert await house.found() == {'{"message":"а"}': 2}
    house.away = True
    note(house, "б")
    await house.kept.close()
    assert len(caplog.records) == 2, "away once more"


async def test_what_waits_is_bounded_and_nothing_ends_the_answer(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unmatched, "WAITING", 3)
    note(house, "д" * LONGEST)
    note(house, "\ud800")
    assert house.kept.left_out == 2
    for text in ("1", "2", "3", "4", "1", "5"):
        note(house, text)
    await house.kept.close()
    assert house.kept.left_out == 4
    await house.kept.close()
    assert [record.message for record in caplog.records] == ["unmatched_left_out messages=4"]
    assert await house.found() == {'{"message":"1"}': 2, '{"message":"2"}': 1, '{"message":"3"}': 1}


async def test_it_pauses_between_batches_and_longer_while_the_store_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    moved = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        moved.set()
        house.away = len(pauses) in (2, 3)
        await asyncio.sleep(0)

    monkeypatch.setattr(unmatched, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    watching = asyncio.create_task(house.kept.watch())
    note(house, "а")
    async with asyncio.timeout(30):
        await moved.wait()
        await until(lambda: house.kept._now is not None and house.kept._now.done())
        for _ in range(10):
            await asyncio.sleep(0)
        assert pauses == [unmatched.BATCH], "nothing waits"
        note(house, "а")
        while await house.found() != {'{"message":"а"}': 2}:  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0)
    assert pauses == [unmatched.BATCH, unmatched.BATCH, unmatched.AGAIN, unmatched.AGAIN]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_stop_waits_no_longer_than_it_may(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()

    async def hang() -> Store:
        await gate.wait()
        return house.store

    monkeypatch.setattr(unmatched, "CLOSING", 0.0)
    monkeypatch.setattr(house.kept, "_open_store", hang)
    note(house, "а")
    await house.kept.close()
    assert [record.message for record in caplog.records] == [
        "unmatched_unavailable reason='the store did not take them before the end'"
    ]
    gate.set()
    await house.kept.write()
    assert await house.found() == {'{"message":"а"}': 1}, "what was begun is written once"
