"""What moved in the last ten minutes: messages, errors, latency, lag and connections, in steps of ten seconds.

Strategy: nothing is counted here. Each step takes the difference of counts that are there anyway, which costs a look at
each endpoint.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from jackfield.server.observe import lag, metrics
from jackfield.server.observe.lag import Lag
from jackfield.server.observe.metrics import Meter

__all__ = ["POINTS", "STEP", "Point", "Rings"]

STEP = 10.0
"""Seconds of one point of the lines that the page draws."""

POINTS = 60
"""Points of each of these lines, the newest."""

_NO_ERRORS = frozenset({"cancelled"})  # what its client took back


class Point(NamedTuple):
    """One step. Messages and errors are a second; latency and lag in seconds, None where nothing was measured."""

    messages: float
    errors: float
    p50: float | None
    p99: float | None
    lag: float | None
    connections: int


class Rings:
    """The last points of one node. `meters` gives those of all endpoints, `connections` how many are open."""

    def __init__(self, meters: Callable[[], Iterable[Meter]], lateness: Lag, connections: Callable[[], int]) -> None:
        self.steps = 0
        self._meters = meters
        self._lag = lateness
        self._connections = connections
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._before = self._counts()

    @property
    def last(self) -> Point | None:
        """The newest point."""
        return self._points[-1] if self._points else None

    def values(self) -> dict[str, list[float | int | None]]:
        """The points of each line by its name, the oldest first."""
        return {name: [getattr(point, name) for point in self._points] for name in Point._fields}

    def step(self) -> None:
        """A step is over."""
        before, self._before = self._before, self._counts()
        messages, errors = (now - then for now, then in zip(self._before[:2], before[:2], strict=True))
        took, late = (
            [now - then for now, then in zip(*pair, strict=True)]
            for pair in zip(self._before[2:], before[2:], strict=True)
        )
        point = Point(
            round(messages / STEP, 1),
            round(errors / STEP, 1),
            quantile(metrics.BOUNDS, took, 0.5),
            quantile(metrics.BOUNDS, took, 0.99),
            quantile(lag.BOUNDS, late, 0.99),
            self._connections(),
        )
        self._points.append(point)
        self.steps += 1

    async def watch(self, step: float = STEP) -> None:
        """Take a step every STEP seconds, until cancelled."""
        while True:
            await asyncio.sleep(step)
            self.step()

    def _counts(self) -> tuple[int, int, list[int], list[int]]:
        answered, errors, taken_back = 0, 0, 0
        buckets = [0] * (len(metrics.BOUNDS) + 1)
        for meter in self._meters():
            answered += meter.answered
            for outcome, number in meter.others.items():
                if outcome in _NO_ERRORS:
                    taken_back += number
                else:
                    errors += number
            buckets = [one + other for one, other in zip(buckets, meter.buckets, strict=True)]
        return answered + errors + taken_back, errors, buckets, list(self._lag.buckets)


def quantile(bounds: Sequence[float], numbers: Sequence[int], part: float) -> float | None:
    """The value below which this part of what a histogram counted lies, as if evenly spread in its bucket.

    Of what lies beyond the last of the upper `bounds` that one is known alone.
    """
    wanted, seen = part * sum(numbers), 0
    if not wanted:
        return None
    for index, number in enumerate(numbers):
        if number and seen + number >= wanted:
            if index == len(bounds):
                break
            low = bounds[index - 1] if index else 0.0
            return round(low + (bounds[index] - low) * (wanted - seen) / number, 6)
        seen += number
    return bounds[-1]
