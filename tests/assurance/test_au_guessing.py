"""AU-1: how often a password may be tried, and who must not suffer from those who guess."""

from __future__ import annotations

import pytest

from jackfield.auth.store.attempts import KNOWN, MEMORY, PER_ADDRESS, PER_LOGIN, PER_PAIR, TURN, WATCHED, WINDOW
from tests.house.habits import PACKAGE
from tests.server.conftest import Clock, OpenServed
from tests.server.served import PASSWORD, Answer, Served, log_in

ENDPOINTS = "  say: {url: /ws/say, process: p.echo}"


@pytest.fixture
async def house(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS)
    await made.add("аня", password=PASSWORD)
    await made.add("bob", password=PASSWORD)
    return made


async def attempt(served: Served, address: str, login: str = "аня", password: str = PASSWORD) -> Answer:
    return await log_in(served, login, password, client=(address, 5000))


async def guess(served: Served, address: str, login: str = "аня") -> int:
    return (await attempt(served, address, login, "a wrong password")).status


async def test_au_1_the_eleventh_bad_login_is_429_and_others_are_not_concerned(house: Served, clock: Clock) -> None:
    assert [await guess(house, "10.0.0.1") for _ in range(10)] == [401] * 10
    refused = await attempt(house, "10.0.0.1", password="a wrong password")
    assert (refused.status, refused.json["code"]) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == str(int(WINDOW))
    assert (await attempt(house, "10.0.0.1")).status == 429  # not even the right one reports by its answer
    assert (await attempt(house, "10.0.0.2")).status == 200  # the victim, elsewhere
    assert (await attempt(house, "10.0.0.1", "bob")).status == 200  # the neighbour, behind the same address
    clock.move(WINDOW)
    assert (await attempt(house, "10.0.0.1")).status == 200


NETWORKS = {
    "ten IPv6 /32": "2a0{1}:1:{0:x}::1",
    "an IPv4 /24": "198.51.100.{0}",
}


@pytest.mark.parametrize("addresses", NETWORKS.values(), ids=NETWORKS)
async def test_au_1_no_network_keeps_an_owner_out_who_comes_from_a_new_address(
    house: Served, clock: Clock, addresses: str
) -> None:
    """Far more is tried than is looked at, all the time, and what the clock gives back is taken at once."""
    tries = [addresses.format(n % 250, n % 10) for n in range(300)]
    reported = [await guess(house, one) for one in tries]
    assert reported[-40:] == [429] * 40
    assert reported.count(401) <= PER_LOGIN
    for owner in ("10.1.9.9", "2600:1::9", "10.2.9.9"):
        assert (await attempt(house, owner)).status == 200
        clock.move(TURN)
        assert [await guess(house, one) for one in tries[-40:]].count(401) <= 1
    assert await guess(house, "10.3.9.9") == 401, "and what is looked at is judged"


async def test_au_1_two_hundred_addresses_are_slowed_and_lock_nobody_out(house: Served, clock: Clock) -> None:
    assert (await attempt(house, "10.9.9.9")).status == 200
    addresses = [f"{20 + number}.{number}.0.1" for number in range(200)]
    reported = [await guess(house, one) for one in addresses * 2]
    assert reported == [401] * (200 + WATCHED) + [429] * (200 - WATCHED)
    assert (await attempt(house, "10.9.9.9")).status == 200  # where the victim was before
    assert (await attempt(house, "10.8.8.8")).status == 200  # and from anywhere else


async def test_au_2_logins_that_nobody_has_are_closed_to_the_same_networks(house: Served, clock: Clock) -> None:
    for login in ("аня", "nobody"):
        reported = [await guess(house, f"198.51.100.{number}", login) for number in range(100)]
        assert reported == [401] * (PER_LOGIN // 4) + [429] * (100 - PER_LOGIN // 4), login
    answers = [await attempt(house, "198.51.100.250", login) for login in ("аня", "nobody")]
    assert [{**answer.json, "refusal": ""} for answer in answers] == [{**answers[0].json, "refusal": ""}] * 2
    assert answers[0].headers == answers[1].headers


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
