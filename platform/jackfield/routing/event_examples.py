"""What `events:` names, compared with what examples push and expect, and with what comes where they are run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jackfield.config.plan import Plan, Step
from jackfield.errors import Problem
from jackfield.routing.events import OURS
from jackfield.routing.examples import parts_of, without_required
from jackfield.routing.table import Route, RoutingTable
from jackfield.schema.validator import Fault, Validator

__all__ = ["EventTypes", "event_faults"]

JSON = dict[str, Any]

_SENDER = ("from", "name")
_HINT = "correct it, or its type under `events:`"


@dataclass(frozen=True, slots=True)
class EventTypes:
    """The types of the events that one endpoint hears, by name: its own, or else those of all its groups.

    `replied` are names of events that replies become, which have keys of ours.
    """

    schemas: Mapping[str, Sequence[JSON]]
    replied: frozenset[str]

    @classmethod
    def of(cls, table: RoutingTable, route: Route) -> EventTypes:
        """Those of a route."""
        found: dict[str, list[JSON]] = {name: [schema] for name, schema in route.events.items()}
        for one in table.declared(route):
            for name, schema in table.events[one.pattern.text].items():
                if name not in route.events:
                    found.setdefault(name, []).append(schema)
        return cls(found, _replied(table.plan))

    @classmethod
    def of_group(cls, table: RoutingTable, group: str) -> EventTypes:
        """Those of a group by its name."""
        match = (one.pattern.text for one in table.groups if one.pattern.match(group) is not None)
        schemas = {name: [schema] for text in match for name, schema in table.events[text].items()}
        return cls(schemas, _replied(table.plan))

    def faults(self, event: object, *, partial: bool = False) -> list[Fault]:
        """What is wrong with an event; nothing where its name has no type. With `partial` keys may be missing."""
        if not isinstance(event, Mapping):
            return []  # a payload
        name = event.get("event")
        schemas = self.schemas.get(name, ()) if isinstance(name, str) else ()
        found = [list(self._of(event, schema, partial=partial)) for schema in schemas]
        return [] if not all(found) or not found else min(found, key=len)

    def _of(self, event: Mapping[str, Any], schema: JSON, *, partial: bool) -> Iterator[Fault]:
        ours = {*OURS, "$request"} - schema.get("properties", {}).keys()
        ours -= set() if event["event"] in self.replied else set(_SENDER)
        keys = {key: value for key, value in event.items() if key not in ours}
        yield from Validator(without_required(schema) if partial else schema).faults(keys)


def event_faults(plan: Plan, table: RoutingTable) -> list[Problem]:
    """What is wrong with the events in examples, each at its place."""
    found = []
    for route in table.routes.values():
        types = EventTypes.of(table, route)
        for step in (step for example in route.endpoint.examples for step in example.steps):
            for below, event, known in _events(table, step, types):
                for fault in known.faults(event, partial=step.partial):
                    message = f'the event "{event["event"]}" does not fit its type: {fault.problem}'
                    at = (*step.path, *below, *parts_of(fault.path))
                    found.append(plan.problem(at, "example_mismatch", message, _HINT))
    return found


def _events(
    table: RoutingTable, step: Step, types: EventTypes
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], EventTypes]]:
    """The event that a step holds, with where it stands in it and the types that count for it."""
    value = step.value
    if step.kind == "expect" and isinstance(value, Mapping):
        yield (), value, types
    elif step.kind == "push" and isinstance(value["event"], Mapping):
        named = EventTypes.of_group(table, value["group"]) if "group" in value else types
        yield ("event",), value["event"], named if named.schemas else types


def _replied(plan: Plan) -> frozenset[str]:
    return frozenset(part.event for one in plan.endpoints for part in one.parts if part.reply_to != "sender")
