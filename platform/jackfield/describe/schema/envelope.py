"""What goes over the wire as JSON Schema 2020-12: messages and replies with their "$id", errors, events, the end.

The server takes "$id" off before anything else looks at a message, and puts it on after all else is made. So a
process's schema speaks of the object without it, and has to be said anew of the object that may have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jackfield.describe.contract import Heard, Spoken
from jackfield.errors import CODES, Code
from jackfield.schema.beside import beside

__all__ = [
    "ANSWER",
    "CANCEL",
    "DONE",
    "LEFT",
    "MESSAGE_ID",
    "REQUEST",
    "SESSION_EXPIRING",
    "error",
    "event",
    "fed",
    "group_event",
    "heard",
    "message",
    "narrowing",
    "rejection",
    "reply",
]

JSON = dict[str, Any]

MESSAGE_ID: JSON = {
    "description": "Stands in everything that answers this message.",
    "type": ["string", "integer"],
    "maxLength": 128,
}
"""What stands in answers."""

_ASKED_ID: JSON = {**MESSAGE_ID, "type": ["string", "integer", "null"]}
_ASKED_ID["description"] += " null is as if it were left out."

DONE: JSON = {
    "description": 'After the last reply to a message that had a "$id".',
    "type": "object",
    "properties": {"$done": {"const": True}, "$id": MESSAGE_ID},
    "required": ["$done", "$id"],
    "additionalProperties": False,
}

CANCEL: JSON = {
    "description": "Takes a message back; unless it was answered before, the error `cancelled` answers it.",
    "type": "object",
    "properties": {
        "$cancel": {
            "description": 'The "$id" of the message, or true for all that were sent.',
            "anyOf": [{"type": ["string", "integer"], "maxLength": 128}, {"const": True}],
        }
    },
    "required": ["$cancel"],
    "additionalProperties": False,
}

REQUEST: JSON = {
    "description": "An event that the client answers, and the process waits for that.",
    "type": "object",
    "properties": {
        "event": {"description": "The event's name.", "type": "string", "minLength": 1},
        "$request": {"description": "The number by which it is answered.", "type": "integer", "minimum": 1},
    },
    "required": ["event", "$request"],
}

ANSWER: JSON = {
    "description": "Answers a request, with the keys that the process asks for.",
    "type": "object",
    "properties": {"$answer": {"description": "The number of the request.", "type": "integer", "minimum": 1}},
    "required": ["$answer"],
}

SESSION_EXPIRING: JSON = {
    "description": "The session ends soon, and the connection with it; a refresh moves the end.",
    "type": "object",
    "properties": {
        "event": {"const": "session_expiring"},
        "expires_at": {"description": "When the session ends, in UTC.", "type": "string", "format": "date-time"},
    },
    "required": ["event", "expires_at"],
    "additionalProperties": False,
}

LEFT: JSON = {
    "description": "Somebody is in a group no more; for who was taken out, it is the last of that group.",
    "type": "object",
    "properties": {
        "event": {"const": "left"},
        "group": {"description": "The group.", "type": "string"},
        "login": {"description": "Who left; null for one who is not logged in.", "type": ["string", "null"]},
        "name": {"description": "What people call who left, where that is known.", "type": "string"},
        "count": {"description": "Connections that are left, where members hear of each other.", "type": "integer"},
    },
    "required": ["event", "group", "login"],
    "additionalProperties": False,
}

_OURS: JSON = {"anyOf": [{"required": ["error"]}, {"required": ["event"]}, {"required": ["$done"]}]}
"""An object with one of these keys is not a reply."""

_NO_EVENT: list[JSON] = [{"required": ["error"]}, {"required": ["$id"]}, {"required": ["$done"]}]
"""An object with one of these keys is not an event."""

_FAULT: JSON = {
    "type": "object",
    "properties": {
        "path": {"description": "Where in the message, as a JSON pointer (RFC 6901).", "type": "string"},
        "problem": {"description": "What is wrong there, in a sentence.", "type": "string"},
    },
    "required": ["path", "problem"],
    "additionalProperties": False,
}


def message(schema: Mapping[str, Any]) -> JSON:
    """What a client sends: the keys that the process takes, and a "$id"."""
    return _framed(schema, _ASKED_ID)


def narrowing(schema: Mapping[str, Any], action_key: str = "") -> JSON:
    """What `input:` asks of a message, said of a message that may have a "$id", and the key of its action."""
    found = beside(schema)
    if found is not None and action_key:
        found = beside(found, action_key)
    return _noted(schema) if found is None else found


def reply(schema: Mapping[str, Any] | None) -> JSON:
    """A reply: what the process gives, the "$id" of the message, and none of the keys that are ours.

    None for `schema` means that nothing is said of the object.
    """
    found = _framed({"type": "object"} if schema is None else schema, MESSAGE_ID)
    if found.get("additionalProperties") is not False and "not" not in found:
        found["not"] = _OURS
    return found


def event(*, but: Iterable[str] = (), asks: bool = False) -> JSON:
    """An event that a process sends; `but` are names that have a schema of their own. Who `asks` has REQUEST, too."""
    names = list(but)
    others = [*_NO_EVENT, *([{"required": ["$request"]}] if asks else [])]
    name: JSON = {"description": "The event's name.", "type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {"event": name | ({"not": {"enum": names}} if names else {})},
        "required": ["event"],
        "not": {"anyOf": others},
    }


def group_event(name: str, schema: Mapping[str, Any] | None) -> JSON:
    """The event that a reply of `schema` becomes where it goes to a group."""
    return _with(
        schema or {"type": "object"},
        {"event": {"const": name}, **_SENDER, **_OF_GROUP},
        ["event", "from"],
    )


def fed(said: Spoken) -> JSON:
    """The event that a feed says: what it yields, and what a group puts into it."""
    return _fed(said.schema or {"type": "object"}, said)


def _fed(schema: JSON, said: Spoken) -> JSON:
    if "anyOf" in schema:
        return {**schema, "anyOf": [_fed(part, said) for part in schema["anyOf"]]}
    properties = schema.get("properties", {})
    name: JSON = properties.get("event", {"const": "message"} if properties else {"type": "string", "minLength": 1})
    if said.but and not name.keys() & {"const", "enum"}:
        name = {**name, "not": {"enum": list(said.but)}}
    return _with(schema, {"event": name, **(_OF_GROUP if said.group else {})}, ["event"])


def heard(event: Heard) -> JSON:
    """The event that is declared: its keys, with what a group puts in, and where a reply made it, the sender."""
    ours = {"event": {"const": event.name}, **(_SENDER if event.sender else {}), **(_OF_GROUP if event.group else {})}
    return _heard(event.schema, ours)


def _heard(schema: JSON, ours: JSON) -> JSON:
    if "anyOf" in schema and schema.keys() <= {"anyOf", "$defs", "type"}:
        return {**schema, "anyOf": [_heard(part, ours) for part in schema["anyOf"]]}
    own = schema.get("properties", {})
    return _with(schema, {key: said for key, said in ours.items() if key not in own}, ["event"])


_FROM: JSON = {"description": "The sender's login, null for one who is not logged in.", "type": ["string", "null"]}
_NAME: JSON = {"description": "What people call the sender, where that is known.", "type": "string"}
_SENDER: JSON = {"from": _FROM, "name": _NAME}
_OF_GROUP: JSON = {
    "group": {"description": "The group, where the connection chose it or is in several.", "type": "string"},
    "$n": {"description": "The number in the group, where that keeps its events.", "type": "integer"},
    "$time": {
        "description": "When it was sent, where the group keeps its events.",
        "type": "string",
        "format": "date-time",
    },
}


def _with(schema: Mapping[str, Any], ours: JSON, needed: list[str]) -> JSON:
    """The schema of an object that has keys of ours besides, which win over its own."""
    own = schema.get("properties", {})
    found = dict(schema)
    for key in ours:
        found = found if key in own else beside(found, key) or found
    required = [*(key for key in found.get("required", ()) if key not in ours), *needed]
    properties = {**found.get("properties", {}), **ours}
    return {**found, "type": "object", "properties": properties, "required": required}


def error(codes: Iterable[Code]) -> JSON:
    """An error with one of our codes."""
    codes = list(codes)
    again = {True: " Trying again can help.", False: ""}
    sentences = "\n".join(f"- `{code.name}`: {code.sentence}{again[code.retry]}" for code in codes)
    return _answer(
        {
            "code": {"description": sentences, "enum": [code.name for code in codes]},
            "message": {"description": "A sentence for people.", "type": "string"},
            "details": {"description": "Of `invalid_message`: up to 20 faults.", "type": "array", "items": _FAULT},
            "example": {
                "description": "Of `invalid_message` and `message_too_long`: a message that fits.",
                "type": "object",
            },
            "request": {"description": "Of `invalid_message`: which request it was to answer.", "type": "integer"},
            "retry_after": {"description": "Seconds until a message is taken again.", "type": "number", "minimum": 0},
            "incident": {"description": "Of `process_failed`: the id under which the log has it.", "type": "string"},
        },
        closed=True,
    )


def rejection() -> JSON:
    """An error of the process's own, which may hold more under names that the process chooses."""
    ours = [code.name for code in CODES.values() if code.moment == "message"]
    code = {"description": "A name of the process's own.", "type": "string", "minLength": 1, "maxLength": 64}
    return _answer(
        {
            "code": code | {"not": {"enum": ours}},
            "message": {"description": "A sentence for people.", "type": "string"},
        },
        closed=False,
    )


def _framed(schema: Mapping[str, Any], message_id: JSON) -> JSON:
    found = beside(schema)
    if found is None:
        return _noted(schema)
    found["properties"] = {**found.get("properties", {}), "$id": message_id}
    return found


def _noted(schema: Mapping[str, Any]) -> JSON:
    """Where no room can be made for "$id", the schema holds for what has none."""
    before = f"{schema['description']}\n\n" if schema.get("description") else ""
    return {**schema, "description": f'{before}A "$id" may stand beside the keys that are spoken of here.'}


def _answer(properties: JSON, *, closed: bool) -> JSON:
    inner: JSON = {"type": "object", "properties": properties, "required": ["code", "message"]}
    return {
        "type": "object",
        "properties": {"error": inner | ({"additionalProperties": False} if closed else {}), "$id": MESSAGE_ID},
        "required": ["error"],
        "additionalProperties": False,
    }
