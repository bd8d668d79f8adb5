"""The groups of a node: who hears what, in which order, and what is left of an empty one."""

from __future__ import annotations

import asyncio

import pytest

from jackfield.errors import Refusal
from jackfield.groups import groups as groups_module
from jackfield.groups.group import SLICE
from jackfield.groups.groups import MAX_JOINED, Groups

from .conftest import Clock, Member, declared

ONE, TWO, THREE = (b'{"event":"%d"}' % number for number in (1, 2, 3))


def names(member: Member) -> list[str]:
    return [event["event"] for event in member.heard]


def test_members_hear_and_others_do_not(groups: Groups) -> None:
    a, b, stranger = Member(), Member(), Member()
    assert groups.join(a, "room:1")
    assert groups.join(b, "room:1")
    assert not groups.join(b, "room:1")
    groups.join(stranger, "room:2")
    assert groups.send("room:1", ONE) == 2
    assert groups.send("room:1", TWO, but=a) == 1
    assert groups.send("room:3", THREE) == 0
    assert (names(a), names(b), names(stranger)) == (["1"], ["1", "2"], [])


def test_who_has_left_hears_nothing_more(groups: Groups) -> None:
    a = Member()
    for name in ("room:1", "room:2"):
        groups.join(a, name)
    assert groups.leave(a, "room:1")
    assert not groups.leave(a, "room:1")
    assert [group.name for group in a.groups] == ["room:2"]
    groups.send("room:1", ONE)
    groups.leave_all(a)
    groups.send("room:2", TWO)
    assert (a.heard, a.groups, len(groups)) == ([], (), 0)


def test_events_name_the_group_that_was_chosen_and_all_of_several(groups: Groups) -> None:
    one, chose, several = Member(), Member(), Member()
    groups.join(one, "room:1")
    groups.join(chose, "room:1", chosen=True)
    groups.join(several, "room:1")
    groups.join(several, "room:2")
    groups.send("room:1", ONE)
    assert [member.heard for member in (one, chose, several)] == [
        [{"event": "1"}],
        [{"group": "room:1", "event": "1"}],
        [{"group": "room:1", "event": "1"}],
    ]


def test_a_newcomer_gets_the_last_events_with_numbers_and_times(groups: Groups, clock: Clock) -> None:
    groups.declare([declared("room:{room}", history=2)])
    for frame in (ONE, TWO, THREE):
        clock.now += 60
        groups.send("room:1", frame)
    a = Member()
    groups.join(a, "room:1")
    (history,) = a.heard
    assert history == {
        "event": "history",
        "group": "room:1",
        "events": [
            {"event": "2", "$n": 2, "$time": "1970-01-01T00:02:00+00:00"},
            {"event": "3", "$n": 3, "$time": "1970-01-01T00:03:00+00:00"},
        ],
        "to": 3,
    }
    groups.leave_all(a)
    assert len(groups) == 1  # what is kept is for those who come later
    groups.declare([])
    assert len(groups) == 0


def test_a_publish_that_keeps_fewer_events_forgets_the_oldest(groups: Groups) -> None:
    groups.declare([declared("room:{room}", history=3)])
    for frame in (ONE, TWO, THREE):
        groups.send("room:1", frame)
    groups.declare([declared("room:{room}", history=1)])
    a = Member()
    groups.join(a, "room:1")
    assert [event["$n"] for event in a.heard[0]["events"]] == [3]


def test_what_is_kept_has_a_size(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jackfield.groups.group.HISTORY_SIZE", 150)
    groups.declare([declared("room:{room}", history=1000)])
    for frame in (ONE, TWO, THREE):
        groups.send("room:1", frame)
    a = Member()
    groups.join(a, "room:1")
    assert [event["event"] for event in a.heard[0]["events"]] == ["2", "3"]


def test_a_newcomer_gets_as_many_of_the_kept_events_as_it_has_room_for(groups: Groups) -> None:
    groups.declare([declared("room:{room}", history=1000)])
    for frame in (ONE, TWO, THREE):
        groups.send("room:1", frame)
    for room, heard in ((1000, ["1", "2", "3"]), (150, ["2", "3"]), (0, [])):
        a = Member(room=room)
        groups.join(a, "room:1")
        assert [event["event"] for event in a.heard[0]["events"]] == heard


def test_who_ends_by_what_it_is_given_is_no_member_and_nothing_of_it_stays(groups: Groups) -> None:
    class Short(Member):
        def hear(self, frame: bytes) -> None:
            self.is_over = True

    groups.declare([declared("room:{room}", history=5, presence="names")])
    assert not groups.join(Short(), "room:1")
    assert len(groups) == 0


def test_a_full_group_is_refused_before_anything_has_changed(groups: Groups) -> None:
    groups.declare([declared("game:{game}", members=2)])
    for _ in range(2):
        groups.join(Member(), "game:1")
    late = Member()
    with pytest.raises(Refusal) as caught:
        groups.join(late, "game:1")
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("group_full", 429, 5)
    assert late.groups == ()
    assert groups.join(late, "game:2")


def test_a_connection_and_a_node_have_so_many_groups(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Member()
    for number in range(MAX_JOINED):
        groups.join(a, f"room:{number}")
    with pytest.raises(Refusal, match="100 groups"):
        groups.join(a, "room:more")
    monkeypatch.setattr(groups_module, "MAX_GROUPS", MAX_JOINED)
    with pytest.raises(Refusal):
        groups.join(Member(), "room:more")
    assert groups.join(Member(), "room:1")
    monkeypatch.setattr(groups_module, "MAX_GROUPS", MAX_JOINED + 1)
    groups.check(("room:1", "room:more"), "")
    with pytest.raises(Refusal, match="101 groups"):
        groups.check(("room:more", "room:and more"), "")


async def test_many_members_are_sent_to_in_slices_and_in_order(groups: Groups) -> None:
    members = [Member() for _ in range(SLICE + 2)]
    for member in members:
        groups.join(member, "room:1")
    first, last, leaving = members[0], members[-1], members[-2]
    assert groups.send("room:1", ONE) == SLICE + 2
    assert groups.send("room:1", TWO) == SLICE + 2
    late = Member()
    groups.join(late, "room:1")
    groups.leave(leaving, "room:1")
    assert (names(first), names(last)) == (["1"], [])
    groups.join(leaving, "room:1")
    groups.send("room:1", THREE)
    for _ in range(4):
        await asyncio.sleep(0)
    assert (names(first), names(last), names(late), names(leaving)) == (["2", "3"], ["1", "2", "3"], ["3"], ["3"])


def test_a_member_that_leaves_or_sends_while_it_hears_upsets_no_other(groups: Groups) -> None:
    class Restless(Member):
        def hear(self, frame: bytes) -> None:
            super().hear(frame)
            if frame == ONE:
                groups.send("room:1", TWO)
                groups.leave_all(self)

    restless, other = Restless(), Member()
    for member in (restless, other):
        groups.join(member, "room:1")
    groups.send("room:1", ONE)
    assert (names(restless), names(other)) == (["1"], ["1", "2"])


def test_the_members_are_known(groups: Groups) -> None:
    a, b = Member(), Member()
    for member in (a, b):
        groups.join(member, "room:1")
    assert (groups.members("room:1"), groups.members("room:2")) == ((a, b), ())
