"""A value of the right shape where nobody wrote an example. Not every schema can be met by looking at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from jackfield.process.schema import DECIMAL, TIME

__all__ = ["sample", "text_of"]

DEEPEST = 16
"""Levels that are made up; a class that must hold itself would have no end."""

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "anna@example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


def sample(schema: Mapping[str, Any], narrowing: Mapping[str, Any] | None = None) -> Any:
    """A value that looks like `schema` (JSON Schema 2020-12) and, where it speaks of the same keys, `narrowing`.

    Whether it fits is for the caller to ask a validator; what cannot be seen from the schema, a `pattern` for
    example, is not tried.
    """
    return _sampled(_joined(schema, narrowing or {}))


def _sampled(schema: Mapping[str, Any]) -> Any:
    return _Sampler(schema).value(schema, 0)


def text_of(name: str, schema: Mapping[str, Any]) -> str:
    """A percent-encoded text for the path parameter `name`: itself, where any text fits."""
    if set(schema) <= {"type", "title", "description"} and schema.get("type", "string") == "string":
        return quote(name, safe="")
    found = sample(schema)
    return quote(name if found is None or found == "…" else str(found), safe="")


def _joined(schema: Mapping[str, Any], narrowing: Mapping[str, Any]) -> dict[str, Any]:
    """Both schemas in one, as far as an example needs it."""
    properties = {name: dict(found) for name, found in schema.get("properties", {}).items()}
    for name, found in narrowing.get("properties", {}).items():
        if isinstance(found, Mapping):
            properties[name] = {**properties.get(name, {}), **found}
    required = [*schema.get("required", ()), *narrowing.get("required", ())]
    more = {"properties": properties, "required": list(dict.fromkeys(required))} if properties or required else {}
    defs = {**narrowing.get("$defs", {}), **schema.get("$defs", {})}
    return {**schema, **more, **({"$defs": defs} if defs else {})}


class _Sampler:
    """Makes values up; `root` is where references are looked up."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > DEEPEST:
            return None
        for keyword in ("const", "default"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("examples", "enum"):
            if schema.get(keyword):
                return schema[keyword][0]
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            return self.value(self._root.get("$defs", {}).get(name, {}), depth + 1)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if schema.get(keyword):
                return self.value(schema[keyword][0], depth + 1)
        return self._of_type(schema, depth)

    def _of_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        match kind:
            case "object":
                properties = schema.get("properties", {})
                return {name: self.value(properties.get(name, {}), depth + 1) for name in schema.get("required", ())}
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
        return _text(schema)

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        least = schema.get("minItems", 0)
        items = [*first, *[schema.get("items", {})] * least][: max(least, 0)]
        return [self.value(item, depth + 1) for item in items]


def _number(schema: Mapping[str, Any], *, whole: bool) -> int | float:
    step = schema.get("multipleOf", 1 if whole else 0.5)
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    value: int | float = 1 if whole else 1.5
    if least is not None and value <= least:
        value = least + (step if "exclusiveMinimum" in schema else 0)
    if most is not None and value >= most:
        value = most - (step if "exclusiveMaximum" in schema else 0)
    if schema.get("multipleOf"):
        value = max(1, -(-value // step)) * step
    return value


def _text(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(str(schema.get("format")), "…")
    if text == "…" and schema.get("contentEncoding") == "base64":
        return "AAAA"
    if schema.get("pattern") == DECIMAL:
        return "1.5"
    if str(schema.get("pattern", "")).startswith(TIME):
        return "12:00:00" if schema["pattern"] == f"{TIME}$" else "12:00:00Z"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    text = text if len(text) >= least else text.ljust(least, "…")
    return text[:most] if most is not None else text
