from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jackfield.config.quantities import duration, rate, size

SIZES = {
    65536: 65536, "100": 100, "64KiB": 65536, "64 kib": 65536, "1MiB": 1048576, "1.5KiB": 1536, "64KB": 64000,
    "64kB": 64000, "2MB": 2000000, "10B": 10,
}  # fmt: skip
TIMES = {"500ms": 0.5, "30s": 30, "1.5m": 90, "12h": 43200, "7 d": 604800}
RATES = {"50/s": 50, "3000/m": 50, "100 / h": 100 / 3600, "0.5/s": 0.5, "1/h": 1 / 3600, "1000000/s": 1e6}


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [(read, *one) for read, table in ((size, SIZES), (duration, TIMES), (rate, RATES)) for one in table.items()],
)
def test_what_is_written(read: Callable[[Any], float], text: str | int, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    "text",
    ["50", "/s", "50/", "50/day", "50/ms", "50/d", "50/S", "-1/s", "1e3/s", "50s/s", "50/s/s", "50  /s", "off", ""],
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"like 50/s|as in 50/s"):
        rate(text)


NO_SIZES = ("64GiB", "KiB", "-1KiB", "", "1e3", "64KiB\n", "١KiB", "1.0005KiB")
NO_TIMES = ("30", "2 weeks", "-1s", "", "1S", "1M", "off", "30s\n")


@pytest.mark.parametrize(
    ("read", "text"), [*((size, text) for text in NO_SIZES), *((duration, text) for text in NO_TIMES)]
)
def test_what_is_no_size_or_time(read: Callable[[Any], float], text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


def test_a_time_without_a_unit_is_reported_how_to_get_one() -> None:
    with pytest.raises(ValueError, match="write 30s, 30m or 30h"):
        duration("30")
