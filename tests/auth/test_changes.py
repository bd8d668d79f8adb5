"""The feed of the store: each change once and in order, whatever fails; what is changed here holds here at once."""

from __future__ import annotations

import asyncio

import pytest

from jackfield.auth.changes import SILENCE
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change
from jackfield.errors import Refusal

from .conftest import Clock, refused, unavailable
from .test_sessions import PASSWORD, House, count_reads
from .test_sessions import here as here
from .test_sessions import there as there


async def test_each_change_is_heard_once_and_in_order_and_none_from_before_the_first_look(
    here: House, there: House
) -> None:
    await there.store.set_roles("Анна", ["before"])
    await here.sessions.look_once()
    for roles in (["a"], ["b"], ["c"]):
        await there.store.set_roles("Анна", roles)
    await asyncio.gather(*(here.sessions.look_once() for _ in range(5)))
    assert [change.roles for change in here.heard] == [frozenset("a"), frozenset("b"), frozenset("c")]


async def test_a_subscriber_that_fails_keeps_nobody_else_from_hearing(store: Store, here: House, there: House) -> None:
    heard: list[Change] = []

    def fail(_: Change) -> None:
        raise KeyError("deaf")

    there.sessions.changes.subscribe(fail)
    there.sessions.changes.subscribe(heard.append)
    await there.sessions.look_once()
    await store.disable("Анна")
    await there.sessions.look_once()
    assert [change.kind for change in heard] == ["user_disabled"]


@pytest.mark.parametrize(
    ("fault", "event"), [(Refusal("store_unavailable"), "store_unavailable"), (TypeError("no list"), "store_failed")]
)
async def test_tk_5_watch_survives_faults_and_hears_of_what_comes_after(
    here: House,
    there: House,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
    event: str,
) -> None:
    """TypeError is what the store raises for a row that cannot be read."""
    monkeypatch.setattr("jackfield.auth.changes.LOOK", 0.001)
    reported, failed = asyncio.Event(), asyncio.Event()
    here.sessions.changes.subscribe(lambda _: reported.set())
    await here.sessions.look_once()
    watching = asyncio.create_task(here.sessions.watch())

    async def fail(_: int) -> tuple[Change, ...]:
        failed.set()
        raise fault

    async with asyncio.timeout(10):
        with monkeypatch.context() as patch:
            patch.setattr(here.store, "changes_since", fail)
            await failed.wait()
            assert not reported.is_set()
            clock.move(SILENCE + 1)
            await reported.wait()
        reported.clear()
        await there.store.disable("Анна")
        await reported.wait()
    assert [change.kind for change in here.heard] == ["store_silent", "user_disabled"]
    assert [record.getMessage().split()[0] for record in caplog.records] == [event, "store_silent"]
    assert not watching.done()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_what_is_announced_is_not_remembered_even_where_the_store_reports_nothing(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    await here.sessions.look_once()
    who = await here.who(login)
    reads = count_reads(here.store, monkeypatch)
    assert await here.who(login) == who
    assert reads == [], "it is remembered"
    monkeypatch.setattr(here.store, "changes_since", unavailable)
    await here.sessions.logout(who)
    assert (await refused(here.who(login))).code == "bad_credential"
    assert len(reads) == 1
