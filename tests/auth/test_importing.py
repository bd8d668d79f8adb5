"""Many users at once: all that is wrong is told, and all are added or nobody."""

from __future__ import annotations

import pytest

from jackfield.auth.importing import Row, import_users, judged
from jackfield.auth.passwords import Passwords
from jackfield.auth.store.store import Store
from jackfield.errors import Refusal

from .test_sessions import House
from .test_sessions import here as here

ROWS = [
    Row("боб", ["support", "ночь"], "Боб 🙂", "пароль с пробелами"),
    Row("Анна", ["admin"]),  # the house has her
    Row("вика"),
]


async def logins(store: Store) -> list[str]:
    return [user.login for user in await store.list()]


async def test_who_is_new_is_added_and_who_is_there_stays(here: House, passwords: Passwords) -> None:
    store = here.sessions.store
    before = await store.known("Анна")
    heard: list[tuple[int, int]] = []
    found = await import_users(store, passwords, ROWS, progress=lambda *both: heard.append(both))
    assert [(one.login, one.done) for one in found] == [("боб", "added"), ("Анна", "skipped"), ("вика", "added")]
    assert heard == [(1, 2), (2, 2)]
    assert await store.known("Анна") == before
    bob, vika = await store.known("боб"), await store.known("вика")
    assert (sorted(bob.roles), bob.name) == (["support", "ночь"], "Боб 🙂")
    assert await passwords.verify(bob.password_hash, "пароль с пробелами")
    assert found[0].password is None, "it is known already"
    assert found[2].password
    assert await passwords.verify(vika.password_hash, found[2].password)
    assert found[2].password not in repr(found)
    assert [change.login for change in await store.changes_since(0)][-2:] == ["боб", "вика"]


async def test_one_fault_adds_nobody_and_a_dry_run_neither(here: House, passwords: Passwords) -> None:
    store = here.sessions.store
    before = await logins(store)
    found = await import_users(store, passwords, [*ROWS, Row("key:x", ["a,b"], "a\tb", "short")])
    assert [one.done for one in found] == ["skipped", "skipped", "skipped", "refused"]
    assert [field for field, _ in found[3].faults] == ["login", "name", "roles", "password"]
    assert "nobody" in found[0].problem
    assert [one.done for one in await import_users(store, passwords, ROWS, dry_run=True)] == [
        *("added", "skipped", "added")
    ]
    assert await logins(store) == before


def test_a_login_that_stands_twice_is_refused_in_any_spelling() -> None:
    composed, apart = "\u00e9va", "e\u0301va"
    assert [one.done for one in judged([Row(composed), Row(apart)], ())] == ["added", "refused"]


async def test_who_lost_the_role_meanwhile_adds_nobody(here: House, passwords: Passwords) -> None:
    with pytest.raises(Refusal, match="may not do this"):
        await import_users(here.sessions.store, passwords, ROWS, by=("Анна", "admin"))
    assert "боб" not in await logins(here.sessions.store)


async def test_who_was_added_by_somebody_else_meanwhile_is_skipped(here: House, passwords: Passwords) -> None:
    store = here.sessions.store

    async def meanwhile() -> None:
        await store.add("боб", None)

    class Slow(Passwords):
        async def hash(self, password: str) -> str:
            if "боб" not in await logins(store):
                await meanwhile()
            return await passwords.hash(password)

    slow = Slow(threads=1)
    found = await import_users(store, slow, ROWS)
    await slow.close()
    assert [one.done for one in found] == ["skipped", "skipped", "added"]
    assert (await store.known("боб")).password_hash is None
