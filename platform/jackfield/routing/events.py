"""What `events:` of groups and endpoints says: each event with the schema of its keys, compiled as hints are."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from jackfield.config.events import Event
from jackfield.config.plan import Endpoint, Plan
from jackfield.config.problems import PathTuple
from jackfield.errors import Problem
from jackfield.messages import OUR_EVENTS
from jackfield.process.calling import Raised, call, one_line
from jackfield.process.catalog import Catalog
from jackfield.process.python.sources import FOLDER
from jackfield.process.signature.hints import Unsupported
from jackfield.process.signature.reply import event_schema
from jackfield.schema.beside import beside
from jackfield.schema.validator import Validator
from jackfield.schema.walk import walk
from jackfield.similar import did_you_mean

__all__ = ["OURS", "of_endpoint", "of_groups"]

JSON = dict[str, Any]

OURS = ("event", "group", "$n", "$time", "from", "name")
"""Keys of ours that may stand in an event."""

_WRITE = "write a dataclass, TypedDict or Struct, or its keys here: {properties: {text: {type: string}}}"
_VALUES = (str, bytes, int, float, list, dict, tuple, set, frozenset)


class _Unfit(Exception):
    """A type that no event can be; `hint` says how to mend it."""

    def __init__(self, message: str, hint: str = _WRITE) -> None:
        self.hint = hint
        super().__init__(message)


def of_groups(plan: Plan, found: Catalog) -> tuple[dict[str, dict[str, JSON]], list[Problem]]:
    """The schemas of the events under `groups:`, by pattern and name, and what is wrong with them."""
    schemas: dict[str, dict[str, JSON]] = {}
    problems: list[Problem] = []
    for text, settings in plan.groups.items():
        schemas[text], faults = _compiled(plan, ("groups", text, "events"), settings.events, found)
        problems += faults
    return schemas, problems


def of_endpoint(plan: Plan, endpoint: Endpoint, found: Catalog) -> tuple[dict[str, JSON], list[Problem]]:
    """The schemas of an endpoint's own events by name, and what is wrong with them."""
    return _compiled(plan, ("endpoints", endpoint.name, "events"), endpoint.events, found)


def _compiled(
    plan: Plan, path: PathTuple, events: Iterable[Event], found: Catalog
) -> tuple[dict[str, JSON], list[Problem]]:
    schemas: dict[str, JSON] = {}
    problems = []
    for one in events:
        if isinstance(one.type, str) and any(one.type.startswith(f"{module}.") for module in found.broken):
            continue  # that file's own problem says it all
        try:
            schemas[one.name] = _schema(one, found, of_group=path[0] == "groups")
        except _Unfit as exc:
            problems.append(plan.problem((*path, one.name), "bad_event", str(exc), exc.hint))
    return schemas, problems


def _schema(one: Event, found: Catalog, *, of_group: bool) -> JSON:
    """The schema of an event without its name. Raises _Unfit."""
    if one.name in OUR_EVENTS or one.name.startswith("$"):
        raise _Unfit(f'"{one.name}" is an event of Jackfield itself', "choose another name")
    schema: JSON = _of_class(one.type, found) if isinstance(one.type, str) else dict(one.type)
    kinds = schema.get("type", "object")
    if "object" not in (kinds if isinstance(kinds, list) else [kinds]):
        raise _Unfit("an event is a JSON object, and this schema is of something else", "write `type: object`")
    for _, part in walk(schema):
        reference = str(part.get("$ref", ""))
        if reference.startswith("#") and reference[1:2] in ("", "/") and not reference.startswith("#/$defs/"):
            raise _Unfit(f'"{reference}" would mean the event with its name', "write what it means under `$defs`")
    parts = [_unnamed(part, one.name, of_group=of_group) for part in schema.get("anyOf", ())]
    schema = _unnamed(schema, one.name, of_group=of_group) | ({"anyOf": parts} if parts else {})
    if any(key not in schema.get("properties", {}) and beside(schema, key) is None for key in OURS):
        hint = "write the keys under `properties:`, without `$ref`, `const`, `enum` and `unevaluatedProperties` there"
        raise _Unfit('beside what this schema asks, keys of ours such as "event" find no room', hint)
    return schema


def _unnamed(schema: Any, name: str, *, of_group: bool) -> Any:
    """The schema without the key `event`, which has to let the name through. Raises _Unfit."""
    properties = dict(schema.get("properties", {})) if isinstance(schema, Mapping) else {}
    for key in properties:
        if key == "error" or (key.startswith("$") and key not in ("$n", "$time")) or (of_group and key == "group"):
            raise _Unfit(f'the key "{key}" is one of Jackfield\'s own', "give it another name")
    if "event" not in properties:
        return schema
    said = properties.pop("event")
    if not Validator(said).is_valid(name):
        raise _Unfit(f'its type has another name under "event" than "{name}"', "leave that key out, or correct it")
    required = [key for key in schema.get("required", ()) if key != "event"]
    return {**schema, "properties": properties} | ({"required": required} if "required" in schema else {})


def _of_class(name: str, found: Catalog) -> JSON:
    try:
        return call(_of_hint, name, call(found.named, name))
    except Raised as raised:
        exc = raised.exc
    if isinstance(exc, KeyError) and exc.args == (name,):
        raise _missing(name, found)
    if isinstance(exc, _Unfit):
        raise exc
    if isinstance(exc, Unsupported):
        raise _Unfit(f"{name}: {exc}", exc.hint or _WRITE)
    raise _Unfit(f'"{name}" raises when it is looked at: {one_line(exc)}', "")


def _of_hint(name: str, hint: Any) -> JSON:
    if inspect.isroutine(hint) or inspect.ismodule(hint) or isinstance(hint, _VALUES):
        kind = "function" if inspect.isroutine(hint) else type(hint).__name__
        raise _Unfit(f'"{name}" is no class, but a value of the type `{kind}`')
    return event_schema(hint, FOLDER)


def _missing(name: str, found: Catalog) -> _Unfit:
    """Why nothing in processes/ is called so."""
    if isinstance(getattr(builtins, name, None), type):
        return _Unfit(f"`{name}` is no object with keys, and an event is one")
    try:
        known = call(found.classes)
    except Raised:
        known = ()
    wanted = name.removeprefix("processes.")
    same = [one for one in known if one.rpartition(".")[2] == wanted.rpartition(".")[2]]
    meant = f'did you mean "{same[0]}"?' if len(same) == 1 else did_you_mean(wanted, known)
    module, _, last = wanted.rpartition(".")
    write = f"write the class {last} in processes/{(module or 'models').replace('.', '/')}.py"
    return _Unfit(f'no class is named "{name}"', meant or write)
