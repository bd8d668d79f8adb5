"""What administrators see of a running server (server/web/seen.py), as JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.describe.contract import JSON
from jackfield.describe.schema.shapes import COUNT, FLAG, NEXT, TEXT, TEXTS, TIME, list_of, object_of
from jackfield.recent import LEVELS

__all__ = ["PARAMETERS", "SCHEMAS"]

PARAMETERS: Mapping[str, JSON] = {
    "level": {"type": "string", "enum": list(LEVELS), "description": "The least serious that is wanted."},
    "search": {"type": "string", "maxLength": 200, "description": "What has to stand in it, in whatever case."},
}
"""The schemas of the parameters that nothing else has."""

_SECONDS: JSON = {"type": "number", "description": "Seconds since the epoch."}


_CONNECTION = object_of(
    {
        "id": TEXT,
        "endpoint": TEXT,
        "login": {"type": ["string", "null"]},
        "visitor": {"type": ["string", "null"], "description": "The id of who is not logged in."},
        "address": {**TEXT, "description": "That of the client, as our proxies saw it."},
        "seconds": {**COUNT, "description": "Age."},
        "since": TIME,
        "messages": {**COUNT, "description": "Messages that came from it, those that were refused among them."},
        "silent": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Seconds since its last message; null where none came.",
        },
        "waiting": {**COUNT, "description": "Bytes that the client has not read."},
        "groups": TEXTS,
        "watchable": {**FLAG, "description": "Whether its messages may be watched (`inspect: payloads`)."},
    }
)
_LINE = object_of(
    {
        "n": {**COUNT, "description": "Its number; that of a later line is greater."},
        "at": TIME,
        "level": {"enum": list(LEVELS)},
        "event": TEXT,
        "fields": {"type": "object"},
    }
)
_ENDPOINT = object_of({"name": TEXT, "url": TEXT, "shape": TEXT, "connections": COUNT})

SCHEMAS: Mapping[str, JSON] = {
    "Connections": object_of(
        {
            "connections": {**list_of(_CONNECTION), "description": "The newest first."},
            "next": NEXT,
        }
    ),
    "Log": object_of({"events": {**list_of(_LINE), "description": "The newest first."}}),
    "Status": object_of(
        {
            "address": TEXT,
            "admin": TEXT,
            "listener": TEXT,
            "generation": COUNT,
            "hash": TEXT,
            "published_at": _SECONDS,
            "began": _SECONDS,
            "connections": COUNT,
            "fell_back": {"type": ["string", "null"], "description": "What is wrong with the files since the start."},
            "endpoints": list_of(_ENDPOINT),
        },
        "admin",
        "listener",
    ),
}
"""The schemas of the answers, by the names that they have in a document."""
