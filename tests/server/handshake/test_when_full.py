"""`limits.when_full`: one more connection of a user is refused, or takes the place of the oldest."""

from __future__ import annotations

import pytest

from tests.server.conftest import OpenServed
from tests.server.served import Served

ENDPOINTS = """\
  say: {url: /ws/say, process: p.echo, limits: {per_user: 2, when_full: close_oldest}}
  other: {url: /ws/other, process: p.echo}
  open: {url: /ws/open, process: p.echo, auth: public, limits: {per_user: 1, when_full: close_oldest}}
  picky: {url: /ws/picky, process: p.echo, on_connect: p.enter, limits: {per_user: 1, when_full: close_oldest}}
"""
CODE = """
REFUSE: list[bool] = []

@process(reply="message")
def echo(message: str) -> str:
    return message

@process
def enter() -> None:
    if REFUSE:
        raise Reject("no", "нет")
"""


@pytest.fixture
async def served(open_served: OpenServed) -> Served:
    made = await open_served(ENDPOINTS, CODE)
    await made.add("аня")
    await made.add("bob")
    return made


async def test_the_oldest_of_the_user_makes_room(served: Served) -> None:
    anna, bob = await served.cookie("аня"), await served.cookie("bob")
    others = [served.call("/ws/say", bob), served.call("/ws/other", anna)]
    for caller in others:
        await caller.accepted()
    mine = []
    for _ in range(3):  # one after the other: of two that come together either may be the older one
        mine.append(served.call("/ws/say", anna))
        await mine[-1].accepted()
    assert (await mine[0].closed())[0] == 4408
    assert served.gateway.live.metrics.ends["say", "replaced"] == 1
    for caller in (*others, *mine[1:]):
        assert await caller.ask({"message": "да"}) == {"message": "да"}
        await caller.leave()


async def test_those_that_will_not_go_are_bounded(served: Served) -> None:
    cookie = await served.cookie("аня")
    stuck = [served.call("/ws/say", cookie) for _ in range(10)]  # none answers our close frame
    for caller in stuck:
        await caller.accepted()
    assert (await served.call("/ws/say", cookie).refused()).json["code"] == "too_many_of_user"
    for caller in stuck:
        await caller.leave()


async def test_nobody_is_replaced_where_nobody_is_known(served: Served) -> None:
    callers = [served.call("/ws/open") for _ in range(3)]
    for caller in callers:
        await caller.accepted()
        assert await caller.ask({"message": "да"}) == {"message": "да"}
    for caller in callers:
        await caller.leave()


async def test_one_who_is_refused_replaces_nobody(served: Served) -> None:
    cookie = await served.cookie("аня")
    first = served.call("/ws/picky", cookie)
    await first.accepted()
    refuse = served.gateway.live.generation.table.routes["say"].process.function.__globals__["REFUSE"]
    refuse.append(True)
    assert (await served.call("/ws/picky", cookie).refused()).status == 403
    assert await first.ask({"message": "да"}) == {"message": "да"}
    refuse.clear()
    second = served.call("/ws/picky", cookie)
    await second.accepted()
    assert (await first.closed())[0] == 4408
    await second.leave()
