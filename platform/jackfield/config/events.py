"""`events:` of a group and of an endpoint: the names of what is sent there, each with its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.config.settings import Kind

__all__ = ["EVENTS", "Event"]

_WHAT = (
    "must be the name of a class, like models.Said for Said in processes/models.py, or a JSON Schema of its keys: "
    "{properties: {text: {type: string}}}"
)
_TYPE = {
    "anyOf": [
        {
            "title": "Type",
            "description": "A class as hints name it: models.Said is Said in processes/models.py.",
            "type": "string",
            "maxLength": 200,
            "pattern": r"^(?!__)[A-Za-z_][A-Za-z0-9_]*(\.(?!__)[A-Za-z_][A-Za-z0-9_]*)*$",
            "errorMessage": _WHAT,
        },
        {"type": "object"},
    ],
    "errorMessage": _WHAT,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event that is sent: `type` is the name of a class below processes/, or a JSON Schema of its keys."""

    name: str
    type: str | Mapping[str, Any]


EVENTS = Kind(
    {
        "type": "object",
        "maxProperties": 100,
        "propertyNames": {"minLength": 1, "maxLength": 64, "errorMessage": "an event's name has up to 64 letters"},
        "additionalProperties": _TYPE,
        "errorMessage": "must be a mapping of each event to its type, like {said: models.Said}",
    },
    lambda raw: tuple(Event(name, kind) for name, kind in raw.items()),
)
"""What `events` of a group and of an endpoint takes."""
