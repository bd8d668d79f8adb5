"""Names and texts of a contract in the letters that the sources of a client can hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["Names", "identifier", "pascal", "printable"]


class Names:
    """Names of one scope, each given once. `taken` are those that the language or the file needs itself."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, wanted: str) -> str:
        """`wanted`, with a number behind it where it is taken."""
        number, name = 2, wanted
        while name in self._taken:
            number, name = number + 1, f"{wanted}{number}"
        self._taken.add(name)
        return name

    def __contains__(self, name: str) -> bool:
        """Whether a name is taken."""
        return name in self._taken


def printable(text: str) -> str:
    """A text on one line that cannot do anything to the source it stands in, nor to a reader's terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def pascal(text: str) -> str:
    """A name for a class: `desk.room-list` is DeskRoomList. May be empty."""
    parts = _words(text)
    name = "".join(part[0].upper() + part[1:] for part in parts)
    name = unicodedata.normalize("NFKC", name)
    return name if not name or name.isidentifier() else f"T{name}" if f"T{name}".isidentifier() else ""


def identifier(text: str) -> str:
    """A name for a variable: letters, digits and _, in the form in which Python reads them. May be empty."""
    name = unicodedata.normalize("NFKC", "_".join(_words(text)))
    return name if not name or name.isidentifier() else f"_{name}" if f"_{name}".isidentifier() else ""


def _words(text: str) -> list[str]:
    return [part for part in re.split(r"[^\w]|_", unicodedata.normalize("NFKC", text)) if part]
