"""What of a file's data breaks its JSON Schema, with the keyword, the place and the branches of `anyOf`.

The part of JSON Schema 2020-12 that the schema of endpoints.yaml is written in. A library for all of it takes 60 ms
and 6 MB in each command that reads the file. A test compares the two, and the keywords with those of the schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["KEYWORDS", "SchemaError", "schema_errors"]

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the data a schema is applied; `start` is the length of the path at the `anyOf` around it."""

    path: _Path = ()
    start: int = 0
    branch: int = 0
    of_name: bool = False

    def below(self, step: _Path, keyword: str) -> _Place:
        return replace(self, path=(*self.path, *step), of_name=self.of_name or keyword == "propertyNames")


@dataclass(frozen=True, slots=True, eq=False)
class SchemaError:
    """One broken keyword of a schema; `context` holds the errors of all branches of an `anyOf`."""

    validator: str
    validator_value: Any
    instance: Any
    schema: Mapping[str, Any]
    _place: _Place
    context: tuple[SchemaError, ...] = field(default=(), repr=False)

    @property
    def absolute_path(self) -> _Path:
        """The way through the data, from its root."""
        return self._place.path

    @property
    def path(self) -> _Path:
        """The same from the `anyOf` on that this is in the context of."""
        return self._place.path[self._place.start :]

    @property
    def branch(self) -> int:
        """Which branch of that `anyOf` this is of."""
        return self._place.branch

    @property
    def of_name(self) -> bool:
        """Whether the data is the name of a key."""
        return self._place.of_name


def schema_errors(data: object, schema: Mapping[str, Any]) -> Iterator[SchemaError]:
    """All errors, in the order of the schema's keywords. A `$ref` begins with `#/` and has no escapes."""
    return _errors(data, schema, _Place(), schema)


def _errors(data: Any, schema: Mapping[str, Any], place: _Place, root: Mapping[str, Any]) -> Iterator[SchemaError]:
    for keyword, value in schema.items():
        context: tuple[SchemaError, ...] = ()
        if keyword == "anyOf":
            inner = [replace(place, start=len(place.path), branch=number) for number in range(len(value))]
            branches = [tuple(_errors(data, *branch, root)) for branch in zip(value, inner, strict=True)]
            broken = all(branches)
            context = tuple(error for branch in branches for error in branch)
        elif keyword == "not":
            broken = not any(_errors(data, value, place, root))
        elif keyword == "additionalProperties" and value is False:
            broken = bool(_additional(data, schema))
        elif keyword in _BROKEN:
            broken = _BROKEN[keyword](value, data)
        else:
            broken = False
            for step, part, wanted in _parts(keyword, value, data, schema, root):
                yield from _errors(part, wanted, place.below(step, keyword), root)
        if broken:
            yield SchemaError(keyword, value, data, schema, place, context)


def _at(reference: str, root: Any) -> Any:
    for name in reference.split("/")[1:]:
        root = root[name]
    return root


def _parts(
    keyword: str, value: Any, data: Any, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> Iterator[tuple[_Path, Any, Any]]:
    """What a keyword has a schema for: the step to it, itself, and that schema."""
    if keyword == "$ref":
        yield (), data, _at(value, root)
    elif keyword == "items" and isinstance(data, list):
        yield from (((number,), item, value) for number, item in enumerate(data))
    elif keyword == "properties" and isinstance(data, dict):
        yield from (((name,), data[name], wanted) for name, wanted in value.items() if name in data)
    elif keyword == "patternProperties" and isinstance(data, dict):
        for pattern, wanted in value.items():
            yield from (((name,), data[name], wanted) for name in data if re.search(pattern, name))
    elif keyword == "additionalProperties" and isinstance(value, dict):
        yield from (((name,), data[name], value) for name in _additional(data, schema))
    elif keyword == "propertyNames" and isinstance(data, dict):
        yield from (((), name, value) for name in data)


def _additional(data: Any, schema: Mapping[str, Any]) -> list[str]:
    """The keys that neither `properties` nor `patternProperties` speak of."""
    if not isinstance(data, dict):
        return []
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    unknown = [name for name in data if name not in known]
    return [name for name in unknown if not any(re.search(pattern, name) for pattern in patterns)]


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


_TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}

_BROKEN: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": lambda kinds, it: not any(_is(kind, it) for kind in ([kinds] if isinstance(kinds, str) else kinds)),
    "enum": lambda values, it: not any(it == value and type(it) is type(value) for value in values),
    # in Python `$` also matches before a line break at the end; in JSON Schema (ECMA-262) it does not
    "pattern": lambda wanted, it: isinstance(it, str) and (it.endswith("\n") or not re.search(wanted, it)),
    "minLength": lambda least, it: isinstance(it, str) and len(it) < least,
    "maxLength": lambda most, it: isinstance(it, str) and len(it) > most,
    "minItems": lambda least, it: isinstance(it, list) and len(it) < least,
    "maxItems": lambda most, it: isinstance(it, list) and len(it) > most,
    "minProperties": lambda least, it: isinstance(it, dict) and len(it) < least,
    "maxProperties": lambda most, it: isinstance(it, dict) and len(it) > most,
    "minimum": lambda least, it: _is("number", it) and it < least,
    "maximum": lambda most, it: _is("number", it) and it > most,
    "required": lambda names, it: isinstance(it, dict) and any(name not in it for name in names),
}

_WITHIN = {"$ref", "additionalProperties", "anyOf", "items", "not", "patternProperties", "properties", "propertyNames"}
KEYWORDS = frozenset({*_BROKEN, *_WITHIN})
"""The keywords that are checked; all others are taken as notes."""
