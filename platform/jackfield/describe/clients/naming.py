"""Names and texts of a contract in the letters that the sources of a client can hold, and the names of its classes.

Strategy: what a name becomes depends on its own spelling alone. Were it given by the order of the endpoints, one more
endpoint could make an old function open another address, and no compiler would see it. A class is known by what its
schema says, wherever it stands. One that is alone with its name keeps it; classes of one name that differ are called by
where they stand.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jackfield.describe.contract import JSON, Contract
from jackfield.schema.walk import mapped, walk

__all__ = [
    "Names",
    "Place",
    "class_names",
    "identifier",
    "identity",
    "method",
    "note",
    "of_json",
    "pascal",
    "printable",
    "stems",
    "target",
]

_DEFS = "#/$defs/"

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
    return found if read == name else f"{found}_{_digest(name)}"


def stems(names: Iterable[str]) -> Mapping[str, str]:
    """How the types of each endpoint begin: RoomList for `room-list`. Where two would begin alike, all of these begin
    as their endpoints are spelled.
    """
    wanted = {name: pascal(name) for name in names}
    times = Counter(wanted.values())
    return {name: found if times[found] == 1 else method(name) for name, found in wanted.items()}


def _digest(text: str) -> str:
    """A few letters that stand for a text, the same in each run."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _words(text: str) -> list[str]:
    return [part for part in re.split(r"[^\w]|_", unicodedata.normalize("NFKC", text)) if part]


# the classes of processes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schema stands: `Room` and `Message` for what is sent to the endpoint `room`."""

    stem: str
    kind: str
    schema: JSON


@dataclass(slots=True)
class _Class:
    """What is known of one class: the places where it stands, and the keys that it has there below `$defs`."""

    places: set[tuple[str, str]] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def class_names(places: Iterable[Place], taken: Collection[str]) -> Mapping[str, str]:
    """The name of each class that stands in one of `places`, by its identity; none of `taken`."""
    classes: defaultdict[str, defaultdict[str, _Class]] = defaultdict(lambda: defaultdict(_Class))
    for place in places:
        for key, schema in _classes(place.schema):
            known = classes[pascal(str(schema.get("title", key))) or "Thing"][identity(schema, place.schema)]
            known.places.add((place.stem, place.kind))
            known.keys.add(key)
    names: dict[str, str] = {}
    for name, ones in sorted(classes.items()):
        given = dict.fromkeys(ones, name) if len(ones) == 1 else _apart(name, ones)
        for one, wanted in given.items():
            free = wanted
            while free in taken or free in names.values():
                free += "_"
            names[one] = free
    return names


def _apart(name: str, ones: Mapping[str, _Class]) -> dict[str, str]:
    """Names for different classes that their author called alike: MessageCat and ReplyCat, RoomMessageCat."""
    sides = {one: {kind for _, kind in found.places} for one, found in ones.items()}
    given = {one: f"{min(kinds)}{name}" for one, kinds in sides.items()}
    if all(len(kinds) == 1 for kinds in sides.values()) and len(set(given.values())) == len(ones):
        return given
    # A key with a dot in it has the module.
    homes = {one: min(found.keys) for one, found in ones.items() if all("." in key for key in found.keys)}
    rest = {one: found.places for one, found in ones.items() if one not in homes}
    times = Counter(place for places in rest.values() for place in places)
    given = {one: pascal(key) for one, key in homes.items()}
    for one, places in rest.items():
        alone = sorted("".join(place) for place in places if times[place] == 1)
        given[one] = f"{alone[0]}{name}" if alone else f"{name}_{_digest(one)}"
    return given


def identity(schema: Mapping[str, Any], root: JSON) -> str:
    """What a schema says with all that it refers to, the same however the definitions of `root` are called."""
    defs = root.get("$defs", {})
    numbers: dict[str, int] = {}
    waiting: list[Any] = [{key: value for key, value in schema.items() if key != "$defs"}]

    def numbered(part: Mapping[str, Any]) -> JSON:
        """A schema with a number in place of each definition; those that had none yet are to be looked at."""
        found = mapped(part, numbered)
        name = target(part.get("$ref"))
        if name in defs:
            if name not in numbers:
                waiting.append(defs[name])
            found["$ref"] = numbers.setdefault(name, len(numbers))
        return found

    # `waiting` grows while it is gone through
    return json.dumps([numbered(one) for one in waiting], sort_keys=True, ensure_ascii=False)


def target(reference: Any) -> str:
    """The key below `$defs` that a `$ref` speaks of; empty for one that speaks of something else."""
    if not isinstance(reference, str) or not reference.startswith(_DEFS):
        return ""
    return reference.removeprefix(_DEFS).replace("~1", "/").replace("~0", "~")


def _classes(root: JSON) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each definition of a schema, and each class that stands in it without one, with its key."""
    defs = {key: found for key, found in root.get("$defs", {}).items() if isinstance(found, Mapping)}
    yield from defs.items()
    for _, here in walk(root):
        if here.get("title") and "properties" in here and here not in defs.values():
            yield str(here["title"]), here


def of_json(contract: Contract) -> tuple[Contract, list[str]]:
    """The contract without the endpoints whose messages are no JSON, and the names of these."""
    kept = tuple(one for one in contract.operations if one.messages == "json")
    return replace(contract, operations=kept), [one.name for one in contract.operations if one.messages != "json"]


def note(left_out: Iterable[str], sign: str) -> str:
    """A comment that names the endpoints which a client leaves out; "" where there are none."""
    names = ", ".join(map(printable, left_out))
    said = f"Not in here, since their messages are no JSON: {names}. Open these with a plain WebSocket."
    return f"{sign} {said}\n" if names else ""
