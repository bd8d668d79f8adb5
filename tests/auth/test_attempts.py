from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jackfield.auth import attempts as attempts_module
from jackfield.auth.attempts import KNOWN, PER_ADDRESS, PER_LOGIN, PER_PAIR, TURN, WINDOW, Attempts
from jackfield.auth.store import Store
from jackfield.errors import Refusal

from .conftest import Clock


@pytest.fixture
def here(store: Store) -> Attempts:
    return store.attempts


async def fail(attempts: Attempts, times: int, login: str = "аня", client: str = "10.0.0.1") -> None:
    for _ in range(times):
        await attempts.begin(login, client)


async def wait(attempts: Attempts, login: str = "аня", client: str = "10.0.0.1") -> int:
    """The seconds that a refused attempt has to wait."""
    with pytest.raises(Refusal) as caught:
        await attempts.begin(login, client)
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
    told = await asyncio.gather(*(here.begin("аня", "10.0.0.1") for _ in range(40)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in told) == PER_PAIR


async def test_success_forgets_what_failed_before(here: Attempts) -> None:
    await fail(here, PER_PAIR - 1)
    await here.succeeded(await here.begin("аня", "10.0.0.1"))
    await fail(here, PER_PAIR)
    await wait(here)


async def test_what_was_not_looked_at_does_not_count(here: Attempts) -> None:
    for _ in range(PER_PAIR * 2):
        await here.take_back(await here.begin("аня", "10.0.0.1"))


async def test_an_address_that_guesses_at_many_logins_is_refused_at_all_but_those_that_belong_there(
    here: Attempts,
) -> None:
    await here.succeeded(await here.begin("аня", "10.0.0.1"))
    for number in range(PER_ADDRESS):
        await fail(here, 1, login=f"guess {number}")
    assert await wait(here, "one more") == WINDOW
    await fail(here, PER_PAIR)
    await fail(here, 1, login="one more", client="10.0.0.2")


async def test_a_login_guessed_at_from_everywhere_has_a_turn_now_and_then(here: Attempts, clock: Clock) -> None:
    await here.succeeded(await here.begin("аня", "10.9.9.9"))
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
        first = await here.begin("аня", "10.0.0.1")
        await here.succeeded(first)
        clock.move(KNOWN - 1)
    last = await here.begin("аня", "10.0.0.1")
    assert last.known_until == clock() + 1
    clock.move(1)
    assert (await here.begin("аня", "10.0.0.1")).known_until == 0


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
        await here.begin(login, client)
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
    async with here._turn("one address"):
        with pytest.raises(Refusal) as caught:
            async with here._turn("one address"):
                pass
        assert (caught.value.code, caught.value.retry_after) == ("too_many_logins", 2)
        async with here._turn("another"):
            pass
    async with here._turn("one address"):
        pass
