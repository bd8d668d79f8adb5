"""`input:` of an endpoint expressed in the hints of its process, so that the decoder of a message checks it too.

Strategy: all or nothing, and exactly. Most of what people write under `input:` are lengths, bounds and lists of
texts, and msgspec checks these while it decodes. Where any part of an `input:` cannot be expressed with the same
meaning, nothing is, and the validator of schema/validator.py checks a second, untyped decode of each message.

What is the same, and why:
- A length counts code points in both (JSON Schema 2020-12 validation, section 6.3), and half of a surrogate pair
  reaches neither.
- Whole numbers are compared exactly, those beyond 64 bits too; bounds have to lie within 64 bits.
- A float is rounded before msgspec compares it, and a long whole number may be rounded onto a bound. Below 2**53
  none is, so bounds for floats have to be smaller.
- A key that stands twice in a message is the one difference: the decoder wants every value to fit, as it does for
  hints, while a validator sees the last alone.

Only the decoder changes: what is published and what clients read comes from the schemas as they were written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from msgspec import inspect as mi

from jackfield.process.signature.hints import Unsupported, members, optional_of, split, type_of
from jackfield.process.signature.parameters import NO_DEFAULT, Parameter

__all__ = ["narrow"]

_JSON = Mapping[str, Any]

_NOTES = frozenset({"title", "description", "examples", "default", "deprecated", "$comment"})
_OBJECT = frozenset({"type", "properties", "required"})
_LENGTHS = frozenset({"minLength", "maxLength", "enum", "const"})
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})

_INT64 = range(-(2**63), 2**63)
_SIZES = range(2**31)  # no text or list is longer, and msgspec takes these on every machine
_EXACT = 2**53  # the first whole number that a float has for two


class _Inexact(Exception):
    """A part of `input:` that cannot be expressed to msgspec with the same meaning."""


def narrow(parameters: tuple[Parameter, ...], schema: object) -> tuple[Parameter, ...] | None:
    """The parameters with hints and defaults that hold all that `schema`, an `input:`, asks; None if they cannot.

    They are for the decoder alone: `kind` stays as it was. The schema must be a sound one.
    """
    try:
        return _object(parameters, schema)
    except (_Inexact, Unsupported):
        return None


def _object(parameters: tuple[Parameter, ...], schema: object) -> tuple[Parameter, ...]:
    keywords = _assertions(schema, _OBJECT)
    if "object" not in _types(keywords, "object"):
        raise _Inexact
    parts: _JSON = keywords.get("properties", {})
    needed = frozenset(keywords.get("required", ()))
    if not parts.keys() | needed <= {p.key for p in parameters if p.source == "message"}:
        raise _Inexact  # a key of `**fields`
    return tuple(
        _parameter(p, parts.get(p.key, {}), p.key in needed) if p.source == "message" else p for p in parameters
    )


def _parameter(parameter: Parameter, part: object, needed: bool) -> Parameter:
    if needed:
        parameter = replace(parameter, default=NO_DEFAULT)
    if not _assertions(part, None):
        return parameter
    kinds = list(members(parameter.kind))
    values = [kind for kind in kinds if not isinstance(kind, mi.NoneType)]
    if len(values) != 1 or type(values[0]) not in _EXPRESSING:
        raise _Inexact
    names, known, express = _EXPRESSING[type(values[0])]
    keywords = _assertions(part, known)
    types = _types(keywords, *names, "null")
    if types.isdisjoint(names):
        raise _Inexact
    bare = split(optional_of(split(parameter.hint)[0]))[0]  # the T of `Annotated[T | None, ...]`
    hint = express(bare, values[0], keywords)
    if len(kinds) > 1 and "null" in types and _listed(keywords, None):
        hint = hint | None
    type_of(hint)  # msgspec has the last word on what it takes
    return replace(parameter, hint=hint)


def _assertions(schema: object, known: frozenset[str] | None) -> _JSON:
    """What a schema asks, without what it only notes; nothing beyond `known` may be among it."""
    if not isinstance(schema, Mapping):
        raise _Inexact
    keywords = {name: value for name, value in schema.items() if name not in _NOTES}
    if known is not None and not keywords.keys() <= known:
        raise _Inexact
    return keywords


def _types(keywords: _JSON, *otherwise: str) -> frozenset[str]:
    found = keywords.get("type", otherwise)
    return frozenset({found} if isinstance(found, str) else found)


def _text(_bare: Any, kind: mi.StrType, keywords: _JSON) -> Any:
    low, high = _sizes(kind, keywords, "Length")
    if not keywords.keys() & {"enum", "const"}:
        return Annotated[str, _meta(min_length=low, max_length=high, pattern=kind.pattern)]
    options = keywords.get("enum", [keywords.get("const")])
    texts = [text for text in options if isinstance(text, str) and _listed(keywords, text)]
    fitting = tuple(text for text in texts if (low or 0) <= len(text) <= (math.inf if high is None else high))
    if not fitting or kind.pattern is not None:
        raise _Inexact
    return Literal[fitting]


def _listed(keywords: _JSON, value: str | None) -> bool:
    """Whether `enum` and `const` let a text or null pass."""
    return value in keywords.get("enum", [value]) and value == keywords.get("const", value)


def _whole(_bare: Any, kind: mi.IntType, keywords: _JSON) -> Any:
    low = [_within(_INT64, keywords[name]) + step for name, step in _LOW if name in keywords]
    high = [_within(_INT64, keywords[name]) - step for name, step in _HIGH if name in keywords]
    low += [bound + step for bound, step in ((kind.ge, 0), (kind.gt, 1)) if bound is not None]
    high += [bound - step for bound, step in ((kind.le, 0), (kind.lt, 1)) if bound is not None]
    steps = [_within(_INT64, keywords["multipleOf"])] if "multipleOf" in keywords else []
    steps += [kind.multiple_of] if kind.multiple_of is not None else []
    return Annotated[
        int,
        _meta(
            ge=_within(_INT64, max(low)) if low else None,
            le=_within(_INT64, min(high)) if high else None,
            multiple_of=_within(_INT64, math.lcm(*steps)) if steps else None,
        ),
    ]


def _float(_bare: Any, kind: mi.FloatType, keywords: _JSON) -> Any:
    # An excluded bound is the stricter one of two that are equal.
    low = [(_exact(keywords[name]), step) for name, step in _LOW if name in keywords]
    high = [(_exact(keywords[name]), -step) for name, step in _HIGH if name in keywords]
    low += [(bound, step) for bound, step in ((kind.ge, 0), (kind.gt, 1)) if bound is not None]
    high += [(bound, -step) for bound, step in ((kind.le, 0), (kind.lt, 1)) if bound is not None]
    bounds = {}
    if low:
        bound, step = max(low)
        bounds["gt" if step else "ge"] = bound
    if high:
        bound, step = min(high)
        bounds["lt" if step else "le"] = bound
    return Annotated[float, _meta(multiple_of=kind.multiple_of, **bounds)]


def _list(bare: Any, kind: mi.ListType, keywords: _JSON) -> Any:
    low, high = _sizes(kind, keywords, "Items")
    return Annotated[bare, _meta(min_length=low, max_length=high)]


def _sizes(kind: mi.StrType | mi.ListType, keywords: _JSON, what: str) -> tuple[int | None, int | None]:
    low = [_within(_SIZES, keywords[name]) for name in (f"min{what}",) if name in keywords]
    high = [_within(_SIZES, keywords[name]) for name in (f"max{what}",) if name in keywords]
    low += [kind.min_length] if kind.min_length is not None else []
    high += [kind.max_length] if kind.max_length is not None else []
    return max(low, default=None), min(high, default=None)


def _within(allowed: range, number: object) -> int:
    if type(number) is not int or number not in allowed:
        raise _Inexact
    return number


def _exact(number: object) -> float:
    if not isinstance(number, int | float) or not -_EXACT < number < _EXACT:
        raise _Inexact
    return number


def _meta(**constraints: Any) -> msgspec.Meta:
    return msgspec.Meta(**{name: value for name, value in constraints.items() if value is not None})


_LOW = (("minimum", 0), ("exclusiveMinimum", 1))
_HIGH = (("maximum", 0), ("exclusiveMaximum", 1))

_Express = Callable[[Any, Any, _JSON], Any]
_EXPRESSING: Mapping[type[mi.Type], tuple[Iterable[str], frozenset[str], _Express]] = {
    # the names of the type in JSON Schema, the keywords that can be expressed, and the function that does
    mi.StrType: (("string",), _LENGTHS | {"type"}, _text),
    mi.IntType: (("integer", "number"), _BOUNDS | {"type", "multipleOf"}, _whole),
    mi.FloatType: (("number",), _BOUNDS | {"type"}, _float),
    mi.ListType: (("array",), frozenset({"type", "minItems", "maxItems"}), _list),
    mi.BoolType: (("boolean",), frozenset({"type"}), lambda *_: bool),
}
