"""Contracts that nobody would write, for the tests of what is made from them: every name and text is a trap."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from random import Random
from typing import Any, Literal

from jackfield.describe.contract import JSON, Contract, Operation, contract
from jackfield.routing import build
from tests.house.habits import ROOT

__all__ = ["FULL", "TRAPS", "called", "contract_of", "full", "made", "own"]

FULL = ROOT / "tests" / "describe" / "full"

KEYS = [
    *["text", "reply-to", "class", "from", "__private", "_", "constructor", "__proto__", "toString", "ключ", "😀"],
    "a b",
    *("str", "list", "Line", "string", "1", "", 'quo"te', "quo'te", "both'\"", "back\\slash", "new\nline", "`${x}`"),
    *("*/", '"""', "\x00", "\u202e", "None", "self", "ﬁ", "e\u0301"),
]
TEXTS = ["open", "готово", "", 'quo"te', "quo'te", "both'\"", "\\", "*/", '"""', "\n", "\u2028", "${x}", "😀", "\x7f"]
_COUNTS: list[Literal["none", "one", "many"]] = ["none", "one", "many"]
NOTES = [
    "",
    "Plain.",
    'Ends with a "quote"',
    "Ends with a \\",
    '*/ """ ${x} `',
    "Two\nlines\u2028three\x00",
    "Слово " * 40,
]
NAMES = [
    "Line",
    "Заказ",
    "Page_int",
    "desk.Line",
    "Client",
    "str",
    "class",
    "Event",
    "Array",
    "Any",
    "😀",
    "none",
    "1x",
]
ENDPOINTS = [
    "room",
    "room-a",
    "room_a",
    "Room.A",
    "constructor",
    "class",
    "open",
    "self",
    "Client",
    "from",
    "a",
    "toString",
]
TRAPS = [
    *("Room", "room", "room-1", "room.1", "room_1", "roomReply", "class", "class_", "None", "self", "close", "delete"),
    *("constructor", "toString", "hasOwnProperty", "then", "toJSON", "valueOf", "Client", "Opening", "str", "print"),
    *("RoomConnection", "Line"),
]
"""Names of endpoints that something else has in one language or the other, or that become one name."""
PARAMETERS = ["room", "комната", "self", "query", "path", "options", "arguments", "_", "__x", "Line"]


def own() -> Contract:
    """The contract of the repository's own project."""
    return contract_of(ROOT)


def full() -> Contract:
    """The contract of the project with every feature of endpoints.yaml."""
    return contract_of(FULL)


def contract_of(folder: Path) -> Contract:
    """The contract of a project, whose modules are let go."""
    table = build.build(folder, 1)
    table.catalog.release()
    return contract(table)


def made(seed: int) -> Contract:
    """A contract of a dozen endpoints; the same seed gives the same one."""
    random, pattern = Random(seed), full()
    operations = tuple(_operation(random, name, pattern.operations[0]) for name in ENDPOINTS)
    return dataclasses.replace(pattern, title=random.choice(NOTES), operations=operations)


def called(*names: str) -> Contract:
    """A contract of endpoints of these names, each at an address of its own."""
    pattern = own()
    operations = (
        dataclasses.replace(pattern.operations[0], name=name, url=f"/ws/{name}", path=f"/ws/{name}") for name in names
    )
    return dataclasses.replace(pattern, operations=tuple(operations))


def _operation(random: Random, name: str, pattern: Operation) -> Operation:
    chosen = random.sample(PARAMETERS, random.randint(0, 4))
    replies = random.choice(_COUNTS)
    return dataclasses.replace(
        pattern,
        name=name,
        path="".join(["/%D1%8F`${x}'", *(f"/{{{parameter}}}" for parameter in chosen), "/{}"]),
        parameters={parameter: _parameter(random) for parameter in chosen},
        message=_whole(random, closed=True),
        narrowing=random.choice([None, {"required": ["text"], "properties": {"text": {"enum": TEXTS}}}]),
        reply=random.choice([None, _whole(random)]) if replies != "none" else None,
        replies=replies,
        summary=random.choice(NOTES),
        session_warning=random.choice([None, 60.0]),
    )


def _parameter(random: Random) -> JSON:
    kinds: list[JSON] = [{"type": "string"}, {"type": "integer"}, {"enum": TEXTS}]
    return random.choice([*kinds, {"anyOf": [{"type": "number"}, {"type": "null"}]}])


def _whole(random: Random, *, closed: bool = False) -> JSON:
    defs = {name: _definition(random) for name in NAMES}
    more = False if closed and random.random() < 0.8 else random.choice([True, False, {"type": "integer"}])
    return {**_object(random, 0), "additionalProperties": more, "$defs": defs}


def _definition(random: Random) -> JSON:
    found = random.choice([_object, _object, _enum, _tuple])(random, 1)
    return {"title": random.choice(NAMES), "description": random.choice(NOTES), **found}


def _object(random: Random, depth: int) -> JSON:
    keys = random.sample(KEYS, random.randint(0, 6))
    required = [key for key in keys if random.random() < 0.5]
    properties = {key: _schema(random, depth + 1) for key in keys}
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _enum(random: Random, _depth: int) -> JSON:
    values: list[Any] = [*TEXTS, 0, -1, 10**20, True, False, None, 1.5]
    return {"enum": random.sample(values, random.randint(1, 5))}


def _tuple(random: Random, depth: int) -> JSON:
    items = [_schema(random, depth + 1) for _ in range(random.randint(0, 3))]
    least = random.randint(0, len(items))
    return {"type": "array", "prefixItems": items, "minItems": least, **random.choice([{}, {"maxItems": len(items)}])}


def _schema(random: Random, depth: int) -> Any:
    note = {"description": random.choice(NOTES), "default": random.choice(TEXTS)}
    simple = [{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")]
    references = [{"$ref": f"#/$defs/{name}"} for name in NAMES]
    plain: list[Any] = [*simple, *references, True, {}, {"type": ["string", "number"]}, {"$ref": "#/$defs/absent"}]
    if depth > 3 or random.random() < 0.4:
        found = random.choice(plain)
        return {**found, **note} if isinstance(found, dict) else found
    inner = _schema(random, depth + 1)
    nested = [{"type": "array", "items": inner}, {"type": "object", "additionalProperties": inner}]
    nested += [
        {"anyOf": [inner, {"type": "null"}]},
        {"oneOf": [inner, _schema(random, depth + 1)]},
        {"allOf": [{}, inner]},
    ]
    return random.choice([*nested, _enum(random, depth), _tuple(random, depth), _object(random, depth), {"const": "x"}])
