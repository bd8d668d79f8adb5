"""Service keys: what other programs and devices show instead of a login. Only a hash of what opens is kept.

256 random bits cannot be guessed, so a fast hash is enough, and a key is found by it without comparing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import punctuation
from urllib.parse import quote

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.store.database import Database
from jackfield.auth.store.tables import Kind, changes, key_secrets, keys, normal_key, normal_role
from jackfield.errors import Refusal
from jackfield.identity import ADMIN, OF_KEYS, PUBLISHER, Identity

__all__ = ["MAX_KEYS", "OVERLAP", "PREFIX", "Key", "KeyTable", "Secret", "digest"]

PREFIX = "jf_"
"""What every key begins with."""

MAX_KEYS = 1000
"""Keys of one store; all of them are in the memory of each server."""

OVERLAP = 24 * 3600.0
"""Seconds that the old key opens after a rotation, by default."""

_MOST = 100  # patterns, or roles, of one key
_PATTERN = re.compile(r"[!-#%-z|~][!-z|~]{0,199}")  # as names of groups, whose own ones begin with $


@dataclass(frozen=True)
class Key:
    """One service key: its name, what it may do, and its secrets.

    `groups` are patterns of names to which it may send, with * for anything; `users` whether to users too.
    Times are seconds since the epoch, None for no end.
    """

    name: str
    roles: frozenset[str]
    groups: tuple[str, ...]
    users: bool
    created_at: float
    expires_at: float | None
    secrets: tuple[Secret, ...] = ()

    @property
    def login(self) -> str:
        """What it is called where others have a login."""
        return OF_KEYS + self.name

    def allows(self, group: str) -> bool:
        """Whether it may send to this group."""
        return self._allowed.fullmatch(group) is not None

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        patterns = (".*".join(map(re.escape, pattern.split("*"))) for pattern in self.groups)
        return re.compile("|".join(patterns) or r"(?!)", re.DOTALL)

    def identity(self, secret: Secret) -> Identity:
        """The caller who shows this secret of it."""
        ends = [end for end in (self.expires_at, secret.until) if end is not None]
        return Identity(self.login, self.roles, OF_KEYS + secret.id, min(ends, default=None))


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens with a key, by its hash; after a rotation the older one ends at `until`. `id` opens nothing."""

    id: str
    digest: str
    until: float | None


def digest(value: str) -> str:
    """The hash under which a key is kept."""
    return hashlib.sha256(value.encode()).hexdigest()


class KeyTable:
    """The keys of one database. Raises Refusal `store_unavailable` where it does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def list(self) -> Sequence[Key]:
        """All keys, by name."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(keys).order_by(keys.c.name))).all()
            found = (await connection.execute(select(key_secrets))).all()
        return [
            Key(
                row.name,
                _texts(row.roles),
                tuple(sorted(_texts(row.groups))),
                row.users,
                row.created_at,
                row.expires_at,
                tuple(Secret(one.id, one.digest, one.until) for one in found if one.name == row.name),
            )
            for row in rows
        ]

    async def get(self, name: str) -> Key:
        """One key. Raises Refusal `no_such_key`."""
        found = next((key for key in await self.list() if key.name == normal_key(name)), None)
        if found is None:
            raise _none(name)
        return found

    async def add(
        self, name: str, roles: Iterable[str], groups: Iterable[str], *, users: bool, lasts: float | None
    ) -> tuple[Key, str]:
        """Make a key that lasts so many seconds, None for ever; and what opens with it, which is kept nowhere.

        Raises Refusal `invalid_request`, `key_taken`.
        """
        now = self._clock()
        key = _checked(name, roles, groups, users=users, now=now, lasts=lasts)
        row = {
            "name": key.name,
            "roles": sorted(key.roles),
            "groups": list(key.groups),
            "users": users,
            "created_at": now,
            "expires_at": key.expires_at,
        }
        async with self._database.write() as connection:
            if await _is_there(connection, key.name):
                raise Refusal("key_taken", f"There is a key {key.name} already.")
            if (await connection.execute(select(func.count()).select_from(keys))).scalar_one() >= MAX_KEYS:
                raise _bad(f"There are {MAX_KEYS:,} keys, which is all that there may be.", "Remove some of them.")
            await connection.execute(insert(keys).values(row))
            value = await self._give(connection, key.name)
            await self._note(connection, "key_added", key.name)
        return key, value

    async def remove(self, name: str) -> str:
        """Remove a key, which opens nothing from now on; its name. Raises Refusal `no_such_key`."""
        name = normal_key(name)
        async with self._database.write() as connection:
            if not await _is_there(connection, name):
                raise _none(name)
            await connection.execute(delete(key_secrets).where(key_secrets.c.name == name))
            await connection.execute(delete(keys).where(keys.c.name == name))
            await self._note(connection, "key_removed", name)
        return name

    async def rotate(self, name: str, overlap: float) -> str:
        """Make a key's next secret; what opened before it does so for `overlap` seconds more, what is older no more.

        Raises Refusal `no_such_key`.
        """
        name, until = normal_key(name), self._clock() + overlap
        async with self._database.write() as connection:
            if not await _is_there(connection, name):
                raise _none(name)
            of_key = key_secrets.c.name == name
            for old in (await connection.execute(select(key_secrets).where(of_key))).all():
                end = until if old.until is None else min(old.until, self._clock())
                one = key_secrets.c.id == old.id
                await connection.execute(update(key_secrets).where(one).values(until=end))
                await self._note(connection, "key_rotated", name, OF_KEYS + old.id, end)
            await connection.execute(delete(key_secrets).where(of_key, key_secrets.c.until <= self._clock()))
            value = await self._give(connection, name)
            await self._note(connection, "key_added", name)
        return value

    async def _give(self, connection: AsyncConnection, name: str) -> str:
        value = PREFIX + secrets.token_urlsafe(32)
        row = {"id": secrets.token_hex(8), "digest": digest(value), "name": name}
        await connection.execute(insert(key_secrets).values(row))
        return value

    async def _note(
        self, connection: AsyncConnection, kind: Kind, name: str, session: str = "", expires_at: float | None = None
    ) -> None:
        row = {"kind": kind, "login": OF_KEYS + name, "session": session, "at": self._clock(), "expires_at": expires_at}
        await connection.execute(insert(changes).values(row))


def _checked(
    name: str, roles: Iterable[str], groups: Iterable[str], *, users: bool, now: float, lasts: float | None
) -> Key:
    """The key that is asked for. Raises Refusal `invalid_request` for one that would be of no use, or of too much."""
    wanted, patterns = frozenset(map(normal_role, roles)), tuple(sorted(set(groups)))
    if max(len(wanted), len(patterns)) > _MOST:
        raise _bad(f"A key has at most {_MOST} roles and patterns of groups.", "Make several keys.")
    if ADMIN in wanted:
        raise _bad(f"A key cannot have the role {ADMIN}.", f"Give it {PUBLISHER}, or a role that an endpoint asks for.")
    if not wanted:
        raise _bad("A key without a role opens nothing.", f"Give it {PUBLISHER}, or a role that an endpoint asks for.")
    if PUBLISHER in wanted and not (patterns or users):
        raise _bad("What the key may send to must be said.", "Say the groups, 'order:*' or '*' for example, or users.")
    if PUBLISHER not in wanted and (patterns or users):
        raise _bad("Groups and users are what a publisher sends to.", f"Give the key the role {PUBLISHER} as well.")
    wrong = next((pattern for pattern in patterns if not _PATTERN.fullmatch(pattern)), None)
    if wrong is not None:
        encoded = f"; in values other letters are percent-encoded: '{quote(wrong[:40], safe=punctuation)}'"
        fix = f"Write 'order:*' for all whose names begin with order:{'' if wrong.isascii() else encoded}."
        raise _bad(f"{wrong[:80]!r} is the name of no group.", fix)
    return Key(normal_key(name), wanted, patterns, users, now, None if lasts is None else now + lasts)


async def _is_there(connection: AsyncConnection, name: str) -> bool:
    return (await connection.execute(select(keys.c.name).where(keys.c.name == name))).first() is not None


def _texts(value: object) -> frozenset[str]:
    """What stands in a row; nothing where something else was written there."""
    found = value if isinstance(value, list) else []
    return frozenset(found) if all(isinstance(one, str) for one in found) else frozenset()


def _none(name: str) -> Refusal:
    return Refusal("no_such_key", f"There is no key {name}.")


def _bad(detail: str, fix: str) -> Refusal:
    return Refusal("invalid_request", detail, fix)
