"""Whether what stands under `input:` is a JSON Schema 2020-12 that can be carried out here.

Strategy: the metaschema names all faults of values with their places, our own walk finds what the standard
lets pass and what people mean otherwise (a misspelt keyword, a reference that leaves the
file), and the compiler has the last word. Patterns are checked by schema/patterns.py, as in type hints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator

from jackfield.config.validate import similar
from jackfield.schema import patterns
from jackfield.schema.validator import portable
from jackfield.schema.walk import HOLDERS, NAMED, Path, walk

__all__ = ["Fault", "check"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OTHER = frozenset(
    """$anchor $comment $dynamicAnchor $dynamicRef $ref $schema const contentEncoding contentMediaType
    default dependentRequired deprecated description enum examples exclusiveMaximum exclusiveMinimum format
    maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties
    minimum multipleOf pattern readOnly required title type uniqueItems writeOnly""".split()  # noqa: SIM905 - words to read, not a column of quotes
)
_KNOWN = (HOLDERS | NAMED | _OTHER) - {"additionalItems", "dependencies"}
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_METASCHEMA = jsonschema_rs.Draft202012Validator(dict(Draft202012Validator.META_SCHEMA), offline=True)

_BELOW = "keys of the message belong below `properties:`"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a schema; `path` leads from the schema's root to it."""

    path: Path
    message: str
    hint: str = ""
    wants_text: bool = False


def check(schema: Mapping[str, Any]) -> list[Fault]:
    """All that is wrong with `schema`; an empty list for one that a validator can be made of."""
    faults = [_of_metaschema(error) for error in _METASCHEMA.iter_errors(dict(schema))]
    if not faults:
        faults = [
            fault
            for path, part in walk(schema)
            for key, value in part.items()
            for fault in _keyword(key, value, (*path, key))
        ]
    if not faults and (error := _refused(schema)):
        faults = [Fault(tuple(error.instance_path), _first_line(error.message))]
    return list(dict.fromkeys(faults))


def _of_metaschema(error: jsonschema_rs.ValidationError) -> Fault:
    path: Path = tuple(error.instance_path)
    if path and path[-1] == "type" and isinstance(error.instance, str):
        hint = similar(error.instance, _TYPES) or f"the types are {', '.join(_TYPES)}"
        return Fault(path, f'"{error.instance}" is not a type', hint)
    misplaced = isinstance(error.instance, Mapping) and bool(path) and path[-1] in _OTHER
    text = error.kind.name == "type" and "string" in error.kind.as_dict().get("types", ())
    return Fault(path, _first_line(error.message), _BELOW if misplaced else "", text)


def _keyword(key: str, value: object, path: Path) -> Iterator[Fault]:
    if key in {"$ref", "$dynamicRef"} and not str(value).startswith("#"):
        yield Fault(path, f'"{value}" leaves this schema', 'write it under `$defs` here: "#/$defs/name"')
    elif key == "$schema" and str(value).rstrip("#") != _DIALECT:
        yield Fault(path, "only JSON Schema 2020-12 is known here", "remove `$schema`")
    elif key not in _KNOWN and not key.startswith("x-"):
        hint = similar(key, _KNOWN)
        if isinstance(value, Mapping):  # most likely a key of the message, whatever it looks like
            hint = similar(key, sorted(NAMED & _KNOWN))
            hint = f"{hint} If not, {_BELOW}" if hint else _BELOW
        hint = hint or "your own keys begin with x-"
        yield Fault(path, f'"{key}" is no keyword of JSON Schema that is taken here', hint)
    elif key == "pattern":
        yield from _pattern(str(value), path)
    elif key == "patternProperties" and isinstance(value, Mapping):
        for pattern in value:
            yield from _pattern(pattern, (*path, pattern))
    elif key == "format" and _refused({"format": value}):
        yield Fault(path, f'"{value}" is no format that is known here', "like date-time, email, uri or uuid")


def _pattern(pattern: str, path: Path) -> Iterator[Fault]:
    misfit = patterns.check(pattern)
    if misfit is not None:
        yield Fault(path, misfit.message, misfit.hint)


def _refused(schema: Mapping[str, Any]) -> jsonschema_rs.ValidationError | None:
    try:
        jsonschema_rs.Draft202012Validator(
            portable(schema),
            validate_formats=True,
            ignore_unknown_formats=False,
            pattern_options=patterns.OPTIONS,
            offline=True,
        )
    except jsonschema_rs.ValidationError as error:
        return error
    return None


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 200 else line[:199] + "…"
