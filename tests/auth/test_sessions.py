from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from jackfield.auth.credentials import Credential
from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Login, Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change, Session
from jackfield.auth.tokens import Tokens, digest
from jackfield.identity import Identity

from .conftest import Clock, refused, unavailable

PASSWORD = "пароль 🙂🙂"
KEY = b"k" * 40


class House:
    """One process with its sessions, as a server has it."""

    def __init__(
        self, store: Store, passwords: Passwords, clock: Clock, *, idle: float | None = None, remembered: int = 100
    ) -> None:
        self.store = store
        self.tokens = Tokens([KEY], clock=clock)
        self.sessions = Sessions(
            store, self.tokens, passwords, lifetime=3600.0, idle=idle, clock=clock, remembered=remembered
        )
        self.heard: list[Change] = []
        self.sessions.changes.subscribe(self.heard.append)

    async def who(self, login: Login) -> Identity:
        return await self.sessions.identify(Credential(login.token, "cookie"))


@pytest.fixture
async def here(store: Store, passwords: Passwords, clock: Clock) -> House:
    await store.add("Анна", await passwords.hash(PASSWORD), ["support"])
    return House(store, passwords, clock)


@pytest.fixture
def there(other: Store, passwords: Passwords, clock: Clock) -> House:
    return House(other, passwords, clock)


@pytest.fixture
def house(here: House, store: Store, passwords: Passwords, clock: Clock) -> House:
    """One in which a session may be idle for 100 s."""
    return House(store, passwords, clock, idle=100.0)


def count_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reads: list[str] = []
    read = store.get_session

    async def counted(key: str) -> Session | None:
        reads.append(key)
        return await read(key)

    monkeypatch.setattr(store, "get_session", counted)
    return reads


async def test_a_login_opens_a_session_that_is_recognised(here: House, clock: Clock) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    who = await here.who(login)
    assert who == login.identity
    assert (who.login, who.roles, who.expires_at) == ("Анна", frozenset({"support"}), clock() + 3600)
    assert login.expires_at == who.expires_at
    assert len(who.session) == 16


async def test_a_login_is_one_in_both_spellings(here: House, passwords: Passwords) -> None:
    await here.store.add("Zo\u00eb", await passwords.hash(PASSWORD))
    assert (await here.sessions.login("Zoe\u0308", PASSWORD)).identity.login == "Zo\u00eb"


async def test_tk_7_each_login_is_a_new_session_with_256_bits(here: House) -> None:
    first, second = [await here.sessions.login("Анна", PASSWORD) for _ in range(2)]
    assert first.identity.session != second.identity.session
    secret = here.tokens.read(first.token).secret
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert await here.who(first) != await here.who(second)


async def test_the_store_holds_no_token_no_secret_and_no_password(here: House, file: Path) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    secret = here.tokens.read(login.token).secret
    content = b"".join(part.read_bytes() for part in file.parent.glob("store.db*"))
    assert digest(secret).encode() in content
    for hidden in (login.token, secret, PASSWORD):
        assert hidden.encode() not in content
    assert login.token not in repr(login)


async def test_au_2_unknown_disabled_and_wrong_are_reported_in_the_same_words(
    here: House, passwords: Passwords
) -> None:
    await here.store.add("gone", await passwords.hash(PASSWORD))
    await here.store.disable("gone")
    await here.store.add("no password", None)
    attempts = [
        ("Анна", "wrong password"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("no password", PASSWORD),
        ("no password", ""),
        ("an\x00na", PASSWORD),
        ("x" * 500, PASSWORD),
        ("", ""),
    ]
    reported = [await refused(here.sessions.login(login, password)) for login, password in attempts]
    assert {(one.code, one.status, one.detail, one.fix, one.retry_after) for one in reported} == {
        ("login_failed", 401, reported[0].detail, reported[0].fix, None)
    }


async def test_au_3_every_failed_login_costs_one_check(
    here: House, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[str | None] = []
    verify = passwords.verify

    async def counted(stored: str | None, password: str) -> bool:
        checks.append(stored)
        return await verify(stored, password)

    monkeypatch.setattr(passwords, "verify", counted)
    await here.store.add("gone", await passwords.hash(PASSWORD))
    await here.store.disable("gone")
    for login in ("Анна", "nobody", "gone", "an\x00na"):
        before = len(checks)
        await refused(here.sessions.login(login, "wrong password"))
        assert len(checks) == before + 1


async def test_au_6_a_password_of_4_kib_is_refused_before_any_work(
    here: House, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify", None)
    for login in ("Анна", "nobody"):
        assert (await refused(here.sessions.login(login, "x" * 4096))).code == "invalid_request"


OLD = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)


async def test_au_4_a_hash_of_other_parameters_is_renewed_at_login(here: House) -> None:
    await here.store.set_password_hash("Анна", OLD)
    assert await here.sessions.login("Анна", PASSWORD)
    user = await here.store.get("Анна")
    assert user is not None
    assert user.password_hash not in (None, OLD)
    assert await here.sessions.login("Анна", PASSWORD)


async def test_logins_side_by_side_all_succeed_while_a_hash_is_renewed(here: House) -> None:
    await here.store.set_password_hash("Анна", OLD)
    logins = await asyncio.gather(*(here.sessions.login("Анна", PASSWORD) for _ in range(4)))
    assert len({login.identity.session for login in logins}) == 4


async def test_a_token_without_a_password_is_for_who_is_there_and_may_enter(here: House) -> None:
    login = await here.sessions.open_for("Анна")
    assert (await here.who(login)).login == "Анна"
    assert "no user" in (await refused(here.sessions.open_for("nobody"))).detail
    await here.store.disable("Анна")
    assert "disabled" in (await refused(here.sessions.open_for("Анна"))).detail


async def test_tk_1_an_unverified_token_causes_no_read(
    here: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    forged = Tokens([b"x" * 40], clock=clock).issue("s" * 43, login.expires_at)
    reads = count_reads(here.store, monkeypatch)
    monkeypatch.setattr(here.store, "last_change", None)
    for token in (forged, login.token[:-1], "", "a.b.c"):
        refusal = await refused(here.sessions.identify(Credential(token, "cookie")))
        assert refusal.code == "bad_credential"
    assert reads == []


async def test_memory_is_bounded_and_forgets_what_was_not_used(
    store: Store, here: House, passwords: Passwords, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = House(store, passwords, clock, remembered=2)
    first, second, third = [await small.sessions.open_for("Анна") for _ in range(3)]
    for login in (first, second, first, third):
        await small.who(login)
    reads = count_reads(store, monkeypatch)
    await small.who(first)
    await small.who(third)
    assert reads == []
    await small.who(second)
    assert len(reads) == 1


async def test_tk_2_a_session_ends_at_its_moment(here: House, clock: Clock) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    await here.who(login)
    clock.move(3599.9)
    assert await here.who(login)
    clock.move(0.1)
    assert (await refused(here.who(login))).code == "session_expired"


async def test_tk_2_an_idle_session_ends_and_a_used_one_goes_on(house: House, clock: Clock) -> None:
    used, idle = await house.sessions.open_for("Анна"), await house.sessions.open_for("Анна")
    await house.who(idle)
    for _ in range(4):
        clock.move(60)
        await house.sessions.look_once()
        assert await house.who(used)
    assert (await refused(house.who(idle))).code == "session_expired"
    clock.move(100)
    assert (await refused(house.who(used))).code == "session_expired"


async def test_times_of_a_new_plan_hold_for_sessions_opened_after_it(here: House, clock: Clock) -> None:
    before = await here.sessions.open_for("Анна")
    here.sessions.tune(lifetime=60.0, idle=None)
    after = await here.sessions.open_for("Анна")
    assert before.expires_at == clock.now + 3600
    assert after.expires_at == clock.now + 60
    here.sessions.tune(lifetime=60.0, idle=20.0)
    await here.who(after)
    clock.move(20)
    assert (await refused(here.who(after))).code == "session_expired"


async def test_tk_2_use_is_written_down_seldom_and_known_elsewhere(
    house: House, store: Store, other: Store, passwords: Passwords, clock: Clock
) -> None:
    neighbour = House(other, passwords, clock, idle=100.0)
    login = await house.sessions.open_for("Анна")
    begun = clock()
    await house.who(login)
    await neighbour.who(login)

    async def written() -> float:
        await house.sessions.look_once()
        return (await store.sessions_of("Анна"))[0].seen_at - begun

    clock.move(9)
    await house.who(login)
    assert await written() == 0
    clock.move(81)
    await house.who(login)
    assert await written() == 90
    clock.move(50)  # idle in the neighbour's memory, but not in the store
    await neighbour.sessions.look_once()
    assert await neighbour.who(login)


async def test_it_is_noted_when_a_session_was_seen_also_where_none_is_idle(
    here: House, store: Store, clock: Clock
) -> None:
    login = await here.sessions.open_for("Анна")
    begun = (await store.sessions_of("Анна"))[0].seen_at
    found = []
    for _ in range(4):
        await here.who(login)
        clock.move(120)
        await here.who(login)
        await here.sessions.look_once()
        found.append((await here.sessions.open_of("Анна"))[0].seen_at - begun)
    assert found == [0, 0, 360, 360]


async def test_what_was_seen_is_kept_when_the_store_fails(
    house: House, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await house.sessions.open_for("Анна")
    await house.who(login)
    clock.move(50)
    await house.who(login)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_seen", unavailable)
        await refused(house.sessions.look_once())
    await house.sessions.look_once()
    assert (await store.sessions_of("Анна"))[0].seen_at == clock()


async def test_tk_5_a_logout_ends_the_session_here_at_once_and_reports(here: House) -> None:
    one, two = await here.sessions.login("Анна", PASSWORD), await here.sessions.login("Анна", PASSWORD)
    await here.who(one)
    await here.who(two)
    await here.sessions.logout(one.identity)
    assert (await refused(here.who(one))).code == "bad_credential"
    assert await here.who(two)
    assert [(change.kind, change.session) for change in here.heard] == [("session_ended", one.identity.session)]


@pytest.mark.parametrize(
    ("act", "kind", "ends"),
    [
        ("end_session", "session_ended", True),
        ("end_all", "session_ended", True),
        ("set_password_hash", "password_changed", True),
        ("disable", "user_disabled", True),
        ("remove", "user_removed", True),
        ("set_roles", "roles_changed", False),
    ],
)
async def test_tk_5_what_another_process_does_is_heard_at_the_next_look(
    here: House, there: House, act: str, kind: str, ends: bool
) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    await here.who(login)
    await there.who(login)
    subject = login.identity.session if act == "end_session" else "Анна"
    arguments: dict[str, list[Any]] = {"set_password_hash": ["$new"], "set_roles": [["admin"]]}
    await getattr(there.store, act)(subject, *arguments.get(act, []))
    await here.sessions.look_once()
    assert [change.kind for change in here.heard] == [kind]
    assert here.heard[0].concerns(login.identity)
    assert here.heard[0].ends is ends
    if ends:
        assert (await refused(here.who(login))).code == "bad_credential"
    else:
        assert (await here.who(login)).roles == here.heard[0].roles == frozenset({"admin"})


async def test_tk_5_a_session_opened_after_a_change_of_password_is_not_meant(here: House, there: House) -> None:
    before = await here.sessions.login("Анна", PASSWORD)
    await here.who(before)
    user = await there.store.get("Анна")
    assert user is not None
    assert user.password_hash is not None
    await there.store.set_password_hash("Анна", user.password_hash)
    after = await here.sessions.login("Анна", PASSWORD)
    await here.sessions.look_once()
    assert [change.concerns(before.identity) for change in here.heard] == [True]
    assert [change.concerns(after.identity) for change in here.heard] == [False]
    assert await here.who(after)


async def test_tk_5_a_change_during_the_read_of_a_session_is_not_lost(
    here: House, there: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    await here.sessions.look_once()
    read = here.store.get_session

    async def late(key: str) -> Session | None:
        found = await read(key)
        monkeypatch.setattr(here.store, "get_session", read)
        await there.sessions.logout(login.identity)
        await here.sessions.look_once()
        return found  # from before the logout

    monkeypatch.setattr(here.store, "get_session", late)
    assert (await refused(here.who(login))).code == "bad_credential"


async def test_tk_5_memory_is_not_trusted_without_looks(
    here: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await here.sessions.login("Анна", PASSWORD)
    await here.who(login)
    for name in ("get_session", "changes_since", "last_change"):
        monkeypatch.setattr(here.store, name, unavailable)
    clock.move(90)
    await refused(here.sessions.look_once())
    assert await here.who(login)  # REL-10: the store may be away for a while
    clock.move(0.1)
    assert (await refused(here.who(login))).code == "store_unavailable"


async def test_ops_4_a_login_without_a_store_is_503(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here.store, "get", unavailable)
    refusal = await refused(here.sessions.login("Анна", PASSWORD))
    assert (refusal.status, refusal.retry_after) == (503, 2)


async def test_tidy_purges_what_is_over(house: House, store: Store, clock: Clock) -> None:
    await house.sessions.open_for("Анна")
    clock.move(50)
    await house.sessions.tidy()
    assert len(await store.sessions_of("Анна")) == 1
    clock.move(50)
    await house.sessions.tidy()
    assert await store.sessions_of("Анна") == ()
    assert len(await store.changes_since(0)) == 1
    clock.move(25 * 3600)
    await house.sessions.tidy()
    assert await store.changes_since(0) == ()
