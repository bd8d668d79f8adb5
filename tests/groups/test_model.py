"""Random joins, leaves, sends and publishes against a model of what each member must have heard, in order."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jackfield.groups import group as group_module
from jackfield.groups.groups import Groups

from .conftest import Clock, Member, declared

NAMES = ("room:1", "hall")
PLANS = ((), (declared("room:{x}", history=2),), (declared("room:{x}", history=1), declared("hall", history=3)))

moves = st.one_of(
    st.tuples(st.just("join"), st.integers(0, 2), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("leave"), st.integers(0, 2), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("end"), st.integers(0, 2), st.none(), st.none()),
    st.tuples(st.just("send"), st.integers(-1, 2), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("publish"), st.integers(0, 2), st.none(), st.none()),
    st.tuples(st.just("turn"), st.integers(1, 3), st.none(), st.none()),
)


@dataclass
class Room:
    """A group as it must be."""

    keeps: int
    members: dict[int, bool] = field(default_factory=dict)
    kept: deque[dict[str, Any]] = field(default_factory=deque)
    last: int = 0


class Model:
    """What is in which group, and what each member must have heard."""

    def __init__(self) -> None:
        self.plan = 0
        self.rooms: dict[str, Room] = {}
        self.heard: dict[int, list[dict[str, Any]]] = {number: [] for number in range(3)}

    def keeps(self, name: str) -> int:
        return next((one.history for one in PLANS[self.plan] if one.pattern.match(name) is not None), 0)

    def room(self, name: str) -> Room:
        return self.rooms.setdefault(name, Room(self.keeps(name)))

    def join(self, member: int, name: str, chosen: bool) -> None:
        room, others = self.room(name), [one for one in self.rooms.values() if member in one.members]
        if member in room.members:
            return
        for other in others:
            other.members[member] = True
        room.members[member] = chosen or bool(others)
        if room.keeps:
            kept = {"event": "history", "group": name, "events": list(room.kept), "to": room.last}
            self.heard[member].append(kept)

    def leave(self, member: int, name: str) -> None:
        self.room(name).members.pop(member, None)

    def send(self, number: int, name: str, but: int) -> None:
        room = self.room(name)
        room.last += 1
        event: dict[str, Any] = {"event": str(number)}
        if room.keeps:
            event |= {"$n": room.last, "$time": "1970-01-01T00:00:00+00:00"}
            room.kept.append(event)
        self.trim(room)
        for member, named in room.members.items():
            if member != but:
                self.heard[member].append({"group": name, **event} if named else event)

    def publish(self, plan: int) -> None:
        self.plan = plan
        for name, room in self.rooms.items():
            room.keeps = self.keeps(name)
            self.trim(room)

    def trim(self, room: Room) -> None:
        while len(room.kept) > room.keeps:
            room.kept.popleft()

    def forget(self) -> None:
        self.rooms = {name: room for name, room in self.rooms.items() if room.members or room.kept}


@given(st.lists(moves, min_size=20, max_size=60))
def test_members_hear_what_they_must_in_order(drawn: list[tuple[str, int, Any, Any]]) -> None:
    asyncio.run(_play(drawn))


async def _play(drawn: list[tuple[str, int, Any, Any]]) -> None:
    clock, model = Clock(), Model()
    groups = Groups(clock=lambda: clock.now, later=clock.later)
    members = [Member() for _ in range(3)]
    before, group_module.SLICE = group_module.SLICE, 2  # so that sends are under way while others join and leave
    try:
        for number, (what, who, name, chosen) in enumerate(drawn):
            if what == "join":
                groups.join(members[who], name, chosen=chosen)
                model.join(who, name, chosen)
            elif what == "leave":
                await _settled()  # what is on its way to one who leaves need not arrive
                groups.leave(members[who], name)
                model.leave(who, name)
            elif what == "end":
                await _settled()
                groups.leave_all(members[who])
                for room in model.rooms.values():
                    room.members.pop(who, None)
            elif what == "send":
                but = members[who] if who >= 0 else None
                groups.send(name, json.dumps({"event": str(number)}).encode(), but)
                model.send(number, name, who)
            elif what == "publish":
                groups.declare(PLANS[who])
                model.publish(who)
            else:
                await asyncio.sleep(0)
            model.forget()
            assert len(groups) == len(model.rooms)
        await _settled()
    finally:
        group_module.SLICE = before
    assert [_unordered(member.heard) for member in members] == [_unordered(model.heard[n]) for n in range(3)]


async def _settled() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


def _unordered(heard: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What a member heard of each group, whose events come in one order; events of two groups may overtake."""
    found: dict[str, list[dict[str, Any]]] = {}
    for event in heard:
        found.setdefault(event.get("group", ""), []).append(event)
    return found
