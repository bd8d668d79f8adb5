"""Presence: the list for a newcomer, who came and who went, and numbers where names are too many or none of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.groups import presence as presence_module
from jackfield.groups.groups import Groups
from jackfield.identity import Identity

from .conftest import Clock, Member, declared


def member(login: str = "") -> Member:
    return Member(Identity(login))


def enter(groups: Groups, *logins: str) -> list[Member]:
    members = [member(login) for login in logins]
    for one in members:
        groups.join(one, "room:1")
    return members


@pytest.fixture
def room(groups: Groups) -> Groups:
    groups.declare([declared("room:{room}", presence="names", grace=15.0)])
    return groups


def event(name: str, count: int, /, **more: Any) -> dict[str, Any]:
    return {"event": name, "group": "room:1", **more, "count": count}


def test_a_newcomer_gets_the_list_and_the_others_hear_of_it(room: Groups) -> None:
    anna, boris = enter(room, "анна", "boris")
    assert anna.heard == [event("members", 1, members=[{"login": "анна"}]), event("joined", 2, login="boris")]
    assert boris.heard == [event("members", 2, members=[{"login": "анна"}, {"login": "boris"}])]


def test_names_stand_beside_logins(room: Groups, clock: Clock) -> None:
    (anna,) = enter(room, "анна")
    boris = Member(Identity("boris", name="Борис 😀", claims={"secret": 1}))
    room.join(boris, "room:1")
    person = {"login": "boris", "name": "Борис 😀"}
    assert boris.heard == [event("members", 2, members=[{"login": "анна"}, person])]
    room.leave_all(boris)
    clock.pass_(15)
    assert anna.heard[1:] == [event("joined", 2, **person), event("left", 1, **person)]


def test_who_leaves_a_group_or_is_taken_out_is_gone_at_once(room: Groups) -> None:
    anna, boris = enter(room, "анна", "boris")
    anna.frames.clear()
    room.leave(boris, "room:1")
    assert anna.heard == [event("left", 1, login="boris")]
    room.join(boris, "room:1")
    assert anna.heard == [event("joined", 2, login="boris")]


def test_who_is_taken_out_hears_of_it_as_the_others_do_and_then_nothing(room: Groups) -> None:
    anna, guest = enter(room, "анна", "")
    boris, again = (Member(Identity("boris", name="Борис 😀")) for _ in range(2))
    for one in (boris, again):
        room.join(one, "room:1")
    for one in (anna, guest, boris, again):
        one.frames.clear()
    assert room.put_out(boris, "room:1")
    assert boris.heard == [event("left", 3, login="boris", name="Борис 😀")]
    assert anna.heard == [], "another connection of his is there"
    room.send("room:1", b'{"event":"said"}')
    room.put_out(again, "room:1")
    left = event("left", 2, login="boris", name="Борис 😀")
    assert again.heard == [{"event": "said"}, left]
    assert anna.heard == [{"event": "said"}, left]
    room.put_out(guest, "room:1")
    assert guest.heard[-1] == event("left", 1, login=None)
    room.send("room:1", b'{"event":"said"}')
    assert (boris.heard, again.heard, guest.heard) == ([], [], [])
    assert not room.put_out(boris, "room:1")
    room.put_out(anna, "room:1")
    assert anna.heard[-1] == event("left", 0, login="анна")
    assert boris.heard == []


def test_who_is_gone_is_reported_after_the_grace(room: Groups, clock: Clock) -> None:
    anna, boris = enter(room, "анна", "boris")
    room.leave_all(boris)
    anna.frames.clear()
    clock.pass_(14.9)
    assert anna.heard == []
    clock.pass_(0.2)
    assert anna.heard == [event("left", 1, login="boris")]


def test_who_is_back_in_time_was_never_gone(room: Groups, clock: Clock) -> None:
    anna, boris = enter(room, "анна", "boris")
    room.leave_all(boris)
    anna.frames.clear()
    clock.pass_(10)
    (newcomer,) = enter(room, "вера")
    assert newcomer.heard == [event("members", 2, members=[{"login": "анна"}, {"login": "вера"}, {"login": "boris"}])]
    enter(room, "boris")
    clock.pass_(60)
    assert anna.heard == [event("joined", 2, login="вера")]


def test_a_second_connection_of_a_user_is_no_news(room: Groups, clock: Clock) -> None:
    anna, _, again = enter(room, "анна", "boris", "boris")
    room.leave_all(again)
    clock.pass_(60)
    assert [found["event"] for found in anna.heard] == ["members", "joined"]


def test_who_has_no_login_is_counted_and_reads_numbers(room: Groups, clock: Clock) -> None:
    anna, guest = enter(room, "анна", "")
    assert guest.heard == [event("members", 2)]
    anna.frames.clear()
    enter(room, "boris", "")
    clock.pass_(1)
    assert [found["event"] for found in anna.heard] == ["joined"]
    assert guest.heard == [event("members", 4)]


def test_numbers_alone_come_once_a_second(groups: Groups, clock: Clock) -> None:
    groups.declare([declared("room:{room}", presence="count")])
    (anna,) = enter(groups, "анна")
    enter(groups, "b", "c", "d")
    assert anna.heard == [event("members", 1)]
    clock.pass_(1)
    assert anna.heard == [event("members", 4)]
    clock.pass_(60)
    assert anna.heard == []


def test_over_so_many_users_there_are_numbers(room: Groups, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "MOST_NAMED", 2)
    anna, _, third = enter(room, "анна", "b", "c")
    assert third.heard == [event("members", 3)]
    assert [found["event"] for found in anna.heard] == ["members", "joined"]
    clock.pass_(1)
    assert anna.heard == [event("members", 3)]


def test_a_member_without_its_101_is_not_there_yet(room: Groups) -> None:
    (anna,) = enter(room, "анна")
    anna.frames.clear()
    waiting = Member(Identity("boris"), is_present=False)
    room.join(waiting, "room:1")
    room.leave_all(waiting)
    assert (anna.heard, waiting.heard) == ([], [])


def test_a_publish_begins_and_ends_presence(groups: Groups, clock: Clock) -> None:
    anna, boris = enter(groups, "анна", "boris")
    groups.declare([declared("room:{room}", presence="names", grace=5.0)])
    assert anna.heard[0] == event("members", 2, members=[{"login": "анна"}, {"login": "boris"}])
    groups.leave_all(boris)
    groups.declare([])
    anna.frames.clear()
    clock.pass_(60)
    assert anna.heard == []


def test_an_empty_group_has_no_timers(room: Groups, clock: Clock) -> None:
    for one in enter(room, "анна", "boris"):
        room.leave_all(one)
    assert [timer for timer in clock.timers if not timer.cancelled] == []
    assert len(room) == 0
