"""JSON Schema 2020-12 in the words of draft-07, which is what AsyncAPI's own dialect of schemas is a superset of.

Strategy: a keyword either has the same meaning there, or is said by others with exactly that meaning, or is left
out. What is left out is told in the `description` and marked by `x-jackfield-weaker`: such a schema takes all that
the original takes, and more. Under `not` and the like "more" would turn into "less", so these are weakened with it.

Keywords that draft-07 gives a meaning and 2020-12 does not (`dependencies`, `additionalItems`) never pass.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from jackfield.describe.phrases import code

__all__ = ["WEAKER", "draft07", "refers", "settled"]

JSON = dict[str, Any]

WEAKER = "x-jackfield-weaker"
"""The mark of a schema that takes more than the process does; its description says what."""

_SAME = frozenset(
    """$ref $comment title description default examples readOnly writeOnly deprecated type enum const
    multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern
    items maxItems minItems uniqueItems contains maxProperties minProperties required properties
    patternProperties additionalProperties propertyNames if then else allOf anyOf oneOf not format
    contentMediaType contentEncoding""".split()  # noqa: SIM905 - words to read, not a column of quotes
)
_OURS = re.compile(r"x-[A-Za-z0-9._-]+")
_IN_PLACE = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas speak of the value itself, so that what they evaluate counts."""
_NUMBERS = frozenset(
    """multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength maxItems minItems
    maxProperties minProperties""".split()  # noqa: SIM905 - as above
)

# What means the same to Python, to Rust's linear engine and to ECMA-262, with which documents are read.
_ESCAPE = r"\\(?:[dDwWsSbBnrtfv0]|[^\w\s]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[pP]\{[A-Za-z_=]+\}|[1-9])"
_SET = rf"\[\^?(?:(?!&&|--|~~)(?:[^\\\[\]]|{_ESCAPE}))+\]"
_REPEAT = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??(?![*+?{])"
_GROUP = r"\((?:\?(?::|=|!|<=|<!|<[A-Za-z_]\w*>)|(?!\?))|\)"
_PORTABLE = re.compile(rf"(?:[^\\\[\](){{}}*+?]|{_ESCAPE}|{_SET}|{_GROUP}|{_REPEAT})*")


def draft07(schema: JSON) -> JSON:
    """One subschema of 2020-12, whose own subschemas are in draft-07 already, in draft-07."""
    found = dict(schema)
    notes: list[str] = []
    for step in (_unevaluated, _dependent, _items, _contains, _patterns, _enumeration, _numbers, _data, _negated):
        notes += step(found)
    found = {key: value for key, value in found.items() if key in _KEPT or _OURS.fullmatch(key)}
    return _alone(_told(found, notes))


_KEPT = _SAME | {"dependencies", "additionalItems"}


def _unevaluated(found: JSON) -> Iterator[str]:
    """`unevaluated…` is `additional…` where nothing but the keywords beside it speaks of the value."""
    for kind, beside in (("Properties", ("additionalProperties",)), ("Items", ("items",))):
        rest = found.pop(f"unevaluated{kind}", True)
        if rest is True or rest == {} or found.keys() & set(beside):
            continue
        if found.keys() & _IN_PLACE or (kind == "Items" and "contains" in found):
            what = "keys" if kind == "Properties" else "items"
            yield f"No {what} but those spoken of here." if rest is False else f"Other {what} must fit {_text(rest)}."
        else:
            found[beside[0]] = rest


def _dependent(found: JSON) -> Iterable[str]:
    found.pop("dependencies", None)
    schemas, names = found.pop("dependentSchemas", {}), found.pop("dependentRequired", {})
    if schemas or names:
        found["dependencies"] = {
            key: {"allOf": [schemas[key], {"required": names[key]}]}
            if key in schemas and key in names
            else schemas.get(key, names.get(key))
            for key in (*schemas, *(name for name in names if name not in schemas))
        }
    return ()


def _items(found: JSON) -> Iterable[str]:
    found.pop("additionalItems", None)
    first = found.pop("prefixItems", None)
    if first:
        rest = found.pop("items", None)
        found |= {"items": first} | ({"additionalItems": rest} if rest is not None else {})
    return ()


def _contains(found: JSON) -> Iterator[str]:
    least, most = found.pop("minContains", 1), found.pop("maxContains", math.inf)
    if "contains" not in found:
        return
    said = _text(found["contains"])
    if least == 0:
        del found["contains"]
    elif least > 1:
        yield f"At least {least} of the items fit {said}."
    if most != math.inf:
        yield f"At most {most} of the items fit {said}."


def _patterns(found: JSON) -> Iterator[str]:
    if "pattern" in found and not _PORTABLE.fullmatch(found["pattern"]):
        yield f"Matches the regular expression {code(found.pop('pattern'))}."
    named = found.get("patternProperties", {})
    lost = [pattern for pattern in named if not _PORTABLE.fullmatch(pattern)]
    if lost:
        found["patternProperties"] = {pattern: named[pattern] for pattern in named if pattern not in lost}
        rest = found.pop("additionalProperties", True)
        for pattern in lost:
            yield f"Keys that match {code(pattern)} must fit {_text(named[pattern])}."
        if rest is not True:
            yield f"All other keys must fit {_text(rest)}."


def _enumeration(found: JSON) -> Iterable[str]:
    """Draft-07 wants one value at least, each once; and readers in JavaScript have no whole numbers beyond 2**53."""
    if "enum" not in found:
        return ()
    values = list({_key(value): value for value in reversed(found["enum"])}.values())[::-1]
    if values and len({_key(value, float) for value in values}) == len(values):
        found["enum"] = values
        return ()
    del found["enum"]
    said: JSON = {"anyOf": [{"const": value} for value in values]} if values else {"not": {}}
    found["allOf"] = [*found.get("allOf", ()), said]
    return ()


def _key(value: Any, number: type = int) -> Any:
    """What two values have in common that are one to JSON Schema: 1 and 1.0, but not true."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value), value)
    if isinstance(value, int | float):
        return _rounded(value) if number is float else value
    if isinstance(value, Mapping):
        return frozenset((name, _key(item, number)) for name, item in value.items())
    return tuple(_key(item, number) for item in value)


def _rounded(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _numbers(found: JSON) -> Iterator[str]:
    for name in sorted(_NUMBERS & found.keys()):
        if math.isinf(_rounded(found[name])):
            yield f"`{name}` is {found.pop(name)}."


def _data(found: JSON) -> Iterator[str]:
    """A "$ref" in an author's data would be followed by readers of the document."""
    for name in ("default", "examples", "enum", "const"):
        if name in found and refers(found[name]):
            text = _text(found.pop(name))
            if name in ("enum", "const"):
                yield f"`{name}` is {text}."


def refers(value: Any) -> bool:
    """Whether data holds a key "$ref", which a reader of documents takes for a reference wherever it stands."""
    if isinstance(value, Mapping):
        return "$ref" in value or any(map(refers, value.values()))
    return isinstance(value, list) and any(map(refers, value))


def settled(schemas: Mapping[str, JSON]) -> dict[str, JSON]:
    """The schemas of a document, `#/components/schemas/`, when all are there: what is weaker may stand behind a
    reference, and must not be negated there either."""
    weak = {f"{_SHELF}{name}" for name, schema in schemas.items() if _weaker(schema)}
    while True:  # what refers to a weaker one is weaker itself
        more = {f"{_SHELF}{name}" for name, schema in schemas.items() if _weaker(schema, weak)}
        if more == weak:
            return {name: _settle(schema, weak) for name, schema in schemas.items()} if weak else dict(schemas)
        weak = more


_SHELF = "#/components/schemas/"
_NAMED = frozenset({"properties", "patternProperties", "dependencies"})


def _settle(schema: Any, weak: Set[str]) -> Any:
    if isinstance(schema, list):
        return [_settle(item, weak) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {
        key: {name: _settle(item, weak) for name, item in value.items()} if key in _NAMED else _settle(value, weak)
        for key, value in schema.items()
    }
    return _told(found, _negated(found, weak))


def _negated(found: JSON, weak: Set[str] = frozenset()) -> Iterator[str]:
    """What takes more than it should must not be asked for what does not fit."""
    if _weaker(found.get("not"), weak):
        yield f"Does not fit {_text(found.pop('not'))}."
    if _weaker(found.get("oneOf"), weak):
        found["allOf"] = [*found.get("allOf", ()), {"anyOf": found.pop("oneOf")}]
        yield "Fits one alone of the alternatives."
    if _weaker(found.get("if"), weak):
        parts = {name: found.pop(name) for name in ("if", "then", "else") if name in found}
        yield f"Fits {_text(parts)}."


def _weaker(value: Any, weak: Set[str] = frozenset()) -> bool:
    if isinstance(value, Mapping):
        known = WEAKER in value or str(value.get("$ref")) in weak
        return known or any(_weaker(item, weak) for item in value.values())
    return isinstance(value, list) and any(_weaker(item, weak) for item in value)


def _told(found: JSON, notes: Iterable[str]) -> JSON:
    """`found` with what it leaves out told and marked."""
    notes = list(notes)
    if not notes:
        return found
    before = [found["description"]] if found.get("description") else []
    return found | {"description": "\n\n".join([*before, *notes]), WEAKER: True}


def _alone(found: JSON) -> JSON:
    """In draft-07 a `$ref` silences all that stands beside it."""
    if "$ref" not in found:
        return found
    reference = found.pop("$ref")
    if not reference.startswith("#"):
        return _told(found, [f"Fits the schema {reference}."])
    if not found:
        return {"$ref": reference}
    return found | {"allOf": [{"$ref": reference}, *found.get("allOf", ())]}


def _text(value: Any) -> str:
    return code(json.dumps(value, ensure_ascii=False))
