"""What is sent to the login and the administration and what they answer, as JSON Schema 2020-12.

The server reads bodies into the Structs of this file. Their bounds are those that it checks; a test gives the same
texts to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.auth.passwords import MAX_PASSWORD, MIN_PASSWORD
from jackfield.auth.refused import ID_TYPED
from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import JSON
from jackfield.describe.documents import http_seen
from jackfield.describe.documents.addition_schemas import of_additions
from jackfield.describe.documents.file_schemas import of_files
from jackfield.describe.documents.process_schemas import of_processes
from jackfield.describe.schema.components import at
from jackfield.messages import OUR_EVENTS
from jackfield.schema.patterns import SPAN

__all__ = [
    "MOST_SENT",
    "PARAMETERS",
    "SESSIONS",
    "Broadcast",
    "Credentials",
    "NewKey",
    "NewUser",
    "NewUsers",
    "Passwords",
    "Rotation",
    "UserChange",
    "schemas",
]

LONGEST_NAME = 128
"""Characters of a login, a role or a name."""

MOST_SENT = 1_000
"""Users of one import that is sent; a hash for each takes some 20 ms, and some proxies wait a minute."""

SESSIONS: JSON = {"type": "array", "items": at("Session")}
"""A list of sessions."""

# Unicode's control characters, separators of lines, and marks that turn the direction of text
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_NAME: JSON = {
    "minLength": 1,
    "maxLength": LONGEST_NAME,
    "pattern": rf"^[^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?$",
}
_DISPLAY_NAME: JSON = {
    "maxLength": LONGEST_NAME,
    "pattern": rf"^([^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?)?$",
    "description": "What people call the user; empty for nothing.",
}
_GROUP: JSON = {"minLength": 1, "maxLength": 200, "pattern": "^[!-#%-z|~][!-z|~]*$"}
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
_DURATION: JSON = {"pattern": "^[0-9]{1,9}([.][0-9]{1,3})? ?(ms|s|m|h|d)$", "examples": ["90d"]}
_NEXT = "What `next` of the page before says."

PARAMETERS: Mapping[str, JSON] = {
    "for": {
        "description": "How long the user does not get in again: 10m, 12h or 7d, a year at most.",
        "type": "string",
        "pattern": SPAN,
    },
    "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "login": {"type": "string", **_NAME},
    "name": {"type": "string", **_NAME},
    "process": {"type": "string", "minLength": 1, "description": "The name of a process, `prices` or `chat.say`."},
    "group": {"type": "string", **_GROUP, "description": "Its values are percent-encoded; in an address, once more."},
    "file": {
        "type": "string",
        "minLength": 1,
        "description": "The file's name below `data`; a slash in it is percent-encoded.",
        "examples": ["support/leave.csv"],
    },
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "endpoint": {"type": "string", "description": "The name of an endpoint."},
    "path": {
        "type": "string",
        "minLength": 1,
        "description": "A file of the project, its slashes as they are or escaped.",
    },
    "If-Match": {
        "type": "string",
        "pattern": '^"[0-9a-f]{32}"$',
        "description": "The etag of the text that was edited.",
    },
    "If-None-Match": {"const": "*", "description": "For a new file."},
    "limit": {"type": "integer", "minimum": 1, "maximum": 200},
    "address": {
        "type": "string",
        "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"const": ""}],
        "examples": ["192.0.2.7"],
        "description": "The address of a client.",
    },
    "since": {"type": "string", **_DURATION, "examples": ["24h"], "description": "For how long back, 24h or 7d."},
    "below": {
        "description": "The number of the row after which the page begins.",
        "type": "integer",
        "minimum": 0,
        "maximum": 99_999_999,
    },
    "after": {"type": "string", "description": _NEXT},
    **http_seen.PARAMETERS,
    "connections.after": {"type": "string", "pattern": r"^([0-9]{1,12}(\.[0-9]{1,9})?)?$", "description": _NEXT},
    "refusals.login": {"type": "string", "description": "A login, as the refusals have it."},
    "refusals.search": {"type": "string", "description": "A login, an address or an id, in the place of these."},
    "refusals.id": {
        "type": "string",
        "pattern": ID_TYPED,
        "examples": ["K7QF2M"],
        "description": "The id that somebody was told, as people type it.",
    },
}
"""The schemas of what stands in braces, in the query and in headers; under `CALL.NAME` those of one call alone."""

_ROLE: JSON = {**_NAME, "pattern": rf"^[^\s,+\-{_CONTROL}][^\s,{_CONTROL}]*$"}
_PASSWORD: JSON = {
    "format": "password",
    "maxLength": MAX_PASSWORD,
    "pattern": r"^[^\u0000]*$",
    "description": f"At most {MAX_PASSWORD:,} bytes of UTF-8.",
}
_NEW_PASSWORD: JSON = {
    **_PASSWORD,
    "minLength": MIN_PASSWORD,
    "description": f"At least {MIN_PASSWORD} characters, 15 are better, and at most {MAX_PASSWORD:,} bytes of UTF-8.",
}

_KEY_NAME: JSON = {**_NAME, "pattern": rf"^[^\s,/\\+\-{_CONTROL}][^\s,/\\{_CONTROL}]*$", "not": {"enum": [".", ".."]}}
_ROLE_OF_KEY: JSON = {**_ROLE, "not": {"const": "admin"}}
_SOME: JSON = {"minItems": 1, "maxItems": 100}
_UP_TO: JSON = {"maxItems": 100}
_GROUPS_OF_KEY: JSON = {**_GROUP, "description": "* stands for any text."}

# Bounds are described here and checked by jackfield.auth, which has a sentence for each.
_Login = Annotated[str, Meta(extra_json_schema=_NAME)]
_NewLogin = Annotated[str, Meta(extra_json_schema={**_NAME, "not": {"pattern": r"^(\.\.?$|key:|jwt:|verify:|~)"}})]
_Password = Annotated[str, Meta(extra_json_schema=_PASSWORD)]
_NewPassword = Annotated[str, Meta(extra_json_schema=_NEW_PASSWORD)]
_DisplayName = Annotated[str, Meta(extra_json_schema=_DISPLAY_NAME)]
_Roles = list[Annotated[str, Meta(extra_json_schema=_ROLE)]]


class Credentials(Struct, forbid_unknown_fields=True):
    """A login and its password."""

    login: _Login
    password: _Password


class Passwords(Struct, forbid_unknown_fields=True):
    """The caller's password, and the one that replaces it."""

    old: _Password
    new: _NewPassword


class NewUser(Struct, forbid_unknown_fields=True):
    """A user to add. Without a password, the user cannot log in with one."""

    login: _NewLogin
    password: _NewPassword | None = None
    roles: _Roles = []
    name: _DisplayName = ""


class UserRow(Struct, forbid_unknown_fields=True):
    """A user as NewUser has it; what does not fit is refused in the answer. Without a password one is made up."""

    login: str
    password: Annotated[str, Meta(extra_json_schema={"format": "password"})] | None = None
    roles: list[str] = []
    name: str = ""


class NewUsers(Struct, forbid_unknown_fields=True):
    """Users to add, all of them or nobody."""

    users: Annotated[list[UserRow], Meta(extra_json_schema={"minItems": 1, "maxItems": MOST_SENT})]
    dry_run: bool = False


class NewKey(Struct, forbid_unknown_fields=True):
    """A service key to make; `expires` is how long it lasts, without it for ever."""

    name: Annotated[str, Meta(extra_json_schema=_KEY_NAME)]
    roles: Annotated[list[Annotated[str, Meta(extra_json_schema=_ROLE_OF_KEY)]], Meta(extra_json_schema=_SOME)]
    groups: Annotated[list[Annotated[str, Meta(extra_json_schema=_GROUPS_OF_KEY)]], Meta(extra_json_schema=_UP_TO)] = []
    users: bool = False
    expires: Annotated[str, Meta(extra_json_schema=_DURATION)] | None = None


class Rotation(Struct, forbid_unknown_fields=True):
    """How long the old key opens beside the new one; a day where nothing is said."""

    overlap: Annotated[str, Meta(extra_json_schema=_DURATION)] | None = None


class UserChange(Struct, forbid_unknown_fields=True):
    """What is left out or null stays as it is."""

    roles: _Roles | None = None
    disabled: bool | None = None
    password: _NewPassword | None = None
    name: _DisplayName | None = None


class Draft(Struct, forbid_unknown_fields=True):
    """A message that is not sent yet, as it would go over the wire."""

    text: str


class Broadcast(Struct, forbid_unknown_fields=True):
    """One event for several groups."""

    groups: Annotated[list[Annotated[str, Meta(extra_json_schema=_GROUP)]], Meta(extra_json_schema=_GROUPS)]
    event: Annotated[dict[str, Any], Meta(extra_json_schema=_GROUP_EVENT)]


_BESIDES: Mapping[str, JSON] = {
    "Broadcast": {"examples": [{"groups": ["room:7", "room:8"], "event": {"event": "changed"}}]},
    "NewKey": {
        "if": {"properties": {"roles": {"contains": {"const": "publisher"}}}},
        "then": {
            "anyOf": [
                {"properties": {"groups": {"minItems": 1}}, "required": ["groups"]},
                {"properties": {"users": {"const": True}}, "required": ["users"]},
            ]
        },
        "else": {"properties": {"groups": {"maxItems": 0}, "users": {"const": False}}},
        "examples": [{"name": "shop", "roles": ["publisher"], "groups": ["order:*"], "expires": "90d"}],
    },
    "Credentials": {"examples": [{"login": "anna", "password": "…"}]},
    "NewUser": {
        "examples": [{"login": "anna", "password": "a good long phrase", "roles": ["support"], "name": "Анна"}]
    },
    "NewUsers": {"examples": [{"users": [{"login": "anna", "roles": ["support"], "name": "Анна"}], "dry_run": True}]},
    "UserChange": {
        "anyOf": [
            {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
            for name in UserChange.__struct_fields__
        ],
        "examples": [{"roles": ["support"]}],
    },
}
"""What the types of a body do not say."""

_TIME: JSON = {"type": "string", "format": "date-time"}
_MAYBE_TIME: JSON = {"type": ["string", "null"], "format": "date-time"}


def _object(properties: JSON, optional: tuple[str, ...] = (), **more: Any) -> JSON:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, **more}


def schemas(auth: AuthSettings) -> dict[str, JSON]:
    """The schemas to which the calls refer, by the names that they have in a document."""
    page = {**http_seen.SCHEMAS, **of_processes(), **of_files(), **of_additions(), **_page()}
    return {"Problem": _problem(), **_sent(), **_kept(), **page, **(_people(auth) if auth.own else {})}


def _problem() -> JSON:
    return _object(
        {
            "type": {"type": "string", "description": "urn:jackfield: and the code."},
            "title": {"type": "string", "description": "What the code means; never changes."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong here."},
            "code": {"type": "string"},
            "fix": {"type": "string", "description": "How to mend it."},
            "incident": {"type": "string", "description": "The id under which the server's log has it."},
            "refusal": {"type": "string", "description": "The id by which `jackfield refusals --id` finds it."},
        },
        ("incident", "refusal"),
        description="Why a request was refused (RFC 9457).",
    )


def _kept() -> dict[str, JSON]:
    """What tables keep, and messages that no row of one was for."""
    count: JSON = {"type": "integer", "minimum": 0}
    text: JSON = {"type": "string"}
    following: JSON = {"type": ["string", "null"], "description": "`after` of the next page; null at the end."}
    file = _object(
        {
            "name": text,
            "bytes": count,
            "rows": {"type": ["integer", "null"], "description": "Below the heads; null for a large file."},
            "modified": _TIME,
        }
    )
    unmatched = _object(
        {
            "id": text,
            "at": {**_TIME, "description": "When it came last."},
            "first_at": _TIME,
            "count": {"type": "integer", "minimum": 1, "description": "How many times it came."},
            "endpoint": text,
            "process": text,
            "message": {"type": "object", "description": "With the values of the address; no `$id`, no login."},
            "why": {"enum": ["last_row", "no_row"], "description": "A row that fits everything answered it, or none."},
        }
    )
    return {
        "DataFiles": _object({"files": {"type": "array", "items": file}, "next": following}),
        "UnmatchedMessages": _object({"messages": {"type": "array", "items": unmatched}, "next": following}),
    }


def _sent() -> dict[str, JSON]:
    """What other programs send to groups and users, and what they see."""
    count: JSON = {"type": "integer", "minimum": 0}
    text: JSON = {"type": "string"}
    following: JSON = {"type": ["string", "null"], "description": "`after` of the next page; null at the end."}
    delivered: JSON = {"type": "integer", "minimum": 0, "description": "Connections that get it, each group's."}
    kept: JSON = {**count, "description": "Events that a newcomer gets."}
    group = _object({"group": text, "count": {**count, "description": "Connections."}, "kept": kept})
    member = _object({"login": text, "connections": count})
    _, bodies = schema_components((Broadcast, Draft, NewKey, Rotation))
    key = {
        "name": text,
        "roles": _strings(),
        "groups": _strings(),
        "users": {"type": "boolean", "description": "Whether it may send to users."},
        "created_at": _TIME,
        "expires_at": _MAYBE_TIME,
        "old_until": {**_MAYBE_TIME, "description": "Until when what opened before a rotation does so."},
    }
    value: JSON = {"type": "string", "description": "The key, which is shown here alone."}
    return {
        **{name: {**schema, **_BESIDES.get(name, {})} for name, schema in bodies.items()},
        "Key": _object(key),
        "KeyShown": _object({**key, "key": value}),
        "Event": {**_EVENT, "examples": [{"event": "changed", "order": 7}]},
        "GroupEvent": {**_GROUP_EVENT, "examples": [{"event": "changed", "order": 7}]},
        "Delivered": _object({"delivered_to": delivered}),
        "DeliveredToUser": _object({"delivered_to": delivered, "online": {"type": "boolean"}}),
        "Removed": _object(
            {
                "removed": {**count, "description": "Connections that were taken out."},
                "banned_until": {**_TIME, "description": "Until when the user is kept out; missing without a ban."},
            },
            optional=("banned_until",),
        ),
        "Groups": _object({"groups": {"type": "array", "items": group}, "next": following}),
        "Members": _object(
            {"group": text, "count": count, "members": {"type": "array", "items": member}, "next": following}
        ),
        "Presence": _object({"online": {"type": "boolean"}, "connections": count}),
        "Refusals": _object({"refusals": {"type": "array", "items": _refused()}}),
    }


def _refused() -> JSON:
    """One kept refusal."""
    text: JSON = {"type": "string"}
    return _object(
        {
            "id": {**text, "description": "What the caller was told to read out."},
            "at": {**_TIME, "description": "The last of equal ones."},
            "first_at": {**_TIME, "description": "The first of them."},
            "count": {"type": "integer", "minimum": 1, "description": "How many there were."},
            "login": {**text, "description": "Of the known caller; empty for others."},
            "client": {**text, "description": "The address of the client."},
            "path": {**text, "description": "Without its query string."},
            "endpoint": {**text, "description": "Its name, where the path is an endpoint's."},
            "origin": text,
            "code": text,
            "status": {"type": "integer"},
            "detail": text,
            "fix": text,
        }
    )


def _page() -> dict[str, JSON]:
    """What the page asks for first, and the endpoints that it shows."""
    text, flag, more = {"type": "string"}, {"type": "boolean"}, {"type": "object"}
    would = {
        **_object({"status": {"type": "integer"}, "code": text, "detail": text, "fix": text}),
        "type": ["object", "null"],
    }
    line = {
        **dict.fromkeys(("name", "url", "summary"), text),
        **{name: _strings() for name in ("tags", "roles", "groups")},
        "access": {"enum": ["required", "optional", "public"]},
        "messages": {"enum": ["json", "text", "binary", "any"]},
        "listens": {**flag, "description": "Whether it takes messages."},
        "would": {**would, "description": "How an upgrade of the caller would be refused now."},
    }
    part = _object(
        {
            **dict.fromkeys(("action", "summary", "description", "shape"), text),
            "message": {**more, "description": "The JSON Schema of a message."},
            "narrowing": {"type": ["object", "null"], "description": "What holds besides (`input:`)."},
            "reply": {"type": ["object", "null"]},
            "replies": {"enum": ["none", "one", "many"]},
            "send": {"type": ["object", "null"], "description": "A message that fits."},
            "examples": {"type": "array", "items": _object({"name": text, "steps": {"type": "array", "items": more}})},
        }
    )
    whole = {
        **line,
        **dict.fromkeys(("path", "description", "event", "action_key"), text),
        **dict.fromkeys(("parameters", "values", "limits"), more),
        **{name: _strings() for name in ("subprotocols", "heard", "feeds")},
        **dict.fromkeys(("to_others", "cancels"), flag),
        "parts": {"type": "array", "items": part, "description": "Its kinds of message, one for each action."},
    }
    login = _object({"login": text, "roles": _strings(), "expires_at": _MAYBE_TIME})
    return {
        "Page": _object(
            {
                "title": text,
                "login": {**login, "type": ["object", "null"]},
                "auth": _object({"own": flag, "path": text, "cookie": text}),
                "reader": {**flag, "description": "Whether the documents are open to the caller."},
                "admin": {**flag, "description": "Whether the administration is."},
                "edit": {"enum": [None, "tables", "all"], "description": "What of the files the caller may change."},
                "elsewhere": {**text, "description": "Where they are, if not on this listener."},
            }
        ),
        "EndpointLine": _object(line),
        "Endpoint": _object(whole),
        "Faults": _object({"details": {"type": "array", "items": _object({"path": text, "problem": text})}}),
    }


def _people(auth: AuthSettings) -> dict[str, JSON]:
    token: JSON = {"token": {"type": "string", "description": "The cookie's value."}} if auth.token_in_body else {}
    caller: JSON = {"expires_at": _MAYBE_TIME, "login": {"type": "string"}, "roles": _strings()}
    user: JSON = {
        "login": {"type": "string"},
        "name": {"type": "string", "description": "What people call the user; empty for nothing."},
        "roles": _strings(),
        "disabled": {"type": "boolean"},
        "has_password": {"type": "boolean"},
        "created_at": _TIME,
    }
    imported: JSON = {
        "login": {"type": "string"},
        "done": {"enum": ["added", "skipped", "refused"], "description": "With `dry_run`: what would be done."},
        "problem": {"type": "string", "description": "Why it was not added; empty where it was."},
        "password": {"type": "string", "description": "One that was made up; it is shown here alone."},
    }
    session: JSON = {
        "id": {"type": "string", "description": "Opens nothing."},
        "created_at": _TIME,
        "seen_at": _TIME,
        "expires_at": _TIME,
        "client": {"type": "string", "description": "The address from which it was opened."},
        "agent": {"type": "string", "description": "What the client called itself."},
        "current": {"type": "boolean", "description": "Whether it is the session that asks; told to its user alone."},
    }
    _, bodies = schema_components(
        (Credentials, Passwords, NewUser, NewUsers, UserRow, UserChange), ref_template=at("{name}")["$ref"]
    )
    return {
        **{name: {**schema, **_BESIDES.get(name, {})} for name, schema in bodies.items()},
        "LoggedIn": _object({**token, **caller}),
        "Refreshed": _object({**token, "expires_at": _MAYBE_TIME}),
        "Caller": _object(caller),
        "Session": _object(session, ("current",)),
        "Imported": _object(
            {
                "added": {"type": "integer", "minimum": 0, "description": "How many were."},
                "results": {"type": "array", "items": _object(imported, ("password",))},
            }
        ),
        "User": _object(user),
        "UserWithSessions": _object({**user, "sessions": SESSIONS}),
    }


def _strings() -> JSON:
    return {"type": "array", "items": {"type": "string"}}
