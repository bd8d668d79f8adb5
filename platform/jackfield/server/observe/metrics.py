"""What is counted: plain integers and lists on the hot path, read only by a scrape.

Names and labels are a contract with those who run the server; a label never holds a login or a URL.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from jackfield import stdio
from jackfield.groups.groups import Groups
from jackfield.groups.names import CONSOLE
from jackfield.logs import log
from jackfield.server.observe import lag
from jackfield.server.observe.lag import Lag
from jackfield.server.observe.throttled import EXHAUSTED, GAVE_WAY, SHED

__all__ = ["BOUNDS", "Meter", "Metrics", "Seats"]

BOUNDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds, of the buckets of `jackfield_process_seconds`."""


try:
    _VERSION = version("jackfield")
except PackageNotFoundError:
    _VERSION = "unknown"  # run from its sources alone


class Seats(Protocol):
    """How many connections an endpoint has; implemented by the hub."""

    def count(self, endpoint: str) -> int:
        """Connections of one endpoint on this node."""


class Meter:
    """The counts of one endpoint, across all generations. `answered` is a message that its process answered.

    `dropped` counts events that a client who reads too slowly never got (`slow_consumer: drop_oldest`).
    """

    __slots__ = ("answered", "buckets", "dropped", "others", "seconds")

    def __init__(self) -> None:
        self.answered = 0
        self.dropped = 0
        self.others: Counter[str] = Counter()  # by the error's code; a process's own codes are `rejected`
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def took(self, seconds: float) -> None:
        """One call of the process took this long."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Metrics(Collector):
    """All counts of a node, as Prometheus collects them; with those of the process and of the interpreter.

    `handshakes` counts by endpoint, outcome and code, `logins` by outcome and code, `publishes` by outcome:
    `published`, `back` or `refused`. `pushes` counts what is sent from outside by what it is sent to (`group`, `groups`
    or `user`), outcome and code. `groups` are those of the node; `projects` gives the metrics of the project's code.
    """

    def __init__(
        self,
        seats: Seats,
        lateness: Lag | None = None,
        groups: Groups | None = None,
        projects: Callable[[], Iterable[Collector]] = tuple,
    ) -> None:
        self.handshakes: Counter[tuple[str, str, str]] = Counter()
        self.closes: Counter[str] = Counter()
        self.ends: Counter[tuple[str, str]] = Counter()
        self.logins: Counter[tuple[str, str]] = Counter()
        self.publishes: Counter[str] = Counter()
        self.pushes: Counter[tuple[str, str, str]] = Counter()
        self.plan_hash = ""
        self._meters: dict[str, Meter] = {}
        self._ours = Meter()  # of the page's own connections, which nobody reads
        self._seats = seats
        self._lag = lateness or Lag()
        self._groups = Groups() if groups is None else groups
        self._projects = projects
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def closed(self, endpoint: str, code: int, cause: str) -> None:
        """Count one connection that ended. A client chooses its code, and must not choose how many series we have."""
        if endpoint == CONSOLE:
            return
        self.closes[str(code) if code < 3000 or cause != "client" else f"{code // 1000}xxx"] += 1
        self.ends[endpoint, cause] += 1

    def meter(self, endpoint: str) -> Meter:
        """The counts of one endpoint, made with the first question for them."""
        return self._ours if endpoint == CONSOLE else self._meters.setdefault(endpoint, Meter())

    def meters(self) -> Iterable[Meter]:
        """Those of all endpoints."""
        return self._meters.values()

    def came(self) -> tuple[int, int, int]:
        """How many connections were opened, closed and refused so far, without the page's own."""
        counts = Counter[str]()
        for (endpoint, outcome, _), number in self.handshakes.items():
            counts[outcome] += number if endpoint != CONSOLE else 0
        return counts["accepted"], self.closes.total(), counts["refused"]

    def text(self) -> bytes:
        """Everything in Prometheus' text format 0.0.4."""
        return b"".join([generate_latest(self._registry), *map(_told, self._projects())])

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape."""
        yield self._connections()
        shaken = {key: number for key, number in self.handshakes.items() if key[0] != CONSOLE}
        yield _counter("jackfield_handshakes", "Upgrade requests.", ("endpoint", "outcome", "code"), shaken.items())
        closes = {(str(code),): number for code, number in self.closes.items()}
        yield _counter("jackfield_closes", "Connections that ended, by close code.", ("code",), closes.items())
        yield _counter("jackfield_ends", "Connections that ended, by cause.", ("endpoint", "cause"), self.ends.items())
        messages = {(name, what): n for name, meter in self._meters.items() for what, n in _outcomes(meter)}
        yield _counter("jackfield_messages", "Messages by outcome.", ("endpoint", "outcome"), messages.items())
        yield self._durations()
        dropped = {(name,): meter.dropped for name, meter in self._meters.items()}
        yield _counter("jackfield_dropped", "Events that a slow client never got.", ("endpoint",), dropped.items())
        yield CounterMetricFamily("jackfield_shed", "Connections turned away at the door.", value=SHED.total)
        text = "Silent connections closed to make room for others."
        yield CounterMetricFamily("jackfield_gave_way", text, value=GAVE_WAY.total)
        text = "Looks at the descriptors that found none left."
        yield CounterMetricFamily("jackfield_descriptors_exhausted", text, value=EXHAUSTED.total)
        yield _counter("jackfield_logins", "Logins by outcome.", ("outcome", "code"), self.logins.items())
        publishes = {(outcome,): number for outcome, number in self.publishes.items()}
        yield _counter("jackfield_publishes", "Publishes by outcome.", ("outcome",), publishes.items())
        labels = ("kind", "outcome", "code")
        yield _counter("jackfield_pushes", "Events from outside, by outcome.", labels, self.pushes.items())
        yield from self._of_groups()
        yield from _events()
        yield from self._lateness()
        yield _info("jackfield_plan_info", "The plan that is live.", "hash", self.plan_hash)
        yield _info("jackfield_build_info", "What is running.", "version", _VERSION)

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
            family.add_metric((name,), _cumulated(BOUNDS, meter.buckets), meter.seconds)
        return family

    def _of_groups(self) -> Iterator[Metric]:
        groups = self._groups
        yield GaugeMetricFamily("jackfield_groups", "Groups that have members or keep events.", value=len(groups))
        yield GaugeMetricFamily("jackfield_members", "Members of all groups together.", value=groups.memberships)
        yield GaugeMetricFamily("jackfield_feeds", "Groups with a feed that is at work.", value=len(groups.feeds))
        yield CounterMetricFamily("jackfield_group_events", "Events sent to groups.", value=groups.events)
        yield CounterMetricFamily("jackfield_group_deliveries", "Of these to members.", value=groups.deliveries)
        kept = {("written",): groups.histories.written, ("lost",): groups.histories.lost}
        text = "Events of groups that the store was to keep."
        yield _counter("jackfield_kept_events", text, ("outcome",), kept.items())
        text = "Events of groups that wait to be written."
        yield GaugeMetricFamily("jackfield_kept_events_waiting", text, value=groups.histories.waiting)

    def _lateness(self) -> Iterator[Metric]:
        found = self._lag
        text = "How late the event loop was, four times a second."
        family = HistogramMetricFamily("jackfield_loop_lag_seconds", text)
        family.add_metric((), _cumulated(lag.BOUNDS, found.buckets), found.seconds)
        yield family
        text = f"How often the event loop was more than {lag.LIMIT:g} s late."
        yield CounterMetricFamily("jackfield_loop_blocked", text, value=found.blocked)


def _events() -> Iterator[Metric]:
    """Errors and warnings that were logged; of the whole process, as the log is."""
    incidents = {(event,): number for (level, event), number in tuple(log.counts.items()) if level == "error"}
    yield _counter("jackfield_incidents", "Errors in the log, by event.", ("event",), incidents.items())
    warnings = {(event,): number for (level, event), number in tuple(log.counts.items()) if level == "warning"}
    yield _counter("jackfield_warnings", "Warnings in the log, by event.", ("event",), warnings.items())
    lines = {(stream,): number for stream, number in tuple(stdio.dropped.items())}
    yield _counter("jackfield_lines_dropped", "Lines that a standard stream did not take.", ("stream",), lines.items())


def _told(collector: Any) -> bytes:
    """A metric of the project's code as text. One that fails is left out: the others must not go with it."""
    try:
        return generate_latest(collector)
    except BaseException as exc:  # noqa: BLE001 - the project's code, such as the function of a gauge
        log.error("collector_failed", collector=getattr(collector, "_name", type(collector).__name__), exc_info=exc)
        return b""


def _outcomes(meter: Meter) -> Iterator[tuple[str, int]]:
    yield "answered", meter.answered
    yield from meter.others.items()


def _cumulated(bounds: Sequence[float], numbers: Sequence[int]) -> list[tuple[str, float]]:
    """A histogram's buckets as Prometheus has them: each holds those below it as well."""
    return list(zip((*map(str, bounds), "+Inf"), map(float, accumulate(numbers)), strict=True))


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for label, number in values:
        family.add_metric(label, number)
    return family


def _info(name: str, text: str, label: str, value: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    family.add_metric((value,), 1)
    return family
