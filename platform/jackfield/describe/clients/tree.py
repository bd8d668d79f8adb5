"""A small tree of types that TypeScript and Python can both write; reader.py makes it.

What a language cannot say is left out, never made up: a pattern or a length is not a type, and what cannot be
understood is Unknown. The server checks every message in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Definition",
    "Dictionary",
    "Field",
    "Items",
    "Named",
    "Object",
    "Positions",
    "Scalar",
    "Type",
    "Union",
    "Unknown",
    "Values",
    "union",
]

Plain = str | int | float | bool | None
"""A value that both languages can write as a type, floats aside."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything that JSON can carry."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One of JSON's own types."""

    kind: Literal["string", "integer", "number", "boolean", "null"]


@dataclass(frozen=True, slots=True)
class Values:
    """One of these values; none of them is a type without values."""

    values: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one type."""

    item: Type


@dataclass(frozen=True, slots=True)
class Positions:
    """A list with a type for each place. The first `required` must be there; `more` is what may follow, if anything."""

    items: tuple[Type, ...]
    required: int
    more: Type | None = None


@dataclass(frozen=True, slots=True)
class Dictionary:
    """An object with any keys and values of one type."""

    value: Type


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types; never of less than two."""

    parts: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A definition, by the name that it has in the client."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """A key of an object. `note` is for people: a description, a format, a default."""

    key: str
    type: Type
    required: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Object:
    """An object with known keys; `more` is what keys beside them hold, None where there are none."""

    fields: tuple[Field, ...]
    more: Type | None = None


Type = Unknown | Scalar | Values | Items | Positions | Dictionary | Union | Named | Object
"""A type. Object stands at the top of a Definition only."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A type that has a name, and what its author says of it."""

    name: str
    type: Type
    note: str = ""


def union(parts: Iterable[Type]) -> Type:
    """One of several types, each once, null at the end; the type itself where it is one."""
    flat = [one for part in parts for one in (part.parts if isinstance(part, Union) else (part,))]
    # By what they look like: Values((1,)) == Values((True,)).
    found = list({repr(part): part for part in flat if part != Values(())}.values())
    found.sort(key=lambda part: part == Scalar("null"))
    if Unknown() in found:
        return Unknown()
    if len(found) > 1:
        return Union(tuple(found))
    return found[0] if found else Values(())
