"""What is counted, as somebody who scrapes reads it."""

from __future__ import annotations

import sys
from importlib.metadata import version

from prometheus_client import Counter, Gauge
from prometheus_client.parser import text_string_to_metric_families

from jackfield.logs import log
from jackfield.server.observe.lag import TICK, Lag
from jackfield.server.observe.metrics import BOUNDS, Meter, Metrics


class Seats:
    def count(self, endpoint: str) -> int:
        return 3 if endpoint == "greeting" else 0


def scraped(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def at(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_everything_is_reported_under_its_name() -> None:
    metrics = Metrics(Seats())
    metrics.plan_hash = "0123456789ab"
    meter = metrics.meter("greeting")
    assert metrics.meter("greeting") is meter, "the counts go on through a publish"
    meter.answered += 2
    meter.others["invalid_message"] += 1
    metrics.handshakes["greeting", "accepted", ""] += 1
    metrics.handshakes["", "refused", "not_found"] += 4
    for _ in range(5):
        metrics.closed("greeting", 1000, "client")
    metrics.closed("greeting", 4429, "flood")
    metrics.logins["refused", "login_failed"] += 3
    metrics.publishes["published"] += 2
    meter.dropped += 6
    found = scraped(metrics)
    assert found[at("jackfield_connections", endpoint="greeting")] == 3
    assert found[at("jackfield_messages_total", endpoint="greeting", outcome="answered")] == 2
    assert found[at("jackfield_messages_total", endpoint="greeting", outcome="invalid_message")] == 1
    assert found[at("jackfield_handshakes_total", endpoint="greeting", outcome="accepted", code="")] == 1
    assert found[at("jackfield_handshakes_total", endpoint="", outcome="refused", code="not_found")] == 4
    assert found[at("jackfield_closes_total", code="1000")] == 5
    assert found[at("jackfield_closes_total", code="4429")] == 1
    assert found[at("jackfield_ends_total", endpoint="greeting", cause="client")] == 5
    assert found[at("jackfield_ends_total", endpoint="greeting", cause="flood")] == 1
    assert found[at("jackfield_logins_total", outcome="refused", code="login_failed")] == 3
    assert found[at("jackfield_publishes_total", outcome="published")] == 2
    assert found[at("jackfield_dropped_total", endpoint="greeting")] == 6
    assert found[at("jackfield_plan_info", hash="0123456789ab")] == 1
    assert found[at("jackfield_build_info", version=version("jackfield"))] == 1
    if sys.platform == "linux":
        assert found[at("process_resident_memory_bytes")] > 1_000_000
        assert found[at("process_open_fds")] > 2


def test_a_client_cannot_make_series_by_its_close_codes() -> None:
    metrics = Metrics(Seats())
    for code in range(3000, 5000):
        metrics.closed("greeting", code, "client")
    metrics.closed("greeting", 4001, "process")
    assert metrics.closes == {"3xxx": 1000, "4xxx": 1000, "4001": 1}
    assert metrics.ends == {("greeting", "client"): 2000, ("greeting", "process"): 1}


def test_what_the_log_was_reported_is_counted() -> None:
    metrics = Metrics(Seats())
    before = scraped(metrics)
    log.error("process_failed")
    log.warning("slow_call")
    log.info("login")
    after = scraped(metrics)
    grown = {key: number - before.get(key, 0) for key, number in after.items() if "_incidents" in key[0]}
    assert grown[at("jackfield_incidents_total", event="process_failed")] == 1
    assert sum(grown.values()) == 1
    slow = at("jackfield_warnings_total", event="slow_call")
    assert after[slow] - before.get(slow, 0) == 1


def test_the_loop_is_as_late_as_it_was_measured() -> None:
    now = [0.0]
    lag = Lag(clock=lambda: now[0])
    metrics = Metrics(Seats(), lag)
    for late in (0.0, 0.02, 0.3):
        lag.expect()
        now[0] += TICK + late
        lag.look()
    found = scraped(metrics)
    name = "jackfield_loop_lag_seconds"
    assert found[at(f"{name}_bucket", le="0.001")] == 1
    assert found[at(f"{name}_bucket", le="0.025")] == 2
    assert found[at(f"{name}_bucket", le="+Inf")] == found[at(f"{name}_count")] == 3
    assert abs(found[at(f"{name}_sum")] - 0.32) < 1e-9
    assert found[at("jackfield_loop_blocked_total")] == 1


def test_durations_fall_into_buckets_that_add_up() -> None:
    metrics = Metrics(Seats())
    meter = metrics.meter("greeting")
    for seconds in (0.00001, BOUNDS[0], 0.02, 99.0):
        meter.took(seconds)
    found = scraped(metrics)
    name = "jackfield_process_seconds"
    assert found[at(f"{name}_bucket", endpoint="greeting", le="0.0001")] == 2
    assert found[at(f"{name}_bucket", endpoint="greeting", le="0.025")] == 3
    assert found[at(f"{name}_bucket", endpoint="greeting", le="30.0")] == 3
    assert found[at(f"{name}_bucket", endpoint="greeting", le="+Inf")] == 4
    assert found[at(f"{name}_count", endpoint="greeting")] == 4
    assert abs(found[at(f"{name}_sum", endpoint="greeting")] - 99.02011) < 1e-9


def test_a_meter_starts_at_nothing() -> None:
    meter = Meter()
    assert (meter.answered, sum(meter.buckets), meter.seconds, dict(meter.others)) == (0, 0, 0.0, {})


def test_metrics_of_the_project_stand_beside_ours_and_one_that_fails_takes_no_other_with_it() -> None:
    orders, broken = Counter("shop_orders", "Заказы 🛒.", registry=None), Gauge("shop_broken", "Broken.", registry=None)
    broken.set_function(lambda: 1 / 0)
    orders.inc(2)
    before = log.counts["error", "collector_failed"]
    found = scraped(Metrics(Seats(), projects=lambda: (broken, orders)))
    assert found[at("shop_orders_total")] == 2
    assert found[at("jackfield_shed_total")] >= 0
    assert not any(name == "shop_broken" for name, _ in found)
    assert log.counts["error", "collector_failed"] == before + 1
