"""The names that the classes of processes have in a client.

Strategy: a class is known by what its schema says, wherever it stands and however that place refers to it. One that is
alone with its name keeps it. Classes of one name that differ are called by where they stand, never by a number: the
order of the endpoints must not say which of them is meant.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jackfield.describe.clients.naming import digest, pascal
from jackfield.describe.contract import JSON

__all__ = ["Place", "class_names", "identity", "target"]

_DEFS = "#/$defs/"


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
        told = dict.fromkeys(ones, name) if len(ones) == 1 else _apart(name, ones)
        for one, wanted in told.items():
            free = wanted
            while free in taken or free in names.values():
                free += "_"
            names[one] = free
    return names


def _apart(name: str, ones: Mapping[str, _Class]) -> dict[str, str]:
    """Names for different classes that their author called alike: MessageCat and ReplyCat, RoomMessageCat."""
    sides = {one: {kind for _, kind in found.places} for one, found in ones.items()}
    told = {one: f"{min(kinds)}{name}" for one, kinds in sides.items()}
    if all(len(kinds) == 1 for kinds in sides.values()) and len(set(told.values())) == len(ones):
        return told
    # A key with a dot in it has the module.
    homes = {one: min(found.keys) for one, found in ones.items() if all("." in key for key in found.keys)}
    rest = {one: found.places for one, found in ones.items() if one not in homes}
    times = Counter(place for places in rest.values() for place in places)
    told = {one: pascal(key) for one, key in homes.items()}
    for one, places in rest.items():
        alone = sorted("".join(place) for place in places if times[place] == 1)
        told[one] = f"{alone[0]}{name}" if alone else f"{name}_{digest(one)}"
    return told


def identity(schema: Mapping[str, Any], root: JSON) -> str:
    """What a schema says with all that it refers to, the same however the definitions of `root` are called."""
    own = {key: value for key, value in schema.items() if key != "$defs"}
    defs = root.get("$defs", {})
    numbers: dict[str, int] = {}
    waiting: deque[Any] = deque([own])
    found = []
    while waiting:
        fresh: list[str] = []
        found.append(_numbered(waiting.popleft(), defs, numbers, fresh))
        waiting.extend(defs[name] for name in fresh)
    return json.dumps(found, sort_keys=True, ensure_ascii=False)


def target(reference: Any) -> str:
    """The key below `$defs` that a `$ref` speaks of; empty for one that speaks of something else."""
    if not isinstance(reference, str) or not reference.startswith(_DEFS):
        return ""
    return reference.removeprefix(_DEFS).replace("~1", "/").replace("~0", "~")


def _numbered(value: Any, defs: JSON, numbers: dict[str, int], fresh: list[str]) -> Any:
    """A schema with a number in place of each definition; those that had none yet are added to `fresh`."""
    if isinstance(value, list):
        return [_numbered(part, defs, numbers, fresh) for part in value]
    if not isinstance(value, Mapping):
        return value
    name = target(value.get("$ref"))
    if name not in defs:
        return {key: _numbered(part, defs, numbers, fresh) for key, part in value.items()}
    if name not in numbers:
        numbers[name] = len(numbers)
        fresh.append(name)
    return {**value, "$ref": numbers[name]}


def _classes(root: JSON) -> Iterator[tuple[str, JSON]]:
    """Each definition of a schema, and each class that stands in it without one, with its key."""
    defs = {key: dict(found) for key, found in root.get("$defs", {}).items() if isinstance(found, Mapping)}
    yield from defs.items()
    waiting: list[Any] = [*defs.values(), root]
    while waiting:
        here = waiting.pop()
        if not isinstance(here, Mapping):
            continue
        if here.get("title") and "properties" in here and here not in defs.values():
            yield str(here["title"]), dict(here)
        waiting += here.get("properties", {}).values()
        waiting += [here.get("items"), here.get("additionalProperties")]
        waiting += [part for keyword in ("anyOf", "oneOf", "allOf", "prefixItems") for part in here.get(keyword, ())]
