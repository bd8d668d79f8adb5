"""Names and texts of a contract in the letters that the sources of a client can hold.

Strategy: what a name becomes depends on its own spelling alone. Were it given by the order of the endpoints, one more
endpoint could make an old function open another address, and no compiler would see it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["Names", "digest", "identifier", "method", "pascal", "printable", "stems"]

_SIGNS = {"-": "dash", ".": "dot"}
_WRITTEN = {f"_{word}_": sign for sign, word in _SIGNS.items()}


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


def method(name: str, taken: Iterable[str] = ()) -> str:
    """An endpoint's name as that of a function: itself where that can be, `room_dash_1` for `room-1`, `class_` for one
    of `taken`. No two endpoints have the same: what could be read as another's has a few letters more.
    """
    words = frozenset(taken)
    found = "".join(f"_{_SIGNS[sign]}_" if sign in _SIGNS else sign for sign in name)
    found = f"{found}_" if found in words else found
    read = found[:-1] if found.endswith("_") and found[:-1] in words else found
    read = re.sub("|".join(_WRITTEN), lambda part: _WRITTEN[part[0]], read)
    return found if read == name else f"{found}_{digest(name)}"


def stems(names: Iterable[str]) -> Mapping[str, str]:
    """How the types of each endpoint begin: RoomList for `room-list`. Where two would begin alike, all of these begin
    as their endpoints are spelled.
    """
    wanted = {name: pascal(name) for name in names}
    times = Counter(wanted.values())
    return {name: found if times[found] == 1 else method(name) for name, found in wanted.items()}


def digest(text: str) -> str:
    """A few letters that stand for a text, the same in each run."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _words(text: str) -> list[str]:
    return [part for part in re.split(r"[^\w]|_", unicodedata.normalize("NFKC", text)) if part]
