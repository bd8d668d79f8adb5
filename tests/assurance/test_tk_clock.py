"""TK-2 and TK-6 where the wall clock is set: what is over ends, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.session_timer import CLOCK_LOOK, ClockWatch
from tests.auth.provider import Provider
from tests.clock import Clock
from tests.house.habits import PACKAGE
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Headers, Served

HOUR = 3600.0
ENDPOINTS = """
  note: {url: /ws/note, process: p.note}
  warned: {url: /ws/warned, process: p.note, session_warning: 10m}
"""
CODE = """
SEEN: list[str] = []

@process(reply="message")
def note(message: str) -> str:
    SEEN.append(message)
    return message
"""
OVER = (4401, "the session has run out")


@pytest.fixture
async def house(open_served: OpenServed, provider: Provider) -> Served:
    settings = f'jwks: "{provider.jwks}", issuer: "{provider.issuer}", audience: desk'
    made: Served = await open_served(ENDPOINTS, CODE, head=f"auth: {{jwt: {{{settings}}}}}")
    await made.add("аня", password="верный пароль-71")
    return made


@pytest.fixture
def watch(house: Served, clock: Clock) -> ClockWatch:
    """What each server runs; here it looks when the test says so."""
    return ClockWatch(clock, house.gateway.live.hub)


async def opened(served: Served, name: str, headers: Headers) -> Caller:
    caller = served.call(f"/ws/{name}", headers)
    await caller.accepted()
    return caller


def own(served: Served, _provider: Provider, _now: float) -> Any:
    return served.cookie("аня")


async def others(_door: Served, provider: Provider, now: float) -> Headers:
    return [("authorization", f"Bearer {provider.token(now=now)}")]


Credential = Callable[[Served, Provider, float], Any]


@pytest.mark.parametrize("credential", [own, others])
async def test_tk_6_a_clock_set_forward_ends_what_is_over_by_it_within_a_second(
    house: Served, clock: Clock, watch: ClockWatch, provider: Provider, credential: Credential
) -> None:
    caller = await opened(house, "note", await credential(house, provider, clock.now))
    assert await caller.ask({"message": "да"}) == {"message": "да"}
    clock.set(HOUR)
    watch.look()
    assert await caller.closed() == OVER
    assert CLOCK_LOOK == 1.0
    text = (PACKAGE / "docs" / "logins.md").read_text("utf-8")
    assert "within a second" in text.partition("## When the clock is set")[2].partition("\n## ")[0]


async def test_tk_6_whose_session_is_not_over_stays_and_is_warned_when_it_is_time(
    house: Served, clock: Clock, watch: ClockWatch
) -> None:
    callers = [await opened(house, name, await house.cookie("аня")) for name in ("note", "warned")]
    clock.set(HOUR - 300)
    watch.look()
    assert await callers[0].ask({"message": "да"}) == {"message": "да"}
    await callers[1].until(2)
    assert json.loads(callers[1].sent[1]["text"])["event"] == "session_expiring"
    clock.set(300)
    watch.look()
    assert [await caller.closed() for caller in callers] == [OVER, OVER]


@pytest.mark.parametrize("credential", [own, others])
async def test_tk_6_a_clock_set_back_puts_off_no_end_that_was_known(
    house: Served, clock: Clock, watch: ClockWatch, provider: Provider, credential: Credential
) -> None:
    headers = await credential(house, provider, clock.now)
    caller = await opened(house, "note", headers)
    (member,) = house.gateway.live.hub
    assert isinstance(member, Conversation)
    end = member.session_end
    assert end is not None
    before = end._timer
    clock.set(-HOUR)
    watch.look()
    assert end._timer is before, "armed as it was"
    await caller.leave()
    clock.move(HOUR)
    assert (await house.call("/ws/note", headers).refused()).json["code"] == "session_expired"


@pytest.mark.parametrize("credential", [own, others])
async def test_tk_2_a_clock_set_back_refuses_no_token_that_is_good(
    house: Served, clock: Clock, provider: Provider, credential: Credential
) -> None:
    clock.move(120)
    headers, real = await credential(house, provider, clock.now), clock.now
    clock.set(-HOUR)
    await (await opened(house, "note", headers)).leave()
    await (await opened(house, "note", await credential(house, provider, real))).leave()
    answer = await house.http("POST", "/auth/login", [], {"login": "аня", "password": "верный пароль-71"})
    cookie = [("cookie", answer.headers["set-cookie"].partition(";")[0])]
    await (await opened(house, "note", cookie)).leave()
