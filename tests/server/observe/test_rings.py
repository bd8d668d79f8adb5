"""The lines of the last ten minutes: differences of counts that are there anyway."""

from __future__ import annotations

import asyncio

import pytest

from jackfield.server.observe import metrics
from jackfield.server.observe.lag import Lag
from jackfield.server.observe.metrics import Meter
from jackfield.server.observe.rings import POINTS, Point, Rings, quantile


def test_a_point_is_what_came_since_the_one_before() -> None:
    say, ask, lag, open_ = Meter(), Meter(), Lag(), [3]
    rings = Rings(lambda: (say, ask), lag, lambda: open_[0])
    assert (rings.last, rings.values()["p50"]) == (None, [])
    say.answered, ask.answered = 90, 10
    say.others.update({"invalid_message": 4, "cancelled": 6})
    for _ in range(100):
        say.took(0.0002)
    ask.took(0.3)
    lag.buckets[2] += 40
    rings.step()
    (first,) = rings.values()["messages"]
    assert (first, rings.last) == (11.0, Point(11.0, 0.4, 0.000302, 0.0005, 0.00995, 3))
    rings.step()
    assert rings.last == Point(0.0, 0.0, None, None, None, 3)
    assert rings.values()["errors"] == [0.4, 0.0]


def test_the_oldest_points_go() -> None:
    rings = Rings(tuple, Lag(), lambda: 0)
    for _ in range(POINTS + 5):
        rings.step()
    assert (rings.steps, len(rings.values()["lag"])) == (POINTS + 5, POINTS)


@pytest.mark.parametrize(
    ("numbers", "part", "found"),
    [([0, 0, 0], 0.5, None), ([2, 0, 0], 0.5, 0.5), ([0, 4, 0], 0.25, 1.25), ([1, 0, 9], 0.99, 2.0)],
)
def test_a_quantile_lies_within_its_bucket(numbers: list[int], part: float, found: float | None) -> None:
    assert quantile((1.0, 2.0), numbers, part) == found


async def test_steps_are_taken_until_it_is_cancelled() -> None:
    rings = Rings(tuple, Lag(), lambda: 0)
    watching = asyncio.create_task(rings.watch(0.0))
    async with asyncio.timeout(30):
        while rings.steps < 3:  # noqa: ASYNC110 - nothing else tells it
            await asyncio.sleep(0)
    watching.cancel()
    assert len(metrics.BOUNDS) == len(Meter().buckets) - 1
