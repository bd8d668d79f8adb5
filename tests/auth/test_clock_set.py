"""A wall clock that is set: by it what is over ends, and by it nothing that is good is refused, or lasts longer."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.auth.changes import SILENCE
from jackfield.auth.credentials import Credential
from jackfield.auth.jwt import JwtAuthority
from jackfield.auth.passwords import Passwords
from jackfield.auth.store.attempts import KNOWN, PER_PAIR, TURN, WINDOW, Attempts
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.errors import Refusal
from jackfield.identity import Identity
from tests.auth.store.test_attempts import PER_LOGIN, elsewhere, fail, succeed, wait
from tests.auth.store.test_attempts import fewer as fewer

from .conftest import Clock, outcome, unavailable
from .test_jwt import Desk
from .test_jwt import desk as desk
from .test_sessions import KEY, PASSWORD, House
from .test_verify import RECHECK, Project
from .test_verify import project as project

HOUR = 3600.0


@pytest.fixture
async def house(store: Store, passwords: Passwords, clock: Clock) -> House:
    await store.add("Анна", await passwords.hash(PASSWORD), ["support"])
    return House(store, passwords, clock, idle=600)


async def logged_in(house: House) -> str:
    return (await house.sessions.login("Анна", PASSWORD)).token


async def code(house: House, token: str) -> str:
    """What becomes of a token: "" where it is good."""
    return await outcome(house.sessions.identify(Credential(token, "cookie")))


# tokens and sessions


@pytest.mark.parametrize(("ahead", "seconds"), [(0, -61.0), (0, -HOUR), (0, -30 * 24 * HOUR), (HOUR, -HOUR)], ids=str)
async def test_a_token_made_before_the_clock_was_set_back_is_good(
    house: House, clock: Clock, ahead: float, seconds: float
) -> None:
    clock.set(ahead)
    token = await logged_in(house)
    clock.move(120)
    clock.set(seconds)
    assert await code(house, token) == ""
    clock.move(300)
    assert await code(house, token) == ""
    assert await code(house, await logged_in(house)) == "", "and one made after it"


async def test_so_is_one_that_another_server_made_meanwhile(house: House, clock: Clock) -> None:
    right = Clock(clock.now)
    clock.move(600)
    right.move(600)
    clock.set(-HOUR)
    clock.move(900)
    right.move(900)
    assert house.tokens.read(Tokens([KEY], clock=right).issue("s" * 43, right.now + HOUR)).issued_at > clock.now + 60
    right.move(62)
    with pytest.raises(Refusal, match="issued in the future"):
        house.tokens.read(Tokens([KEY], clock=right).issue("s" * 43, right.now + HOUR))


async def test_a_session_is_over_at_once_when_the_clock_says_so(house: House, clock: Clock) -> None:
    token = await logged_in(house)
    assert await code(house, token) == ""
    clock.set(HOUR)
    assert await code(house, token) == "session_expired"


async def test_a_session_lasts_no_longer_for_a_clock_that_is_set_back(house: House, clock: Clock) -> None:
    house.sessions.tune(lifetime=HOUR, idle=None)
    token = await logged_in(house)
    assert await code(house, token) == ""
    clock.set(-HOUR / 2)
    clock.move(HOUR - 1)
    assert await code(house, token) == ""
    clock.move(1)
    assert await code(house, token) == "session_expired"


@pytest.mark.parametrize("seconds", [HOUR / 2, -HOUR])
async def test_nobody_is_idle_for_how_the_clock_is_set(house: House, clock: Clock, seconds: float) -> None:
    token = await logged_in(house)
    assert await code(house, token) == ""
    clock.move(590)
    clock.set(seconds)
    await house.sessions.tidy()
    assert await code(house, token) == "", "seen within ten minutes"
    clock.move(599)
    await house.sessions.tidy()
    assert await code(house, token) == ""
    clock.move(600)
    assert await code(house, token) == "session_expired", "and not since"


async def test_who_was_not_seen_is_purged_some_time_after_the_clock_was_set(
    house: House, store: Store, clock: Clock
) -> None:
    house.sessions.tune(lifetime=10 * HOUR, idle=600)
    await house.sessions.login("Анна", PASSWORD)
    clock.set(HOUR)
    await house.sessions.tidy()
    assert len(await store.sessions_of("Анна")) == 1
    clock.move(700)
    await house.sessions.tidy()
    assert await store.sessions_of("Анна") == ()


async def test_memory_is_trusted_no_longer_for_a_clock_that_is_set_back(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.sessions.tune(lifetime=10 * HOUR, idle=None)
    token = await logged_in(house)
    assert await code(house, token) == ""
    monkeypatch.setattr(house.store, "get_session", unavailable)
    clock.set(-HOUR)
    clock.move(91)
    assert await code(house, token) == "store_unavailable"


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_a_silent_store_ends_connections_by_the_time_that_passed(
    house: House, clock: Clock, seconds: float
) -> None:
    await house.sessions.look_once()
    clock.set(seconds)
    house.sessions.changes.check_silence()
    assert house.heard == []
    clock.move(SILENCE + 1)
    house.sessions.changes.check_silence()
    assert [change.kind for change in house.heard] == ["store_silent"]


# tokens of a provider


async def judged(authority: JwtAuthority, token: str) -> str:
    return await outcome(authority.identify(Credential(token, "bearer")))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_providers_token_is_not_of_the_future_because_our_clock_was_set_back(desk: Desk, claim: str) -> None:
    authority, provider, clock, real = desk.judge(), desk.provider, desk.clock, desk.clock.now
    clock.set(-HOUR)
    for ahead, wanted in ((60, ""), (61, "bad_credential")):
        claims: dict[str, Any] = {claim: real + ahead}
        assert await judged(authority, provider.token(now=real, **claims)) == wanted
    clock.move(600)
    assert await judged(authority, provider.token(now=real + 600)) == ""


async def test_a_providers_token_that_was_seen_ends_by_both_clocks(desk: Desk, clock: Clock) -> None:
    authority, token, other = desk.judge(), desk.token(), desk.token(jti="2")
    assert await judged(authority, token) == ""
    clock.set(-HOUR)
    clock.move(299)
    assert await judged(authority, token) == ""
    clock.move(1)
    assert await judged(authority, token) == "session_expired"
    clock.set(HOUR)
    assert await judged(authority, other) == "session_expired"


# whom the project's function knows


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_an_answer_is_kept_for_the_time_that_passes(project: Project, clock: Clock, seconds: float) -> None:
    await project.enter()
    clock.set(seconds)
    await project.identify()
    await project.verifier.look()
    assert len(project.asked) == 1
    clock.move(RECHECK)
    await project.verifier.look()
    assert len(project.asked) == 2


async def test_the_end_that_it_gave_is_over_by_both_clocks(project: Project, clock: Clock) -> None:
    project.verifier.tune(10 * HOUR)
    project.people["печенье"] = Identity("аня", expires_at=clock.now + 300)
    await project.identify()
    clock.set(HOUR)
    assert await project.refused() == "session_expired"
    clock.set(-2 * HOUR)
    await project.identify()
    clock.move(300)
    assert await project.refused() == "session_expired"


# attempts


@pytest.fixture
def attempts(store: Store) -> Attempts:
    return store.attempts


@pytest.mark.shows("AU-1")
@pytest.mark.parametrize("remembered", [True, False])
async def test_nobody_waits_longer_than_a_window_for_a_clock_that_is_set_back(
    attempts: Attempts, other: Store, clock: Clock, remembered: bool
) -> None:
    await fail(attempts, PER_PAIR)
    assert await wait(attempts) == WINDOW
    asked = attempts if remembered else other.attempts  # of another server, which has refused nobody
    clock.set(-HOUR)
    assert await wait(asked) == WINDOW
    clock.move(WINDOW - 1)
    assert await wait(asked) == 1
    clock.move(1)
    await fail(asked, 1)


async def test_a_refusal_that_is_remembered_says_how_long_it_is(attempts: Attempts, clock: Clock) -> None:
    await fail(attempts, PER_PAIR)
    assert await wait(attempts) == WINDOW
    clock.set(HOUR)
    assert await wait(attempts) == WINDOW, "for a moment nobody looks into the store"
    clock.move(10)
    await fail(attempts, 1)


async def test_a_turn_comes_whatever_the_clock(attempts: Attempts, other: Store, clock: Clock) -> None:
    for number in range(PER_LOGIN):
        await fail(attempts, 1, client=elsewhere(number))
    assert await wait(attempts, client="10.1.0.1") == TURN
    clock.set(-HOUR)
    await fail(other.attempts, 1, client="10.1.0.1")


async def test_an_address_is_known_no_longer_than_it_is_meant(attempts: Attempts, clock: Clock) -> None:
    clock.set(10 * KNOWN)
    attempt = await succeed(attempts)
    clock.set(-10 * KNOWN)
    again = await succeed(attempts)
    assert attempt.known_until == 0
    assert again.known_until == clock.now + KNOWN
