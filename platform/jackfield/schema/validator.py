"""JSON Schema on the wire: a compiled validator, and its faults as sentences that a person can act on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import msgspec

from jackfield.schema import patterns
from jackfield.schema.excerpt import Bounds, Excerpt
from jackfield.schema.walk import mapped
from jackfield.similar import nearest

__all__ = ["OPTIONS", "Fault", "Validator", "parse_loosely", "pointer", "portable"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_LIKE = {  # of the formats that hints have
    "date": ', like "2026-01-30"',
    "date-time": ', like "2026-01-30T12:00:00Z"',
    "duration": ', like "PT1H30M"',
    "uuid": ', like "123e4567-e89b-12d3-a456-426614174000"',
}
_OF_TEXTS = frozenset({"const", "enum", "format", "maxLength", "minLength", "pattern"})  # what a sentence is there for

MAX_FAULTS = 20
"""Faults reported for one message; fixing the first ones often fixes the rest."""

GUESSES = 200
"""Comparisons of unknown keys with known ones in one message; what is unknown beyond that gets no "did you mean"."""

OPTIONS = 20
"""Values of an enum that are listed; longer ones are in the documents."""

LONG = 1_000
"""Characters of a fault's path and of its sentence: a name of 64 KiB is not sent back twice."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a message: a JSON pointer (RFC 6901) and a sentence."""

    path: str
    problem: str

    def as_json(self) -> dict[str, str]:
        """The fault as it stands in an error's `details`; what a client sent is cut after LONG characters."""
        return {"path": _cut(self.path), "problem": _cut(self.problem)}


class Validator:
    """A JSON Schema 2020-12, compiled, with formats asserted and regular expressions that run in linear time.

    Raises ValueError for a schema that cannot be compiled; nothing is fetched for a `$ref`.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._compiled = jsonschema_rs.Draft202012Validator(
            portable(schema), validate_formats=True, pattern_options=patterns.OPTIONS
        )
        self._known = _known(schema)
        self._bounds = Bounds.of(schema)
        self.is_valid: Callable[[Any], bool] = self._compiled.is_valid

    def faults(self, value: object) -> list[Fault]:
        """What is wrong with `value`, at most MAX_FAULTS, each reported once.

        Of a large value only a part is looked at, which holds the first fault, or none; see schema/excerpt.py.
        """
        if self._bounds.hold(value):
            return self._explained(value, None)
        if self.is_valid(value):
            return []
        with Excerpt(value, self.is_valid, self._bounds) as part:
            return self._explained(value, part) if part.is_small() else []

    def _explained(self, value: object, part: Excerpt | None) -> list[Fault]:
        found: dict[Fault, None] = {}
        for error in self._compiled.iter_errors(value):
            found |= dict.fromkeys(self._explain(error, part))
            if len(found) >= MAX_FAULTS:
                break
        return list(found)[:MAX_FAULTS]

    def _explain(self, error: jsonschema_rs.ValidationError, part: Excerpt | None) -> list[Fault]:
        kind = error.kind.name
        facts = error.kind.as_dict()
        place, size = error.instance_path, None
        if part is not None:
            if not part.is_certain(kind, place):
                return []
            place, size = part.locate(place)
        path = pointer(place)
        if kind in ("additionalProperties", "unevaluatedProperties"):
            known = () if place else self._known
            guesses = GUESSES // len(known) + 1 if known else 0
            return [
                Fault(f"{path}/{_escape(name)}", _unknown(name, known if index < guesses else ()))
                for index, name in enumerate(facts["unexpected"][:MAX_FAULTS])
            ]
        if kind == "required":
            name = str(facts["property"])
            return [Fault(f"{path}/{_escape(name)}", f'the key "{name}" is missing')]
        if kind == "propertyNames" and facts["error"].kind.name in _OF_TEXTS:
            inner = facts["error"]
            said = _sentence(inner.kind.name, inner.kind.as_dict(), inner, None)
            return [Fault(f"{path}/{_escape(inner.instance)}", f"the key {said}")]
        if kind in ("anyOf", "oneOf"):
            branches = [list(branch) for branch in facts.get("context", ())]
            tagged, of_tag = _tagged(branches, len(error.instance_path))
            if of_tag:
                return [Fault(f"{path}/{_escape(key)}", problem) for key, problem in of_tag]
            if tagged:
                return [fault for inner in tagged for fault in self._explain(inner, part)]
            nested = [inner for branch in branches for inner in branch]
            deeper = [inner for inner in nested if len(inner.instance_path) > len(error.instance_path)]
            if deeper:
                return [fault for inner in deeper for fault in self._explain(inner, part)]
            # a branch that minds more than the type is the one that was meant: a date that is no date
            meant = [inner for inner in nested if inner.kind.name != "type" and inner.kind.name != "const"]
            if meant:
                return [fault for inner in meant for fault in self._explain(inner, part)]
            kinds = (inner.kind.as_dict().get("types", ()) for inner in nested if inner.kind.name == "type")
            types = sorted({name for names in kinds for name in names})
            if types:
                return [Fault(path, f"must be {' or '.join(_a(name) for name in types)}, not {_kind(error.instance)}")]
        return [Fault(path, _sentence(kind, facts, error, size))]


_Error = jsonschema_rs.ValidationError


def _tagged(branches: list[list[_Error]], depth: int) -> tuple[list[_Error], list[tuple[str, str]]]:
    """Of a union whose members are distinguished by a key: the faults of the member that was meant.

    Or else what is wrong with that key, by its name. Nothing of both for a union without such a key, or where the
    value, which is `depth` deep in the message, has the wrong type for all members.
    """
    members = [branch for branch in branches if not any(_is_own(inner, "type", depth) for inner in branch)]
    tags: dict[Any, dict[int, list[Any]]] = {}
    for number, member in enumerate(members):
        for inner in member:
            if inner.kind.name in ("const", "enum") and len(inner.instance_path) == depth + 1:
                tags.setdefault(inner.instance_path[-1], {})[number] = _options(inner)
    lacking = [{str(e.kind.as_dict()["property"]) for e in m if _is_own(e, "required", depth)} for m in members]
    for key, wrong in tags.items():
        if right := [number for number in range(len(members)) if number not in wrong and key not in lacking[number]]:
            return [inner for number in right for inner in members[number]], []
        if len(wrong) > 1:
            options = [option for found in wrong.values() for option in found]
            return [], [(str(key), _one_of(list({json.dumps(one): one for one in options}.values())))]
    common = set.intersection(*lacking) if len(members) > 1 else set()
    return [], [(key, f'the key "{key}" is missing') for key in sorted(common)]


def _is_own(error: _Error, kind: str, depth: int) -> bool:
    return error.kind.name == kind and len(error.instance_path) == depth


def _options(error: _Error) -> list[Any]:
    facts = error.kind.as_dict()
    return list(facts["options"]) if error.kind.name == "enum" else [facts["expected_value"]]


def _known(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that a message may have, each once, whichever part of the schema names it."""
    parts = [part for part in (schema, *schema.get("allOf", ())) if isinstance(part, Mapping)]
    return tuple(dict.fromkeys(name for part in parts for name in part.get("properties", ())))


def pointer(path: list[Any]) -> str:
    """A list of keys and indexes as a JSON pointer (RFC 6901)."""
    return "".join(f"/{_escape(str(part))}" for part in path)


def parse_loosely(text: str) -> tuple[object, list[Fault]]:
    """Parse JSON as Python does, and name what only Python takes: NaN, infinities, halves of surrogate pairs.

    Gives the value and the faults; a text that is not JSON at all gives (None, [one fault]).
    """
    try:
        return msgspec.json.decode(text), []  # takes less than Python does, so there is no fault in what it takes
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _dissect(text)


def _dissect(text: str) -> tuple[object, list[Fault]]:
    try:
        value = json.loads(text, parse_constant=_Constant)
    except json.JSONDecodeError as exc:
        comma = _trailing_comma(exc, text)
        what = _plain(exc, text) if comma is None else "a comma stands before the closing bracket"
        return None, [Fault("", f"not JSON: {what} at character {(exc.pos if comma is None else comma) + 1}")]
    except (ValueError, RecursionError):
        return None, [Fault("", "not JSON that can be taken: a number in it is too long")]
    return value, list(islice(_impostors(value, ""), MAX_FAULTS))


class _Constant(str):
    """NaN, Infinity or -Infinity where it stood in a message; its own type keeps it apart from texts."""

    __slots__ = ()


def _impostors(value: object, path: str) -> Iterator[Fault]:
    if isinstance(value, _Constant):
        yield Fault(path, f"{value} is not a JSON number; send a number or null")
    elif isinstance(value, str):
        if _SURROGATE.search(value):
            yield Fault(path, "the text holds half of a surrogate pair, which is not Unicode")
    elif isinstance(value, float) and math.isinf(value):
        yield Fault(path, "the number is larger than any that can be taken")
    elif isinstance(value, dict):
        for name, item in value.items():
            inside = f"{path}/{_escape(name.encode('utf-8', 'replace').decode())}"
            yield from (Fault(inside, fault.problem) for fault in _impostors(name, ""))
            yield from _impostors(item, inside)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _impostors(item, f"{path}/{index}")


def _trailing_comma(exc: json.JSONDecodeError, text: str) -> int | None:
    """Where a comma stands before a closing bracket; Python 3.13 points at it, older ones behind it."""
    if exc.msg.startswith("Illegal trailing comma"):
        return exc.pos
    before = text[: exc.pos].rstrip()
    return len(before) - 1 if before.endswith(",") and text[exc.pos : exc.pos + 1] in ("}", "]") else None


_NOT_JSON = (
    # what the parser says, and in our words where the mistake is a usual one
    ("Extra data", "something follows the end of the object"),
    ("Unexpected UTF-8 BOM", "it begins with a byte order mark, which JSON has not (RFC 8259, section 8.1),"),
    ("Invalid control character", "a text holds a control character, which is written like \\n or \\u0000,"),
    ("Unterminated string", "a text has no closing quote"),
    ("Expecting property name", 'a key in double quotes, or "}", belongs'),
    ("Expecting value", "a value belongs"),
)


def _plain(exc: json.JSONDecodeError, text: str) -> str:
    if not text.strip():
        return "the message is empty"
    if exc.msg.startswith("Expecting property name") and text[exc.pos : exc.pos + 1] == "'":
        return 'texts stand in double quotes, "so",'
    if ours := next((ours for said, ours in _NOT_JSON if exc.msg.startswith(said)), ""):
        return ours
    if exc.msg.startswith("Expecting"):
        return f"{exc.msg.removeprefix('Expecting ').removesuffix(' delimiter')} belongs"
    return exc.msg.lower()


def _cut(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _unknown(name: str, known: tuple[str, ...]) -> str:
    # What is three times as long as every key is like none, and would not be worth remembering.
    near = _nearest(name, known) if known and len(name) <= 3 * max(map(len, known)) else ""
    return f'unknown key "{name}"' + (f'; did you mean "{near}"?' if near else "")


@lru_cache(maxsize=256)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    """The key that was meant, or an empty text; remembered, for a client makes its mistake with every message."""
    return nearest(name, known)


def _a(kind: str) -> str:
    words = {"null": "null", "boolean": "true or false", "integer": "a whole number", "string": "a text"}
    return words.get(kind, f"an {kind}" if kind[0] in "aeiou" else f"a {kind}")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a whole number", float: "a fraction", list: "a list", dict: "an object"}
    return names.get(type(value), "this")


def _sentence(kind: str, facts: Mapping[str, Any], error: jsonschema_rs.ValidationError, size: int | None) -> str:
    limit = facts.get("limit")
    if size is None:
        size = len(error.instance) if isinstance(error.instance, str | list | dict) else 0
    match kind:
        case "type":
            expected = " or ".join(_a(str(name)) for name in facts["types"])
            return f"must be {expected}, not {_kind(error.instance)}"
        case "minLength" if limit == 1:
            return "must not be empty"
        case "minLength" | "maxLength":
            side = "at least" if kind == "minLength" else "at most"
            return f"must have {side} {limit} characters, has {size}"
        case "minItems" | "maxItems" | "minProperties" | "maxProperties":
            side = "at least" if kind.startswith("min") else "at most"
            what = "items" if kind.endswith("Items") else "keys"
            return f"must have {side} {limit} {what}, has {size}"
        case "minimum" | "maximum":
            return f"must be at {'least' if kind == 'minimum' else 'most'} {limit}"
        case "exclusiveMinimum" | "exclusiveMaximum":
            return f"must be {'more' if kind == 'exclusiveMinimum' else 'less'} than {limit}"
        case "enum":
            return f"must be one of {_listed(facts['options'])}"
        case "const":
            return f"must be {json.dumps(facts['expected_value'], ensure_ascii=False)}"
        case "pattern":
            return patterns.sentence(str(facts["pattern"]), str(error.instance))
        case "format":
            return f"must be a valid {facts['format']}{_LIKE.get(str(facts['format']), '')}"
        case "uniqueItems":
            return "must not hold one item twice"
        case "multipleOf":
            return f"must be a multiple of {facts['multiple_of']}"
    return error.message


def _one_of(options: list[Any]) -> str:
    return f"must be {'one of ' if len(options) > 1 else ''}{_listed(options)}"


def _listed(options: list[Any]) -> str:
    listed = json.dumps(options[:OPTIONS], ensure_ascii=False)[1:-1]
    return listed + (f" and {len(options) - OPTIONS} more" if len(options) > OPTIONS else "")


def portable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a schema with the letters of each `$ref` as a URI has them (RFC 3986, section 2.1).

    A class may be called Заказ, and a person writes `#/$defs/Заказ`; a validator takes only what is encoded.
    """
    found = mapped(schema, portable)
    if isinstance(found.get("$ref"), str):
        found["$ref"] = quote(found["$ref"], safe="%#/:?@!$&'()*+,;=~[]")
    return found
