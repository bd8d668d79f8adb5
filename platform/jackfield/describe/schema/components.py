"""Schemas of many processes in one document: each has a name there, and each `$ref` finds the name.

A process's schema carries what it refers to inside itself, and `#` in it means itself. In a document `#` means
the document, so whatever is referred to moves to one place of it, `#/components/schemas/`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import unquote

from jackfield.schema.walk import mapped, walk

__all__ = ["Components", "at", "free", "tidy"]

JSON = dict[str, Any]

_REFERENCES = ("$ref", "$dynamicRef")
_HOMES = frozenset({"$defs", "definitions", "$anchor", "$dynamicAnchor", "$id", "$schema"})
"""Where a reference of the schema's own may end; none does in the document."""


def at(name: str) -> JSON:
    """A reference to the component `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def free(name: str, taken: Collection[str]) -> str:
    """`name`, with a number behind it where it is taken."""
    number, found = 2, name
    while found in taken:
        number, found = number + 1, f"{name}-{number}"
    return found


class Components:
    """The schemas of one document. `dialect` rewrites each subschema, for a document that speaks another draft."""

    def __init__(self, dialect: Callable[[JSON], JSON] = lambda schema: schema) -> None:
        self.schemas: dict[str, JSON] = {}
        self._dialect = dialect

    def put(self, name: str, schema: Mapping[str, Any]) -> JSON:
        """Add a schema as `name`, with all that it refers to; gives the reference to it.

        What it refers to is put there as `name.Definition`, all in letters that the document's format allows, and
        with a number where a name is taken. A reference that leads nowhere is left out.
        """
        own = self._free(tidy(name))
        names = {"#": own}
        waiting: list[tuple[str, Any]] = [(own, schema)]

        def turned(reference: str) -> JSON:
            """A reference of the schema's as one of the document's."""
            if not reference.startswith("#"):
                return {"$ref": reference}
            if reference not in names:
                found = _target(schema, reference)
                if found is None:
                    return {}
                names[reference] = self._free(f"{own}.{tidy(_label(reference))}")
                waiting.append((names[reference], found))
            return at(names[reference])

        while waiting:
            placed, found = waiting.pop(0)
            plain = found if isinstance(found, Mapping) else {} if found else {"not": {}}
            self.schemas[placed] = self._moved(plain, turned)
        return at(own)

    def _free(self, name: str) -> str:
        found = free(name, self.schemas)
        self.schemas[found] = {}
        return found

    def _moved(self, schema: Mapping[str, Any], turned: Callable[[str], JSON]) -> JSON:
        """`schema` with each reference turned to where its target stands now."""
        references = [turned(schema[key]) for key in _REFERENCES if isinstance(schema.get(key), str)]
        kept = {key: value for key, value in schema.items() if key not in _HOMES and key not in _REFERENCES}
        found = mapped(kept, lambda inner: self._moved(inner, turned))
        # One file has one meaning of a dynamic reference; two references hold both.
        first, *others = [found for found in references if found] or [{}]
        if others:
            found["allOf"] = [*others, *found.get("allOf", ())]
        return self._dialect(first | found)


def _target(schema: Any, reference: str) -> Any:
    """What `#/a/pointer` or `#anchor` means in `schema`; None where it means nothing."""
    if not reference.startswith("#/"):
        anchors = ((part, (part.get("$anchor"), part.get("$dynamicAnchor"))) for _, part in walk(schema))
        return next((part for part, names in anchors if reference[1:] in names), None)
    for part in unquote(reference[2:]).split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, list):
            schema = schema[int(part)] if part.isdecimal() and int(part) < len(schema) else None
        else:
            schema = schema.get(part) if isinstance(schema, Mapping) else None
    return schema if isinstance(schema, Mapping | bool) else None


def _label(reference: str) -> str:
    """A name for what a reference means: of `#/$defs/Line`, Line."""
    text = unquote(reference[1:]).removeprefix("/").removeprefix("$defs/").removeprefix("definitions/")
    return text.replace("/", ".").replace("~1", "/").replace("~0", "~")


def tidy(name: str) -> str:
    """`name` in the letters of a component's name; one in other letters gets a number that stays its own."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
