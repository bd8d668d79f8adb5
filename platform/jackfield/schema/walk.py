"""Which keywords of JSON Schema 2020-12 hold schemas, and the one walk over them.

Whatever stands under another keyword is data: a "$ref" in a `default` refers to nothing, and a property that is
called `default` is a schema like any other. `dependencies` and `additionalItems` are those of older drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["HOLDERS", "NAMED", "SAME_VALUE", "Path", "mapped", "subschemas", "walk"]

Path = tuple[str | int, ...]

SAME_VALUE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas speak of the value itself, and not of a part of it."""

NAMED = frozenset({"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"})
"""Keywords that hold schemas by names, which the author chooses."""

HOLDERS = frozenset(
    """additionalItems additionalProperties allOf anyOf contains contentSchema else if items not oneOf prefixItems
    propertyNames then unevaluatedItems unevaluatedProperties""".split()  # noqa: SIM905 - words to read
)
"""Keywords that hold one schema or a list of them."""


def subschemas(schema: object) -> Iterator[tuple[Path, Any]]:
    """Each schema directly below `schema`, with the path to it; nothing for what has the wrong shape."""
    for key, value in schema.items() if isinstance(schema, Mapping) else ():
        if key in NAMED and isinstance(value, Mapping):
            yield from (((key, name), inner) for name, inner in value.items())
        elif key in HOLDERS and isinstance(value, list):
            yield from (((key, number), inner) for number, inner in enumerate(value))
        elif key in HOLDERS:
            yield (key,), value


def walk(schema: object, path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """`schema` and every schema in it, with the path to it; `true` and `false` are left out."""
    if isinstance(schema, Mapping):
        yield path, schema
        for below, inner in subschemas(schema):
            yield from walk(inner, (*path, *below))


def mapped(schema: Mapping[str, Any], change: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    """A copy of `schema` with `change` of each schema directly below it; `true` and `false` stay."""

    def changed(inner: Any) -> Any:
        return change(inner) if isinstance(inner, Mapping) else inner

    found = dict(schema)
    for key, value in schema.items():
        if key in NAMED and isinstance(value, Mapping):
            found[key] = {name: changed(inner) for name, inner in value.items()}
        elif key in HOLDERS:
            found[key] = list(map(changed, value)) if isinstance(value, list) else changed(value)
    return found
