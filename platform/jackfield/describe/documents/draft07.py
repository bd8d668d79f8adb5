"""JSON Schema 2020-12 in the terms of draft-07, of which AsyncAPI's own dialect of schemas is a superset.

Strategy: a keyword either has the same meaning there, or is said by others with exactly that meaning, or is left
out. What is left out stands as JSON in the `description` and is marked by `x-jackfield-weaker`: such a schema takes all
that the original takes, and more. Under `not` and the like "more" would turn into "less", so these are left out, too.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Set
from typing import Any

from jackfield.describe.phrases import code
from jackfield.describe.schema.components import at
from jackfield.schema.walk import SAME_VALUE, mapped, walk

__all__ = ["WEAKER", "draft07", "refers", "settled"]

JSON = dict[str, Any]

WEAKER = "x-jackfield-weaker"
"""The mark of a schema that takes more than the process does; its description says what."""

_KEPT = frozenset(
    """$ref $comment title description default examples readOnly writeOnly deprecated type enum const
    multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern
    items maxItems minItems uniqueItems contains maxProperties minProperties required properties
    patternProperties additionalProperties propertyNames if then else allOf anyOf oneOf not format
    contentMediaType contentEncoding dependencies additionalItems""".split()  # noqa: SIM905 - words to read
)
_OURS = re.compile(r"x-[A-Za-z0-9._-]+")
_OLDER = frozenset({"dependencies", "additionalItems"})  # have a meaning in draft-07, and none in 2020-12
_EVALUATE = (SAME_VALUE - {"not"}) | {"$ref"}

# What means the same to Python, to Rust's linear engine and to ECMA-262, with which documents are read.
_ESCAPE = r"\\(?:[dDwWsSbBnrtfv0]|[^\w\s]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[pP]\{[A-Za-z_=]+\}|[1-9])"
_SET = rf"\[\^?(?:(?!&&|--|~~)(?:[^\\\[\]]|{_ESCAPE}))+\]"
_REPEAT = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??(?![*+?{])"
_GROUP = r"\((?:\?(?::|=|!|<=|<!|<[A-Za-z_]\w*>)|(?!\?))|\)"
_PORTABLE = re.compile(rf"(?:[^\\\[\](){{}}*+?]|{_ESCAPE}|{_SET}|{_GROUP}|{_REPEAT})*")


def draft07(schema: JSON) -> JSON:
    """One subschema of 2020-12, whose own subschemas are in draft-07 already, in draft-07. `settled` ends the work."""
    found = {key: value for key, value in schema.items() if key not in _OLDER}
    lost = _unevaluated(found) | _contains(found) | _unsayable(found)
    found = {key: value for key, value in found.items() if key not in lost or key == "contains"}
    if first := found.pop("prefixItems", None):
        found |= {"items": first, **({"additionalItems": found["items"]} if "items" in found else {})}
    schemas, names = found.get("dependentSchemas", {}), found.get("dependentRequired", {})
    if schemas or names:
        both = {key: {"allOf": [schemas[key], {"required": names[key]}]} for key in schemas if key in names}
        found["dependencies"] = {**schemas, **names, **both}
    if "enum" in found and not _is_plain(found["enum"]):
        values = [{"const": value} for value in found.pop("enum")]
        found["allOf"] = [*found.get("allOf", ()), {"anyOf": values} if values else {"not": {}}]
    found = {key: value for key, value in found.items() if key in _KEPT or _OURS.fullmatch(key)}
    if "$ref" in found and len(found) > 1:  # in draft-07 it silences all that stands beside it
        found["allOf"] = [{"$ref": found.pop("$ref")}, *found.get("allOf", ())]
    return _weakened(found, {key: value for key, value in lost.items() if key not in ("default", "examples")})


def _unevaluated(found: JSON) -> JSON:
    """`unevaluated…` is `additional…` where nothing but the keywords beside it speaks of the value."""
    lost = {}
    for name, beside in (("unevaluatedProperties", "additionalProperties"), ("unevaluatedItems", "items")):
        rest = found.pop(name, True)
        if rest is True or rest == {} or beside in found:
            continue
        if found.keys() & _EVALUATE or (beside == "items" and "contains" in found):
            lost[name] = rest
        else:
            found[beside] = rest
    return lost


def _contains(found: JSON) -> JSON:
    bounds: JSON = {name: found.pop(name) for name in ("minContains", "maxContains") if name in found}
    if "contains" not in found:
        return {}
    exact = bounds in ({}, {"minContains": 0}, {"minContains": 1})
    lost: JSON = {} if exact else {"contains": found["contains"], **bounds}
    if bounds.get("minContains") == 0:
        del found["contains"]
    return lost


def _unsayable(found: JSON) -> JSON:
    """What draft-07 has no word for, and readers in JavaScript read otherwise."""
    lost = [key for key in ("default", "examples", "enum", "const") if refers(found.get(key))]
    lost += [key for key, value in found.items() if key not in ("default", "const") and _is_infinite(value)]
    lost += ["$ref"] if not found.get("$ref", "#").startswith("#") else []
    lost += ["pattern"] if not _PORTABLE.fullmatch(found.get("pattern", "")) else []
    if not all(map(_PORTABLE.fullmatch, found.get("patternProperties", ()))):
        lost += ["patternProperties", "additionalProperties"]
    return {key: found[key] for key in lost if key in found}


def _is_infinite(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) > sys.float_info.max


def _is_plain(values: list[Any]) -> bool:
    """Draft-07 wants one value at least, each once; and readers in JavaScript have no whole numbers beyond 2**53."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    others = [value for value in values if isinstance(value, str | bool | None)]
    if not values or len(numbers) + len(others) < len(values) or any(map(_is_infinite, numbers)):
        return False
    return len(set(map(float, numbers))) + len({(type(value), value) for value in others}) == len(values)


def refers(value: Any) -> bool:
    """Whether data holds a key "$ref", which a reader of documents takes for a reference wherever it stands."""
    if isinstance(value, Mapping):
        return "$ref" in value or any(map(refers, value.values()))
    return isinstance(value, list) and any(map(refers, value))


def settled(schemas: Mapping[str, JSON]) -> dict[str, JSON]:
    """The schemas of a document, `#/components/schemas/`, when all are there: none that is weaker is negated.

    What refers to a weaker one is weaker itself.
    """
    weak: set[str] = set()
    while (more := {at(name)["$ref"] for name, schema in schemas.items() if _is_weak(schema, weak)}) != weak:
        weak = more
    return {name: _settled(schema, weak) for name, schema in schemas.items()}


def _settled(schema: Mapping[str, Any], weak: Set[str]) -> JSON:
    found = mapped(schema, lambda inner: _settled(inner, weak))
    lost: JSON = {}
    if _is_weak(found.get("not"), weak):
        lost["not"] = found.pop("not")
    if any(_is_weak(one, weak) for one in found.get("oneOf", ())):
        lost["oneOf"] = found.pop("oneOf")
        found["allOf"] = [*found.get("allOf", ()), {"anyOf": lost["oneOf"]}]
    if _is_weak(found.get("if"), weak):
        lost |= {name: found.pop(name) for name in ("if", "then", "else") if name in found}
    return _weakened(found, lost)


def _is_weak(schema: Any, weak: Set[str]) -> bool:
    return any(WEAKER in part or part.get("$ref") in weak for _, part in walk(schema))


def _weakened(found: JSON, lost: JSON) -> JSON:
    """`found` with what it leaves out described and marked."""
    if not lost:
        return found
    before = f"{found['description']}\n\n" if found.get("description") else ""
    further = f"Must also fit {code(json.dumps(lost, ensure_ascii=False))}."
    return found | {"description": before + further, WEAKER: True}
