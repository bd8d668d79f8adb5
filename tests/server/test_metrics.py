"""What is counted, as somebody who scrapes reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from jackfield.server.metrics import BOUNDS, Meter, Metrics


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


def test_everything_is_told_under_its_name() -> None:
    metrics = Metrics(Seats())
    metrics.plan_hash = "0123456789ab"
    meter = metrics.meter("greeting")
    assert metrics.meter("greeting") is meter, "the counts go on through a publish"
    meter.answered += 2
    meter.others["invalid_message"] += 1
    metrics.handshakes["greeting", "accepted", ""] += 1
    metrics.handshakes["", "refused", "not_found"] += 4
    metrics.closes[1000] += 5
    found = scraped(metrics)
    assert found[at("jackfield_connections", endpoint="greeting")] == 3
    assert found[at("jackfield_messages_total", endpoint="greeting", outcome="answered")] == 2
    assert found[at("jackfield_messages_total", endpoint="greeting", outcome="invalid_message")] == 1
    assert found[at("jackfield_handshakes_total", endpoint="greeting", outcome="accepted", code="")] == 1
    assert found[at("jackfield_handshakes_total", endpoint="", outcome="refused", code="not_found")] == 4
    assert found[at("jackfield_closes_total", code="1000")] == 5
    assert found[at("jackfield_plan_info", hash="0123456789ab")] == 1


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
