"""AU-1: how often a password may be tried, and who must not suffer from those who guess."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jackfield.auth.store.attempts import KNOWN, MEMORY, PER_ADDRESS, PER_LOGIN, PER_PAIR, TURN, WATCHED, WINDOW
from jackfield.auth.store.store import Store
from tests.house.habits import PACKAGE
from tests.server.conftest import Clock, OpenDoor
from tests.server.door import Answer, Door

PASSWORD = "пароль с пробелами 🔑"
ENDPOINTS = "  say: {url: /ws/say, process: p.echo}"


@pytest.fixture
async def house(open_door: OpenDoor) -> Door:
    made = await open_door(ENDPOINTS)
    await made.add("аня", password=PASSWORD)
    await made.add("bob", password=PASSWORD)
    return made


async def log_in(door: Door, address: str, login: str = "аня", password: str = PASSWORD) -> Answer:
    given = {"login": login, "password": password}
    return await door.http("POST", "/auth/login", body=given, client=(address, 5000))


async def guess(door: Door, address: str, login: str = "аня") -> int:
    return (await log_in(door, address, login, "a wrong password")).status


async def test_au_1_the_eleventh_bad_login_is_429_and_others_are_not_concerned(house: Door, clock: Clock) -> None:
    assert [await guess(house, "10.0.0.1") for _ in range(10)] == [401] * 10
    refused = await log_in(house, "10.0.0.1", password="a wrong password")
    assert (refused.status, refused.json["code"]) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == str(int(WINDOW))
    assert (await log_in(house, "10.0.0.1")).status == 429  # not even the right one tells by its answer
    assert (await log_in(house, "10.0.0.2")).status == 200  # the victim, elsewhere
    assert (await log_in(house, "10.0.0.1", "bob")).status == 200  # the neighbour, behind the same address
    clock.move(WINDOW)
    assert (await log_in(house, "10.0.0.1")).status == 200


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_au_1_a_clock_that_is_set_makes_nobody_wait_longer_than_a_window(
    house: Door, clock: Clock, seconds: float
) -> None:
    assert [await guess(house, "10.0.0.1") for _ in range(10)] == [401] * 10
    clock.move(10)
    clock.set(seconds)
    waits = [(await log_in(house, "10.0.0.1")).headers.get("retry-after") for _ in range(2)]
    assert waits == ([str(int(WINDOW))] * 2 if seconds < 0 else [None, None])
    clock.move(WINDOW)
    assert (await log_in(house, "10.0.0.1")).status == 200


async def test_au_1_who_mistypes_now_and_then_is_never_locked_out(house: Door) -> None:
    for _ in range(5):
        assert [await guess(house, "10.0.0.1") for _ in range(9)] == [401] * 9
        assert (await log_in(house, "10.0.0.1")).status == 200


@pytest.fixture
def slow(house: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """No password is known to be right or wrong before PER_PAIR are looked at."""
    verify = house.passwords.verify
    looked_at = 0
    enough = asyncio.Event()

    async def together(stored: str | None, password: str) -> bool:
        nonlocal looked_at
        looked_at += 1
        if looked_at >= PER_PAIR:
            enough.set()
        await enough.wait()
        return await verify(stored, password)

    monkeypatch.setattr(house.passwords, "verify", together)


@pytest.mark.usefixtures("slow")
async def test_au_1_right_passwords_at_one_moment_lock_nobody_out(house: Door) -> None:
    told = await asyncio.gather(*(log_in(house, "10.0.0.1") for _ in range(40)))
    assert [answer.status for answer in told] == [200] * 40
    assert (await log_in(house, "10.0.0.1")).status == 200


@pytest.mark.usefixtures("slow")
async def test_au_1_guesses_at_one_moment_are_ten(house: Door) -> None:
    told = await asyncio.gather(*(guess(house, "10.0.0.1") for _ in range(40)))
    assert sorted(told) == [401] * PER_PAIR + [429] * (40 - PER_PAIR)


NETWORKS = {
    "an IPv6 /48, /64 by /64": "2001:db8:7:{0:x}::1",
    "an IPv6 /48, all over": "2001:db8:7:{1:x}::{0:x}",
    "an IPv6 /56": "2001:db8:7:1{0:02x}::1",
    "an IPv6 /32": "2001:db8:{1:x}::1",
    "ten IPv6 /48 of ten providers": "2a0{2}:1:1:{0:x}::1",
    "ten IPv6 /32": "2a0{2}:1:{0:x}::1",
    "an IPv4 /24": "198.51.100.{0}",
    "an IPv4 /16": "198.51.{0}.{2}",
    "two hundred IPv4 addresses all over": "{3}.{2}.{2}.1",
}


@pytest.mark.parametrize("addresses", NETWORKS.values(), ids=NETWORKS)
async def test_au_1_no_network_keeps_an_owner_out_who_comes_from_a_new_address(
    house: Door, clock: Clock, addresses: str
) -> None:
    """Far more is tried than is looked at, all the time, and what the clock gives back is taken at once."""
    tries = [addresses.format(n % 250, n * 7919 % 65536, n % 10, 20 + n % 200) for n in range(300)]
    told = [await guess(house, one) for one in tries]
    assert told[-40:] == [429] * 40
    assert told.count(401) <= PER_LOGIN
    for owner in ("10.1.9.9", "2600:1::9", "10.2.9.9"):
        assert (await log_in(house, owner)).status == 200
        clock.move(TURN)
        assert [await guess(house, one) for one in tries[-40:]].count(401) <= 1
    assert await guess(house, "10.3.9.9") == 401, "and what is looked at is judged"


async def test_au_1_nor_does_it_keep_out_its_neighbours_of_the_same_provider(house: Door) -> None:
    for attackers, neighbours in {
        "2001:db8:7:1{0:02x}::1": ["2001:db8:8::1", "2001:db8:7:200::1"],
        "198.51.100.{0}": ["198.51.99.1"],
    }.items():
        for number in range(100):
            await guess(house, attackers.format(number))
        for one in neighbours:
            assert (await log_in(house, one)).status == 200


async def test_au_1_two_hundred_addresses_are_slowed_and_lock_nobody_out(house: Door, clock: Clock) -> None:
    assert (await log_in(house, "10.9.9.9")).status == 200
    addresses = [f"{20 + number}.{number}.0.1" for number in range(200)]
    told = [await guess(house, one) for one in addresses * 2]
    assert told == [401] * (200 + WATCHED) + [429] * (200 - WATCHED)
    assert (await log_in(house, "10.9.9.9")).status == 200  # where the victim was before
    assert (await log_in(house, "10.8.8.8")).status == 200  # and from anywhere else


async def test_au_1_from_more_networks_than_a_login_may_have_failures_there_is_one_try_in_ten_seconds(
    house: Door, clock: Clock
) -> None:
    assert (await log_in(house, "10.9.9.9")).status == 200
    told = [await guess(house, f"{20 + number // 250}.{number % 250}.0.1") for number in range(500)]
    assert told.count(401) == PER_LOGIN
    assert (await log_in(house, "10.9.9.9")).status == 200  # where the victim was before
    refused = await log_in(house, "10.8.8.8")
    assert (refused.status, refused.headers["retry-after"]) == (429, str(int(TURN)))
    clock.move(TURN)
    assert (await log_in(house, "10.8.8.8")).status == 200  # and from anywhere else, in turn


async def test_au_2_logins_that_nobody_has_are_closed_to_the_same_networks(house: Door, clock: Clock) -> None:
    for login in ("аня", "nobody"):
        told = [await guess(house, f"198.51.100.{number}", login) for number in range(100)]
        assert told == [401] * (PER_LOGIN // 4) + [429] * (100 - PER_LOGIN // 4), login
    answers = [await log_in(house, "198.51.100.250", login) for login in ("аня", "nobody")]
    assert answers[0].body == answers[1].body
    assert answers[0].headers == answers[1].headers


async def test_au_1_one_address_that_tries_many_logins_is_stopped(house: Door) -> None:
    assert (await log_in(house, "10.0.0.1", "bob")).status == 200
    told = [await guess(house, "10.0.0.1", f"user {number}") for number in range(PER_ADDRESS + 5)]
    assert told == [401] * PER_ADDRESS + [429] * 5
    assert (await log_in(house, "10.0.0.1")).status == 429
    assert (await log_in(house, "10.0.0.1", "bob")).status == 200  # who belongs there


async def test_au_1_the_count_is_one_for_all_servers_and_outlives_a_restart(
    house: Door, clock: Clock, tmp_path: Path
) -> None:
    for _ in range(PER_PAIR):
        await guess(house, "10.0.0.1")
    other = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", clock)
    with pytest.raises(Exception, match="too_many_attempts"):
        async with other.attempts.trying("аня", "10.0.0.1"):
            pass
    await other.close()


def test_au_1_the_page_has_the_numbers_of_the_code() -> None:
    text = (PACKAGE / "docs" / "protocol.md").read_text("utf-8")
    minutes, days = int(WINDOW / 60), int(KNOWN / 86400)
    assert f"Failures are counted for {minutes} minutes" in text
    assert f"| {PER_PAIR} at one login from one address | that login is refused" in text
    assert f"until the {minutes} minutes are over" in text
    assert f"| {PER_ADDRESS} from one address | all logins are refused" in text
    assert f"| {PER_LOGIN} at one login from many addresses, one less each {TURN:g} seconds | that login is" in text
    for networks, share in {"/16 or an IPv6 /32": 2, "/24 or an IPv6 /48": 4, "IPv6 /56": 8}.items():
        assert f"{networks} | {PER_LOGIN // share}" in text
    assert f"from {WATCHED} failures on" in text
    assert f"within the last {MEMORY / 60:g} minutes" in text
    assert text.count(f"within {days} days") == 2
    text, later = (PACKAGE / "docs" / "logins.md").read_text("utf-8"), int(3600 / TURN)
    assert f"| {PER_PAIR * int(3600 / WINDOW)} | {PER_PAIR * int(3600 / WINDOW)} |" in text
    for attack, share in {"an IPv6 /56": 8, "an IPv4 /24": 4, "unrelated addresses": 2, "ten thousand": 1}.items():
        assert f"{attack} | {PER_LOGIN // share + later} | {later} |" in text
