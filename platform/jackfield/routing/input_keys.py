"""Keys that an endpoint's `input:` names and its process does not take: a typing error that no message can satisfy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.config.plan import Endpoint, Plan
from jackfield.errors import Problem
from jackfield.schema.walk import SAME_VALUE, Path, subschemas
from jackfield.similar import did_you_mean

__all__ = ["unknown_keys"]

_Schemas = list[Mapping[str, Any]]

_DEEPEST = 20


def unknown_keys(plan: Plan, endpoint: Endpoint, message: Mapping[str, Any]) -> list[Problem]:
    """A problem for each key that `input:` names and a message cannot have; a warning where it could, to no use.

    `message` is the JSON Schema that is made of the process's hints. At its top unknown keys are refused; what a
    dataclass or TypedDict does not know is ignored.
    """
    compared = _Comparison(message)
    root = compared.resolved(message)
    problems = []
    for found in compared.unknown(endpoint.input or {}, root, (), _DEEPEST):
        hint = did_you_mean(found.name, found.known) or f"it takes {', '.join(found.known) or 'no keys'}"
        closed = message.get("additionalProperties", True) is False
        top = closed and found.path[:-1] in (("properties",), ("required",))
        noun = f"a key that {endpoint.process} takes" + ("" if top else " there, so it asks for nothing that is used")
        path = (*endpoint.path, "input", *found.path)
        sentence = f'"{found.name}" is not {noun}'
        problems.append(plan.problem(path, "input_mismatch", sentence, hint, "error" if top else "warning"))
    return problems


@dataclass(frozen=True, slots=True)
class _Unknown:
    path: Path
    name: str
    known: list[str]


class _Comparison:
    """`input:` beside the schemas that the process's hints make of the same value."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def resolved(self, schema: Any, deepest: int = _DEEPEST) -> _Schemas:
        """The schemas that a value may have: without `$ref`, one for each member of a union."""
        if not isinstance(schema, Mapping) or not deepest:
            return []
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return self.resolved(self.root.get("$defs", {}).get(ref.removeprefix("#/$defs/")), deepest - 1)
        members = schema.get("anyOf")
        if isinstance(members, list):
            return [found for member in members for found in self.resolved(member, deepest - 1)]
        return [schema]

    def unknown(self, asked: Any, given: _Schemas, path: Path, deepest: int) -> Iterator[_Unknown]:
        """Keys that `asked` names and no schema of `given` has."""
        if not isinstance(asked, Mapping) or not given or not deepest:
            return
        known = list(dict.fromkeys(name for schema in given for name in schema.get("properties", ())))
        objects = any("properties" in schema for schema in given)
        if objects and not any(map(_is_open, given)):
            for keyword, at, name in _named(asked):
                if name not in known:
                    yield _Unknown((*path, keyword, at), name, known)
        for further, inner, below in self._below(asked, given):
            yield from self.unknown(inner, below, (*path, *further), deepest - 1)

    def _below(self, asked: Mapping[str, Any], given: _Schemas) -> Iterator[tuple[Path, Any, _Schemas]]:
        items = [item for schema in given for item in [schema.get("items"), *schema.get("prefixItems", ())]]
        others = [schema.get("additionalProperties") for schema in given]
        for path, inner in subschemas(asked):
            match path:
                case (key, *_) if key in SAME_VALUE:
                    yield path, inner, given
                case ("properties", name):
                    named = [s.get("properties", {}).get(name, s.get("additionalProperties")) for s in given]
                    yield path, inner, self._all(named)
                case ("additionalProperties",):
                    yield path, inner, self._all(others)
                case ("items" | "contains" | "prefixItems", *_):
                    yield path, inner, self._all(items)

    def _all(self, schemas: list[Any]) -> _Schemas:
        return [found for schema in schemas for found in self.resolved(schema)]


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether any key means something in a value of this schema."""
    if "properties" in schema:
        return schema.get("additionalProperties", False) is not False
    return bool(schema.get("type", "object") == "object")


def _named(asked: Mapping[str, Any]) -> Iterator[tuple[str, str | int, str]]:
    for keyword in ("properties", "dependentRequired", "dependentSchemas"):
        yield from ((keyword, name, name) for name in asked.get(keyword, ()))
    yield from (("required", number, name) for number, name in enumerate(asked.get("required", ())))
