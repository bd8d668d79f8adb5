"""Processes that a project spawns: real ones, which know the project's modules as the server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jackfield.process.catalog import Catalog
from tests.process.conftest import Collect

POOL = """
import dataclasses, multiprocessing
from concurrent.futures import ProcessPoolExecutor
from jackfield import process
from .rate import RATE

@dataclasses.dataclass
class Order:
    sum: int

def work(order):
    return Order(order.sum * RATE)

pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context({method!r}))

@process
def say(sum: int):
    found = pool.submit(work, Order(sum)).result(20)
    assert type(found) is Order, "of the same generation"
    return found.sum
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pools_of_two_generations_side_by_side(collect: Collect, tmp_path: Path, method: str) -> None:
    """Work and results are pickled by threads of the pool, in which no code of the project stands."""
    first = collect({"shop/order.py": POOL.format(method=method), "shop/rate.py": "RATE = 10\n"})
    second = collect({"shop/rate.py": "RATE = 100\n"})
    (tmp_path / "processes" / "shop" / "rate.py").write_text("a file that is being written")
    try:
        assert [say(first), say(second)] == [20, 200], "before the second is live: its resources are opened then"
        second.go_live()
        assert [say(first), say(second)] == [20, 200]
        first.release()
        assert say(second) == 200
    finally:
        for found in (first, second):
            found.processes["shop.order.say"].function.__globals__["pool"].shutdown()


def say(found: Catalog) -> Any:
    return found.processes["shop.order.say"].function(2)
