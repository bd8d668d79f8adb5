"""When a feed begins, lingers, rests and begins again, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from jackfield.errors import Refusal
from jackfield.groups.feeds import LINGER, MAX_OF_CALLER, Runner
from jackfield.groups.groups import Groups
from jackfield.groups.names import Pattern

from .conftest import Clock, Member, declared

TOLD = '{"error":{"code":"нет"}}'.encode()
QUOTES = declared("quotes:{symbol}", feed=True)


@dataclass(eq=False)
class Generator:
    """One generator that does what a test says."""

    pattern: str
    group: str
    over: Callable[[bytes | None, bool], None]
    stopped: bool = False

    def stop(self) -> None:
        assert not self.stopped
        self.stopped = True


@dataclass
class Stage:
    """A Runner that keeps what was begun."""

    begun: list[Generator] = field(default_factory=list)
    closing: int = 0

    def judge(self, _pattern: Pattern, group: str) -> None:
        if group.endswith(":wrong"):
            raise Refusal("not_found")

    def begin(self, pattern: Pattern, group: str, over: Callable[[bytes | None, bool], None]) -> Generator:
        self.begun.append(Generator(pattern.text, group, over))
        return self.begun[-1]

    @property
    def running(self) -> list[str]:
        return [one.group for one in self.begun if not one.stopped]


@pytest.fixture
def stage(groups: Groups) -> Stage:
    found = Stage()
    runner: Runner = found
    groups.feeds.runner = runner
    groups.declare([QUOTES])
    return found


def test_one_begins_with_the_first_member_and_ends_after_the_last(groups: Groups, stage: Stage, clock: Clock) -> None:
    one, two = Member(), Member()
    groups.join(one, "quotes:1")
    groups.join(two, "quotes:1", chosen=True)
    groups.join(one, "room:1")
    assert [(run.pattern, run.group) for run in stage.begun] == [("quotes:{symbol}", "quotes:1")]
    groups.leave_all(one)
    clock.pass_(LINGER * 2)
    assert stage.running == ["quotes:1"]
    groups.leave(two, "quotes:1")
    clock.pass_(LINGER - 0.1)
    assert stage.running == ["quotes:1"]
    clock.pass_(0.1)
    assert (stage.running, len(groups.feeds), len(groups)) == ([], 0, 0)


def test_who_comes_back_in_time_finds_the_same_one(groups: Groups, stage: Stage, clock: Clock) -> None:
    one = Member()
    for _ in range(3):
        groups.join(one, "quotes:1")
        groups.leave(one, "quotes:1")
        clock.pass_(LINGER - 0.1)
    groups.join(one, "quotes:1")
    clock.pass_(LINGER * 2)
    assert (len(stage.begun), stage.running) == (1, ["quotes:1"])


def test_one_caller_does_not_take_the_room_of_all(groups: Groups, stage: Stage, clock: Clock) -> None:
    one, tab, other = Member(caller="аня"), Member(caller="аня"), Member(caller="10.1.2.3")

    def begins(member: Member, name: str) -> bool:
        try:
            return groups.join(member, name)
        except Refusal as refusal:
            return refusal.code != "group_full" or "limits.feeds" not in refusal.fix

    for number in range(MAX_OF_CALLER):
        groups.join(one if number < 60 else tab, f"quotes:{number}")
    assert (begins(Member(caller="аня"), "quotes:a"), begins(other, "quotes:b")) == (False, True)
    assert begins(Member(caller="аня"), "quotes:b"), "one that is there already"
    groups.leave(one, "quotes:0")  # it lingers, and counts
    assert not begins(tab, "quotes:a")
    clock.pass_(LINGER)
    assert begins(tab, "quotes:a")
    groups.join(other, "quotes:a")
    groups.join(one, "quotes:a")
    groups.leave(tab, "quotes:a")
    assert not begins(tab, "quotes:c"), "the other connection is still in it"
    groups.leave(one, "quotes:a")
    assert begins(tab, "quotes:c"), "others keep it now"
    groups.declare([QUOTES], feeds=20 * MAX_OF_CALLER)
    assert begins(tab, "quotes:d")
    for member in (one, tab):
        groups.leave_all(member)
    clock.pass_(LINGER)
    assert groups.feeds._of_callers == {"10.1.2.3": 1}


def test_one_that_fails_begins_again_later_each_time(groups: Groups, stage: Stage, clock: Clock) -> None:
    groups.join(Member(), "quotes:1")
    for pause in (1, 2, 4, 8, 16, 30, 30):
        stage.begun[-1].over(None, True)
        before = len(stage.begun)
        clock.pass_(pause - 0.1)
        assert len(stage.begun) == before
        clock.pass_(0.1)
        assert len(stage.begun) == before + 1
    clock.pass_(30)  # it has run for so long: what was before is forgotten
    stage.begun[-1].over(None, True)
    before = len(stage.begun)
    clock.pass_(1)
    assert len(stage.begun) == before + 1


def test_one_that_failed_begins_no_more_without_members(groups: Groups, stage: Stage, clock: Clock) -> None:
    one = Member()
    groups.join(one, "quotes:1")
    for _ in range(3):
        stage.begun[-1].over(None, True)
        clock.pass_(4)
    stage.begun[-1].over(None, True)
    groups.leave(one, "quotes:1")
    clock.pass_(60)
    assert (len(stage.begun), len(groups.feeds)) == (4, 0)


def test_a_rejection_is_told_to_all_and_rests_until_the_group_was_empty(
    groups: Groups, stage: Stage, clock: Clock
) -> None:
    one, two, late, stranger = Member(), Member(), Member(), Member()
    groups.join(stranger, "quotes:2")
    groups.join(one, "quotes:1")
    groups.join(two, "quotes:1")
    stage.begun[1].over(TOLD, False)
    groups.join(late, "quotes:1")
    assert [member.frames for member in (one, two, late, stranger)] == [[TOLD], [TOLD], [TOLD], []]
    clock.pass_(600)
    groups.leave(one, "quotes:1")
    groups.leave(two, "quotes:1")
    assert len(stage.begun) == 2
    groups.leave(late, "quotes:1")
    groups.join(one, "quotes:1")
    assert (len(stage.begun), one.frames) == (3, [TOLD])


def test_one_that_ends_while_nobody_listens_is_gone(groups: Groups, stage: Stage, clock: Clock) -> None:
    one = Member()
    groups.join(one, "quotes:1")
    groups.leave(one, "quotes:1")
    stage.begun[0].over(None, False)
    assert len(groups.feeds) == 0
    groups.join(one, "quotes:1")
    clock.pass_(LINGER * 2)
    assert (len(stage.begun), len(groups.feeds)) == (2, 1)


def test_a_publish_begins_all_anew_that_have_members(groups: Groups, stage: Stage, clock: Clock) -> None:
    gone = Member()
    for name in ("quotes:runs", "quotes:rests", "quotes:waits"):
        groups.join(Member(), name)
    groups.join(gone, "quotes:empty")
    groups.leave(gone, "quotes:empty")
    stage.begun[1].over(TOLD, False)
    stage.begun[2].over(None, True)
    groups.declare([declared("quotes:{name}", feed=True)])
    assert [(run.pattern, run.group) for run in stage.begun[4:]] == [
        ("quotes:{name}", "quotes:runs"),
        ("quotes:{name}", "quotes:rests"),
        ("quotes:{name}", "quotes:waits"),
    ]
    assert [run.stopped for run in stage.begun[:4]] == [True, False, False, True]  # two were over by themselves
    clock.pass_(60)
    assert len(stage.begun) == 7
    late = Member()
    groups.join(late, "quotes:rests")
    assert late.frames == []  # what the old one said is not true any more


def test_a_publish_without_the_feed_ends_it(groups: Groups, stage: Stage, clock: Clock) -> None:
    groups.join(one := Member(), "quotes:1")
    groups.declare([declared("quotes:{symbol}")])
    assert (stage.running, len(groups.feeds)) == ([], 0)
    groups.leave(one, "quotes:1")
    clock.pass_(60)
    groups.join(one, "quotes:1")
    groups.declare([QUOTES])
    assert stage.running == ["quotes:1"]


def test_one_more_than_there_may_be_is_refused(groups: Groups, stage: Stage, clock: Clock) -> None:
    groups.declare([QUOTES], feeds=2)
    one = Member()
    groups.join(one, "quotes:1")
    with pytest.raises(Refusal) as caught:
        groups.check(["quotes:1", "quotes:2", "quotes:3"], "")
    assert (caught.value.code, caught.value.retry_after) == ("group_full", 5)
    groups.check(["quotes:2"], "")
    stage.closing = 1  # one that was stopped still cleans up
    with pytest.raises(Refusal, match="has 2 feeds"):
        groups.join(Member(), "quotes:2")
    groups.join(Member(), "quotes:1")
    assert (stage.running, len(groups)) == (["quotes:1"], 1)
    stage.closing = 0
    groups.join(Member(), "quotes:2")
    assert stage.running == ["quotes:1", "quotes:2"]


def test_a_publish_with_more_than_there_may_be_tells_the_rest(groups: Groups, stage: Stage) -> None:
    groups.declare([])
    members = [Member() for _ in range(3)]
    for number, member in enumerate(members):
        groups.join(member, f"quotes:{number}")
    groups.declare([QUOTES], feeds=2)
    assert stage.running == ["quotes:0", "quotes:1"]
    assert [member.heard for member in members[:2]] == [[], []]
    (told,) = members[2].heard
    assert (told["error"]["code"], told["error"]["group"]) == ("group_full", "quotes:2")


def test_a_name_that_the_feed_does_not_take_makes_no_group(groups: Groups, stage: Stage) -> None:
    with pytest.raises(Refusal, match="not_found"):
        groups.join(one := Member(), "quotes:wrong")
    assert (one.groups, len(groups), stage.begun) == ((), 0, [])


def test_a_stop_ends_all_and_none_begins(groups: Groups, stage: Stage, clock: Clock) -> None:
    groups.join(Member(), "quotes:1")
    groups.join(one := Member(), "quotes:2")
    stage.begun[1].over(None, True)
    groups.feeds.close()
    groups.join(Member(), "quotes:3")
    clock.pass_(60)
    groups.leave(one, "quotes:2")
    assert ([run.stopped for run in stage.begun], len(groups.feeds)) == ([True, False], 0)
