"""A value that fits a schema, for endpoints without an example.

Strategy. The schemas that hold at one place, the signature's and that of `input:`, what `allOf` and references add,
are looked at together, and a value is made that meets what can be seen from them. Not every schema can be met so: there
are several guesses, with other alternatives, more keys and longer lists, and the caller takes the first that fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

from jackfield.schema import patterns
from jackfield.schema.patterns import DECIMAL, TIME

__all__ = ["fitting_sample", "sample", "text_of"]

DEEPEST = 16
"""Levels that are made up; a class that must hold itself would have no end."""

MOST = 2_000
"""Schemas that are looked at for one value."""

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "anna@example.com",
    "idn-email": "anna@example.com",
    "uri": "https://example.com/",
    "uri-reference": "/a",
    "iri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "json-pointer": "/a",
    "regex": "a+",
}
_GROWTH = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)  # how often what a pattern repeats is repeated besides
_NAMES = 32  # made up for one object
_ANY = "string"  # what is made where a schema says nothing

_Part = tuple[Any, Mapping[str, Any]]  # a schema, and the one in which its references are looked up


@dataclass(frozen=True, slots=True)
class _Guess:
    """How to choose where there is a choice: which alternative, whether every key, how many items more."""

    turn: int = 0
    every_key: bool = False
    items: int = 0


_GUESSES = tuple(
    _Guess(turn, every_key, items) for turn in range(4) for every_key in (False, True) for items in range(2)
)


def sample(schema: Mapping[str, Any], narrowing: Mapping[str, Any] | None = None) -> Any:
    """A value that looks like `schema` (JSON Schema 2020-12) and like `narrowing`.

    Whether it fits is for the caller to ask a validator.
    """
    return next(_samples(schema, narrowing))


def fitting_sample(
    schema: Mapping[str, Any], narrowing: Mapping[str, Any] | None, fits: Callable[[Any], bool]
) -> Any | None:
    """The first value made up that `fits`, or None where none was found."""
    return next((found for found in _samples(schema, narrowing) if fits(found)), None)


def text_of(name: str, schema: Mapping[str, Any]) -> str:
    """A percent-encoded text for the path parameter `name`: itself, where any text fits."""
    if set(schema) <= {"type", "title", "description"} and schema.get("type", "string") == "string":
        return quote(name, safe="")
    found = sample(schema)
    return quote(name if found is None or found == "…" else str(found), safe="")


def _samples(schema: Mapping[str, Any], narrowing: Mapping[str, Any] | None) -> Iterator[Any]:
    parts: list[_Part] = [(one, one) for one in (schema, narrowing) if one is not None]
    return (_Sampler(guess).value(parts, 0) for guess in _GUESSES)


class _Sampler:
    """Makes one value up."""

    def __init__(self, guess: _Guess) -> None:
        self._guess = guess
        self._left = MOST

    def value(self, parts: Sequence[_Part], depth: int, nth: int = 0) -> Any:
        """A value for all of `parts`; another one for each `nth`, as far as there are several."""
        found = _Rules([part for one in parts for part in self._plain(*one, 0)])
        if depth > DEEPEST or self._left < 0 or not found.parts:
            return None
        for value in found.all("const"):
            return value
        choice = found.choice()
        if choice:
            return choice[(self._guess.turn + nth) % len(choice)]
        if self._guess.turn == nth == 0:
            for value in (*found.all("default"), *(one for some in found.all("examples") for one in some)):
                return value
        kinds = found.kinds()
        match kinds[self._guess.turn % len(kinds)] if kinds else _ANY:
            case "object":
                return self._object(found, depth)
            case "array":
                return self._array(found, depth)
            case "integer":
                return _number(found, True, nth)
            case "number":
                return _number(found, False, nth)
            case "boolean":
                return nth % 2 == 0
            case "null":
                return None
        return _text(found, nth)

    def _plain(self, schema: Any, root: Mapping[str, Any], hops: int) -> Iterator[_Part]:
        """A schema and all that it takes from elsewhere, as schemas that can be looked at side by side."""
        self._left -= 1
        if not isinstance(schema, Mapping) or hops > DEEPEST or self._left < 0:
            return
        if isinstance(schema.get("$ref"), str):
            yield from self._plain(_referred(schema["$ref"], root), root, hops + 1)
        for one in schema.get("allOf", ()):
            yield from self._plain(one, root, hops + 1)
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                yield from self._plain(schema[keyword][self._guess.turn % len(schema[keyword])], root, hops + 1)
        if "if" in schema and "then" in schema and self._guess.turn % 2:
            yield from (part for name in ("if", "then") for part in self._plain(schema[name], root, hops + 1))
        elif "if" in schema and "else" in schema:
            yield from self._plain(schema["else"], root, hops + 1)
        yield schema, root

    def _object(self, found: _Rules, depth: int) -> dict[str, Any]:
        known = found.named("properties")
        wanted = [name for names in found.all("required") for name in names]
        wanted += known if self._guess.every_key else []
        for name in wanted:  # which grows while it is gone through, and names each once
            wanted += [
                one for some in found.all("dependentRequired") for one in some.get(name, ()) if one not in wanted
            ]
        wanted = list(dict.fromkeys(wanted))
        least = max((*found.all("minProperties"), 0))
        unused = (name for name in (*known, *self._names(found, depth)) if name not in wanted)
        wanted += list(islice(dict.fromkeys(islice(unused, least)), max(least - len(wanted), 0)))
        others = found.parts_of("additionalProperties")
        return {name: self.value(found.parts_at(name) or others or [({}, {})], depth + 1) for name in wanted}

    def _names(self, found: _Rules, depth: int) -> Iterator[str]:
        """Names for keys that nothing names."""
        rules = found.parts_of("propertyNames")
        for nth in range(_NAMES):
            name = self.value([({"type": "string"}, {}), *rules], depth + 1, nth) if rules else f"key{nth + 1}"
            if isinstance(name, str):
                yield name

    def _array(self, found: _Rules, depth: int) -> list[Any]:
        first = next(([(one, root) for one in s["prefixItems"]] for s, root in found.parts if "prefixItems" in s), [])
        inner = found.parts_of("items")
        least = max((*found.all("minItems"), 0))
        contained = found.parts_of("contains")
        many = max((*found.all("minContains"), 1)) if contained else 0
        wanted = max(least, many, self._guess.items if inner else 0)
        wanted = min((wanted, *found.all("maxItems")))
        made = [self.value([part], depth + 1) for part in first[:wanted]]
        more = [[*inner, *(contained if at < many else [])] for at in range(min(wanted - len(made), MOST))]
        # unlike one another: a set takes each once
        made += [self.value(parts or [({}, {})], depth + 1, nth) for nth, parts in enumerate(more)]
        return made


class _Rules:
    """Schemas that hold at one place, by keyword."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.parts = parts

    def all(self, keyword: str) -> list[Any]:
        """What each schema says of a keyword."""
        return [schema[keyword] for schema, _ in self.parts if keyword in schema]

    def choice(self) -> list[Any]:
        """The values that every `enum` has."""
        first, *others = self.all("enum") or [[]]
        return [value for value in first if all(value in other for other in others)]

    def kinds(self) -> list[str]:
        """The types that every schema allows; what its other keywords are for where none names any."""
        said = [[one] if isinstance(one, str) else list(one) for one in self.all("type")]
        if not said:
            return [kind for kind, marks in _MARKS.items() if any(map(self.all, marks))]
        first, *others = said
        wide = [{*other, "integer"} if "number" in other else set(other) for other in others]
        narrow = [
            "integer" if kind == "number" and any("number" not in one for one in wide) else kind for kind in first
        ]
        return [kind for kind in narrow if all(kind in one for one in wide)]

    def named(self, keyword: str) -> list[str]:
        """The names that a keyword has something for, without those that may not be there."""
        found = [(name, one) for some in self.all(keyword) for name, one in some.items()]
        never = {name for name, one in found if one is False}
        return [name for name in dict.fromkeys(name for name, _ in found) if name not in never]

    def parts_at(self, name: str) -> list[_Part]:
        """The schemas of one key."""
        return [(s["properties"][name], root) for s, root in self.parts if name in s.get("properties", ())]

    def parts_of(self, keyword: str) -> list[_Part]:
        """The schemas that stand under a keyword; none for true and false."""
        return [(s[keyword], root) for s, root in self.parts if isinstance(s.get(keyword), Mapping)]


_MARKS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "contains"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    """What a reference inside one schema leads to (RFC 6901, section 6); an empty schema where it leads nowhere."""
    found: Any = root
    for part in unquote(reference.removeprefix("#")).split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
    return found


def _number(found: _Rules, whole: bool, nth: int) -> int | float:
    steps = found.all("multipleOf")
    step = max((abs(one) for one in steps), default=1 if whole else 0.5)
    least = max((*found.all("minimum"), *found.all("exclusiveMinimum")), default=None)
    most = min((*found.all("maximum"), *found.all("exclusiveMaximum")), default=None)
    guesses: list[int | float] = [1 if whole else 1.5, 0, 1]
    for bound in (least, most):
        if bound is not None:
            below, above = math.floor(bound / step) * step, math.ceil(bound / step) * step
            guesses += [bound, above, above + step, below, below - step]
    if least is not None and most is not None:
        guesses.append((least + most) / 2)
    guesses += [step, math.prod(steps)]

    def fits(value: int | float) -> bool:
        return (
            all(value >= one for one in found.all("minimum"))
            and all(value > one for one in found.all("exclusiveMinimum"))
            and all(value <= one for one in found.all("maximum"))
            and all(value < one for one in found.all("exclusiveMaximum"))
            and all(value % one == 0 for one in steps)
            and (not whole or value == int(value))
        )

    good = [int(value) if whole else value for value in guesses if math.isfinite(value) and fits(value)]
    more = [value for value in (good[0] + step * nth, good[0] - step * nth) if fits(value)] if good else []
    return (more or good or [guesses[0]])[0]


def _text(found: _Rules, nth: int) -> str:
    least, most = max((*found.all("minLength"), 0)), min((*found.all("maxLength"), MOST))
    asked = [_matcher(one) for one in _patterns(found)]
    longer = ((text, *(text.ljust(least, sign) for sign in "…a0")) for text in _texts(found))
    tried = dict.fromkeys(one[:most] for texts in longer for one in texts)
    good = (one for one in tried if len(one) >= least and all(ask(one) for ask in asked))
    first = next(good, "…"[:most])
    if nth == 0:
        return first
    if asked or found.all("format"):
        return next(islice(good, nth - 1, None), first)
    return f"{first}{nth + 1}" if len(first) < most else f"{nth + 1}".rjust(len(first), "0")[:most]


_matcher = lru_cache(maxsize=128)(patterns.matcher)


def _patterns(found: _Rules) -> list[str]:
    """Those that can be asked; a schema with another is refused."""
    return [one for one in found.all("pattern") if patterns.check(one) is None]


def _texts(found: _Rules) -> Iterator[str]:
    """Texts that may be what is asked for."""
    yield from (_FORMATS[name] for name in found.all("format") if name in _FORMATS)
    if "base64" in found.all("contentEncoding"):
        yield "AAAA"
    asked = _patterns(found)
    if DECIMAL in asked:
        yield "1.5"
    yield from ("12:00:00" if one == f"{TIME}$" else "12:00:00Z" for one in asked if one.startswith(TIME))
    yield from (patterns.text_for(one, more) for one in asked for more in _GROWTH)
    yield "…"
