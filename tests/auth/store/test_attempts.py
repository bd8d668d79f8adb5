from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.store import attempts as attempts_module
from jackfield.auth.store.attempts import (
    AT_ONCE,
    KNOWN,
    MEMORY,
    PER_ADDRESS,
    PER_PAIR,
    TURN,
    WAITING,
    WATCHED,
    WINDOW,
    Attempt,
    Attempts,
)
from jackfield.auth.store.database import Database
from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from tests.auth.conftest import Clock, refused, until

PER_LOGIN = 96
"""In place of 240: each takes some milliseconds of the database."""


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "PER_LOGIN", PER_LOGIN)


@pytest.fixture
def here(store: Store) -> Attempts:
    return store.attempts


async def fail(attempts: Attempts, times: int, login: str = "аня", client: str = "10.0.0.1") -> None:
    for _ in range(times):
        async with attempts.trying(login, client):
            pass


async def succeed(attempts: Attempts, login: str = "аня", client: str = "10.0.0.1") -> Attempt:
    async with attempts.trying(login, client) as attempt:
        await attempts.succeeded(attempt)
    return attempt


@asynccontextmanager
async def held(attempts: Attempts, times: int, login: str = "аня") -> AsyncIterator[list[Attempt]]:
    """So many attempts in flight; `{}` in the login is the number of each."""
    async with AsyncExitStack() as stack:
        tried = (attempts.trying(login.format(number), "10.0.0.1") for number in range(times))
        yield list(await asyncio.gather(*map(stack.enter_async_context, tried)))


async def at_once(attempts: Attempts, right: int, wrong: int = 0, *, together: int, clients: int = 1) -> Counter[str]:
    """What becomes of so many attempts; none ends before `together` are in flight and all others have come."""
    in_flight: list[Attempt] = []

    def is_full() -> bool:
        return len(in_flight) >= together and len(in_flight) + attempts.waiting == right + wrong

    async def one(number: int) -> str:
        try:
            async with attempts.trying("аня", f"10.0.0.{number % clients}") as attempt:
                in_flight.append(attempt)
                async with asyncio.timeout(5):
                    await begin.wait()
                if number < right:
                    await attempts.succeeded(attempt)
                    return "right"
                return "wrong"
        except Refusal as refusal:
            return refusal.code

    begin = asyncio.Event()
    tasks = [asyncio.create_task(one(number)) for number in range(right + wrong)]
    await until(is_full)
    begin.set()
    return Counter(await asyncio.gather(*tasks))


async def wait(attempts: Attempts, login: str = "аня", client: str = "10.0.0.1") -> int:
    """The seconds that a refused attempt has to wait."""
    refusal = await refused(fail(attempts, 1, login, client))
    assert refusal.code == "too_many_attempts"
    assert refusal.retry_after is not None
    return refusal.retry_after


@pytest.mark.shows("AU-1")
async def test_a_login_from_one_address_has_ten_tries_in_a_window(here: Attempts, clock: Clock) -> None:
    await fail(here, PER_PAIR - 1)
    clock.move(WINDOW - 1)
    await fail(here, 1)
    assert await wait(here) == 1
    assert await wait(here) == 1
    clock.move(1)
    await fail(here, PER_PAIR)
    assert await wait(here) == WINDOW
    await fail(here, 1, client="10.0.0.2")  # another address and another login are not concerned
    await fail(here, 1, login="боб")


@pytest.mark.shows("AU-1")
async def test_what_is_counted_is_shared_by_processes_and_outlives_them(
    here: Attempts, other: Store, url: str, clock: Clock
) -> None:
    await fail(here, 5)
    await fail(other.attempts, PER_PAIR - 5)
    assert await wait(here) == WINDOW
    again = await Store.open(url, clock)
    assert await wait(again.attempts) == WINDOW
    await again.close()


@pytest.mark.shows("AU-1")
async def test_a_hundred_at_once_are_a_hundred(here: Attempts) -> None:
    assert await at_once(here, 0, 100, together=PER_PAIR) == {"wrong": PER_PAIR, "too_many_attempts": 100 - PER_PAIR}


@pytest.mark.shows("AU-1")
@pytest.mark.parametrize("before", [0, PER_PAIR - 1])
async def test_what_is_right_is_let_in_however_many_come_at_once(here: Attempts, before: int) -> None:
    await fail(here, before, client="10.0.0.0")
    assert await at_once(here, 40, together=PER_PAIR - before) == {"right": 40}
    await fail(here, PER_PAIR, client="10.0.0.0")


async def test_what_is_right_takes_nothing_from_the_count_of_those_that_are_wrong_beside_it(here: Attempts) -> None:
    await succeed(here)  # of one that has ended nothing is left
    async with held(here, PER_PAIR - 1):
        await succeed(here)
    await fail(here, 1)
    assert await wait(here) == WINDOW


async def test_what_is_right_at_one_moment_leaves_nothing_behind(here: Attempts) -> None:
    """With several connections to the store all are written down before the first of them has gone."""
    async with here.trying("аня", "10.0.0.1") as one, here.trying("аня", "10.0.0.1") as other:
        await here.succeeded(one)
        await here.succeeded(other)
    await fail(here, PER_PAIR)
    assert await wait(here) == WINDOW


async def test_the_limits_of_an_address_and_of_a_login_refuse_nobody_who_may_be_right(
    here: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_module, "PER_ADDRESS", 3)
    monkeypatch.setattr(attempts_module, "PER_LOGIN", 3)
    assert await at_once(here, 20, together=3) == {"right": 20}
    assert await at_once(here, 40, together=3, clients=20) == {"right": 40}

    async def first(number: int) -> None:
        await succeed(here, f"user {number}", "10.0.1.1")

    await asyncio.gather(*(first(number) for number in range(20)))


async def test_what_another_server_finds_right_is_heard_of_soon(here: Attempts, other: Store, clock: Clock) -> None:
    async with held(other.attempts, PER_PAIR) as tried:
        await wait(here)
        await other.attempts.succeeded(tried[0])
    await wait(here)
    clock.move(5)
    await succeed(here)


async def test_nobody_waits_for_ever_for_those_who_may_be_right(
    here: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_module, "PATIENCE", 0.05)
    async with held(here, PER_PAIR):
        refusal = await refused(fail(here, 1))
        assert (refusal.code, refusal.retry_after) == ("too_many_logins", 2)
        assert not here.waiting, "nobody is kept who waits no more"
    assert await wait(here) == WINDOW


async def test_who_gives_up_takes_nobodys_place(here: Attempts) -> None:
    async with held(here, PER_PAIR - 1):
        async with here.trying("аня", "10.0.0.1") as right:
            first, second = (asyncio.create_task(succeed(here)) for _ in range(2))
            await until(lambda: here.waiting == 2)
            first.cancel()
            await here.succeeded(right)
        async with asyncio.timeout(5):
            await second
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.shows("AU-1")
async def test_success_forgets_what_failed_before(here: Attempts) -> None:
    await fail(here, PER_PAIR - 1)
    await succeed(here)
    await fail(here, PER_PAIR)
    await wait(here)


async def test_what_was_not_looked_at_does_not_count(here: Attempts) -> None:
    for _ in range(PER_PAIR * 2):
        async with here.trying("аня", "10.0.0.1") as attempt:
            await here.take_back(attempt)


@pytest.mark.shows("AU-1")
async def test_an_address_that_guesses_at_many_logins_is_refused_at_all_but_those_that_belong_there(
    here: Attempts,
) -> None:
    await succeed(here)
    for number in range(PER_ADDRESS):
        await fail(here, 1, login=f"guess {number}")
    assert await wait(here, "one more") == WINDOW
    await fail(here, PER_PAIR)
    await fail(here, 1, login="one more", client="10.0.0.2")


def elsewhere(number: int) -> str:
    """An address that has no network with the others in common."""
    return f"{20 + number // 250}.{number % 250}.0.1"


@pytest.mark.shows("AU-1")
async def test_a_login_guessed_at_from_everywhere_has_a_turn_now_and_then(here: Attempts, clock: Clock) -> None:
    await succeed(here, client="10.9.9.9")
    for number in range(PER_LOGIN):
        await fail(here, 1, client=elsewhere(number))
    assert await wait(here, client="10.2.0.2") == TURN
    await fail(here, 2, client="10.9.9.9")
    clock.move(3 * TURN)
    await fail(here, 1, client="10.2.0.2")
    assert await wait(here, client="10.3.0.3") == TURN
    clock.move(PER_LOGIN * TURN)
    await fail(here, PER_PAIR, client="10.3.0.3")


@pytest.mark.shows("AU-1")
@pytest.mark.parametrize(
    ("attacker", "limit", "neighbours"),
    [
        ("2001:db8:1:{0:02x}00::1", 4, ["2001:db8:2::1"]),
        ("2001:db8:1:2{0:02x}::1", 8, ["2001:db8:2::1", "2001:db8:1:300::1"]),
        ("2001:db8:{0:x}::1", 2, []),
        ("10.1.1.{0}", 4, ["10.1.2.1"]),
        ("10.1.{0}.1", 2, []),
    ],
    ids=["/48", "/56", "/32", "v4 /24", "v4 /16"],
)
async def test_a_network_spends_its_part_of_what_a_login_may_fail_and_leaves_the_rest(
    here: Attempts, clock: Clock, attacker: str, limit: int, neighbours: list[str]
) -> None:
    for number in range(PER_LOGIN // limit):
        await fail(here, 1, client=attacker.format(number))
    for number in (180, 249):
        assert await wait(here, client=attacker.format(number)) <= TURN
    clock.move(TURN)
    await fail(here, 1, client=attacker.format(251))
    assert await wait(here, client=attacker.format(252)) == TURN
    for owner in ["10.9.9.9", "2a00:1::1", *neighbours]:
        await succeed(here, client=owner)


async def test_what_a_network_failed_at_a_login_is_forgotten_after_an_hour(here: Attempts, clock: Clock) -> None:
    for number in range(PER_LOGIN // 4):
        await fail(here, 1, client=f"10.1.1.{number}")
    assert await wait(here, client="10.1.1.200") == TURN
    clock.move(MEMORY)
    for number in range(PER_LOGIN // 4):
        await fail(here, 1, client=f"10.1.2.{number}")
    await wait(here, client="10.1.2.200")


async def test_a_login_that_seldom_fails_is_no_matter_of_networks(here: Attempts, clock: Clock) -> None:
    """Somebody's old telephone, with a password that was changed, goes on for ever."""
    for number in range(PER_LOGIN):
        await fail(here, 1, client=f"10.1.1.{number}")
        clock.move(TURN)
    await fail(here, WATCHED, client="10.1.1.250")
    async with here.trying("аня", "10.1.1.251") as attempt:
        assert len(attempt.networks) == 2, "and from here on it is"


async def test_what_is_right_counts_against_no_network(here: Attempts, clock: Clock) -> None:
    for number in range(WATCHED):
        await fail(here, 1, client=elsewhere(number))
    for number in range(20):
        await succeed(here, client=f"10.1.1.{number}")
        async with here.trying("аня", f"10.1.2.{number}") as attempt:
            await here.take_back(attempt)
    for number in range(PER_LOGIN // 4 - WATCHED):
        await fail(here, 1, client=f"10.1.3.{number}")
    await wait(here, client="10.1.3.250")


async def test_an_address_is_known_for_a_while_and_that_is_renewed_by_use(here: Attempts, clock: Clock) -> None:
    for _ in range(2):
        await succeed(here)
        clock.move(KNOWN - 1)
    async with here.trying("аня", "10.0.0.1") as last:
        assert last.known_until == clock() + 1
    clock.move(1)
    async with here.trying("аня", "10.0.0.1") as later:
        assert later.known_until == 0


async def test_one_customer_of_ipv6_is_one_address(here: Attempts) -> None:
    await fail(here, PER_PAIR, client="2001:db8:1:2::1")
    await wait(here, client="2001:db8:1:2:ffff::9")
    await fail(here, 1, client="2001:db8:1:3::1")
    await fail(here, PER_PAIR - 1, client="::ffff:10.7.7.7")
    await fail(here, 1, client="10.7.7.7")
    await wait(here, client="::ffff:10.7.7.7")


@pytest.mark.parametrize("login", ["", "x" * 4000, "a\0b", "\ud800", "nobody"])
async def test_what_nobody_is_called_is_counted_alike(here: Attempts, login: str) -> None:
    await fail(here, PER_PAIR, login=login, client="not an address")
    assert await wait(here, login, "not an address") == WINDOW


async def test_who_goes_on_after_a_refusal_costs_no_read(here: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    await fail(here, PER_PAIR)
    await wait(here)
    monkeypatch.setattr(Database, "read", None)
    monkeypatch.setattr(Database, "write", None)
    await wait(here)


async def test_purge_forgets_what_is_over_and_no_text_is_kept(
    here: Attempts, store: Store, clock: Clock, file: Path
) -> None:
    await fail(here, 1, login="Секрет", client="10.123.45.67")
    data = b"".join(part.read_bytes() for part in file.parent.glob("store.db*"))
    assert "Секрет".encode() not in data
    assert b"10.123.45.67" not in data
    clock.move(WINDOW)
    await store.purge(idle_since=None, changes_before=clock())
    await fail(here, PER_PAIR)


async def test_au_1_who_sends_a_thousand_logins_waits_for_themselves_and_nobody_else_does(here: Attempts) -> None:
    """Each from another address of one /48 and at another login, so that no limit is reached but the work's."""
    arrived: list[str] = []

    async def arrive(login: str, client: str) -> None:
        async with here.trying(login, client):
            arrived.append(client)

    flood = [asyncio.create_task(arrive(f"nobody {n}", f"2001:db8:1:{n:x}::1")) for n in range(1_000)]
    await asyncio.sleep(0)
    owners = [f"10.{number}.0.1" for number in range(5)]
    await asyncio.gather(*(arrive("аня", owner) for owner in owners))
    assert max(arrived.index(owner) for owner in owners) <= AT_ONCE + 2 * len(owners)
    reported = await asyncio.gather(*flood, return_exceptions=True)
    assert Counter(one.code for one in reported if isinstance(one, Refusal)) == {
        "too_many_logins": 1_000 + len(owners) - AT_ONCE - WAITING
    }
    assert not here.waiting


async def test_nobody_waits_for_ever(here: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "PATIENCE", 0.02)
    async with held(here, AT_ONCE, "user {}"):
        refusal = await refused(fail(here, 1))
        assert (refusal.code, refusal.retry_after) == ("too_many_logins", 2)
    await fail(here, 1)


async def test_attempts_leave_connections_for_those_who_are_logged_in(
    here: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool has more connections than this; a login that waits for one would be a session that is not found."""
    real, inside, most = Database.write, 0, 0

    @asynccontextmanager
    async def counted(self: Database) -> AsyncIterator[AsyncConnection]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            async with real(self) as connection:
                yield connection
        finally:
            inside -= 1

    monkeypatch.setattr(Database, "write", counted)
    async with held(here, AT_ONCE, "user {}"):
        assert most == 2
