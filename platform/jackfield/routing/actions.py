"""An endpoint with `actions`: what the routes of its actions are together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from jackfield.config.plan import Endpoint, Plan
from jackfield.errors import Problem
from jackfield.process.builtin import processes as builtin
from jackfield.process.signature import signature
from jackfield.routing.table import Route
from jackfield.schema.validator import Validator
from jackfield.schema.walk import mapped

__all__ = ["together", "with_action_key"]

JSON = dict[str, Any]


def together(plan: Plan, endpoint: Endpoint, routes: Mapping[str, Route]) -> tuple[Route, list[Problem]]:
    """The route of the endpoint, and a problem where its actions read a path parameter differently."""
    first = next(iter(routes.values()))
    key, signatures = endpoint.action_key, {name: route.signature for name, route in routes.items()}
    compiled, _ = signature.compile(builtin.NONE, first.pattern.params)
    assert compiled is not None, "it takes whatever comes"
    taken: JSON = {}
    problems = []
    for name, one in signatures.items():
        for param, schema in one.path_schemas.items():
            if taken.setdefault(param, schema) != schema:
                at = (*endpoint.path, "actions", name)
                message = f'the path parameter "{param}" is read otherwise by another action'
                problems.append(plan.problem(at, "bad_path_parameter", message, "give it the same hint everywhere"))
    schema = _either("oneOf", {name: with_action_key(one.input_schema, key, name) for name, one in signatures.items()})
    replies = {name: one.reply_schema for name, one in signatures.items() if one.replies != "none"}
    return Route(
        endpoint=endpoint,
        process=builtin.NONE,
        signature=replace(
            compiled,
            params={param: convert for one in signatures.values() for param, convert in one.params.items()},
            path_schemas=taken,
            resources=tuple({r.name: r for one in signatures.values() for r in one.resources}.values()),
            input_schema=schema,
            reply_schema=None
            if not replies or None in replies.values()
            else _either(
                "anyOf", {name: with_action_key(one, key, name) for name, one in replies.items() if one is not None}
            ),
            shape=" | ".join(f"{name} {one.shape}" for name, one in signatures.items()),
            replies="many"
            if any(one.replies == "many" for one in signatures.values())
            else "one"
            if replies
            else "none",
        ),
        pattern=first.pattern,
        narrow=None,
        whole=Validator(schema),
        example=first.example,
        example_raw=None if first.example is None else msgspec.Raw(msgspec.json.encode(first.example)),
        in_place=all(route.in_place for route in routes.values()),
        groups=first.groups,
        actions=routes,
    ), problems


def with_action_key(schema: Mapping[str, Any], key: str, name: str) -> JSON:
    """The schema of an object that says which action it is of, where it has no such key of its own."""
    found = {**schema, "properties": {key: {"const": name}, **schema.get("properties", {})}}
    found["required"] = [key, *schema.get("required", ())]
    if "propertyNames" in schema:
        found["propertyNames"] = {"anyOf": [{"const": key}, schema["propertyNames"]]}
    return found


def _joined(schemas: Mapping[str, Mapping[str, Any]]) -> tuple[list[JSON], JSON]:
    """The schemas without their definitions, and all definitions; those of one action are renamed where they differ."""
    defs: JSON = {}
    found = []
    for name, schema in schemas.items():
        own = schema.get("$defs", {})
        clash = any(defs.get(label, one) != one for label, one in own.items())
        names = {f"#/$defs/{label}": f"{label}.{name}" if clash else label for label in own}
        defs |= {names[f"#/$defs/{label}"]: _renamed(one, names) for label, one in own.items()}
        found.append(_renamed({key: value for key, value in schema.items() if key != "$defs"}, names))
    return found, defs


def _renamed(schema: Mapping[str, Any], names: Mapping[str, str]) -> JSON:
    found = mapped(schema, lambda inner: _renamed(inner, names))
    if found.get("$ref") in names:
        found["$ref"] = f"#/$defs/{names[found['$ref']]}"
    return found


def _either(keyword: str, schemas: Mapping[str, Mapping[str, Any]]) -> JSON:
    found, defs = _joined(schemas)
    return {"type": "object", keyword: found, **({"$defs": defs} if defs else {})}
