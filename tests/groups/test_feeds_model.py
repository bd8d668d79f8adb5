"""Feeds under random joins, leaves, ends, failures and publishes: one for each group with members, none too long."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import Refusal
from jackfield.groups.feeds import LINGER
from jackfield.groups.groups import Groups

from .conftest import Clock, Member, declared
from .test_feeds import TOLD, Stage

NAMES = ("quotes:1", "quotes:2", "quotes:3", "plain")
FEEDS = declared("quotes:{symbol}", feed=True)
MOST = 2

moves = st.one_of(
    st.tuples(st.sampled_from(("join", "leave")), st.integers(0, 2), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(("fails", "ends", "rejects")), st.integers(0, 9), st.just("")),
    st.tuples(st.sampled_from(("publish", "publish without")), st.just(0), st.just("")),
    st.tuples(st.just("time"), st.sampled_from((1, 2, 30)), st.just("")),
)


@given(st.lists(moves, max_size=40))
def test_one_for_each_group_with_members_and_none_too_long(steps: list[tuple[str, int, str]]) -> None:
    clock, stage = Clock(), Stage()
    groups = Groups(clock=lambda: clock.now, later=clock.later, passed=lambda: clock.now)
    groups.feeds.runner = stage
    groups.declare([FEEDS], feeds=MOST)
    members = [Member() for _ in range(3)]
    over: set[int] = set()
    for act, number, name in steps:
        runs = [run for run in stage.begun if not run.stopped and id(run) not in over]
        if act == "join":
            had = len(groups.feeds)
            with suppress(Refusal):
                groups.join(members[number], name)
            refused = all(group.name != name for group in members[number].groups)
            assert not refused or had == MOST
        elif act == "leave":
            groups.leave(members[number], name)
        elif act == "time":
            clock.pass_(number)
        elif act.startswith("publish"):
            groups.declare([FEEDS] if act == "publish" else [], feeds=MOST)
        elif runs:
            run = runs[number % len(runs)]
            over.add(id(run))
            run.over(TOLD if act == "rejects" else None, act == "fails")
        running = Counter(run.group for run in stage.begun if not run.stopped and id(run) not in over)
        assert all(count == 1 for count in running.values())
        assert "plain" not in running
        assert len(running) <= len(groups.feeds) <= MOST
        assert len([timer for timer in clock.timers if not timer.cancelled]) <= 2 * len(groups.feeds)
    for member in members:
        groups.leave_all(member)
    clock.pass_(LINGER)
    assert [run.group for run in stage.begun if not run.stopped and id(run) not in over] == []
    assert (len(groups.feeds), len(groups)) == (0, 0)
    assert [timer for timer in clock.timers if not timer.cancelled] == []
