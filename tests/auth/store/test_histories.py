"""What the store keeps of groups, in the database that the tests are run with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from jackfield.auth.store import histories
from jackfield.auth.store.store import Store
from jackfield.groups.group import Declared, Group
from jackfield.groups.histories import Batch, Event, Past, Wanted
from jackfield.groups.names import Pattern
from tests.auth.conftest import Clock

ROOM = "room:%D0%B7"


def event(number: int, at: float, what: str = "👩‍🚀 Зоя", *, room: str = ROOM, pattern: str = "room:{room}") -> Event:
    group = Group(room, Declared(Pattern.parse(pattern)), lambda _seconds, _act: pytest.fail("no timer is due"))
    return Event(group, pattern, number, at, f'{{"event":"said","text":"{what}","$n":{number}}}'.encode())


async def rows(url: str) -> Sequence[Any]:
    query = "SELECT name, number FROM jackfield_events ORDER BY name, number"
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = [tuple(row) for row in await connection.execute(text(query))]
    await engine.dispose()
    return found


async def read(store: Store, most: int = 1000, oldest: float = 0.0, size: int = 10_000) -> Past:
    (past,) = (await store.histories.read([Wanted(ROOM, most, oldest, size)])).values()
    return past


async def test_the_newest_events_come_back_as_they_were(store: Store, other: Store, clock: Clock) -> None:
    assert await read(store) == Past(0, ())
    written = [event(number, clock() + number) for number in range(1, 6)]
    strange = event(9, clock(), room="room:other")
    await store.histories.write(Batch([*written, strange], {}))
    frames = [one.frame for one in written]
    assert await read(other) == Past(5, frames)
    assert await read(other, most=2) == Past(5, frames[-2:])
    assert await read(other, oldest=clock() + 4) == Past(5, frames[-2:])
    assert await read(other, size=2 * len(frames[0].decode())) == Past(5, frames[-2:])
    assert await read(other, size=3) == Past(5, [])


async def test_a_batch_that_is_written_twice_is_there_once(store: Store, url: str, clock: Clock) -> None:
    """Whether a transaction was committed is not known where the answer is lost: it is written again."""
    batch = Batch([event(1, clock()), event(2, clock())], {})
    await store.histories.write(batch)
    await store.histories.write(Batch([*batch.events, event(3, clock())], {ROOM: 2}))
    assert await rows(url) == [(ROOM, 2), (ROOM, 3)]


async def test_events_are_removed_when_the_time_of_their_pattern_is_over(
    store: Store, url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "AT_ONCE", 2)
    await store.histories.keep({"room:{room}": 60.0, "news": 3600.0})
    at_first = [event(number, clock()) for number in range(1, 8)]
    await store.histories.write(Batch([*at_first, event(1, clock(), room="news", pattern="news")], {}))
    clock.move(60)
    await store.histories.write(Batch([event(8, clock())], {}))
    await store.histories.purge()
    assert len(await rows(url)) == 9, "60 seconds are not over yet"
    clock.move(1)
    await store.histories.purge()
    assert await rows(url) == [("news", 1), (ROOM, 8)]


async def test_a_pattern_that_keeps_for_less_holds_for_what_is_there_and_one_that_is_gone_goes_on(
    store: Store, other: Store, url: str, clock: Clock
) -> None:
    await store.histories.keep({"room:{room}": 3600.0, "news": 100.0})
    await store.histories.write(Batch([event(1, clock()), event(1, clock(), room="news", pattern="news")], {}))
    await other.histories.keep({"room:{room}": 60.0})
    clock.move(61)
    await other.histories.purge()
    assert await rows(url) == [("news", 1)]
    clock.move(40)
    await other.histories.purge()
    assert await rows(url) == []
