"""What is counted: plain integers and lists on the hot path, read only when somebody scrapes.

Names and labels are a contract with those who run the server; a label never holds a login or a URL.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

__all__ = ["BOUNDS", "Meter", "Metrics", "Seats"]

BOUNDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds, of the buckets of `jackfield_process_seconds`."""


class Seats(Protocol):
    """How many connections an endpoint has; implemented by the hub."""

    def count(self, endpoint: str) -> int:
        """Connections of one endpoint on this node."""


class Meter:
    """The counts of one endpoint, across all generations. `answered` is a message that its process answered."""

    __slots__ = ("answered", "buckets", "others", "seconds")

    def __init__(self) -> None:
        self.answered = 0
        self.others: Counter[str] = Counter()  # by the error's code; a process's own codes are `rejected`
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def took(self, seconds: float) -> None:
        """One call of the process took this long."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Metrics(Collector):
    """All counts of a node, as Prometheus collects them."""

    def __init__(self, seats: Seats) -> None:
        self.handshakes: Counter[tuple[str, str, str]] = Counter()
        self.closes: Counter[int] = Counter()
        self.plan_hash = ""
        self._meters: dict[str, Meter] = {}
        self._seats = seats
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def meter(self, endpoint: str) -> Meter:
        """The counts of one endpoint, made with the first question for them."""
        return self._meters.setdefault(endpoint, Meter())

    def text(self) -> bytes:
        """Everything in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry when somebody scrapes."""
        yield self._connections()
        yield _counter(
            "jackfield_handshakes", "Upgrade requests.", ("endpoint", "outcome", "code"), self.handshakes.items()
        )
        messages = {(name, what): n for name, meter in self._meters.items() for what, n in _outcomes(meter)}
        yield _counter("jackfield_messages", "Messages by outcome.", ("endpoint", "outcome"), messages.items())
        yield self._durations()
        closes = {(str(code),): number for code, number in self.closes.items()}
        yield _counter("jackfield_closes", "Connections that ended.", ("code",), closes.items())
        info = GaugeMetricFamily("jackfield_plan_info", "The plan that is live.", labels=("hash",))
        info.add_metric((self.plan_hash,), 1)
        yield info

    def _connections(self) -> Metric:
        family = GaugeMetricFamily("jackfield_connections", "Open connections.", labels=("endpoint",))
        for name in self._meters:
            family.add_metric((name,), self._seats.count(name))
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "jackfield_process_seconds", "How long processes took, waiting included.", labels=("endpoint",)
        )
        for name, meter in self._meters.items():
            total = 0
            buckets = []
            for bound, number in zip((*map(str, BOUNDS), "+Inf"), meter.buckets, strict=True):
                total += number
                buckets.append((bound, total))
            family.add_metric((name,), buckets, meter.seconds)
        return family


def _outcomes(meter: Meter) -> Iterator[tuple[str, int]]:
    yield "answered", meter.answered
    yield from meter.others.items()


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for label, number in values:
        family.add_metric(label, number)
    return family
