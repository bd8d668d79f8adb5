"""JSON Schemas of which answers are made: a text, a count, a time, lists and objects of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["COUNT", "FLAG", "MAYBE_TIME", "NEXT", "TEXT", "TEXTS", "TIME", "list_of", "nullable", "object_of"]

JSON = dict[str, Any]

TEXT: JSON = {"type": "string"}
TEXTS: JSON = {"type": "array", "items": TEXT}
FLAG: JSON = {"type": "boolean"}
COUNT: JSON = {"type": "integer", "minimum": 0}
TIME: JSON = {"type": "string", "format": "date-time"}
MAYBE_TIME: JSON = {"type": ["string", "null"], "format": "date-time"}
NEXT: JSON = {"type": ["string", "null"], "description": "`after` of the next page; null at the end."}


def list_of(items: JSON, **more: Any) -> JSON:
    """A list whose items are all like this."""
    return {"type": "array", "items": items, **more}


def object_of(properties: Mapping[str, Any], *optional: str, **more: Any) -> JSON:
    """An object with these keys, of which only the `optional` ones may be missing."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, **more}


def nullable(schema: JSON) -> JSON:
    """What fits the schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}
