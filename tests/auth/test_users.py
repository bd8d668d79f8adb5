"""What users change about themselves and administrators about users; most of it is driven in tests/server."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.attempts import Attempt
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change
from jackfield.auth.tokens import Tokens
from jackfield.auth.users import Users
from jackfield.errors import Refusal

from .conftest import Clock

PASSWORD = "пароль 🙂🙂"


@pytest.fixture
async def sessions(store: Store, passwords: Passwords, clock: Clock) -> Sessions:
    await store.add("Анна", await passwords.hash(PASSWORD), ["support"])
    made = Sessions(store, Tokens([b"k" * 40], clock=clock), passwords, lifetime=3600.0, idle=None, clock=clock)
    await made.look_once()
    return made


@pytest.fixture
def heard(sessions: Sessions) -> list[Change]:
    found: list[Change] = []
    sessions.changes.subscribe(found.append)
    return found


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        ("end_others", ["session_ended"]),
        ("change_password", ["password_changed"]),
        ("change", ["roles_changed", "password_changed", "password_changed", "user_disabled"]),
        ("remove", ["user_removed"]),
        ("close", ["session_ended", "session_ended", "connections_closed"]),
    ],
)
@pytest.mark.parametrize("silent", [False, True])
async def test_what_is_done_is_heard_before_it_returns_also_while_nothing_can_be_read(
    sessions: Sessions, heard: list[Change], act: str, kinds: list[str], silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = await sessions.open_for("Анна"), await sessions.open_for("Анна")
    users = Users(sessions)
    arguments: dict[str, dict[str, Any]] = {
        "end_others": {"identity": own.identity},
        "change_password": {"identity": own.identity, "old": PASSWORD, "new": "другой пароль", "client": ""},
        "change": {"login": "Анна", "roles": ["b"], "disabled": True, "password": "другой пароль"},
    }

    async def fail(_: int) -> None:
        raise Refusal("store_unavailable")

    if silent:
        monkeypatch.setattr(sessions.store, "changes_since", fail)
    await getattr(users, act)(**arguments.get(act, {"login": "Анна"}))
    assert sorted(change.kind for change in heard) == sorted(kinds)
    concerned = [any(change.concerns(who.identity) and change.ends for change in heard) for who in (own, other)]
    assert concerned == [act not in ("end_others", "change_password"), True]


async def test_a_password_changed_beside_another_login_is_changed(
    sessions: Sessions, heard: list[Change], passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await sessions.open_for("Анна")
    read = sessions.store.get
    reads = 0

    async def renewed_meanwhile(login: str) -> Any:
        nonlocal reads
        found = await read(login)
        reads += 1
        if reads == 1:
            assert found is not None
            await sessions.store.renew_hash(login, found.password_hash or "", await passwords.hash(PASSWORD))
        return found

    counted = sessions.store.attempts.succeeded
    reported: list[Attempt] = []

    async def succeeded(attempt: Attempt) -> None:
        reported.append(attempt)
        await counted(attempt)

    monkeypatch.setattr(sessions.store, "get", renewed_meanwhile)
    monkeypatch.setattr(sessions.store.attempts, "succeeded", succeeded)
    await Users(sessions).change_password(own.identity, PASSWORD, "другой пароль", client="")
    assert (reads, len(reported)) == (2, 1), "it counts once, or it would take another's failure with it"
    assert await sessions.login("Анна", "другой пароль")
