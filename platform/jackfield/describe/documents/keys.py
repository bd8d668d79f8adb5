"""A JSON Schema as rows for people: one for each key, in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.describe import phrases
from jackfield.schema.patterns import DECIMAL, TIME

__all__ = ["Class", "Row", "classes", "kind_of", "rows"]

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "array": "list",
    "object": "object",
}
_FORMATS = {
    "date": "date, `2026-01-31`",
    "date-time": "date and time with offset, `2026-01-31T12:00:00Z`",
    "time": "time of day",
    "duration": "duration, `PT1H30M`",
    "uuid": "UUID",
    "email": "e-mail address",
    "uri": "address, `https://…`",
}
_MANY = 12
"""Values of an enum that are written out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One key of an object: what may stand there, whether it must, and what else is known of it."""

    key: str
    kind: str
    required: bool
    notes: str


@dataclass(frozen=True, slots=True)
class Class:
    """One class of a process, with its keys."""

    name: str
    description: str
    rows: tuple[Row, ...]


def rows(schema: Mapping[str, Any], narrowing: Mapping[str, Any] | None = None) -> list[Row]:
    """The keys of an object; what `narrowing` says of a key stands beside what `schema` says of it."""
    return _rows(schema, narrowing or {})


def classes(schema: Mapping[str, Any]) -> Iterator[Class]:
    """Each class that `schema` speaks of, in the order of its `$defs`."""
    defs = schema.get("$defs", {})
    for name, found in defs.items():
        if "properties" in found:
            yield Class(_label(name, defs), str(found.get("description", "")), tuple(_rows(found, {}, defs)))


def _label(name: str, defs: Mapping[str, Any]) -> str:
    """What a class is called: by its own name, unless another of its modules' names is the same."""
    titles = [str(found.get("title", other)) for other, found in defs.items()]
    own = str(defs[name].get("title", name))
    return own if titles.count(own) == 1 else name


def kind_of(schema: Any, defs: Mapping[str, Any] | None = None) -> str:
    """What a schema allows, in a few words."""
    if not isinstance(schema, Mapping) or not schema:
        return "anything" if schema is not False else "nothing"
    if "$ref" in schema:
        return _referred(str(schema["$ref"]), defs or {})
    if "const" in schema:
        return phrases.code(_json(schema["const"]))
    if "enum" in schema:
        return _one_of(schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return " or ".join(dict.fromkeys(kind_of(part, defs) for part in schema[keyword]))
    if schema.get("format") in _FORMATS and schema.get("type") == "string":
        return _FORMATS[schema["format"]]
    if schema.get("contentEncoding") == "base64":
        return "bytes as Base64"
    kinds = schema.get("type", "object" if "properties" in schema else "")
    if schema.get("pattern") == DECIMAL:
        return "decimal number as text, `12.50`" + (", or number" if isinstance(kinds, list) else "")
    if str(schema.get("pattern", "")).startswith(TIME):
        return "time of day, `12:00:00`"
    if isinstance(kinds, list):
        return " or ".join(_KINDS.get(kind, str(kind)) for kind in kinds)
    return _of_kind(str(kinds), schema, defs)


def _of_kind(kind: str, schema: Mapping[str, Any], defs: Mapping[str, Any] | None) -> str:
    if kind == "array":
        if "prefixItems" in schema:
            return f"list of {', '.join(kind_of(item, defs) for item in schema['prefixItems'])}, in this order"
        return f"list of {kind_of(schema['items'], defs)}" if schema.get("items") else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object, each value {kind_of(schema['additionalProperties'], defs)}"
    return _KINDS.get(kind, "anything")


def _referred(reference: str, defs: Mapping[str, Any]) -> str:
    name = reference.rpartition("/")[2]
    found = defs.get(name, {})
    if "properties" in found or not found:
        return f"**{_label(name, defs) if found else name}**"
    return kind_of(found, defs)


def _one_of(values: list[Any]) -> str:
    shown = [phrases.code(_json(value)) for value in values[:_MANY]]
    more = f" or {len(values) - _MANY} more" if len(values) > _MANY else ""
    return ("one of " if len(values) > 1 else "") + ", ".join(shown) + more


def _rows(schema: Mapping[str, Any], narrowing: Mapping[str, Any], defs: Mapping[str, Any] | None = None) -> list[Row]:
    defs = {**schema.get("$defs", {}), **(defs or {})}
    further = narrowing.get("properties", {})
    required = {*schema.get("required", ()), *narrowing.get("required", ())}
    rows = []
    for key, found in schema.get("properties", {}).items():
        besides = further.get(key) if isinstance(further.get(key), Mapping) else None
        kind, notes = kind_of(found, defs), _notes(found)
        if besides is not None:
            own = _resolved(besides, narrowing)
            if "enum" in own or "const" in own or (kind == "anything"):
                kind = kind_of(own, narrowing.get("$defs", {}))
            notes += [note for note in _notes(own) if note not in notes]
        rows.append(Row(key, kind, key in required, "; ".join(notes)))
    more = schema.get("additionalProperties")
    if more is True or isinstance(more, Mapping):
        rows.append(Row("…", kind_of(more if isinstance(more, Mapping) else {}, defs), False, "any other key"))
    return rows


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    found = root.get("$defs", {}).get(name)
    return {**found, **{k: v for k, v in schema.items() if k != "$ref"}} if isinstance(found, Mapping) else schema


def _notes(schema: Mapping[str, Any]) -> list[str]:
    notes = [str(schema["description"])] if "description" in schema else []
    notes += _between(schema, "minLength", "maxLength", "letter")
    notes += _between(schema, "minItems", "maxItems", "item") if "prefixItems" not in schema else []
    notes += _between(schema, "minimum", "maximum", "")
    for keyword, word in (
        ("exclusiveMinimum", "above"),
        ("exclusiveMaximum", "below"),
        ("multipleOf", "a multiple of"),
    ):
        notes += [f"{word} {schema[keyword]}"] if keyword in schema else []
    if "pattern" in schema and not schema.get("contentEncoding") and not _ours(schema["pattern"]):
        notes.append(f"fits {phrases.code(schema['pattern'])}")
    if isinstance(schema.get("items"), Mapping):
        notes += [f"each {note}" for note in _notes(schema["items"])]
    if "default" in schema:
        notes.append(f"{phrases.code(_json(schema['default']))} where it is left out")
    return notes


def _ours(pattern: str) -> bool:
    """Whether a pattern was made of a type, which the kind describes already."""
    return pattern == DECIMAL or pattern.startswith(TIME)


def _between(schema: Mapping[str, Any], low: str, high: str, what: str) -> list[str]:
    least, most = schema.get(low), schema.get(high)
    if least in (None, 0) and most is None and not (what == "" and least == 0):
        return []
    plural = f" {what}s" if what else ""
    if most is None:
        return [f"at least {least}{plural if least != 1 else ' ' + what if what else ''}"]
    if least is None:
        return [f"at most {most}{plural}"]
    return [f"{least} to {most}{plural}" if least != most else f"{least}{plural}"]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
