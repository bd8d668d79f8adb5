"""Messages that no row was for, in the database that the tests are run with."""

from __future__ import annotations

import pytest

from jackfield.auth.store import unmatched
from jackfield.auth.store.store import Store
from jackfield.auth.store.unmatched import Noted
from tests.auth.conftest import Clock


def noted(number: int, endpoint: str = "бот") -> Noted:
    return Noted(endpoint, "faq", "last_row", f'{{"message":"вопрос 🙂 {number}"}}')


async def test_equal_messages_are_counted_and_the_latest_stand_first(store: Store, other: Store, clock: Clock) -> None:
    began = clock()
    await store.unmatched.write([(noted(1), 2), (noted(2), 1)])
    clock.now += 5
    await other.unmatched.write([(noted(1), 3), (noted(1, "b"), 1)])
    first, second = await store.unmatched.list("бот")
    assert (first.noted, first.count, first.first_at, first.last_at) == (noted(1), 5, began, began + 5)
    assert (second.noted, second.count) == (noted(2), 1)
    assert len(await store.unmatched.list()) == 3
    assert await store.unmatched.remove(first.id) == "бот"
    assert await store.unmatched.remove(first.id) is None
    assert [one.id for one in await store.unmatched.list("бот")] == [second.id]


async def test_of_each_endpoint_the_latest_stay(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmatched, "MOST_KEPT", 3)
    await store.unmatched.write([(noted(0, "b"), 1)])
    for number in (1, 2, 3, 1, 4):
        clock.now += 1
        await store.unmatched.write([(noted(number), 1)])
    assert [one.noted.message[-3] for one in await store.unmatched.list("бот")] == ["4", "1", "3"]
    assert len(await store.unmatched.list("b")) == 1


async def test_the_list_comes_in_pages(store: Store, clock: Clock) -> None:
    for at, numbers in ((1, (1, 2, 3)), (2, (4,))):
        clock.now += at
        await store.unmatched.write([(noted(number), 1) for number in numbers])
    whole = await store.unmatched.list()
    first = await store.unmatched.list(limit=2)
    second = await store.unmatched.list(after=first[-1].place, limit=2)
    assert [*first, *second] == whole, "also of those that came at the same moment"
    assert await store.unmatched.list(after=second[-1].place) == []
    assert await store.unmatched.list("b", after=first[-1].place) == []


async def test_what_no_database_takes_is_not_there(store: Store) -> None:
    for text in ("\0", "\ud83d"):
        assert await store.unmatched.list(text) == []
        assert await store.unmatched.remove(text) is None
