"""What clients have sent, as a terminal may have it: nothing in it acts on the terminal, or turns the line around."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["as_json", "printable"]


def printable(text: str) -> str:
    """The text with escapes for all that is no letter, sign or blank."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def as_json(value: Any) -> str:
    """A value as indented JSON, which says the same with such escapes."""
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False, indent=2)))


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]
