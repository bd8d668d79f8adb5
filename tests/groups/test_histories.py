"""What groups keep in the store, by the rules alone: the tests say when the store answers, and what."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.groups import histories as histories_module
from jackfield.groups.groups import Groups
from jackfield.groups.histories import REST, Batch, Past
from jackfield.identity import Identity

from .conftest import Clock, Member, declared

ROOM = "room:%D0%B7"
KEEPS = declared("room:{room}", history=3, keep=60.0)
JUMP = 1_800_000_000_000
"""Where numbers go on from with the clock of these tests, where the store does not answer."""


class Store:
    """The Keeper: counts what it is asked for, and has what tests have it write."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.rows: dict[str, dict[int, tuple[float, bytes]]] = {}

    def read(self) -> None:
        self.asked.append("read")

    def write(self) -> None:
        self.asked.append("write")

    def answer(self, groups: Groups) -> None:
        """Read what is wanted, as auth/store/histories.py does."""
        while wanted := groups.histories.wanted():
            found = {}
            for one in wanted:
                rows = self.rows.get(one.group, {})
                young = [rows[number][1] for number in sorted(rows) if rows[number][0] >= one.oldest]
                found[one.group] = Past(max(rows, default=0), young[-one.most :])
            groups.histories.found(found)

    def take(self, groups: Groups) -> Batch:
        batch = groups.histories.take()
        for event in batch.events:
            self.rows.setdefault(event.group.name, {}).setdefault(event.number, (event.at, event.frame))
        for name, oldest in batch.oldest.items():
            self.rows[name] = {number: row for number, row in self.rows[name].items() if number >= oldest}
        groups.histories.wrote()
        return batch


@pytest.fixture
def store(clock: Clock, groups: Groups) -> Store:
    clock.now = JUMP / 1000
    return restarted(groups, Store())


def restarted(groups: Groups, store: Store) -> Store:
    groups.histories.keeper = store
    groups.declare([KEEPS])
    return store


def say(groups: Groups, what: str, but: Member | None = None) -> int:
    return groups.send(ROOM, json.dumps({"event": what}).encode(), but)


def heard(member: Member) -> list[Any]:
    """The events in what came, by name and number; those of a history in a list of their own."""

    def short(event: dict[str, Any]) -> Any:
        return [short(one) for one in event["events"]] if "to" in event else (event["event"], event.get("$n"))

    return [short(event) for event in member.heard]


def test_who_enters_hears_what_was_kept_then_what_waited_and_numbers_go_on(groups: Groups, store: Store) -> None:
    for what in ("Раз", "два", "три", "😀"):
        say(groups, what)
    assert (len(groups.histories.take().events), store.asked) == (0, ["read"]), "it has no numbers yet"
    store.answer(groups)
    store.take(groups)

    after = Groups(clock=groups.histories.now)
    restarted(after, store)
    early, other = Member(), Member()
    after.join(early, ROOM)
    after.join(other, ROOM)
    assert say(after, "пять", but=other) == 1
    assert (early.heard, other.heard) == ([], [])
    left = Member()
    after.join(left, ROOM)
    after.leave(left, ROOM)
    store.answer(after)
    kept = [("два", 2), ("три", 3), ("😀", 4)]
    assert (heard(early), heard(other), left.heard) == ([kept, ("пять", 5)], [kept], [])
    late = Member()
    after.join(late, ROOM)
    assert heard(late) == [[("три", 3), ("😀", 4), ("пять", 5)]]


def test_a_store_that_is_away_keeps_nobody_out_and_its_events_come_before_the_others(
    groups: Groups, store: Store
) -> None:
    store.rows[ROOM] = {7: (groups.histories.now(), b'{"event":"old","$n":7,"$time":"2027-01-15T08:00:00+00:00"}')}
    one, two = Member(), Member()
    groups.join(one, ROOM)
    say(groups, "waited")
    groups.histories.failed()
    say(groups, "more")
    assert heard(one) == [[], ("waited", JUMP + 1), ("more", JUMP + 2)]
    groups.join(two, "room:2")
    assert heard(two) == [[]], "nobody waits for a store that is known to be away"
    store.answer(groups)
    assert (one.heard, two.heard) == ([], []), "what was there before is for newcomers"
    late = Member()
    groups.join(late, ROOM)
    assert heard(late) == [[("old", 7), ("waited", JUMP + 1), ("more", JUMP + 2)]]
    store.take(groups)
    assert sorted(store.rows[ROOM]) == [7, JUMP + 1, JUMP + 2]


def test_events_are_given_as_long_as_they_are_kept(groups: Groups, store: Store, clock: Clock) -> None:
    say(groups, "one")
    store.answer(groups)
    clock.now += 61
    say(groups, "two")
    late = Member()
    groups.join(late, ROOM)
    assert heard(late) == [[("two", 2)]]


def test_what_waits_is_bounded_and_the_oldest_are_lost(
    groups: Groups, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups.declare([declared("room:{room}", history=9, keep=60.0)])
    groups.join(Member(), ROOM)
    store.answer(groups)
    say(groups, "1")
    groups.histories.take()
    monkeypatch.setattr(histories_module, "MAX_WAITING", 1000)
    for number in range(2, 9):
        say(groups, str(number))
    assert (groups.histories.waiting, groups.histories.lost) == (3, 5)
    groups.histories.put_back()
    assert [event.number for event in store.take(groups).events] == [1, 7, 8], "what was on its way waits again"
    assert (groups.histories.waiting, groups.histories.written) == (0, 3)
    for number in range(9, 12):
        say(groups, str(number))
    assert groups.histories.lost == 5, "there is room again"


def test_a_group_opens_without_the_store_where_too_much_waits_for_it(
    groups: Groups, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories_module, "MAX_WAITING", 1000)
    a = Member()
    groups.join(a, ROOM)
    for number in range(6):
        say(groups, str(number))
    assert [one[0] for one in heard(a)[1:]] == ["0", "1", "2", "3", "4", "5"]


def test_nothing_of_an_empty_group_stays_in_memory(groups: Groups, store: Store, clock: Clock) -> None:
    a = Member()
    groups.join(a, ROOM)
    store.answer(groups)
    say(groups, "one")
    groups.leave_all(a)
    clock.now += REST
    groups.histories.sweep()
    assert len(groups) == 1, "it is not written yet"
    store.take(groups)
    groups.join(a, ROOM)
    clock.now += REST
    groups.histories.sweep()
    assert len(groups) == 1, "there is a member again"
    groups.leave_all(a)
    clock.now += REST - 1
    groups.histories.sweep()
    assert len(groups) == 1
    clock.now += 1
    groups.histories.sweep()
    assert len(groups) == 0
    clock.now -= 2 * REST
    a.heard.clear()
    a.frames.clear()
    groups.join(a, ROOM)
    store.answer(groups)
    assert heard(a) == [[("one", 1)]]


def test_names_that_somebody_makes_up_leave_room_for_others(
    groups: Groups, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories_module, "MAX_RESTING", 3)
    for number in range(20):
        a = Member()
        groups.join(a, f"room:{number}")
        store.answer(groups)
        groups.leave_all(a)
    assert len(groups) == 4


def test_a_publish_begins_to_keep_and_ends_it_for_those_who_are_there(groups: Groups, store: Store) -> None:
    groups.declare([declared("room:{room}", history=3)])
    a = Member()
    groups.join(a, ROOM)
    say(groups, "one")
    assert (heard(a), store.asked) == ([[], ("one", 1)], [])
    groups.declare([KEEPS])
    say(groups, "two")
    assert a.heard == []
    store.answer(groups)
    assert heard(a) == [("two", 2)], "the history was told already"
    assert [event.number for event in store.take(groups).events] == [1, 2]
    groups.declare([declared("room:{room}", history=3, keep=9.0)])
    assert groups.histories.keeps == {"room:{room}": 9.0}
    assert not groups.histories.wanted()

    groups.declare([declared("room:{room}", history=3)])
    say(groups, "three")
    assert (groups.histories.keeps, store.take(groups).events) == ({}, [])
    groups.declare([declared("room:{room}", history=9, keep=60.0)])
    store.answer(groups)
    late = Member()
    groups.join(late, ROOM)
    assert heard(late) == [[("one", 1), ("two", 2), ("three", 3)]]
    groups.declare([declared("room:{room}", history=3)])
    groups.declare([KEEPS])
    say(groups, "four")
    groups.declare([])
    assert (heard(a), heard(late)) == ([("three", 3), ("four", None)], [("four", None)])
    groups.leave_all(a)
    groups.leave_all(late)
    assert len(groups) == 0


def test_who_is_moved_by_a_publish_hears_the_members_behind_what_the_store_has(groups: Groups, store: Store) -> None:
    groups.declare([declared("room:{room}", history=3, keep=60.0, presence="names")])
    early, late = Member(Identity("анна")), Member(Identity("борис"))
    groups.join(early, ROOM)
    groups.join(late, ROOM)
    assert [one["event"] for one in early.heard] == ["joined"]
    assert late.heard == []
    store.answer(groups)
    for member in (early, late):
        history, members = member.heard
        assert (history["event"], members["event"], members["count"]) == ("history", "members", 2)
    after = Member()
    groups.join(after, ROOM)
    assert [one["event"] for one in after.heard] == ["history", "members"]


def test_the_store_has_little_more_than_a_group_may_give(groups: Groups, store: Store) -> None:
    store.answer(groups)
    for _ in range(250):
        say(groups, "x")
        store.answer(groups)
        store.take(groups)
    assert 3 <= len(store.rows[ROOM]) < 110
    assert max(store.rows[ROOM]) == 250
    for _ in range(9):
        say(groups, "x")
    assert [event.number for event in store.take(groups).events] == [257, 258, 259]
    assert groups.histories.written == 259


def test_without_a_keeper_events_are_in_memory_alone(groups: Groups) -> None:
    groups.declare([KEEPS])
    a = Member()
    groups.join(a, ROOM)
    say(groups, "one")
    assert (heard(a), groups.histories.waiting) == ([[], ("one", 1)], 0)


async def test_a_caller_waits_for_the_store_so_long(groups: Groups, store: Store) -> None:
    waiting = asyncio.create_task(groups.open(("plain", ROOM)))
    await asyncio.sleep(0)
    assert (len(groups), waiting.done()) == (1, False)
    store.answer(groups)
    assert await waiting
    assert not await groups.open((ROOM, "plain"))
    assert await groups.histories.opened([], 0) is False
    groups.histories.tend(closed := groups._make("room:2", KEEPS))
    assert await groups.histories.opened([closed], 0), "the time is over"


moves = st.lists(st.sampled_from(["say", "say", "enter", "answer", "away", "take", "fail", "restart"]), max_size=60)


@given(moves)
def test_nobody_hears_an_event_twice_or_misses_one(drawn: list[str]) -> None:
    """Whatever happens to the store: each hears a run of what was said, to its end and in its order.

    A restart ends all connections and writes what waits, so far as the store takes it.
    """
    clock, store = Clock(), Store()
    clock.now = JUMP / 1000
    groups = Groups(clock=lambda: clock.now, later=clock.later)
    restarted(groups, store)
    members: list[Member] = []
    said: list[str] = []
    for number, move in enumerate(drawn):
        clock.now += 1
        if move == "say":
            said.append(str(number))
            say(groups, said[-1])
        elif move == "enter":
            members.append(Member())
            groups.join(members[-1], ROOM)
        elif move == "answer":
            store.answer(groups)
        elif move == "away":
            if groups.histories.wanted():  # else it is not asked
                groups.histories.failed()
        elif move == "take":
            store.take(groups)
        elif move == "fail":
            groups.histories.take()
            groups.histories.put_back()
        else:
            store.answer(groups)
            store.take(groups)
            _check(members, said)
            members = []
            groups = Groups(clock=lambda: clock.now, later=clock.later)
            restarted(groups, store)
    store.answer(groups)
    late = Member()
    groups.join(late, ROOM)
    store.answer(groups)
    (kept,) = heard(late)
    assert [what for what, _ in kept] == said[-3:]
    _check(members, said)


def _check(members: list[Member], said: list[str]) -> None:
    for member in members:
        (kept, *live) = heard(member)
        found = kept + live
        numbers = [number for _, number in found]
        assert numbers == sorted(set(numbers))
        assert [what for what, _ in found] == said[len(said) - len(found) :]
