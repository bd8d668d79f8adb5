"""The keys of an action under `actions:`: each is a field with its setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jackfield.config.settings import Kind, choice, duration, function, mapping, rate, setting, text

__all__ = ["ACTIONS", "Action", "ActionLimits"]

_PROCESS = function("chat.say is the function say in processes/chat.py", or_table=True)

ACTIONS = Kind(
    {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 100,
        "propertyNames": {
            "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$",
            "errorMessage": "an action's name has up to 64 Latin letters, digits and _ . : -",
        },
        "additionalProperties": {"anyOf": [_PROCESS.schema, {"$ref": "#/$defs/action"}]},
        "errorMessage": "must be a mapping of each action to its process, like {say: chat.say}",
    }
)
"""What `actions` of an endpoint takes."""


@dataclass(frozen=True, slots=True)
class ActionLimits:
    """Bounds of one action: `rate` in messages a second, None where the endpoint's alone counts; `time` in seconds."""

    rate: float | None = setting(
        rate("1/h", "1000000/s"),
        "Messages of this action that one connection may send, {bounds}, or off. The endpoint's limit counts besides.",
        examples=["5/s"],
        default="off",
    )
    time: float | None = setting(
        duration("10ms", "1h"),
        "How long one call of its process may take, {bounds}; left out: as the endpoint says.",
        examples=["500ms"],
        value=None,
    )


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of message of an endpoint. What is None is as the endpoint says."""

    name: str
    process: str = setting(
        _PROCESS,
        "The function that answers messages of this action.",
        examples=["chat.say"],
    )
    reply_to: Literal["sender", "group", "others"] | None = setting(
        choice("sender", "group", "others"),
        "Who gets the reply; left out: as the endpoint says.",
        examples=["group"],
        value=None,
    )
    event: str = setting(
        text(minLength=1, maxLength=64),
        "The name of the event that a reply becomes where it goes to a group; left out: the endpoint's, or else the "
        "name of the action.",
        examples=["said"],
        value="",
    )
    roles: tuple[str, ...] = setting(
        mapping("actionAccess"),
        "Who may use it, of those who may enter: `{roles: [moderator]}`.",
        title="Who may use it",
        examples=[{"roles": ["moderator"]}],
        key="auth",
        value=(),
    )
    input: Mapping[str, Any] | None = setting(
        Kind({"type": "object"}),
        "What the message must satisfy besides the process's own parameters: a JSON Schema 2020-12.",
        examples=[{"properties": {"text": {"maxLength": 500}}}],
        value=None,
    )
    limits: ActionLimits = setting(mapping("actionLimits"), value=ActionLimits())
    summary: str = setting(
        text(maxLength=200),
        "One line for the documents, in any language.",
        examples=["Says something to the room"],
        default="",
    )
    description: str = setting(
        text(maxLength=20_000),
        "More for the documents; Markdown, in any language.",
        examples=["Says **something** to the room."],
        default="",
    )
    examples: tuple[Any, ...] = setting(
        Kind({"type": "array", "maxItems": 100, "items": {"$ref": "#/$defs/example"}}, tuple),
        "Exchanges for the documents, which `jackfield test` runs; messages are written with the action's name.",
        examples=[[{"name": "Hello", "steps": [{"send": {"action": "say", "text": "Hello"}}]}]],
        default=[],
    )
