"""Schemas of many processes in one document: each has a name there, and each `$ref` finds the name.

A process's schema carries what it refers to in its own `$defs`, and `#` in it means itself. In a document `#`
means the document, so all definitions move to one shelf of it, `#/components/schemas/`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Shelf", "at", "tidy"]

JSON = dict[str, Any]

_DATA = frozenset({"default", "enum", "const", "examples", "example"})
_DATA_OF_NAMES = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
"""Keywords whose keys are names of the author's: a property called `default` is a schema, no data."""


def at(name: str) -> JSON:
    """A reference to what stands on the shelf under `name`."""
    return {"$ref": _address(name)}


class Shelf:
    """The schemas of one document. `dialect` rewrites each subschema, for a document that speaks another draft."""

    def __init__(self, dialect: Callable[[JSON], JSON] = lambda schema: schema) -> None:
        self.schemas: dict[str, JSON] = {}
        self._dialect = dialect

    def put(self, name: str, schema: Mapping[str, Any]) -> JSON:
        """Put a schema with its `$defs` on the shelf as `name`; gives the reference to it.

        Its definitions are put there as `name.Definition`, in letters that the document's format allows.
        """
        own = tidy(name)
        defs = schema.get("$defs", {})
        names = {defined: self._free(f"{own}.{tidy(defined)}") for defined in defs}
        for defined, found in defs.items():
            self.schemas[names[defined]] = self._moved(found, own, names)
        body = {key: value for key, value in schema.items() if key not in ("$defs", "$id", "$schema")}
        self.schemas[own] = self._moved(body, own, names)
        return at(own)

    def _free(self, name: str) -> str:
        number, free = 2, name
        while free in self.schemas:
            number, free = number + 1, f"{name}-{number}"
        self.schemas[free] = {}
        return free

    def _moved(self, schema: Any, own: str, names: Mapping[str, str]) -> Any:
        """`schema` with each reference turned to where its target stands now."""
        if not isinstance(schema, Mapping):
            return schema
        found: JSON = {}
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                found[key] = _turned(value, own, names)
            elif key in _DATA:
                found[key] = value
            elif key in _DATA_OF_NAMES and isinstance(value, Mapping):
                found[key] = {name: self._moved(item, own, names) for name, item in value.items()}
            elif isinstance(value, list):
                found[key] = [self._moved(item, own, names) for item in value]
            else:
                found[key] = self._moved(value, own, names)
        return self._dialect(found)


def _address(name: str) -> str:
    return f"#/components/schemas/{name}"


def _turned(reference: str, own: str, names: Mapping[str, str]) -> str:
    if not reference.startswith("#"):
        return reference
    defined, _, rest = reference.removeprefix("#/$defs/").partition("/")
    defined = defined.replace("~1", "/").replace("~0", "~")
    if reference.startswith("#/$defs/") and defined in names:
        return f"{_address(names[defined])}{'/' + rest if rest else ''}"
    return _address(own) + reference.removeprefix("#")


def tidy(name: str) -> str:
    """`name` in the letters of a component's name; one in other letters gets a number that stays its own."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
