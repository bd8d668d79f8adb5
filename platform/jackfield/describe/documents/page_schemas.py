"""What the page is told first, and what it is told of endpoints."""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import schema_components

from jackfield.describe.contract import JSON
from jackfield.describe.schema.shapes import FLAG, MAYBE_TIME, TEXT, TEXTS, list_of, object_of

__all__ = ["Draft", "of_page"]


class Draft(Struct, forbid_unknown_fields=True):
    """A message that is not sent yet, as it would go over the wire."""

    text: str


def of_page() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    some: JSON = {"type": "object"}
    maybe: JSON = {"type": ["object", "null"]}
    would = {**object_of({"status": {"type": "integer"}, **dict.fromkeys(("code", "detail", "fix"), TEXT)}), **maybe}
    line = {
        **dict.fromkeys(("name", "url", "summary"), TEXT),
        **dict.fromkeys(("tags", "roles", "groups"), TEXTS),
        "access": {"enum": ["required", "optional", "public"]},
        "messages": {"enum": ["json", "text", "binary", "any"]},
        "listens": {**FLAG, "description": "Whether it takes messages."},
        "would": {**would, "description": "How an upgrade of the caller would be refused now."},
    }
    part = object_of(
        {
            **dict.fromkeys(("action", "summary", "description", "shape"), TEXT),
            "message": {**some, "description": "The JSON Schema of a message."},
            "narrowing": {**maybe, "description": "What holds besides (`input:`)."},
            "reply": maybe,
            "replies": {"enum": ["none", "one", "many"]},
            "send": {**maybe, "description": "A message that fits."},
            "examples": list_of(object_of({"name": TEXT, "steps": list_of(some)})),
        }
    )
    whole = {
        **line,
        **dict.fromkeys(("path", "description", "event", "action_key"), TEXT),
        **dict.fromkeys(("parameters", "values", "limits"), some),
        **dict.fromkeys(("subprotocols", "heard", "feeds"), TEXTS),
        **dict.fromkeys(("to_others", "cancels"), FLAG),
        "parts": list_of(part, description="Its kinds of message, one for each action."),
    }
    login = object_of({"login": TEXT, "roles": TEXTS, "expires_at": MAYBE_TIME})
    _, bodies = schema_components((Draft,))
    return {
        **bodies,
        "Page": object_of(
            {
                "title": TEXT,
                "login": {**login, **maybe},
                "auth": object_of({"own": FLAG, "path": TEXT, "cookie": TEXT}),
                "reader": {**FLAG, "description": "Whether the documents are open to the caller."},
                "admin": {**FLAG, "description": "Whether the administration is."},
                "edit": {"enum": [None, "tables", "all"], "description": "What of the files the caller may change."},
                "elsewhere": {**TEXT, "description": "Where they are, if not on this listener."},
            }
        ),
        "EndpointLine": object_of(line),
        "Endpoint": object_of(whole),
        "Faults": object_of({"details": list_of(object_of({"path": TEXT, "problem": TEXT}))}),
    }
