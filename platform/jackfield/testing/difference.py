"""What came against what was expected: each place where they differ, and how, in sentences."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences", "shown"]

MOST = 20
"""Differences that are listed; what is wrong all over is not read to its end."""

_WIDTH = 100  # letters of one value; a longer one is cut around the place where it differs
_BEFORE = 20  # letters that are shown before that place


def differences(expected: Any, came: Any, *, partial: bool = False) -> list[str]:
    """A line for each difference, with its place as a JSON pointer (RFC 6901); none where they are equal.

    Numbers are equal as JSON has them: 1 is 1.0, and true is no 1. With `partial`, `came` may have more keys at
    every depth. At most MOST lines, and one that says how many more there are.
    """
    found = list(_differences(expected, came, "", partial))
    more = len(found) - MOST
    return [*found[:MOST], f"… and {more} more"] if more > 0 else found


def shown(value: Any, width: int = _WIDTH) -> str:
    """A value as JSON in one line, letters of all languages as they are, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else text[: width - 1] + "…"


def _differences(expected: Any, came: Any, path: str, partial: bool) -> Iterator[str]:
    for kind in (Mapping, list):
        if isinstance(expected, kind) and isinstance(came, kind):
            yield from _of_members(_members(expected), _members(came), path, partial)
            return
    if isinstance(expected, str) and isinstance(came, str):
        if expected != came:
            yield f"{path or '/'}: expected {_around(expected, came)}, came {_around(came, expected)}"
    elif isinstance(expected, bool) != isinstance(came, bool) or expected != came:
        yield f"{path or '/'}: expected {shown(expected)}, came {shown(came)}"


def _members(value: Any) -> Mapping[str | int, Any]:
    return value if isinstance(value, Mapping) else dict(enumerate(value))


def _of_members(
    expected: Mapping[str | int, Any], came: Mapping[str | int, Any], path: str, partial: bool
) -> Iterator[str]:
    for key, value in expected.items():
        if key in came:
            yield from _differences(value, came[key], _below(path, key), partial)
        else:
            yield f"{_below(path, key)}: missing, expected {shown(value)}"
    for key, value in came.items():
        if key not in expected and not (partial and isinstance(key, str)):  # of a list each item counts
            yield f"{_below(path, key)}: not expected, came {shown(value)}"


def _below(path: str, key: str | int) -> str:
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _around(text: str, other: str) -> str:
    """A text as JSON; a long one from shortly before the place where it parts from the other."""
    alike = _seen(text) == _seen(other)
    if len(text) <= _WIDTH:
        return json.dumps(text, ensure_ascii=alike)
    same = next((at for at, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    begin = max(0, min(same - _BEFORE, len(text) - _WIDTH))
    part = text[begin : begin + _WIDTH]
    cut = json.dumps(part, ensure_ascii=alike)
    head = f"at letter {begin + 1}: …" if begin else ""
    return f"{head}{cut}{'…' if begin + _WIDTH < len(text) else ''}"


def _seen(text: str) -> str:
    """The visible part of a text: "й" may be one letter or two, a blank wide or narrow; marks do not count."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in folded if unicodedata.category(letter) not in {"Cf", "Mn"})
