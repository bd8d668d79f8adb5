"""What is sent to the login and the administration of users and service keys, and what they answer.

Bounds are described here and checked by jackfield.auth, which has a sentence for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import schema_components

from jackfield.auth.passwords import MAX_PASSWORD, MIN_PASSWORD
from jackfield.config.plan import AuthSettings
from jackfield.describe.contract import JSON
from jackfield.describe.documents.push_schemas import GROUP
from jackfield.describe.schema.components import at
from jackfield.describe.schema.shapes import COUNT, FLAG, MAYBE_TIME, TEXT, TEXTS, TIME, list_of, object_of

__all__ = [
    "DURATION",
    "MOST_SENT",
    "NAME",
    "SESSIONS",
    "Credentials",
    "NewKey",
    "NewUser",
    "NewUsers",
    "Passwords",
    "Rotation",
    "UserChange",
    "of_keys",
    "of_people",
]

LONGEST_NAME = 128
"""Characters of a login, a role or a name."""

MOST_SENT = 1_000
"""Users of one import that is sent; a hash for each takes some 20 ms, and some proxies wait a minute."""

SESSIONS: JSON = list_of(at("Session"))
"""A list of sessions."""

# Unicode's control characters, separators of lines, and marks that turn the direction of text
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
NAME: JSON = {
    "minLength": 1,
    "maxLength": LONGEST_NAME,
    "pattern": rf"^[^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?$",
}
"""What holds of a login."""

DURATION: JSON = {"pattern": "^[0-9]{1,9}([.][0-9]{1,3})? ?(ms|s|m|h|d)$", "examples": ["90d"]}
"""What holds of a text that says how long."""

_DISPLAY_NAME: JSON = {
    "maxLength": LONGEST_NAME,
    "pattern": rf"^([^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?)?$",
    "description": "What people call the user; empty for nothing.",
}
_ROLE: JSON = {**NAME, "pattern": rf"^[^\s,+\-{_CONTROL}][^\s,{_CONTROL}]*$"}
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

_KEY_NAME: JSON = {**NAME, "pattern": rf"^[^\s,/\\+\-{_CONTROL}][^\s,/\\{_CONTROL}]*$", "not": {"enum": [".", ".."]}}
_ROLE_OF_KEY: JSON = {**_ROLE, "not": {"const": "admin"}}
_SOME: JSON = {"minItems": 1, "maxItems": 100}
_UP_TO: JSON = {"maxItems": 100}
_GROUPS_OF_KEY: JSON = {**GROUP, "description": "* stands for any text."}

_Login = Annotated[str, Meta(extra_json_schema=NAME)]
_NewLogin = Annotated[str, Meta(extra_json_schema={**NAME, "not": {"pattern": r"^(\.\.?$|key:|jwt:|verify:|~)"}})]
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
    expires: Annotated[str, Meta(extra_json_schema=DURATION)] | None = None


class Rotation(Struct, forbid_unknown_fields=True):
    """How long the old key opens beside the new one; a day where nothing is said."""

    overlap: Annotated[str, Meta(extra_json_schema=DURATION)] | None = None


class UserChange(Struct, forbid_unknown_fields=True):
    """What is left out or null stays as it is."""

    roles: _Roles | None = None
    disabled: bool | None = None
    password: _NewPassword | None = None
    name: _DisplayName | None = None


_BESIDES: Mapping[str, JSON] = {
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


def of_people(auth: AuthSettings) -> dict[str, JSON]:
    """The schemas of our own login and its users, by the names that they have in a document."""
    token: JSON = {"token": {**TEXT, "description": "The cookie's value."}} if auth.token_in_body else {}
    caller: JSON = {"expires_at": MAYBE_TIME, "login": TEXT, "roles": TEXTS}
    user: JSON = {
        "login": TEXT,
        "name": {**TEXT, "description": "What people call the user; empty for nothing."},
        "roles": TEXTS,
        "disabled": FLAG,
        "has_password": FLAG,
        "created_at": TIME,
    }
    imported: JSON = {
        "login": TEXT,
        "done": {"enum": ["added", "skipped", "refused"], "description": "With `dry_run`: what would be done."},
        "problem": {**TEXT, "description": "Why it was not added; empty where it was."},
        "password": {**TEXT, "description": "One that was made up; it is shown here alone."},
    }
    session: JSON = {
        "id": {**TEXT, "description": "Opens nothing."},
        "created_at": TIME,
        "seen_at": TIME,
        "expires_at": TIME,
        "client": {**TEXT, "description": "The address from which it was opened."},
        "agent": {**TEXT, "description": "What the client called itself."},
        "current": {**FLAG, "description": "Whether it is the session that asks; told to its user alone."},
    }
    _, bodies = schema_components(
        (Credentials, Passwords, NewUser, NewUsers, UserRow, UserChange), ref_template=at("{name}")["$ref"]
    )
    return {
        **_completed(bodies),
        "LoggedIn": object_of({**token, **caller}),
        "Refreshed": object_of({**token, "expires_at": MAYBE_TIME}),
        "Caller": object_of(caller),
        "Session": object_of(session, "current"),
        "Imported": object_of(
            {
                "added": {**COUNT, "description": "How many were."},
                "results": list_of(object_of(imported, "password")),
            }
        ),
        "User": object_of(user),
        "UserWithSessions": object_of({**user, "sessions": SESSIONS}),
    }


def of_keys() -> dict[str, JSON]:
    """The schemas of service keys, by the names that they have in a document."""
    _, bodies = schema_components((NewKey, Rotation))
    key = {
        "name": TEXT,
        "roles": TEXTS,
        "groups": TEXTS,
        "users": {**FLAG, "description": "Whether it may send to users."},
        "created_at": TIME,
        "expires_at": MAYBE_TIME,
        "old_until": {**MAYBE_TIME, "description": "Until when what opened before a rotation does so."},
    }
    value: JSON = {**TEXT, "description": "The key, which is shown here alone."}
    return {
        **_completed(bodies),
        "Key": object_of(key),
        "KeyShown": object_of({**key, "key": value}),
    }


def _completed(bodies: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: {**schema, **_BESIDES.get(name, {})} for name, schema in bodies.items()}
