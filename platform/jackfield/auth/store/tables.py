"""What the store holds: its tables, the records read from them, and the names that may stand in them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
)

from jackfield import messages
from jackfield.auth.provider import JWT_SESSION, VERIFY_SESSION
from jackfield.errors import Refusal
from jackfield.identity import OF_KEYS, OF_VISITORS, Identity
from jackfield.logs import log

__all__ = [
    "MIGRATIONS",
    "SCHEMA_VERSION",
    "Change",
    "Kind",
    "Session",
    "User",
    "attempts",
    "changes",
    "events",
    "histories",
    "key_secrets",
    "keys",
    "login_of",
    "metadata",
    "name_of",
    "new_login",
    "normal_key",
    "normal_login",
    "normal_name",
    "normal_role",
    "read_json",
    "refusals",
    "schema_version",
    "sessions",
    "users",
]

SCHEMA_VERSION = 3

MIGRATIONS = {
    1: (
        "ALTER TABLE jackfield_sessions ADD COLUMN client VARCHAR(64) NOT NULL DEFAULT ''",
        "ALTER TABLE jackfield_sessions ADD COLUMN agent VARCHAR(200) NOT NULL DEFAULT ''",
        "ALTER TABLE jackfield_changes ADD COLUMN expires_at DOUBLE PRECISION",
    ),
    2: ("ALTER TABLE jackfield_users ADD COLUMN name VARCHAR(128) NOT NULL DEFAULT ''",),
}
"""What makes a store of an older schema one of the next; tables that are missing are made before."""

Kind = Literal[
    "session_ended",
    "session_refreshed",
    "password_changed",
    "user_disabled",
    "user_removed",
    "roles_changed",
    "user_added",
    "user_enabled",
    "name_changed",
    "connections_closed",
    "key_added",
    "key_rotated",
    "key_removed",
    "store_silent",
]
_OF_OTHERS = (JWT_SESSION, VERIFY_SESSION, OF_VISITORS)
_OF_LOGIN = frozenset({"user_disabled", "user_removed", "roles_changed"})
_OF_SESSION = frozenset({"session_ended", "session_refreshed", "password_changed"})
_OF_SERVICE = frozenset({"key_added", "key_rotated", "key_removed"})
_GO_ON = frozenset({"roles_changed", "session_refreshed"}) | _OF_SERVICE  # what a key's change ends: keys.py
_REASONS = {
    "session_ended": "the session was ended",
    "password_changed": "the password was changed",
    "user_disabled": "the user was disabled",
    "user_removed": "the user was removed",
    "connections_closed": "an administrator ended the connections of this user",
    "store_silent": "the store of sessions has not answered for too long",
}

# The names have a prefix: the database often has a table of users already.
metadata = MetaData()

schema_version = Table("jackfield_schema", metadata, Column("version", Integer, nullable=False))

users = Table(
    "jackfield_users",
    metadata,
    Column("login", String(512), primary_key=True),
    Column("password_hash", Text),
    Column("roles", JSON, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("name", String(128), nullable=False, server_default=""),
)

sessions = Table(
    "jackfield_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("login", ForeignKey("jackfield_users.login", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("seen_at", Double, nullable=False),
    Column("client", String(64), nullable=False, server_default=""),
    Column("agent", String(200), nullable=False, server_default=""),
)

changes = Table(
    "jackfield_changes",
    metadata,
    # Never the same id twice, even after a purge: a watcher remembers the last one it saw.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("login", String(512), nullable=False),
    Column("session", String(64), nullable=False),
    Column("roles", JSON),
    Column("at", Double, nullable=False),
    Column("expires_at", Double),
    sqlite_autoincrement=True,
)

keys = Table(
    "jackfield_keys",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("roles", JSON, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("users", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
)

# The SHA-256 of what opens with a key's name. After a rotation a key has two, of which one has an end.
key_secrets = Table(
    "jackfield_key_secrets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", ForeignKey("jackfield_keys.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("until", Double),
)

attempts = Table(
    "jackfield_attempts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("until", Double, nullable=False, index=True),
)

# What groups keep. An event that is written twice, because it was not known whether it was, is there once.
events = Table(
    "jackfield_events",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("pattern", String(200), nullable=False),
    Column("at", Double, nullable=False),
    Column("event", Text, nullable=False),
    Index("jackfield_events_by_age", "pattern", "at"),
)

# For how many seconds the events of a pattern are kept: what the last plan said that kept any.
histories = Table(
    "jackfield_histories",
    metadata,
    Column("pattern", String(200), primary_key=True),
    Column("keep", Double, nullable=False),
)

# Who was refused, and why; see refusals.py.
refusals = Table(
    "jackfield_refusals",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("first_at", Double, primary_key=True),
    Column("last_at", Double, nullable=False, index=True),
    Column("times", Integer, nullable=False),
    Column("login", String(512), nullable=False),
    Column("failed_login", Boolean, nullable=False),
    Column("client", String(64), nullable=False),
    Column("path", String(200), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("origin", String(200), nullable=False),
    Column("code", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("fix", Text, nullable=False),
    Index("jackfield_refusals_by_login", "login", "failed_login", "last_at"),
    Index("jackfield_refusals_by_client", "client", "last_at"),
)


@dataclass(frozen=True, slots=True)
class User:
    """One user. `password_hash` is None for one who cannot log in with a password; `repr` leaves it out.

    `name` is what people call the user, "" where nobody said it.
    """

    login: str
    roles: frozenset[str]
    disabled: bool
    created_at: float
    password_hash: str | None = field(repr=False)
    name: str = ""

    @classmethod
    def of(cls, row: Row[Any]) -> User:
        """The user in a row of `users`."""
        return cls(row.login, _roles_in(row), row.disabled, row.created_at, row.password_hash, row.name)


@dataclass(frozen=True, slots=True)
class Session:
    """One session with the roles and the name that its user has now. Times are seconds since the epoch.

    `client` is the address that it was opened from, `agent` what called itself so there; both may be empty.
    """

    id: str
    login: str
    roles: frozenset[str]
    created_at: float
    expires_at: float
    seen_at: float
    client: str = ""
    agent: str = ""
    name: str = ""

    @classmethod
    def of(cls, row: Row[Any]) -> Session:
        """The session in a row of `sessions` joined with `users`."""
        times = (row.created_at, row.expires_at, row.seen_at)
        return cls(row.id, row.login, _roles_in(row), *times, row.client, row.agent, row.name)

    @property
    def identity(self) -> Identity:
        """The identity that the session stands for."""
        return Identity(self.login, self.roles, self.id, self.expires_at, self.name)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a user or a session that matters to open connections.

    `session` is set where one session alone is meant, `roles` (the new ones) where they changed, `expires_at`
    (seconds since the epoch) where the session's end was moved. `store_silent` is never stored: it means that
    changes could not be read for too long, so that no session is known to be open.
    """

    login: str
    session: str
    kind: Kind
    roles: frozenset[str] | None = None
    id: int = 0
    expires_at: float | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> Change:
        """The change in a row of `changes`. Raises TypeError for one that cannot be read: its meaning is unknown."""
        if row.roles is not None and not _are_roles(row.roles):
            raise TypeError(f"the roles of the change {row.id} are no list of texts")
        roles = None if row.roles is None else frozenset(row.roles)
        return cls(row.login, row.session, row.kind, roles, row.id, row.expires_at)

    @property
    def of_key(self) -> bool:
        """Whether it is about a service key; `login` is `key:` and its name then, `session` the id of a secret."""
        return self.kind in _OF_SERVICE

    def concerns(self, identity: Identity) -> bool:
        """Whether it is about this caller. A session opened since, with a new password say, is not meant."""
        if self.kind in _OF_SESSION:
            return bool(self.session) and identity.session == self.session
        # A caller of another authority is not one of our users, even where the logins are spelled alike.
        ours = bool(identity.session) and ":" not in identity.session
        if self.kind == "store_silent":
            return ours
        if self.kind == "connections_closed":  # our own sessions have a row each
            return identity.login == self.login and not ours
        return self.kind in _OF_LOGIN and identity.login == self.login and ours

    @property
    def ends(self) -> bool:
        """Whether the callers concerned must log in anew. Other roles, or another end, end nothing now."""
        return self.kind not in _GO_ON

    @property
    def reason(self) -> str:
        """What the close frame of a connection that ends by it says."""
        return _REASONS.get(self.kind, "")


def read_json(text: object) -> Any:
    """What a JSON column holds; "" for what is no JSON, since one row must not keep all others from being read.

    SQLite gives a number where one was written; null is not the NULL that stands for no change of roles.
    """
    try:
        found = messages.parse(str(text).encode(errors="replace"))
    except ValueError:
        return ""
    return "" if found is None else found


def _roles_in(row: Row[Any]) -> frozenset[str]:
    """The roles in a row; none where something else was written there."""
    if _are_roles(row.roles):
        return frozenset(row.roles)
    log.warning("store_row_unreadable", login=row.login, reason="the roles are no list of texts; nobody has them")
    return frozenset()


def _are_roles(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(role, str) for role in value)


def normal_login(text: str) -> str:
    """The one spelling of a login (Unicode NFC), or Refusal `invalid_request`.

    Letters of any language, upper and lower case differ, 1 to 128 characters, no control characters, no
    marks that turn the direction of text, no blank at either end. None begins with `key:`, as service keys are called.
    """
    login = _normal(text, "login")
    if login.startswith(OF_KEYS):
        raise _bad(f"{login} cannot be a login: service keys are called so.", "Take another.")
    return login


def login_of(text: str) -> str:
    """The one spelling of a login; empty for what cannot be one."""
    try:
        return normal_login(text)
    except Refusal:
        return ""


def new_login(text: str) -> str:
    """The one spelling of a login that a user is to get: as `normal_login`, and neither `.` nor `..`.

    Below /api/users these two have no address: browsers and other clients take them out of any (RFC 3986, 5.2.4). None
    begins as the logins of other authorities and visitors do, whom others in a group could not tell from such a user.
    """
    login = normal_login(text)
    if login.startswith(_OF_OTHERS):
        raise _bad(f"{login} cannot be a login: {', '.join(_OF_OTHERS)} begin those of others.", "Take another.")
    if login in (".", ".."):
        raise _bad(
            f"{login} cannot be a login: clients take it out of an address, of /api/users/{login} too.", "Take another."
        )
    return login


def normal_key(text: str) -> str:
    """The one spelling of a service key's name: one word, by the rules of a role, and neither `.` nor `..`."""
    name = _normal(text, "key's name")
    if any(letter.isspace() or letter in ",/\\" for letter in name) or name[0] in "+-" or name in (".", ".."):
        raise _bad(f"The name {name!r} is no word that can stand in an address.", "Write one word, shop for example.")
    return name


def normal_name(text: str) -> str:
    """The one spelling of what people call a user, by the rules of a login; "" stands for no name."""
    return _normal(text, "name") if text else ""


def name_of(value: object) -> str:
    """What a caller is called by another authority; "" for what can be no name, which keeps nobody out."""
    try:
        return normal_name(value.strip()) if isinstance(value, str) else ""
    except Refusal:
        return ""


def normal_role(text: str) -> str:
    """The one spelling of a role, by the rules of a login and without blanks, commas or a leading + or -."""
    role = _normal(text, "role")
    if any(letter.isspace() or letter == "," for letter in role) or role[0] in "+-":
        raise _bad(f"The role {role!r} holds a blank or a comma, or begins with + or -.", "Write one word.")
    return role


def _normal(text: str, what: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    if not 1 <= len(normal) <= 128:
        raise _bad(f"A {what} has 1 to 128 characters; this has {len(normal)}.", "Take another.")
    if any(_is_control(letter) for letter in normal):
        raise _bad(f"The {what} {normal!r} holds a control character.", "Type it anew.")
    if normal != normal.strip():
        raise _bad(f"The {what} {normal!r} begins or ends with a blank.", "Leave the blank out.")
    return normal


def _is_control(letter: str) -> bool:
    turning = unicodedata.bidirectional(letter) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return turning or unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}


def _bad(detail: str, fix: str) -> Refusal:
    return Refusal("invalid_request", detail, fix)
