"""The wall clock and the steady one: what is told apart, and what is over by which."""

from __future__ import annotations

import time

from jackfield import clocks
from jackfield.clocks import SET, Ends, Jumps, watched
from tests.clock import Clock


def test_of_the_machines_clock_there_is_a_steady_one_beside_it() -> None:
    made = watched(time.time)
    assert made.steady is time.monotonic
    assert abs(made() - time.time()) < 60
    assert watched(made) is made


def test_a_function_in_its_place_stands_for_both() -> None:
    made = watched(lambda: 5.0)
    assert (made(), made.steady(), made.latest()) == (5.0, 5.0, 5.0)


def test_the_latest_time_goes_on_where_the_clock_is_set_back(clock: Clock) -> None:
    began = clock.now
    clock.move(10)
    assert clock.latest() == began + 10
    clock.set(-3600)
    assert clock.latest() == began + 10
    clock.move(5)
    assert clock.latest() == began + 15
    assert clock() == began + 15 - 3600
    clock.set(7200)
    assert clock.latest() == clock() == began + 15 + 3600


def test_it_is_found_that_the_clock_was_set(clock: Clock) -> None:
    jumps, other = Jumps(clock), Jumps(clock)
    assert jumps.look() == 0
    clock.move(86_400)
    assert jumps.look() == 0, "time passes"
    clock.set(3600)
    assert jumps.look() == 3600
    assert jumps.look() == 0
    clock.move(1)
    clock.set(-3600)
    assert jumps.look() == -3600
    assert other.look() == 0, "each sees what came between its own looks"


def test_a_clock_that_runs_a_little_fast_was_set_when_it_adds_up(clock: Clock) -> None:
    jumps = Jumps(clock)
    found = []
    for _ in range(9):
        clock.move(1)
        clock.set(SET / 4)
        found.append(jumps.look())
    assert found == [0, 0, 0, SET, 0, 0, 0, SET, 0]


def test_what_ends_is_over_by_either_clock(clock: Clock) -> None:
    ends = Ends(clock, 10)
    assert not ends.over("a", clock.now + 100)
    clock.move(99)
    assert not ends.over("a", clock.now + 1)
    until = clock.now + 1
    clock.move(1)
    assert ends.over("a", until)


def test_a_clock_set_forward_ends_it_and_one_set_back_puts_nothing_off(clock: Clock) -> None:
    ends = Ends(clock, 10)
    until = clock.now + 100
    assert not ends.over("a", until)
    clock.set(3600)
    assert ends.over("a", until)
    clock.set(-7200)
    assert not ends.over("a", until)
    clock.move(100)
    assert clock.now < until
    assert ends.over("a", until)
    assert not ends.over("never seen before", until)
    assert not ends.over("a", until + 50), "another end begins anew"


def test_so_many_are_remembered(clock: Clock) -> None:
    ends = Ends(clock, 3)
    until = clock.now + 100
    for name in ("a", "b", "c", "a", "d", "a", "e"):
        assert not ends.over(name, until)
    clock.set(-50)
    clock.move(100)
    assert [ends.over(name, until) for name in ("a", "e", "d")] == [True] * 3
    assert not ends.over("b", until), "forgotten, so the wall clock alone knows"


def test_what_is_exported() -> None:
    assert issubclass(Clock, clocks.Clock)
