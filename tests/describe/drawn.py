"""Schemas, messages and whole projects that Hypothesis draws for the tests of what is made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from jackfield.config.input_schema import check
from jackfield.routing import build
from jackfield.routing.table import RoutingTable
from tests.projects import write

JSON = dict[str, Any]

NAMES = ("a", "b", "ключ", "$ref", "default", "名")
PATTERNS = ("^[a-c]+$", "б", r"\d{2,}", "(?i)A", "^[^$]", r"(?P<x>a)", "[]a]", "a|b")
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
names = st.sampled_from(NAMES)
few = st.integers(0, 3)

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from([0.5, 1.0, 2.5]),
    st.sampled_from(["", "a", "б", "ab"]),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)


def _keywords(inner: st.SearchStrategy[Any]) -> JSON:
    several = st.lists(inner, min_size=1, max_size=2)
    named = st.dictionaries(names, inner, max_size=2)
    return {
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
        "enum": st.lists(values, max_size=3),
        "const": values,
        "minimum": st.integers(-2, 5),
        "exclusiveMaximum": st.integers(0, 9),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": few,
        "maxLength": few,
        "pattern": st.sampled_from(PATTERNS),
        "minItems": few,
        "maxItems": few,
        "uniqueItems": st.booleans(),
        "items": inner,
        "prefixItems": several,
        "contains": inner,
        "minContains": few,
        "maxContains": few,
        "unevaluatedItems": inner,
        "properties": named,
        "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=2),
        "additionalProperties": inner,
        "unevaluatedProperties": inner,
        "propertyNames": inner,
        "required": st.lists(names, max_size=2, unique=True),
        "minProperties": few,
        "maxProperties": few,
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2),
        "dependentSchemas": named,
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "default": values,
        "description": st.just("Что-то"),
    }


def _some(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A schema of a few keywords; one of all at once would fit nothing."""
    every = _keywords(inner)
    chosen = st.lists(st.sampled_from(sorted(every)), max_size=4, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: every[key] for key in keys}))


_leaves = st.booleans() | _some(st.booleans()) | st.just({"$ref": "#/$defs/leaf"}) | st.just({"$ref": "#anchor"})
subschemas: st.SearchStrategy[Any] = st.recursive(_leaves, _some, max_leaves=4)


@st.composite
def schemas(draw: st.DrawFn) -> JSON:
    """JSON Schema 2020-12 with references: to a definition, to an anchor, by a pointer, and to itself."""
    found: JSON = draw(_some(subschemas))
    leaf = draw(_some(st.booleans()))
    properties = {**found.get("properties", {}), "again": {"$ref": "#"}, "there": {"$ref": "#/$defs/wide~1name/items"}}
    return {
        **found,
        "properties": properties,
        "$defs": {"leaf": {**leaf, "$anchor": "anchor"}, "wide/name": {"items": {"minLength": 1}, "type": "array"}},
    }


HINTS = (
    "str", "int", "float", "bool", "Any", "list[str]", "dict[str, int]", "tuple[int, str]", "int | str | None", "bytes",
    "datetime", "date", "timedelta", "UUID", "Decimal", "Mood", "Line", "list[Line]", "Point", "Literal['a', 'б']",
    "Annotated[str, Meta(pattern='^(?i:a)$')]", "Annotated[int, Meta(ge=0, lt=2**62)]", "dict[int, Line]",
    "Annotated[str, Meta(min_length=1, max_length=5, description='Имя')]",
)  # fmt: skip
REPLIES = (
    "", " -> str", " -> None", " -> Line", " -> Line | None", " -> int | Mood", " -> dict[str, int]",
    " -> dict[str, Any]",
)  # fmt: skip
HEAD = '''
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID
from msgspec import Meta
from jackfield import Key, process

class Mood(Enum):
    GOOD = "хорошо"
    BAD = "bad"

@dataclass
class Line:
    """Строка."""
    item: str
    below: "list[Line] | None" = None

class Point(NamedTuple):
    x: int
    y: float = 0.0
'''
_SEGMENTS = ("ws", "комнаты", "客", "a%20b", "x~y", "ü")
_PATH_NAMES = ("room", "номер", "id_2")
_ACCESS: tuple[Any, ...] = ("required", "optional", "public", {"roles": ["support"]}, {"roles": ["support", "старший"]})


@st.composite
def _endpoint(draw: st.DrawFn, number: int) -> tuple[JSON, str]:
    """An endpoint and the source of its process."""
    path = draw(st.lists(st.sampled_from(_PATH_NAMES), max_size=2, unique=True))
    keys = draw(st.lists(st.sampled_from(["text", "имя", "user-id", "class", "schema", "$"]), max_size=3, unique=True))
    taken = [f"{name}: {draw(st.sampled_from(['str', 'int', 'UUID', 'Mood']))}" for name in path if draw(st.booleans())]
    for place, key in enumerate(key for key in keys if key != "$"):
        default = " = None" if (optional := draw(st.booleans())) else ""
        hint = draw(st.sampled_from(HINTS))
        taken.append(f"p{place}: Annotated[{hint}{' | None' if optional else ''}, Key({key!r})]{default}")
    taken = sorted(taken, key=lambda text: " = " in text)
    stream = draw(st.booleans())
    reply = draw(st.sampled_from(REPLIES))
    hint = f" -> Iterator[{reply[4:]}]" if stream and reply not in ("", " -> None") else "" if stream else reply
    more = ["**more: Any"] if "$" in keys else []
    source = (
        f"@process\ndef p{number}({', '.join([*taken, *more])}){hint}:\n    {'yield' if stream else 'return'} None\n"
    )
    segments = [draw(st.sampled_from(_SEGMENTS)), *(f"{{{name}}}" for name in path)]
    endpoint: JSON = {"url": "/" + "/".join([f"e{number}", *segments]), "process": f"p.p{number}"}
    endpoint |= draw(_settings)
    if more:
        narrowing = draw(schemas().filter(lambda schema: not check(schema)))
        endpoint |= {"input": narrowing} if draw(st.booleans()) else {}
    return endpoint, source


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)
_settings = st.fixed_dictionaries(
    {},
    optional={
        "auth": st.sampled_from(_ACCESS),
        "refusals": st.sampled_from(["http", "close"]),
        "origins": st.sampled_from(["any", ["https://a.example.com", "https://*.example.com"], ["https://пример.рф"]]),
        "origin_required": st.booleans(),
        "session_warning": st.sampled_from(["60s", "1h"]),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "message": st.sampled_from(["1KiB", "1MB"]),
                "rate": st.sampled_from(["off", "1/s", "90/m"]),
                "idle": st.sampled_from(["off", "90s"]),
                "ping": st.sampled_from(["off", "30s"]),
                "per_address": st.integers(1, 9),
                "slow_consumer": st.sampled_from(["close", "drop_oldest"]),
            },
        ),
        "summary": _texts.map(str.strip).filter(bool),
        "description": _texts,
        "tags": st.lists(st.sampled_from(["Desk", "Комнаты", "#1"]), unique=True, max_size=2),
        "subprotocols": st.just(["desk.v2"]),
    },
)


@st.composite
def projects(draw: st.DrawFn) -> tuple[JSON, str]:
    """endpoints.yaml, as JSON is YAML too, and the one file of processes."""
    drawn = [draw(_endpoint(number)) for number in range(draw(st.integers(1, 2)))]
    called = draw(st.lists(st.sampled_from(["a", "a.events", "A_1", "a.Message", "Error"]), min_size=4, unique=True))
    plan = {
        "title": draw(_texts.map(str.strip).filter(bool)),
        "roles": {"support": "Они", "старший": None},
        "endpoints": {name: endpoint for name, (endpoint, _) in zip(called, drawn, strict=False)},
    }
    return plan, HEAD + "".join(source for _, source in drawn)


def table_of(folder: Path, plan: JSON, source: str) -> RoutingTable:
    """Write a project and load it."""
    return build.build(write(folder, json.dumps(plan, ensure_ascii=False), p=source), 1)
