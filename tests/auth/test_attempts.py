from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from jackfield.auth import attempts as attempts_module
from jackfield.auth.attempts import (
    KNOWN,
    PER_ADDRESS,
    PER_LOGIN,
    PER_PAIR,
    TURN,
    WINDOW,
    Attempt,
    Attempts,
    _keys,
)
from jackfield.auth.store import Store
from jackfield.errors import Refusal

from .conftest import Clock


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


async def at_once(attempts: Attempts, right: int, wrong: int = 0, *, together: int, clients: int = 1) -> Counter[str]:
    """What becomes of so many attempts; none ends before `together` are in flight and all others have come."""
    in_flight: list[Attempt] = []

    def is_full() -> bool:
        waiting = sum(map(len, attempts._in_flight._waiting.values()))
        return len(in_flight) >= together and len(in_flight) + waiting == right + wrong

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
    async with asyncio.timeout(5):
        while not is_full():  # noqa: ASYNC110 - no event tells of who waits
            await asyncio.sleep(0)
    begin.set()
    return Counter(await asyncio.gather(*tasks))


async def wait(attempts: Attempts, login: str = "аня", client: str = "10.0.0.1") -> int:
    """The seconds that a refused attempt has to wait."""
    with pytest.raises(Refusal) as caught:
        await fail(attempts, 1, login, client)
    assert caught.value.code == "too_many_attempts"
    assert caught.value.retry_after is not None
    return caught.value.retry_after


async def test_a_login_from_one_address_has_ten_tries_in_a_window(here: Attempts, clock: Clock) -> None:
    await fail(here, PER_PAIR - 1)
    clock.move(WINDOW - 1)
    await fail(here, 1)
    assert await wait(here) == 1
    assert await wait(here) == 1
    clock.move(1)
    await fail(here, PER_PAIR)
    assert await wait(here) == WINDOW


async def test_another_address_and_another_login_are_not_concerned(here: Attempts) -> None:
    await fail(here, PER_PAIR)
    await fail(here, 1, client="10.0.0.2")
    await fail(here, 1, login="боб")


async def test_what_is_counted_is_shared_by_processes_and_outlives_them(
    here: Attempts, other: Store, url: str, clock: Clock
) -> None:
    await fail(here, 5)
    await fail(other.attempts, PER_PAIR - 5)
    assert await wait(here) == WINDOW
    again = await Store.open(url, clock)
    assert await wait(again.attempts) == WINDOW
    await again.close()


async def test_a_hundred_at_once_are_a_hundred(here: Attempts) -> None:
    assert await at_once(here, 0, 100, together=PER_PAIR) == {"wrong": PER_PAIR, "too_many_attempts": 100 - PER_PAIR}


@pytest.mark.parametrize("before", [0, PER_PAIR - 1])
async def test_what_is_right_is_let_in_however_many_come_at_once(here: Attempts, before: int) -> None:
    await fail(here, before, client="10.0.0.0")
    assert await at_once(here, 40, together=PER_PAIR - before) == {"right": 40}
    await fail(here, PER_PAIR, client="10.0.0.0")


async def test_what_is_right_takes_nothing_from_the_count_of_those_that_are_wrong_beside_it(here: Attempts) -> None:
    async with AsyncExitStack() as held:
        for _ in range(PER_PAIR - 1):
            await held.enter_async_context(here.trying("аня", "10.0.0.1"))
        await succeed(here)
    await fail(here, 1)
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
    async with AsyncExitStack() as held:
        tried = [await held.enter_async_context(other.attempts.trying("аня", "10.0.0.1")) for _ in range(PER_PAIR)]
        await wait(here)
        await other.attempts.succeeded(tried[0])
    await wait(here)
    clock.move(5)
    await succeed(here)


async def test_nobody_waits_for_ever_for_those_who_may_be_right(
    here: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts_module, "PATIENCE", 0.05)
    async with AsyncExitStack() as held:
        for _ in range(PER_PAIR):
            await held.enter_async_context(here.trying("аня", "10.0.0.1"))
        with pytest.raises(Refusal) as caught:
            await fail(here, 1)
        assert (caught.value.code, caught.value.retry_after) == ("too_many_logins", 2)
        assert not here._in_flight._waiting, "nobody is kept who waits no more"
    assert await wait(here) == WINDOW
    assert not here._in_flight._count


async def test_who_gives_up_takes_nobodys_place(here: Attempts) -> None:
    async with AsyncExitStack() as held:
        tried = [await held.enter_async_context(here.trying("аня", "10.0.0.1")) for _ in range(PER_PAIR - 1)]
        async with here.trying("аня", "10.0.0.1") as right:
            first, second = (asyncio.create_task(succeed(here)) for _ in range(2))
            async with asyncio.timeout(5):
                while len(here._in_flight._waiting.get(right.pair, ())) < 2:  # noqa: ASYNC110 - no event tells of it
                    await asyncio.sleep(0)
            first.cancel()
            await here.succeeded(right)
        async with asyncio.timeout(5):
            await second
        assert len(tried) == PER_PAIR - 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_success_forgets_what_failed_before(here: Attempts) -> None:
    await fail(here, PER_PAIR - 1)
    await succeed(here)
    await fail(here, PER_PAIR)
    await wait(here)


async def test_what_was_not_looked_at_does_not_count(here: Attempts) -> None:
    for _ in range(PER_PAIR * 2):
        async with here.trying("аня", "10.0.0.1") as attempt:
            await here.take_back(attempt)


async def test_an_address_that_guesses_at_many_logins_is_refused_at_all_but_those_that_belong_there(
    here: Attempts,
) -> None:
    await succeed(here)
    for number in range(PER_ADDRESS):
        await fail(here, 1, login=f"guess {number}")
    assert await wait(here, "one more") == WINDOW
    await fail(here, PER_PAIR)
    await fail(here, 1, login="one more", client="10.0.0.2")


async def test_a_login_guessed_at_from_everywhere_has_a_turn_now_and_then(here: Attempts, clock: Clock) -> None:
    await succeed(here, client="10.9.9.9")
    for number in range(PER_LOGIN):
        await fail(here, 1, client=f"10.1.{number // 50}.{number % 50}")
    await fail(here, 1, client="10.2.0.1")
    assert await wait(here, client="10.2.0.2") == TURN
    await fail(here, 2, client="10.9.9.9")
    clock.move(TURN)
    await fail(here, 1, client="10.2.0.2")
    assert await wait(here, client="10.2.0.3") == TURN


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


async def test_who_goes_on_after_a_refusal_costs_no_read(here: Attempts, store: Store) -> None:
    await fail(here, PER_PAIR)
    await wait(here)
    await store.close()
    # The store opens a connection anew for whoever asks: nothing may ask.
    here._database = None  # type: ignore[assignment]  # so that a use of it fails
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
    arrived: list[str] = []

    async def arrive(login: str, client: str) -> None:
        async with here.trying(login, client):
            arrived.append(client)

    flood = [asyncio.create_task(arrive(f"nobody {number}", "10.0.0.1")) for number in range(60)]
    await asyncio.sleep(0)
    await asyncio.gather(*(arrive("аня", f"10.0.1.{number}") for number in range(5)))
    last = max(place for place, client in enumerate(arrived) if client != "10.0.0.1")
    assert last <= 15
    await asyncio.gather(*flood)
    assert not here._lines, "nobody is kept who waits no more"


async def test_nobody_waits_for_ever(here: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "PATIENCE", 0.02)
    patience = asyncio.get_running_loop().time() + 60
    async with here._turn(_keys("аня", "10.0.0.1").address, patience):
        with pytest.raises(Refusal) as caught:
            await fail(here, 1)
        assert (caught.value.code, caught.value.retry_after) == ("too_many_logins", 2)
        await fail(here, 1, client="10.0.0.2")
    await fail(here, 1)
