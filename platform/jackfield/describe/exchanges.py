"""What an endpoint's examples say of each kind of message, as payloads that can stand in a document.

A step may leave things out (`partial`, an error's sentence) or be wrong on purpose. Only what is whole, or can be
made so, and fits the schema is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from jackfield.config.plan import Step
from jackfield.describe import outcomes
from jackfield.describe.contract import JSON, Operation
from jackfield.describe.schema import envelope
from jackfield.errors import CODES
from jackfield.schema.validator import Validator

__all__ = ["Kind", "Shown", "exchanges"]

Kind = Literal[
    "message", "reply", "done", "error", "rejection", "said", "fed", "heard", "event", "cancel", "request", "answer"
]


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of an example: what it is called, and what goes over the wire."""

    kind: Kind
    name: str
    payload: JSON


def exchanges(operation: Operation) -> tuple[Shown, ...]:
    """The messages of an operation's examples, each once; a made-up one where no example sends any."""
    seen: dict[Kind, list[JSON]] = {}
    found = []
    for part in operation.parts:
        shown = list(_of_examples(part, seen))
        if part.send is not None and not any(one.kind == "message" for one in shown):
            shown.append(Shown("message", f"A message that fits{_of_action(part)}", part.send))
        found += shown
    return tuple(found)


def _of_action(part: Operation) -> str:
    return f" ({part.action[1]})" if part.action else ""


def _of_examples(operation: Operation, seen: dict[Kind, list[JSON]]) -> Iterator[Shown]:
    valid = _validators(operation)
    for example in operation.examples:
        counts: dict[Kind, int] = {}
        for kind, payload in filter(None, (_shown(step, operation) for step in example.steps)):
            fits = all(validator.is_valid(payload) for validator in valid.get(kind, ()))
            if payload in seen.setdefault(kind, []) or not fits:
                continue
            seen[kind].append(payload)
            counts[kind] = counts.get(kind, 0) + 1
            name = example.name if counts[kind] == 1 else f"{example.name} ({counts[kind]})"
            yield Shown(kind, name, payload)


def _shown(step: Step, operation: Operation) -> tuple[Kind, JSON] | None:
    """What a step shows, if it shows something whole."""
    if step.kind == "expect_close" or not isinstance(step.value, Mapping):
        return None
    if step.kind == "send":
        kind: Kind = "cancel" if "$cancel" in step.value else "answer" if "$answer" in step.value else "message"
        return kind, dict(step.value)
    if step.kind == "expect_error" or "error" in step.value:
        return _error(step)
    if step.partial:
        return None
    value = step.value["event"] if step.kind == "push" else step.value
    kind = "event" if "event" in value else "done" if "$done" in value else "reply"
    if operation.event and value.get("event") == operation.event:
        kind = "said"
    elif "event" in value and "$request" in value:
        kind = "request"
    elif value.get("event") in {one.name for one in operation.heard}:
        kind = "heard"
    elif value.get("event") in {name for feed in operation.feeds for name in feed.names}:
        kind = "fed"
    return kind, dict(value)


def _error(step: Step) -> tuple[Kind, JSON] | None:
    inner = step.value if step.kind == "expect_error" else step.value["error"]
    if not isinstance(inner, Mapping) or not isinstance(inner.get("code"), str):
        return None
    code = CODES.get(inner["code"])
    said = code.sentence if code else inner["code"].replace("_", " ")  # as errors.Reject has it
    return "error" if code else "rejection", {"error": {"message": said, **inner}}


def _validators(operation: Operation) -> Mapping[Kind, list[Validator]]:
    asked = [Validator(envelope.message(operation.message))]
    if operation.narrowing is not None:
        asked.append(Validator(envelope.narrowing(operation.narrowing, operation.action_key)))
    return {
        "message": asked,
        "reply": [Validator(envelope.reply(operation.reply))],
        "done": [Validator(envelope.DONE)],
        "cancel": [Validator(envelope.CANCEL)],
        "request": [Validator(envelope.REQUEST)],
        "answer": [Validator(envelope.ANSWER)],
        "said": [Validator(envelope.group_event(operation.event, operation.said))],
        "fed": _any_of([envelope.fed(one) for one in operation.feeds]),
        "heard": _any_of([envelope.heard(one) for one in operation.heard]),
        "error": [Validator(envelope.error(outcomes.errors(operation)))],
        "rejection": [Validator(envelope.rejection())],
    }


def _any_of(schemas: list[JSON]) -> list[Validator]:
    """What fits one of them; each keeps an $id of its own, so that `#/$defs/…` inside it means its own definitions."""
    parts = [{"$id": f"urn:jackfield:{number}", **schema} for number, schema in enumerate(schemas)]
    return [Validator({"anyOf": parts})] if parts else []
