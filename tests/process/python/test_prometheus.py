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
    second.processes["a.say"].function()
    assert reported() == 1.0, "the same"
    second.go_live()
    assert reported() == 2.0, "it goes on counting, with what was counted while it was loaded"
    assert {str(metric) for metric in second.collectors()} == {"counter:shop_orders", "gauge:shop_more"}
    assert first.collectors() == ()
    first.processes["a.say"].function()
    assert reported() == 3.0, "a call that ends in the older generation"
    first.release()
    second.processes["a.say"].function()
    assert reported() == 4.0
    third = collect({"a.py": "x = 1\n"})
    third.go_live()
    assert reported() is None, "no generation defines it"
    assert third.collectors() == ()


EACH = """
from prometheus_client import Counter, Enum, Gauge, Histogram, Info, Summary
sold = Counter('shop_sold', 'Проданное.', ['город'])
here = sold.labels('Орёл')
busy = Gauge('shop_busy', 'At work.')
took = Histogram('shop_took', 'Seconds.', buckets=(1, 2))
asked = Summary('shop_asked', 'Asked.')
built = Info('shop_built', 'Built.')
state = Enum('shop_state', 'State.', states=['open', 'shut'])
def work():
    here.inc(); sold.labels('Мга').inc(); busy.inc(); took.observe(1.5); asked.observe(3); state.state('shut')
"""


def test_each_kind_goes_on_with_its_labels_and_what_the_file_sets_holds(collect: Collect) -> None:
    first = collect({"a.py": EACH + "work()\nbuilt.info({'версия': '1'})\n"})
    second = collect({"a.py": EACH + "built.info({'версия': '2'})\n"})
    third = collect({"a.py": EACH + "busy.set(7)\n"})
    names = {
        "shop_sold_total": 1.0,
        "shop_busy": 1.0,
        "shop_took_sum": 1.5,
        "shop_asked_count": 1.0,
    }

    def of(name: str, **labels: str) -> float | None:
        found = [
            s.value
            for m in REGISTRY.collect()
            for s in m.samples
            if s.name == name and labels.items() <= s.labels.items()
        ]
        return found[0] if found else None

    second.go_live()
    assert {name: of(name) for name in names} == names
    assert of("shop_sold_total", город="Мга") == 1.0
    assert of("shop_built_info", версия="2") == 1.0
    assert of("shop_state", shop_state="shut") == 1.0
    for one in (first, second):
        one._package.load("a").work()  # type: ignore[union-attr]  # what was imported has one
    assert {name: of(name) for name in names} == {name: 3 * number for name, number in names.items()}
    assert of("shop_sold_total", город="Мга") == 3.0
    assert of("shop_took_bucket", le="2.0") == 3.0
    third.go_live()
    assert (of("shop_busy"), of("shop_took_sum")) == (7.0, 4.5)
    assert of("shop_built_info", версия="2") == 1.0


@pytest.mark.parametrize("now", ["Gauge('shop_orders', 'Orders.')", "Counter('shop_orders', 'Orders.', ['kind'])"])
def test_another_kind_or_other_labels_begin_anew(collect: Collect, now: str) -> None:
    collect({"a.py": CODE}).processes["a.say"].function()
    second = collect({"a.py": f"from prometheus_client import Counter, Gauge\norders = {now}\n"})
    assert second.problems == ()
    assert reported() == 1.0
    second.go_live()
    assert reported() is None
    assert REGISTRY.get_sample_value("shop_orders") == (0.0 if "Gauge" in now else None)


def test_our_own_names_are_refused_at_their_line(collect: Collect) -> None:
    (problem,) = collect({"a.py": CODE.replace("shop_orders", "jackfield_orders")}).problems
    assert (problem.file, problem.line) == ("processes/a.py", 3)
    assert 'names that begin with "jackfield_" are the server\'s own' in problem.message


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
