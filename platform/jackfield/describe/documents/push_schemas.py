"""What other programs send to groups and users, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.describe.contract import JSON
from jackfield.describe.schema.shapes import COUNT, FLAG, NEXT, TEXT, TIME, list_of, object_of
from jackfield.messages import OUR_EVENTS

__all__ = ["GROUP", "Broadcast", "of_push"]

GROUP: JSON = {"minLength": 1, "maxLength": 200, "pattern": "^[!-#%-z|~][!-z|~]*$"}
"""What holds of the name of a group."""

_GROUPS: JSON = {"minItems": 1, "maxItems": 100}
_EVENT: JSON = {
    "type": "object",
    "properties": {"event": {"type": "string", "minLength": 1, "description": "Its name."}},
    "required": ["event"],
    "propertyNames": {"not": {"pattern": r"^(\$|error$)"}},
}
_GROUP_EVENT: JSON = {
    **_EVENT,
    "properties": {"event": {**_EVENT["properties"]["event"], "not": {"enum": sorted(OUR_EVENTS)}}},
    "propertyNames": {"not": {"pattern": r"^(\$|error$|group$)"}},
}


class Broadcast(Struct, forbid_unknown_fields=True):
    """One event for several groups."""

    groups: Annotated[list[Annotated[str, Meta(extra_json_schema=GROUP)]], Meta(extra_json_schema=_GROUPS)]
    event: Annotated[dict[str, Any], Meta(extra_json_schema=_GROUP_EVENT)]


def of_push() -> dict[str, JSON]:
    """The schemas by the names that they have in a document."""
    delivered: JSON = {**COUNT, "description": "Connections that get it, each group's."}
    kept: JSON = {**COUNT, "description": "Events that a newcomer gets."}
    group = object_of({"group": TEXT, "count": {**COUNT, "description": "Connections."}, "kept": kept})
    member = object_of({"login": TEXT, "connections": COUNT})
    removed = {
        "removed": {**COUNT, "description": "Connections that were taken out."},
        "banned_until": {**TIME, "description": "Until when the user is kept out; missing without a ban."},
    }
    _, bodies = schema_components((Broadcast,))
    for_several = {"groups": ["room:7", "room:8"], "event": {"event": "changed"}}
    return {
        "Broadcast": {**bodies["Broadcast"], "examples": [for_several]},
        "Event": {**_EVENT, "examples": [{"event": "changed", "order": 7}]},
        "GroupEvent": {**_GROUP_EVENT, "examples": [{"event": "changed", "order": 7}]},
        "Delivered": object_of({"delivered_to": delivered}),
        "DeliveredToUser": object_of({"delivered_to": delivered, "online": FLAG}),
        "Removed": object_of(removed, "banned_until"),
        "Groups": object_of({"groups": list_of(group), "next": NEXT}),
        "Members": object_of({"group": TEXT, "count": COUNT, "members": list_of(member), "next": NEXT}),
        "Presence": object_of({"online": FLAG, "connections": COUNT}),
    }
