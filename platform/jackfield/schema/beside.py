"""What a schema says of an object that has one key more, which is ours and not its author's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jackfield.schema.walk import SAME_VALUE, mapped, subschemas

__all__ = ["beside"]

JSON = dict[str, Any]

_UNSAYABLE = frozenset({"$ref", "$dynamicRef", "const", "enum", "unevaluatedProperties"})


def beside(schema: Mapping[str, Any], ours: str = "$id") -> JSON | None:
    """`schema` as it is for the object with the key `ours` and whatever that holds; None where that cannot be said."""
    properties = schema.get("properties", {})
    if schema.keys() & _UNSAYABLE or ours in properties or _meets(schema.get("patternProperties", {}), ours):
        return None
    found = dict(schema)
    if found.get("additionalProperties", True) is not True:
        found["properties"] = {**properties, ours: True}
    if "propertyNames" in found:
        found["propertyNames"] = {"anyOf": [{"const": ours}, found["propertyNames"]]}
    parts = {key: value for key, value in found.items() if key in SAME_VALUE}
    same = mapped(parts, lambda inner: beside(inner, ours))
    return None if any(inner is None for _, inner in subschemas(same)) else _counted(found | same, ours)


def _counted(found: JSON, ours: str) -> JSON:
    """A bound of how many keys there are holds for one more where `ours` is one of them."""
    bounds = {name: found.pop(name) for name in ("minProperties", "maxProperties") if name in found}
    if bounds:
        more = {name: number + 1 for name, number in bounds.items()}
        said = {"if": {"required": [ours]}, "then": more, "else": bounds}
        found["allOf"] = [*found.get("allOf", ()), said]
    return found


def _meets(patterns: Iterable[str], ours: str) -> bool:
    """Whether `ours` may be a key that a pattern speaks of; a pattern of another engine might be."""
    try:
        return any(re.search(pattern, ours) for pattern in patterns)
    except re.error:
        return True
