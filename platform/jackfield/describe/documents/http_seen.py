"""What administrators see of a running server (server/web/seen.py), as JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.describe.contract import JSON
from jackfield.recent import LEVELS

__all__ = ["PARAMETERS", "SCHEMAS"]

PARAMETERS: Mapping[str, JSON] = {
    "level": {"type": "string", "enum": list(LEVELS), "description": "The least serious that is wanted."},
    "search": {"type": "string", "maxLength": 200, "description": "What has to stand in it, in whatever case."},
}
"""The schemas of the parameters that nothing else has."""

_COUNT: JSON = {"type": "integer", "minimum": 0}
_TEXT: JSON = {"type": "string"}
_TIME: JSON = {"type": "string", "format": "date-time"}
_SECONDS: JSON = {"type": "number", "description": "Seconds since the epoch."}


def _object(properties: Mapping[str, Any], *optional: str) -> JSON:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(items: JSON) -> JSON:
    return {"type": "array", "items": items}


_CONNECTION = _object(
    {
        "id": _TEXT,
        "endpoint": _TEXT,
        "login": {"type": ["string", "null"]},
        "visitor": {"type": ["string", "null"], "description": "The id of who is not logged in."},
        "address": {**_TEXT, "description": "That of the client, as our proxies saw it."},
        "seconds": {**_COUNT, "description": "Age."},
        "since": _TIME,
        "messages": {**_COUNT, "description": "Messages that came from it, those that were refused among them."},
        "silent": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Seconds since its last message; null where none came.",
        },
        "waiting": {**_COUNT, "description": "Bytes that the client has not read."},
        "groups": _list(_TEXT),
        "watchable": {"type": "boolean", "description": "Whether its messages may be watched (`inspect: payloads`)."},
    }
)
_LINE = _object(
    {
        "n": {**_COUNT, "description": "Its number; that of a later line is greater."},
        "at": _TIME,
        "level": {"enum": list(LEVELS)},
        "event": _TEXT,
        "fields": {"type": "object"},
    }
)
_ENDPOINT = _object({"name": _TEXT, "url": _TEXT, "shape": _TEXT, "connections": _COUNT})

SCHEMAS: Mapping[str, JSON] = {
    "Connections": _object(
        {
            "connections": {**_list(_CONNECTION), "description": "The newest first."},
            "next": {"type": ["string", "null"], "description": "`after` of the next page; null at the end."},
        }
    ),
    "Log": _object({"events": {**_list(_LINE), "description": "The newest first."}}),
    "Status": _object(
        {
            "address": _TEXT,
            "admin": _TEXT,
            "listener": _TEXT,
            "generation": _COUNT,
            "hash": _TEXT,
            "published_at": _SECONDS,
            "began": _SECONDS,
            "connections": _COUNT,
            "fell_back": {"type": ["string", "null"], "description": "What is wrong with the files since the start."},
            "endpoints": _list(_ENDPOINT),
        },
        "admin",
        "listener",
    ),
}
"""The schemas of the answers, by the names that they have in a document."""
