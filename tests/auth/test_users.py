"""What users change about themselves and administrators about users; most of it is driven in tests/server."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.attempts import Attempt
from jackfield.auth.users import Users

from .conftest import unavailable
from .test_sessions import PASSWORD, House
from .test_sessions import here as here


@pytest.fixture
async def sessions(here: House) -> Sessions:
    await here.sessions.look_once()
    return here.sessions


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
    here: House, sessions: Sessions, act: str, kinds: list[str], silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = await sessions.open_for("Анна"), await sessions.open_for("Анна")
    users = Users(sessions)
    arguments: dict[str, dict[str, Any]] = {
        "end_others": {"identity": own.identity},
        "change_password": {"identity": own.identity, "old": PASSWORD, "new": "другой пароль", "client": ""},
        "change": {"login": "Анна", "roles": ["b"], "disabled": True, "password": "другой пароль"},
    }
    if silent:
        monkeypatch.setattr(sessions.store, "changes_since", unavailable)
    await getattr(users, act)(**arguments.get(act, {"login": "Анна"}))
    assert sorted(change.kind for change in here.heard) == sorted(kinds)
    concerned = [any(change.concerns(who.identity) and change.ends for change in here.heard) for who in (own, other)]
    assert concerned == [act not in ("end_others", "change_password"), True]


async def test_a_password_changed_beside_another_login_is_changed(
    sessions: Sessions, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
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
