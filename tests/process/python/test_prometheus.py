"""Collectors of Prometheus at the top of a file, in the library's own registry."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from tests.process.conftest import Collect, Projects

CODE = (
    "from prometheus_client import Counter, Gauge\nfrom jackfield import process\n"
    "orders = Counter('shop_orders', 'Orders.')\n@process\ndef say():\n    orders.inc()\n"
)


def reported() -> float | None:
    return REGISTRY.get_sample_value("shop_orders_total")


def test_a_counter_survives_a_publish(collect: Collect) -> None:
    first = collect({"a.py": CODE})
    first.processes["a.say"].function()
    assert (first.problems, reported()) == ((), 1.0)
    second = collect({"a.py": CODE + "more = Gauge('shop_more', 'More.')\n"})
    assert second.problems == ()
    assert reported() == 1.0, "until it is live, the first one counts"
    second.go_live()
    assert reported() == 0.0, "module variables start anew"
    first.release()
    second.processes["a.say"].function()
    assert reported() == 1.0
    second.release()
    assert reported() is None


def test_what_does_not_go_live_leaves_nothing(collect: Collect) -> None:
    first = collect({"a.py": CODE})
    collect({"a.py": CODE + "more = Gauge('shop_more', 'More.')\n1 / 0\n"}).release()
    assert reported() == 0.0
    assert REGISTRY.get_sample_value("shop_more") is None
    third = collect({"a.py": CODE})
    assert third.problems == ()
    third.go_live()
    first.release()
    assert reported() == 0.0


@pytest.mark.parametrize("generation", [1, 2])
def test_a_name_that_is_taken_twice_in_one_generation_is_a_problem(collect: Collect, generation: int) -> None:
    if generation == 2:
        collect({"a.py": CODE})
    (problem,) = collect({"a.py": CODE, "b.py": CODE}).problems
    assert (problem.file, problem.line) == ("processes/b.py", 3)
    assert "Duplicated timeseries" in problem.message


def test_a_name_of_another_library_is_a_problem(collect: Collect) -> None:
    theirs = Counter("shop_orders", "Orders of a library.")
    try:
        for _ in range(2):
            (problem,) = collect({"a.py": CODE}).problems
            assert "Duplicated timeseries" in problem.message
    finally:
        REGISTRY.unregister(theirs)


def test_another_project_has_its_own(projects: Projects) -> None:
    assert [len(one.problems) for one in projects(CODE)] == [0, 1], "in one program a name means one thing"


def test_what_a_project_takes_out_itself_is_gone(collect: Collect) -> None:
    code = CODE + "from prometheus_client import REGISTRY\nREGISTRY.unregister(orders)\n"
    first = collect({"a.py": CODE})
    second = collect({"a.py": code})
    assert second.problems == ()
    assert reported() == 0.0
    second.go_live()
    assert reported() is None
    first.release()


def test_a_name_taken_since_is_reported(collect: Collect, caplog: pytest.LogCaptureFixture) -> None:
    first = collect({"a.py": CODE})
    second = collect()
    first.release()
    theirs = Counter("shop_orders", "Orders of a library.")
    second.go_live()
    assert "collector_left_out" in caplog.text
    REGISTRY.unregister(theirs)


def test_registries_of_others_are_left_alone() -> None:
    registry = CollectorRegistry()
    counter = Counter("shop_orders", "Orders.", registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Counter("shop_orders", "Orders.", registry=registry)
    registry.unregister(counter)
    with pytest.raises(KeyError):
        registry.unregister(counter)
