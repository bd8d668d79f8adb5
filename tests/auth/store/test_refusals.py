"""Kept refusals, by the table in a real database: what is written, found, too much and too old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from jackfield.auth.refused import Refused, Wanted
from jackfield.auth.store import refusals as table
from jackfield.auth.store.refusals import KEPT
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import refusals
from tests.clock import Clock


def row(number: int, at: float, login: str = "анна", code: str = "role_required", **more: Any) -> Refused:
    usual = {"path": "/ws/стол", "status": 403, "detail": "Nein 🙈", "client": "10.0.0.1", "origin": "https://a.de"}
    named = {"endpoint": "desk", "fix": "Ask for it.", "id": f"C{number:05}", "first": at}
    return Refused(at, code=code, login=login, **{**usual, **named, **more})


def times(found: Sequence[Refused]) -> list[float]:
    return [one.time for one in found]


async def test_what_is_written_is_found_as_it_was(store: Store, other: Store) -> None:
    mine, failed = (
        row(1, 1000),
        row(2, 1001, "", "login_failed", cause="no_such_user", client="::1", detail="a\0b\ud800"),
    )
    await store.refusals.write([])
    await store.refusals.write([mine, failed])
    assert await other.refusals.find(Wanted(login="анна")) == [mine]
    assert await other.refusals.find(Wanted(id="C00002")) == [replace(failed, detail="a�b?")]
    assert times(await other.refusals.find(Wanted(since=0))) == [1001, 1000], "the newest first"
    assert await other.refusals.find(Wanted(address="::1", login="анна")) == []
    assert times(await other.refusals.find(Wanted(since=1000.5))) == [1001]
    assert times(await other.refusals.find(Wanted(since=0, limit=1))) == [1001]


async def test_an_equal_one_is_the_same_row_and_another_with_its_id_is_not(store: Store) -> None:
    await store.refusals.write([row(1, 1000)])
    more = replace(row(1, 1000), time=1060.0, count=7, detail="noch 3 s")
    for _ in range(2):  # where it is not known whether it was written
        await store.refusals.write([more, row(2, 1001)])
    assert await store.refusals.find(Wanted(login="анна")) == [more, row(2, 1001)]
    await store.refusals.write([row(1, 2000, "bob")])
    assert [one.login for one in await store.refusals.find(Wanted(id="C00001"))] == ["bob", "анна"]


async def test_a_login_an_address_and_all_have_their_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [row(number, 1000 + number) for number in range(table.PER_LOGIN + 5)]
    guesses = [
        row(1000 + number, 2000 + number, code="login_failed", client=f"10.1.0.{number % 200}")
        for number in range(table.PER_LOGIN + 5)
    ]
    for batch in (mine, guesses):
        await store.refusals.write(batch)
    found = await store.refusals.find(Wanted(login="анна", limit=1000))
    assert times(found) == times(guesses[:4:-1]) + times(mine[:4:-1]), "who guesses pushes out guesses alone"

    crowd = [row(2000 + number, 3000 + number, f"u{number}", client="::1") for number in range(table.PER_ADDRESS + 5)]
    await store.refusals.write(crowd)
    assert times(await store.refusals.find(Wanted(address="::1", limit=1000))) == times(crowd[:4:-1])

    monkeypatch.setattr(table, "_TRIM_NOBODY", table._but_newest(3, refusals.c.login == ""))
    nobody = [row(4000 + number, 4000 + number, "", "login_failed", client=f"::{number}") for number in range(5)]
    await store.refusals.write(nobody)
    assert times(await store.refusals.find(Wanted(since=4000))) == [4004, 4003, 4002]

    monkeypatch.setattr(table, "_TRIM_ALL", table._but_newest(10))
    monkeypatch.setattr(store.refusals, "_clock", lambda: 5000.0)
    await store.refusals.purge()
    assert len(await store.refusals.find(Wanted(since=0))) == 10


async def test_what_is_old_is_removed_and_so_is_what_a_removed_user_leaves(store: Store, clock: Clock) -> None:
    await store.add("анна", None)
    now = clock()
    await store.refusals.write([row(1, now - KEPT - 1), row(2, now - KEPT + 1), row(3, now, "bob")])
    await store.refusals.purge()
    assert [one.id for one in await store.refusals.find(Wanted(since=0))] == ["C00003", "C00002"]
    await store.remove("анна")
    assert [one.id for one in await store.refusals.find(Wanted(since=0))] == ["C00003"]


def test_what_trims_has_an_index() -> None:
    indexes = {tuple(index.columns.keys()) for index in refusals.indexes}
    assert indexes == {("last_at",), ("login", "failed_login", "last_at"), ("client", "last_at")}
