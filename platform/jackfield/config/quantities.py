"""Sizes, times and rates as people write them: `64KiB`, `1MiB`, `30s`, `12h`, `50/s`."""

from __future__ import annotations

import re

__all__ = ["duration", "rate", "size"]

# KB and MB are the powers of ten that the SI says, KiB and MiB the powers of two that IEC 80000-13 says.
_SIZES = {"": 1, "b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2}
_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATES = ("s", "m", "h")
_QUANTITY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([A-Za-z]*)")
_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?/ ?([A-Za-z]*)")


def size(value: str | float) -> int:
    """Bytes: a whole number, or a text with B, KB, MB (1,000s) or KiB, MiB (1,024s).

    Raises ValueError with a sentence.
    """
    if not isinstance(value, str):
        return int(value)
    number, unit = _quantity(value, "a size is written like 64KiB, 1MiB or 65536")
    if unit.lower() not in _SIZES:
        raise ValueError(f"{unit!r} is not a unit of size; use B, KB, MB, KiB or MiB, as in 64KiB")
    count = number * _SIZES[unit.lower()]
    if count != int(count):
        raise ValueError(f"{value} is not a whole number of bytes")
    return int(count)


def duration(value: str) -> float:
    """Seconds: a number with ms, s, m, h or d. Raises ValueError with a sentence."""
    number, unit = _quantity(value, "a time is written like 500ms, 30s, 5m, 12h or 7d")
    if not unit:
        raise ValueError(f"the time {value} has no unit; write {value}s, {value}m or {value}h")
    if unit not in _TIMES:
        raise ValueError(f"{unit!r} is not a unit of time; use ms, s, m, h or d, as in 30s")
    return number * _TIMES[unit]


def rate(value: str) -> float:
    """How many a second: a number, a slash, and s, m or h. Raises ValueError with a sentence."""
    match = _RATE.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not understood; a rate is written like 50/s, 3000/m or 100/h")
    number, unit = match.groups()
    if unit not in _RATES:
        raise ValueError(f"{unit!r} is not a unit of rate; use s, m or h, as in 50/s")
    return float(number) / _TIMES[unit]


def _quantity(text: str, expected: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not understood; {expected}")
    return float(match[1]), match[2]
