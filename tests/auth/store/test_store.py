from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from jackfield.auth.store.store import MAX_SESSIONS, Store
from jackfield.auth.store.tables import Change, User
from tests.auth.conftest import Clock, execute, refused

# What must come back as it went in: CF-11's injections, other languages, marks of formats.
TEXTS = ["Анна", "👩‍🚀 Zoë", "x'); DROP TABLE jackfield_users; --", '" OR 1=1', "%s %(a)s :a ? ?1", "{0} {x}", "\\0"]


async def news(store: Store, since: int = 0) -> list[tuple[str, str, str]]:
    return [(change.kind, change.login, change.session) for change in await store.changes_since(since)]


async def session(store: Store, clock: Clock, login: str, name: str, lifetime: float = 60.0) -> None:
    assert await store.add_session(name, login, f"digest of {name}", expires_at=clock() + lifetime)


async def user_of(store: Store, login: str) -> User:
    found = await store.get(login)
    assert found is not None
    return found


async def test_a_user_is_kept_and_seen_by_another_process(store: Store, other: Store, clock: Clock) -> None:
    added = await store.add("Анна", "$hash", ["support", "admin", "support"])
    assert added.roles == {"admin", "support"}
    assert await other.get("Анна") == added
    assert (added.created_at, added.disabled, added.password_hash) == (clock(), False, "$hash")
    assert await other.get("анна") is None
    assert list(await other.list()) == [added]


@pytest.mark.parametrize("text", TEXTS)
async def test_cf_11_every_text_is_stored_as_it_is(store: Store, text: str) -> None:
    role = text.replace(" ", "_").replace(",", "_")
    await store.add(text, text, [role])
    user = await user_of(store, text)
    assert (user.login, user.password_hash, user.roles) == (text, text, frozenset({role}))
    await store.set_roles(text, [])
    await store.end_all(text)
    await store.remove(text)
    assert await store.get(text) is None


async def test_one_login_is_one_user(store: Store) -> None:
    await store.add("Zo\u00eb", None)
    refusal = await refused(store.add("Zoe\u0308", None))
    assert (refusal.code, "already" in refusal.detail) == ("login_taken", True)
    assert len(await store.list()) == 1


async def test_a_user_who_is_not_there_is_reported(store: Store) -> None:
    for act in (store.remove, store.disable, store.enable, store.end_all):
        assert "no user nobody" in (await refused(act("nobody"))).detail
    assert "no user nobody" in (await refused(store.set_roles("nobody", []))).detail
    assert "no user nobody" in (await refused(store.set_password_hash("nobody", "$"))).detail
    assert await news(store) == []


async def test_every_change_of_a_user_is_reported_in_order(store: Store, other: Store, clock: Clock) -> None:
    await store.add("anna", "$1")
    await session(store, clock, "anna", "s1")
    await session(store, clock, "anna", "s2")
    await session(store, clock, "anna", "s3")
    assert await store.set_password_hash("anna", "$2", keep="s2") == 2
    await store.set_roles("anna", ["admin"])
    assert await store.end_session("s2")
    assert not await store.end_session("s2"), "there is none any more, and nothing to report"
    await store.disable("anna")
    await store.enable("anna")
    await store.set_password_hash("anna", "$3")
    await store.remove("anna")
    reported = await news(other)
    assert sorted(reported[1:3]) == [("password_changed", "anna", "s1"), ("password_changed", "anna", "s3")]
    assert reported[:1] + reported[3:] == [
        ("user_added", "anna", ""),
        ("roles_changed", "anna", ""),
        ("session_ended", "anna", "s2"),
        ("user_disabled", "anna", ""),
        ("user_enabled", "anna", ""),
        ("password_changed", "anna", ""),
        ("user_removed", "anna", ""),
    ]


async def test_a_change_of_roles_carries_the_new_ones(store: Store) -> None:
    await store.add("anna", None, ["a"])
    before = await store.last_change()
    await store.set_roles("anna", ["b", "в"])
    await store.set_roles("anna", ["в", "b"])  # no change, nothing to report
    assert await store.changes_since(before) == (
        Change("anna", "", "roles_changed", frozenset({"b", "в"}), before + 1),
    )


async def test_a_session_is_found_by_its_digest_with_the_roles_of_now(store: Store, clock: Clock) -> None:
    await store.add("anna", None, ["a"])
    await session(store, clock, "anna", "s1")
    await store.set_roles("anna", ["b"])
    found = await store.get_session("digest of s1")
    assert found is not None
    assert (found.id, found.login, found.roles, found.expires_at) == ("s1", "anna", frozenset({"b"}), clock() + 60)
    assert await store.get_session("digest of another") is None


async def test_sessions_end_with_their_user(store: Store, clock: Clock) -> None:
    for login, end in (("a", store.remove), ("b", store.disable), ("c", store.end_all)):
        await store.add(login, None)
        await session(store, clock, login, f"session of {login}")
        await end(login)
        assert await store.get_session(f"digest of session of {login}") is None
    await store.enable("b")
    assert await store.get_session("digest of session of b") is None


async def test_who_is_out_gets_no_session(store: Store, clock: Clock) -> None:
    await store.add("anna", "$1")
    assert await store.add_session("s0", "nobody", "d0", expires_at=clock() + 1) is None
    assert await store.add_session("s1", "anna", "d1", expires_at=clock() + 1, password_hash="$old") is None
    await store.disable("anna")
    assert await store.add_session("s2", "anna", "d2", expires_at=clock() + 1, password_hash="$1") is None
    assert await store.sessions_of("anna") == ()


async def test_tk_12_the_number_of_sessions_is_bounded_and_the_oldest_goes(store: Store, clock: Clock) -> None:
    await store.add("anna", None)
    for number in range(MAX_SESSIONS + 2):
        clock.move(1)
        await session(store, clock, "anna", f"s{number}", lifetime=1000)
    kept = [one.id for one in await store.sessions_of("anna")]
    assert kept == [f"s{number}" for number in range(2, MAX_SESSIONS + 2)]
    assert (await news(store))[1:] == [("session_ended", "anna", "s0"), ("session_ended", "anna", "s1")]


async def test_a_hash_is_renewed_or_changed_only_in_place_of_the_one_that_was_meant(store: Store) -> None:
    await store.add("anna", "$1")
    await store.renew_hash("anna", "$1", "$1 better")
    await store.renew_hash("anna", "$1", "$lost")
    assert (await user_of(store, "anna")).password_hash == "$1 better"
    assert await store.set_password_hash("anna", "$3", instead_of="$2") is None
    assert await store.set_password_hash("anna", "$2", instead_of="$1 better") == 0


async def test_purge_forgets_what_is_over_and_no_id_comes_twice(store: Store, clock: Clock) -> None:
    await store.add("anna", None)
    await session(store, clock, "anna", "short", lifetime=10)
    await session(store, clock, "anna", "idle", lifetime=1000)
    await session(store, clock, "anna", "used", lifetime=1000)
    last = await store.last_change()
    clock.move(10)
    await store.write_seen({"used": clock()})
    await store.purge(idle_since=clock() - 5, changes_before=clock())
    assert [one.id for one in await store.sessions_of("anna")] == ["used"]
    assert await news(store) == []
    await store.disable("anna")
    assert [change.id for change in await store.changes_since(0)] == [last + 1]


async def test_several_processes_may_begin_at_once(url: str, clock: Clock) -> None:
    stores = await asyncio.gather(*(Store.open(url, clock) for _ in range(4)))
    await asyncio.gather(*(store.add(f"user {number}", None) for number, store in enumerate(stores)))
    assert len(await stores[0].list()) == 4
    assert [change.id for change in await stores[0].changes_since(0)] == [1, 2, 3, 4]
    for store in stores:
        await store.close()


async def test_a_store_of_a_newer_version_is_refused(store: Store, url: str, clock: Clock) -> None:
    await store.close()
    await execute(url, ["update jackfield_schema set version = 99"])
    refusal = await refused(Store.open(url, clock))
    assert "99" in refusal.detail


async def test_changes_come_in_portions(store: Store, url: str) -> None:
    rows = [{"session": f"s{number}"} for number in range(1500)]
    insert = "insert into jackfield_changes (kind, login, session, at) values ('session_ended', 'anna', :session, 0)"
    await execute(url, [insert], rows)
    first: Sequence[Change] = await store.changes_since(0)
    second = await store.changes_since(first[-1].id)
    assert [change.session for change in (*first, *second)] == [row["session"] for row in rows]


async def test_a_store_of_the_first_version_is_brought_up_to_date(store: Store, url: str, clock: Clock) -> None:
    await store.add("Анна", None, ["support"])
    await session(store, clock, "Анна", "s1")
    await store.close()
    new = (("sessions", "client"), ("sessions", "agent"), ("changes", "expires_at"), ("users", "name"))
    drops = [f"alter table jackfield_{table} drop column {column}" for table, column in new]
    await execute(url, [*drops, "drop table jackfield_attempts", "update jackfield_schema set version = 1"])
    first, second = await asyncio.gather(Store.open(url, clock), Store.open(url, clock))
    found = await first.get_session("digest of s1")
    assert found is not None
    assert (found.login, found.client, found.agent) == ("Анна", "", "")
    assert await first.prolong("s1", clock() + 100, longest=1000, step=1)
    assert [change.expires_at for change in await second.changes_since(0)] == [None, clock() + 100]
    async with second.attempts.trying("Анна", "10.0.0.1"):
        pass
    assert (await first.known("Анна")).name == ""
    await first.change("Анна", name="Анна Петрова 😀")
    await first.close()
    await execute(url, ["alter table jackfield_users drop column name", "update jackfield_schema set version = 2"])
    third = await Store.open(url, clock)
    assert (await third.known("Анна")).name == ""
    for one in (second, third):
        await one.close()


async def test_sessions_and_users_carry_a_name(store: Store, clock: Clock) -> None:
    await store.add("анна", None, name="Анна Петрова 😀")
    await session(store, clock, "анна", "s1")
    last = await store.last_change()
    changed = await store.change("анна", name="e\u0301va")
    assert (changed.name, (await store.list())[0].name) == ("éva", "éva")
    assert [change.kind for change in await store.changes_since(last)] == ["name_changed"]
    found = await store.get_session("digest of s1")
    assert found is not None
    assert found.identity.name == "éva"
    for wrong in ("x" * 129, " анна", "a\nb", "\u202ea"):
        assert (await refused(store.change("анна", name=wrong))).code == "invalid_request"
    assert (await store.change("анна", name="")).name == ""


async def test_a_session_is_prolonged_within_its_bounds_and_never_revived(store: Store, clock: Clock) -> None:
    await store.add("anna", None)
    await session(store, clock, "anna", "s1", lifetime=100)
    opened = clock()

    async def prolonged(seconds: float) -> float | None:
        found = await store.prolong("s1", opened + seconds, longest=500, step=10)
        return None if found is None else found.expires_at - opened

    assert await prolonged(109) == 100  # less than a step
    assert await prolonged(50) == 100
    assert await prolonged(110) == 110
    assert await prolonged(600) == 500
    assert [(change.kind, change.session) for change in await store.changes_since(1)] == [
        ("session_refreshed", "s1"),
        ("session_refreshed", "s1"),
    ]
    clock.move(500)
    assert await prolonged(700) is None
    assert await store.prolong("s2", clock() + 1, longest=500, step=0) is None


async def test_a_change_of_a_user_is_whole_or_not_made(store: Store) -> None:
    await store.add("anna", "$1", ["a"])
    assert (await refused(store.change("anna", roles=["b", "not, one"], disabled=True))).code == "invalid_request"
    user = await user_of(store, "anna")
    assert (user.roles, user.disabled) == (frozenset("a"), False)
    user = await store.change("anna", roles=["b"], disabled=True, password_hash="$2")
    assert (user.roles, user.disabled, user.password_hash) == (frozenset("b"), True, "$2")
    kinds = ["user_added", "roles_changed", "password_changed", "user_disabled"]
    assert [kind for kind, _, _ in await news(store)] == kinds


@pytest.mark.parametrize(
    "roles", ["no json", "[" * 2_000, '"admin"', '{"admin": 1}', "5", "null", '[["admin"]]', '["admin", 5]', "[NaN]"]
)
async def test_roles_that_cannot_be_read_open_nothing_and_keep_nobody_else_from_being_read(
    store: Store, clock: Clock, url: str, roles: str, caplog: pytest.LogCaptureFixture
) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL judges itself what is JSON")
    await store.add("аня", "$hash", ["admin"])
    await store.add("bob", "$hash", ["support"])
    await session(store, clock, "аня", "s1")
    await store.set_roles("аня", ["support"])
    for table in ("users", "changes"):
        statement = f"UPDATE jackfield_{table} SET roles = :roles WHERE login = 'аня' AND roles IS NOT NULL"
        await execute(url, [statement], [{"roles": roles}])
    assert [(user.login, set(user.roles)) for user in await store.list()] == [("bob", {"support"}), ("аня", set())]
    found = await store.get_session("digest of s1")
    assert found is not None
    assert found.roles == frozenset()
    with pytest.raises(TypeError, match="the roles of the change 3 are no list of texts"):
        await store.changes_since(0)
    assert "store_row_unreadable" in caplog.text
    await store.set_roles("аня", ["admin"])
    assert (await user_of(store, "аня")).roles == {"admin"}, "the way to fix it"
