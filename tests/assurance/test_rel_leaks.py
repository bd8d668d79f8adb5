"""Row REL-13, as far as it is of groups: members who come and go leave nothing behind, however they go.

By hand with 1,000 groups: `LEAK_GROUPS=1000 LEAK_ROUNDS=10 pytest -s --timeout 0 -k come_and_go …`, which prints how
many came and went in a second.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import time
from collections import Counter
from functools import partial

import pytest

from jackfield.groups import feeds, states
from jackfield.groups.groups import Groups
from tests.clock import Clock
from tests.server.conftest import OpenServed
from tests.server.served import Caller, Headers, Served, until

GROUPS = int(os.environ.get("LEAK_GROUPS", "100"))
MEMBERS = 10
ROUNDS = int(os.environ.get("LEAK_ROUNDS", "4"))
"""Twice: what the first ones leave behind, caches for example, is there for the later ones, which leave nothing."""

HEAD = """
groups:
  "plain:{n}": {may_join: anyone}
  "room:{n}": {may_join: p.may, presence: true, members: 10}
  "fed:{n}": {may_join: anyone, feed: p.ticks}
  "game:{n}": {may_join: {roles: [player]}, presence: count}
"""
ENDPOINTS = """
  desk:
    url: /ws/desk
    limits: {rate: off, per_user: 1000, per_address: off}
    actions: {join: group.join, leave: group.leave, play: p.play, forget: p.forget, enter: p.enter, out: p.out}
"""
CODE = """
from jackfield import Groups

@process
async def may(n: str) -> bool:
    await asyncio.sleep(0)
    return bool(n)

@process
async def ticks(n: str):
    yield {"event": "tick", "n": n}
    await asyncio.Event().wait()

@process
async def play(group: str, caller: Connection, groups: Groups) -> None:
    async with groups.state(group) as state:
        state["turns"] = state.get("turns", 0) + 1
    await groups.send(group, {"event": "turn"})

@process
async def forget(group: str, groups: Groups) -> None:
    async with groups.state(group) as state:
        state.clear()

@process
async def enter(group: str, caller: Connection) -> None:
    await caller.join(group)

@process
async def out(group: str, login: str, groups: Groups) -> None:
    await groups.remove(group, login, ban=60)
"""
KINDS = ("plain", "room", "fed", "game", "own")
NAMES = [f"{KINDS[number * len(KINDS) // GROUPS]}:{number}" for number in range(GROUPS)]


def said(caller: Caller, text: str) -> bool:
    """Whether something that a connection heard has this text in it."""
    return any(text in frame.get("text", "") for frame in caller.sent)


def say(caller: Caller, action: str, group: str, **more: str) -> None:
    text = json.dumps({"action": action, "group": group, **more})
    caller.incoming.put_nowait({"type": "websocket.receive", "text": text})


def groups_of(place: int) -> list[str]:
    """The groups of one of the connections, which are as many as the groups: so each group has MEMBERS."""
    return [NAMES[(place + step * GROUPS // MEMBERS) % GROUPS] for step in range(MEMBERS)]


def memberships(groups: Groups) -> int:
    return sum(len(group.members) for group in groups)


async def come_and_go(served: Served, cookies: list[Headers]) -> None:
    """All come, play, and go: by leaving, by closing, or taken out."""
    groups = served.gateway.live.groups
    callers = [served.call("/ws/desk", cookies[place // MEMBERS]) for place in range(GROUPS)]
    for place, caller in enumerate(callers):
        await caller.accepted()
        for name in groups_of(place):
            say(caller, "enter" if name.startswith("own") else "join", name)
            say(caller, "play", name)
    await until(lambda: memberships(groups) == GROUPS * MEMBERS)
    assert (len(groups), {len(group.members) for group in groups}) == (GROUPS, {MEMBERS})
    assert len(groups.asked) == GROUPS
    await until(lambda: len(groups.states) == GROUPS)
    assert len(groups.feeds) == GROUPS // len(KINDS)
    for place, caller in enumerate(callers):
        for name in groups_of(place):
            if place % 3 == 0 and not name.startswith("own"):
                say(caller, "leave", name)
            elif place % 3 == 1:
                say(caller, "out", name, login=f"u{place // MEMBERS}")
    await settled(callers)
    assert len(groups.bans) > 0
    for caller in callers:
        await caller.leave()
    assert (len(groups), len(groups.asked)) == (0, 0)
    await until(lambda: len(groups.feeds) == 0)


async def forgotten(served: Served, clock: Clock) -> None:
    """What may outlive its group goes in its time: states after an hour, bans when they are met again."""
    groups = served.gateway.live.groups
    assert len(groups.states) == GROUPS
    clock.move(states.KEPT + 1)
    async with groups.states.of("another"):
        assert len(groups.states) == 1
    for group, login in tuple(groups.bans._until):
        groups.check([group], login)
    assert (len(groups.states), len(groups.bans)) == (0, 0)


async def settled(callers: list[Caller]) -> None:
    """Wait until all that was said is answered."""
    for caller in callers:
        caller.sent.clear()
        caller.incoming.put_nowait({"type": "websocket.receive", "text": '{"$id": "fence"}'})
    for caller in callers:
        await until(partial(said, caller, '"fence"'))


def objects() -> Counter[str]:
    """All that the collector knows of, by type."""
    gc.collect()
    return Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())


async def test_rel_13_members_who_come_and_go_leave_nothing_behind(
    open_served: OpenServed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "LINGER", 0.0)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # pytest keeps every line of the log
    served = await open_served(ENDPOINTS, CODE, head=HEAD, lifetime=1e7)
    monkeypatch.setattr(served.gateway.live.groups.states, "_clock", lambda: clock.passed)
    for place in range(GROUPS // MEMBERS):
        await served.add(f"u{place}", "player")
    cookies = [await served.cookie(f"u{place}") for place in range(GROUPS // MEMBERS)]
    seen, began = [], time.perf_counter()
    for _ in range(2):
        for _ in range(ROUNDS):
            await come_and_go(served, cookies)
            await forgotten(served, clock)
        seen.append(objects())
    times = 2 * ROUNDS * GROUPS * MEMBERS
    print(f"{times:,} joined and left, {times / (time.perf_counter() - began):,.0f} a second")
    grown = {kind: count - seen[0][kind] for kind, count in seen[1].items() if count > seen[0][kind]}
    assert sum(grown.values()) < (ROUNDS - 1) * GROUPS, f"one for each connection would be more: {grown}"
    assert not [kind for kind in grown if kind.startswith("jackfield.")], grown


@pytest.mark.parametrize("kind", ["plain", "room", "fed", "game"])
async def test_rel_13_a_group_that_is_empty_is_freed_without_a_search_for_garbage(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A server of many connections hardly ever looks through all objects; see jackfield/server/node/gc_tuning.py."""
    monkeypatch.setattr(feeds, "LINGER", 0.0)
    served = await open_served(ENDPOINTS, CODE, head=HEAD)
    await served.add("u", "player")
    caller = served.call("/ws/desk", await served.cookie("u"))
    await caller.accepted()
    groups = served.gateway.live.groups
    runner = groups.feeds.runner
    assert runner is not None
    await settled([caller])
    gc.collect()
    gc.disable()
    try:
        for number in range(GROUPS):
            for action in ("join", "leave"):
                say(caller, action, f"{kind}:{number}")
        await settled([caller])
        await until(lambda: len(groups) + len(groups.feeds) + runner.closing == 0)
        await settled([caller])
        found = gc.collect()
    finally:
        gc.enable()
    assert found < GROUPS, "objects that hold each other"
    await caller.leave()
