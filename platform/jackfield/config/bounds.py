"""Sizes, times and rates of the file, read and held against the least and the most that is taken.

Each gives a number in any case, so that the rest of the plan can be looked at; where it is not the one that was
written, the problem has been added.
"""

from __future__ import annotations

from jackfield.config.problems import PathTuple, Problems
from jackfield.config.quantities import duration, rate, size

__all__ = ["rate_within", "size_within", "time_within"]


def time_within(raw: str, path: PathTuple, problems: Problems, least: str, most: str) -> float | None:
    """Seconds from `least` to `most`, both written as in the file; None for `off`."""
    if raw == "off":
        return None
    low, high = duration(least), duration(most)
    try:
        seconds = duration(raw)
    except ValueError as error:
        problems.add(path, "wrong_value", str(error))
        return low
    if not low <= seconds <= high:
        problems.add(path, "wrong_value", f"{raw} is out of bounds", f"from {least} to {most}")
    return seconds


def size_within(raw: str | int | float, path: PathTuple, problems: Problems, least: str, most: str) -> int:
    """Bytes from `least` to `most`, both written as in the file."""
    low, high = size(least), size(most)
    try:
        count = size(int(raw) if isinstance(raw, float) else raw)
    except ValueError as error:
        problems.add(path, "wrong_value", str(error))
        return low
    if not low <= count <= high:
        problems.add(path, "wrong_value", f"{raw} is out of bounds", f"from {least} to {most}")
    return count


def rate_within(raw: str, path: PathTuple, problems: Problems, least: str, most: str) -> float | None:
    """So many a second, from `least` to `most`, both written as in the file; None for `off`."""
    if raw == "off":
        return None
    low, high = rate(least), rate(most)
    try:
        count = rate(raw)
    except ValueError as error:
        problems.add(path, "wrong_value", str(error))
        return low
    if not low <= count <= high:
        problems.add(path, "wrong_value", f"{raw} is out of bounds", f"from {least} to {most}; off means no limit")
    return count
