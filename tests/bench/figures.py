"""The arithmetic: percentiles over rounds, ratios inside a round, and the floors that they are held against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.bench.measure import Figures
from tests.bench.syscalls import Calls

__all__ = [
    "FLOORS",
    "OURS",
    "Floor",
    "Run",
    "Spread",
    "Verdict",
    "judge",
    "percentile",
    "ratios",
    "spread",
    "spread_of",
    "values",
]

OURS = "jackfield"


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement in its place: the round, the scenario, the contender."""

    round: int
    scenario: str
    contender: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Spread:
    """The 10th percentile, the median and the 90th percentile over the rounds."""

    p10: float
    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Floor:
    """A figure to reach. With `against` it is that contender's figure divided by ours, else ours alone."""

    what: str
    scenario: str
    figure: str
    bound: float
    at_least: bool
    contender: str = OURS
    against: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a floor, and the figure that is held against it; None where it was not measured."""

    floor: Floor
    found: Spread | None
    judged: float | None
    met: bool | None


FLOORS = (
    Floor("ping-pong against Node ws + ajv", "ping-pong", "cpu", 1.25, True, against="node"),
    Floor("reads per message, ping-pong", "ping-pong", "reads", 1.0, False),
    Floor("writes per message, ping-pong", "ping-pong", "writes", 1.0, False),
    Floor("user CPU per message, ping-pong, µs", "ping-pong", "user", 4.0, False),
    Floor("ping-pong against Starlette by hand", "ping-pong", "cpu", 2.8, True, against="starlette"),
    Floor("ping-pong against Starlette's own JSON", "ping-pong", "cpu", 2.8, True, against="starlette-json"),
    Floor("ping-pong against FastAPI by hand", "ping-pong", "cpu", 2.8, True, against="fastapi"),
    Floor("ping-pong against FastAPI's own JSON", "ping-pong", "cpu", 2.8, True, against="fastapi-json"),
    Floor("ping-pong against Node-RED", "ping-pong", "cpu", 6.0, True, against="node-red"),
    Floor("ping-pong against Channels", "ping-pong", "cpu", 10.0, True, against="channels"),
    Floor("16 in flight against Node ws + ajv", "in-flight", "cpu", 3.5, True, against="node"),
    Floor("900 bytes against Node ws + ajv", "900-bytes", "cpu", 2.0, True, against="node"),
    Floor("async process against the sync one", "ping-pong", "cpu", 1.25, False, against="jackfield-async"),
    Floor("a table against the same in Python", "ping-pong", "cpu", 1.1, False, against="jackfield-table"),
    Floor("a table, 16 in flight", "in-flight", "cpu", 1.1, False, against="jackfield-table"),
    Floor("memory per idle connection, KiB", "idle", "memory", 16.0, False),
    Floor("CPU per handshake, µs", "handshakes", "cpu", 400.0, False),
)


def percentile(numbers: Iterable[float], share: float) -> float:
    """The value below which `share` (0 to 1) of them lie, between neighbours in proportion. ValueError for none."""
    ordered = sorted(numbers)
    if not ordered:
        raise ValueError("there are no figures")
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def spread(numbers: Sequence[float]) -> Spread:
    """Where these lie. ValueError for none."""
    return Spread(*(percentile(numbers, share) for share in (0.1, 0.5, 0.9)))


def values(runs: Iterable[Run], scenario: str, contender: str, figure: str) -> dict[int, float]:
    """One figure of one contender, by round."""
    wanted = (run for run in runs if run.scenario == scenario and run.contender == contender)
    return {run.round: getattr(run.figures, figure) for run in wanted}


def spread_of(runs: Iterable[Run], scenario: str, contender: str, figure: str) -> Spread | None:
    """Where one figure of one contender lies; None where it was not measured."""
    numbers = list(values(runs, scenario, contender, figure).values())
    return spread(numbers) if numbers else None


def ratios(runs: Sequence[Run], scenario: str, figure: str, against: str, contender: str = OURS) -> list[float]:
    """Their figure divided by ours, each inside one round: what disturbs the machine meets both."""
    ours = values(runs, scenario, contender, figure)
    theirs = values(runs, scenario, against, figure)
    return [theirs[number] / ours[number] for number in sorted(ours.keys() & theirs.keys()) if ours[number]]


def judge(runs: Sequence[Run], calls: Calls | None) -> list[Verdict]:
    """Each floor with what was found."""
    return [_verdict(floor, _found(floor, runs, calls)) for floor in FLOORS]


def _found(floor: Floor, runs: Sequence[Run], calls: Calls | None) -> Spread | None:
    if floor.figure in ("reads", "writes"):
        return spread([getattr(calls, floor.figure)]) if calls else None
    if not floor.against:
        return spread_of(runs, floor.scenario, floor.contender, floor.figure)
    numbers = ratios(runs, floor.scenario, floor.figure, floor.against, floor.contender)
    return spread(numbers) if numbers else None


def _verdict(floor: Floor, found: Spread | None) -> Verdict:
    """Ratios are judged on their unfavourable side (the noise flatters us), single figures in the quiet rounds."""
    if found is None:
        return Verdict(floor, None, None, None)
    if floor.figure in ("reads", "writes"):  # exactly; the server's rare own work adds some thousandths
        return Verdict(floor, found, found.median, abs(found.median - floor.bound) < 0.02)
    if floor.at_least:
        return Verdict(floor, found, found.p10, found.p10 >= floor.bound)
    judged = found.p90 if floor.against else found.p10
    return Verdict(floor, found, judged, judged <= floor.bound)
