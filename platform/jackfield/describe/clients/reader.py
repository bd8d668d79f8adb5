"""JSON Schema -> the types of a client, and what each endpoint takes and gives.

Strategy: objects always get a name, since Python has no way to write one without. Classes that are equal through and
through share a name, so that what comes in can be passed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.describe.clients.naming import Names, Place, class_names, identity, pascal, stems, target
from jackfield.describe.clients.tree import (
    Definition,
    Dictionary,
    Field,
    Items,
    Named,
    Object,
    Positions,
    Scalar,
    Type,
    Union,
    Unknown,
    Values,
    union,
)
from jackfield.describe.contract import JSON, Contract, Operation, Spoken
from jackfield.describe.schema import envelope
from jackfield.errors import CODES

__all__ = ["Operands", "Types", "address", "fitted", "operands"]

_OPERANDS = ("Message", "Reply", "ErrorCode", "Event", "Events", "Connection")


class Types:
    """The definitions of one client. `taken` are names that its file needs itself.

    The names of all classes of `operations`, and of what these take and give, are known before the first is defined.
    """

    def __init__(self, taken: Iterable[str], operations: Iterable[Operation] = ()) -> None:
        self.definitions: list[Definition] = []
        known = {operation.name: operation for operation in operations}
        self.stems = stems(known)
        places = (place for name, operation in known.items() for place in _places(operation, self.stems[name]))
        taken = set(taken)
        self._classes = dict(class_names(places, taken))
        self.names = Names(taken.union(self._classes.values()))
        wanted = [f"{stem}{what}" for stem in self.stems.values() for what in _OPERANDS]
        wanted += [f"{self.stems[name]}Feed" for name, operation in known.items() if operation.feeds]
        wanted += [_of_event(self.stems[name], event) for name, one in known.items() for event, _ in _named(one)]
        self._kept = {name: self.names.new(name) for name in wanted}
        self._defined: set[str] = set()

    def name(self, wanted: str) -> str:
        """The name kept for `wanted`, which is one of an endpoint's own types, or a new one like it."""
        return self._kept.pop(wanted, None) or self.names.new(wanted)

    def define(self, name: str, schema: JSON, note: str = "") -> Named:
        """Define what `schema` says (with its `$defs` inside) under `name`, or one like it that is free.

        A schema that is a class gets the class's name besides.
        """
        if _is_class(schema):
            found = self._class(_title(schema), schema, schema)
            if found.name == name:
                return found
            named = Named(self.name(name))
            self.definitions.append(Definition(named.name, found, note))
            return named
        given = self.name(name)
        self._define(given, schema, schema, note)
        return Named(given)

    def alone(self, name: str, schema: JSON) -> Type:
        """The type that `schema` says; `name` is for an object in it that has no name of its own."""
        return self._read(schema, schema, name)

    def _define(self, given: str, schema: JSON, root: JSON, note: str) -> None:
        place = len(self.definitions)
        read = self._object(schema, root, given) if _is_object(schema) else self._read(schema, root, given)
        self.definitions.insert(place, Definition(given, read, note))

    def _read(self, schema: Any, root: JSON, name: str) -> Type:
        if not isinstance(schema, Mapping):
            return Values(()) if schema is False else Unknown()
        if isinstance(schema.get("$ref"), str):
            return self._referred(schema["$ref"], root)
        if "const" in schema or "enum" in schema:
            return _values([schema["const"]] if "const" in schema else schema["enum"])
        if "type" in schema:
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            return union(self._of_kind(kind, schema, root, name) for kind in kinds)
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                return union(self._read(part, root, f"{name}{pascal(_title(part))}") for part in schema[keyword])
        if "allOf" in schema:
            parts = [self._read(part, root, name) for part in schema["allOf"]]
            return next((part for part in parts if part != Unknown()), Unknown())
        return self._of_kind("object", schema, root, name) if "properties" in schema else Unknown()

    def _of_kind(self, kind: str, schema: Mapping[str, Any], root: JSON, name: str) -> Type:
        match kind:
            case "string" | "integer" | "number" | "boolean" | "null":
                return Scalar(kind)
            case "array":
                return self._array(schema, root, name)
            case "object" if _is_class(schema):
                return self._class(_title(schema), schema, root)
            case "object" if schema.get("properties") or schema.get("additionalProperties") is False:
                given = self.names.new(name)
                self._define(given, dict(schema), root, str(schema.get("description", "")))
                return Named(given)
            case "object":
                return Dictionary(self._read(schema.get("additionalProperties", True), root, f"{name}Value"))
        return Unknown()

    def _array(self, schema: Mapping[str, Any], root: JSON, name: str) -> Type:
        first = schema.get("prefixItems", [])
        if not first and schema.get("maxItems") == 0:
            return Positions((), 0)
        more = self._read(schema.get("items", True), root, f"{name}Item")
        if not first:
            return Items(more)
        items = tuple(self._read(item, root, f"{name}Item") for item in first)
        most, least = schema.get("maxItems", len(items) + 1), schema.get("minItems", 0)
        open_ended = most > len(items) and schema.get("items") is not False
        return Positions(items[:most], min(least, len(items), most), more if open_ended else None)

    def _object(self, schema: Mapping[str, Any], root: JSON, name: str) -> Type:
        properties = schema.get("properties", {})
        more = schema.get("additionalProperties", False)
        if not properties and "additionalProperties" not in schema:
            more = True
        other = None if more is False else self._read(more, root, f"{name}Value")
        if not properties and other is not None:
            return Dictionary(other)
        required = set(schema.get("required", ()))
        fields = (
            Field(key, self._read(found, root, f"{name}{pascal(key)}"), key in required, _note(found))
            for key, found in properties.items()
        )
        return Object(tuple(fields), other)

    def _referred(self, reference: str, root: JSON) -> Type:
        wanted = target(reference)
        schema = root.get("$defs", {}).get(wanted)
        return self._class(wanted, schema, root) if isinstance(schema, Mapping) else Unknown()

    def _class(self, key: str, schema: Mapping[str, Any], root: JSON) -> Named:
        whole = identity(schema, root)
        if whole not in self._classes:
            self._classes[whole] = self.names.new(pascal(_title(schema) or key) or "Thing")
        name = self._classes[whole]
        if name not in self._defined:
            self._defined.add(name)
            self._define(name, dict(schema), root, str(schema.get("description", "")))
        return Named(name)


def _places(operation: Operation, stem: str) -> Iterable[Place]:
    if operation.listens:
        yield Place(stem, "Message", operation.message)
    yield from (Place(stem, "Message", schema) for schema in operation.parameters.values())
    if operation.replies != "none":
        yield Place(stem, "Reply", operation.reply or {})
    yield from (Place(stem, "Feed", envelope.fed(feed)) for feed in _fed(operation))
    yield from (Place(stem, "Event", schema) for _, schema in _named(operation))


@dataclass(frozen=True, slots=True)
class Operands:
    """What the functions of a client for one endpoint take and give.

    - `reply` is None where the endpoint never answers.
    - `error`, `event`, `connection` are names for the types of these, `table` one for all types of events.
    - `told` are the events of which something is said, with their types.
    - `errors` and `events` are what the endpoint's examples speak of, and `told`: not what the server says by itself.
    """

    message: Named
    reply: Named | None
    parameters: Mapping[str, Type]
    error: str
    event: str
    table: str
    told: Mapping[str, Type]
    connection: str
    errors: tuple[str, ...]
    events: tuple[str, ...]


def operands(operation: Operation, types: Types) -> Operands:
    """Define the types of one endpoint under names that begin with its stem."""
    stem = types.stems[operation.name]
    schema = _narrowed(operation.message, operation.narrowing or {}) if operation.listens else {"enum": []}
    message = types.define(f"{stem}Message", schema, _TO[operation.listens].format(operation.name))
    reply = None
    if operation.replies != "none":
        reply = types.define(f"{stem}Reply", operation.reply or {"type": "object"}, f"Reply of {operation.name}.")
    told = _told(operation, types, stem)
    parameters = {
        name: _without_null(types.alone(f"{stem}{pascal(name)}", schema))
        for name, schema in operation.parameters.items()
    }
    return Operands(
        message=message,
        reply=reply,
        parameters=parameters,
        error=types.name(f"{stem}ErrorCode"),
        event=types.name(f"{stem}Event"),
        table=types.name(f"{stem}Events"),
        told=told,
        connection=types.name(f"{stem}Connection"),
        errors=tuple(code for code in _expected(operation, "expect_error", "code") if code not in CODES),
        events=tuple(dict.fromkeys([*told, *_expected(operation, "expect", "event")])),
    )


_TO = {True: "Message to {}.", False: "There is none to {}, which only speaks."}


def _fed(operation: Operation) -> list[Spoken]:
    """The feeds of an endpoint of which something is said."""
    return [feed for feed in operation.feeds if feed.schema is not None]


def _named(operation: Operation) -> Iterator[tuple[str, JSON]]:
    """The events that are declared and those that replies become; of one name there may be several."""
    made = ((part.event, envelope.group_event(part.event, part.said)) for part in operation.parts if part.event)
    for name, schema in (*made, *((one.name, envelope.heard(one)) for one in operation.heard)):
        yield name, {key: value for key, value in schema.items() if key != "title"}  # of the author's class, with less


def _of_event(stem: str, name: str) -> str:
    return f"{stem}{pascal(name)}Event"


def _told(operation: Operation, types: Types, stem: str) -> Mapping[str, Type]:
    """Define the types of an endpoint's events; gives them by the names of the events."""
    found: dict[str, list[Type]] = {}
    for name, schema in _named(operation):
        defined = types.define(_of_event(stem, name), schema, f"The event {name} of {operation.name}.")
        found.setdefault(name, []).append(defined)
    for feed in _fed(operation):
        schema = envelope.fed(feed)
        whole = types.define(f"{stem}Feed", schema, f"What {operation.name} says without being asked.")
        for said in schema.get("anyOf", [schema]):
            part = {**said, "$defs": schema.get("$defs", {})}
            one = types.alone(f"{stem}Feed", part) if "anyOf" in schema else whole
            for name in Spoken("", part, feed.group).names:
                found.setdefault(name, []).append(one)
    return {name: union(kinds) for name, kinds in found.items()}


def fitted(connection: str, contract: Contract) -> str:
    """The text of a connection, of which `# if cancels … # end` stays where an endpoint can be cancelled.

    The same of `asks`, and of `hears`, where some endpoint may send an event.
    """
    parts = [part for operation in contract.operations for part in operation.parts]
    said = {"cancels": any(part.cancels for part in parts), "asks": any(part.asks for part in parts)}
    hearing = [one for one in contract.operations if one.heard or one.spoken_to or one.groups or not one.listens]
    warned = any(one.session_warning is not None for one in contract.operations)
    said["hears"] = said["asks"] or warned or bool(hearing)

    def chosen(found: re.Match[str]) -> str:
        return found[2] if said[found[1]] else ""

    return re.sub(r"(?ms)^ *(?://|#) if (cancels|asks|hears)\n(.*?)^ *(?://|#) end\n", chosen, connection)


def address(operation: Operation, literal: Callable[[str], str], segment: Callable[[str], str]) -> str:
    """The path of an endpoint as an expression: texts written by `literal`, parameters put in by `segment`."""
    parts = [""]
    for part in operation.path[1:].split("/"):
        parts[-1] += "/"
        if part.startswith("{") and part[1:-1] in operation.parameters:
            parts += [segment(part[1:-1]), ""]
        else:
            parts[-1] += part
    texts = [part if number % 2 else literal(part) for number, part in enumerate(parts)]
    return " + ".join(text for text in texts if text != '""')


def _expected(operation: Operation, kind: str, key: str) -> tuple[str, ...]:
    """The texts that the examples expect under `key`, each once."""
    steps = (step.value for example in operation.examples for step in example.steps if step.kind == kind)
    found = (value[key] for value in steps if isinstance(value, Mapping) and isinstance(value.get(key), str))
    return tuple(dict.fromkeys(found))


def _narrowed(schema: JSON, narrowing: Mapping[str, Any]) -> JSON:
    """A message's schema with what `input:` says that a type can say as well: what is required, which values."""
    properties = dict(schema.get("properties", {}))
    narrower = narrowing.get("properties", {})
    for key in properties.keys() & narrower.keys():
        values = _allowed(narrower[key], narrowing)
        if values is not None:
            note = {name: properties[key][name] for name in ("description", "default") if name in properties[key]}
            properties[key] = {"enum": [value for value in values if _fits(value, properties[key], schema)]} | note
    required = dict.fromkeys(
        [*schema.get("required", ()), *(k for k in narrowing.get("required", ()) if k in properties)]
    )
    return {**schema, "properties": properties, **({"required": list(required)} if required else {})}


def _allowed(schema: Any, root: Mapping[str, Any]) -> list[Any] | None:
    """The values that a schema of `input:` lists, or None where it lists none."""
    if isinstance(schema, Mapping) and str(schema.get("$ref", "")).startswith("#/$defs/"):
        schema = root.get("$defs", {}).get(schema["$ref"].removeprefix("#/$defs/"))
    if not isinstance(schema, Mapping) or not {"const", "enum"} & schema.keys():
        return None
    return [schema["const"]] if "const" in schema else list(schema["enum"])


def _fits(value: Any, schema: Any, root: JSON) -> bool:
    """Whether a plain value may be of a type; what cannot be known fits."""
    read = Types(()).alone("", {**schema, "$defs": root.get("$defs", {})})
    parts = read.parts if isinstance(read, Union) else (read,)
    kinds = {type(None): {"null"}, bool: {"boolean"}, int: {"integer", "number"}, float: {"number"}, str: {"string"}}
    fitting = kinds.get(type(value), set())
    return any(
        part.kind in fitting if isinstance(part, Scalar) else value in part.values if isinstance(part, Values) else True
        for part in parts
    )


def _is_class(schema: Mapping[str, Any]) -> bool:
    return bool(_title(schema)) and "properties" in schema and _is_object(schema)


def _is_object(schema: Mapping[str, Any]) -> bool:
    others = {"$ref", "enum", "const"} & schema.keys()
    return not others and (schema.get("type") == "object" or ("type" not in schema and "properties" in schema))


def _title(schema: Any) -> str:
    return str(schema.get("title", "")) if isinstance(schema, Mapping) else ""


def _note(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    parts = [str(schema["description"])] if "description" in schema else []
    parts += [f"Format: {schema['format']}."] if "format" in schema else []
    parts += ["Base64."] if schema.get("contentEncoding") == "base64" else []
    parts += [f"Default: {json.dumps(schema['default'], ensure_ascii=False)}"] if "default" in schema else []
    return " ".join(parts)


def _values(values: Iterable[Any]) -> Type:
    found = tuple(values)
    if any(not isinstance(value, str | int | float | bool | None) for value in found):
        return Unknown()
    # 1 == True in Python, and both may stand in one enum.
    return Values(tuple({(type(value), value): value for value in found}.values()))


def _without_null(found: Type) -> Type:
    """A path parameter is a text in an address; nothing there stands for null."""
    return union(part for part in found.parts if part != Scalar("null")) if isinstance(found, Union) else found
