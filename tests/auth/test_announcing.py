"""What was changed here holds here at once, whatever the store says of it."""

from __future__ import annotations

import pytest

from jackfield.auth.passwords import Passwords
from jackfield.auth.store.store import Store
from jackfield.errors import Refusal

from .conftest import Clock
from .test_sessions import PASSWORD, House, count_reads, refused


async def test_what_is_announced_is_not_remembered_even_where_the_store_tells_nothing(
    store: Store, passwords: Passwords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add("Анна", await passwords.hash(PASSWORD), ["support"])
    here = House(store, passwords, clock)
    login = await here.sessions.login("Анна", PASSWORD)
    await here.sessions.look_once()
    who = await here.who(login)
    reads = count_reads(here.store, monkeypatch)
    assert await here.who(login) == who
    assert reads == [], "it is remembered"

    async def fail(_: object) -> None:
        raise Refusal("store_unavailable")

    monkeypatch.setattr(here.store, "changes_since", fail)
    await here.sessions.logout(who)
    assert (await refused(here.who(login))).code == "bad_credential"
    assert len(reads) == 1
