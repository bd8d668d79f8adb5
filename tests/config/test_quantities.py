from __future__ import annotations

import pytest

from jackfield.config.quantities import duration, rate, size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (65536, 65536),
        ("100", 100),
        ("64KiB", 65536),
        ("64 kib", 65536),
        ("1MiB", 1048576),
        ("1.5KiB", 1536),
        ("64KB", 64000),
        ("64kB", 64000),
        ("2MB", 2000000),
        ("10B", 10),
    ],
)
def test_sizes(text: str | int, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("12h", 43200), ("7 d", 604800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("50/s", 50), ("3000/m", 50), ("100 / h", 100 / 3600), ("0.5/s", 0.5), ("1/h", 1 / 3600), ("1000000/s", 1e6)],
)
def test_rates(text: str, per_second: float) -> None:
    assert rate(text) == per_second


@pytest.mark.parametrize(
    "text",
    ["50", "/s", "50/", "50/day", "50/ms", "50/d", "50/S", "-1/s", "1e3/s", "50s/s", "50/s/s", "50  /s", "off", ""],
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"like 50/s|as in 50/s"):
        rate(text)


@pytest.mark.parametrize("text", ["64GiB", "KiB", "-1KiB", "", "1e3", "64KiB\n", "١KiB", "1.0005KiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError):
        size(text)


@pytest.mark.parametrize("text", ["30", "2 weeks", "-1s", "", "1S", "1M", "off", "30s\n"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        duration(text)


def test_a_time_without_a_unit_is_reported_how_to_get_one() -> None:
    with pytest.raises(ValueError, match="write 30s, 30m or 30h"):
        duration("30")
