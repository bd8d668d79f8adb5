"""Users and sessions in the database. Every change of access adds a row to `changes`, in the same
transaction, where other servers read what one process did.

Faults are Refusals: `store_unavailable` when the database does not answer; `no_such_user`, `login_taken` and
`invalid_request` when what is asked for cannot be, with a sentence for the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.store.attempts import Attempts
from jackfield.auth.store.database import Database
from jackfield.auth.store.histories import HistoryTable
from jackfield.auth.store.keys import KeyTable
from jackfield.auth.store.refusals import RefusalTable
from jackfield.auth.store.tables import (
    MIGRATIONS,
    SCHEMA_VERSION,
    Change,
    Kind,
    Session,
    User,
    changes,
    login_of,
    metadata,
    new_login,
    normal_login,
    normal_name,
    normal_role,
    refusals,
    schema_version,
    sessions,
    users,
)
from jackfield.auth.store.unmatched import UnmatchedTable
from jackfield.errors import Refusal

__all__ = ["MAX_SESSIONS", "Holder", "Store"]

MAX_SESSIONS = 100
"""How many sessions a user has at most; a further login ends the oldest."""

Holder = tuple[str, str]
"""A login and a role: something is done only if this user may log in and has that role at that moment."""

_AT_ONCE = 1000


class Store:
    """The users and sessions in one database. Open it with `Store.open`, close it at the end.

    `attempts` are the logins that failed lately, `keys` those of other programs, `histories` what groups keep,
    `unmatched` messages that no row of a table was for, `refusals` who was refused.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.attempts = Attempts(database, clock)
        self.keys = KeyTable(database, clock)
        self.histories = HistoryTable(database, clock)
        self.unmatched = UnmatchedTable(database, clock)
        self.refusals = RefusalTable(database, clock)
        self._database = database
        self._clock = clock

    @classmethod
    async def open(cls, url: str, clock: Callable[[], float]) -> Self:
        """The store at this database URL, its tables made where they are missing and brought up to date.

        `clock` gives seconds since the epoch. Raises Refusal `store_unavailable`, also for a store that a
        newer version has made.
        """
        store = cls(Database.at(url), clock)
        try:
            await store._database.prepare()
            async with store._database.write() as connection:
                await connection.run_sync(_prepare)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Close the connections to the database."""
        await self._database.close()

    # users

    async def add(
        self,
        login: str,
        password_hash: str | None,
        roles: Iterable[str] = (),
        *,
        name: str = "",
        by: Holder | None = None,
    ) -> User:
        """Add a user. One without a password hash cannot log in with a password; `name` is what people call the user.

        With `by` only if that holds, else Refusal `role_required`; so below.
        """
        user = User(new_login(login), _roles(roles), False, self._clock(), password_hash, normal_name(name))
        async with self._database.write() as connection:
            await _check(connection, by)
            if await _user(connection, user.login) is not None:
                detail = f"There is a user {user.login} already."
                raise Refusal("login_taken", detail, "Choose another login, or change that user.")
            await self._insert(connection, user)
        return user

    async def add_all(self, added: Sequence[User], *, by: Holder | None = None) -> frozenset[str]:
        """Add users in one transaction, those that are there already aside; the logins of those that were added."""
        async with self._database.write() as connection:
            await _check(connection, by)
            there = await _there(connection, [user.login for user in added])
            rows = [_row(user) for user in added if user.login not in there]
            if rows:
                at = self._clock()
                notes = [{"kind": "user_added", "login": row["login"], "session": "", "at": at} for row in rows]
                await connection.execute(insert(users), rows)
                await connection.execute(insert(changes), notes)
        return frozenset(str(row["login"]) for row in rows)

    async def add_first(self, login: str, password_hash: str, roles: Iterable[str]) -> User | None:
        """Add a user to a store that has none. None where it has some, another server's a moment ago for example."""
        user = User(new_login(login), _roles(roles), False, self._clock(), password_hash)
        async with self._database.write() as connection:
            if (await connection.execute(select(users.c.login).limit(1))).first() is not None:
                return None
            await self._insert(connection, user)
        return user

    async def get(self, login: str) -> User | None:
        """The user with this login, None where there is none."""
        async with self._database.read() as connection:
            return await _user(connection, normal_login(login))

    async def known_of(self, logins: Iterable[str]) -> frozenset[str]:
        """Those of these logins that are users'; what can be no login is none."""
        async with self._database.read() as connection:
            return await _there(connection, sorted({login_of(login) for login in logins}))

    async def known(self, login: str) -> User:
        """The user with this login. Raises Refusal `no_such_user`."""
        async with self._database.read() as connection:
            return await _known(connection, login)

    async def list(self) -> Sequence[User]:
        """All users, by login."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(users).order_by(users.c.login))
        return tuple(User.of(row) for row in rows)

    async def remove(self, login: str, *, by: Holder | None = None) -> None:
        """Remove a user with all sessions, and what is kept of refusals."""
        async with self._database.write() as connection:
            await _check(connection, by)
            user = await _known(connection, login)
            await connection.execute(delete(sessions).where(sessions.c.login == user.login))
            await connection.execute(delete(refusals).where(refusals.c.login == user.login))
            await connection.execute(delete(users).where(users.c.login == user.login))
            await self._note(connection, "user_removed", user.login)

    async def disable(self, login: str) -> None:
        """Keep a user out: no login, and all sessions end. A disabled user stays as is."""
        await self.change(login, disabled=True)

    async def enable(self, login: str) -> None:
        """Let a disabled user in again, with a new login."""
        await self.change(login, disabled=False)

    async def set_password_hash(
        self, login: str, password_hash: str, *, keep: str = "", instead_of: str | None = None
    ) -> int | None:
        """Change a password and end the user's sessions, the one with the id `keep` aside; how many.

        None, and nothing is changed, if `instead_of` is given and is not the user's hash any more.
        """
        async with self._database.write() as connection:
            user = await _known(connection, login)
            if instead_of is not None and user.password_hash != instead_of:
                return None
            return await self._set_hash(connection, user, password_hash, keep)

    async def renew_hash(self, login: str, old: str, new: str) -> None:
        """Put a hash of the same password in the old one's place, unless the password was changed since."""
        unchanged = (users.c.login == login) & (users.c.password_hash == old)
        async with self._database.write() as connection:
            await connection.execute(update(users).where(unchanged).values(password_hash=new))

    async def set_roles(self, login: str, roles: Iterable[str]) -> None:
        """Give a user these roles and no others. The sessions go on, with the new roles."""
        await self.change(login, roles=roles)

    async def change(
        self,
        login: str,
        *,
        roles: Iterable[str] | None = None,
        disabled: bool | None = None,
        password_hash: str | None = None,
        name: str | None = None,
        by: Holder | None = None,
    ) -> User:
        """Change what is given of a user, all of it or nothing; how the user is then.

        Who is disabled or gets another password loses all sessions. A new name is that of connections from now on.
        """
        wanted = None if roles is None else _roles(roles)
        called = None if name is None else normal_name(name)
        async with self._database.write() as connection:
            await _check(connection, by)
            user = await _known(connection, login)
            if wanted is not None and user.roles != wanted:
                await _update(connection, user, roles=sorted(wanted))
                await self._note(connection, "roles_changed", user.login, roles=wanted)
            if called is not None and user.name != called:
                await _update(connection, user, name=called)
                await self._note(connection, "name_changed", user.login)
            if password_hash is not None:
                await self._set_hash(connection, user, password_hash)
            if disabled:
                await connection.execute(delete(sessions).where(sessions.c.login == user.login))
                await _update(connection, user, disabled=True)
                await self._note(connection, "user_disabled", user.login)
            elif disabled is not None:
                await _update(connection, user, disabled=False)
                await self._note(connection, "user_enabled", user.login)
            return await _known(connection, user.login)

    # sessions

    async def add_session(
        self,
        session: str,
        login: str,
        digest: str,
        *,
        expires_at: float,
        password_hash: str | None = None,
        client: str = "",
        agent: str = "",
    ) -> Session | None:
        """Keep a new session under its public id and the SHA-256 of its secret.

        None if the user is gone or disabled, or if `password_hash` is given and no longer the user's. Over
        `MAX_SESSIONS` the oldest ends. `client` and `agent` help the user to recognise it, at most 64 and 200
        characters of them.
        """
        now = self._clock()
        async with self._database.write() as connection:
            user = await _user(connection, login)
            if user is None or user.disabled or password_hash not in (None, user.password_hash):
                return None
            await self._make_room(connection, login)
            row = {"id": session, "digest": digest, "login": login, "client": client[:64], "agent": agent[:200]}
            times = {"created_at": now, "expires_at": expires_at, "seen_at": now}
            await connection.execute(insert(sessions).values(row | times))
        return Session(session, login, user.roles, now, expires_at, now, row["client"], row["agent"], user.name)

    async def get_session(self, digest: str) -> Session | None:
        """The session whose secret has this SHA-256, None if it has ended or its user may not enter."""
        async with self._database.read() as connection:
            row = (await connection.execute(_joined().where(sessions.c.digest == digest))).first()
        return None if row is None else Session.of(row)

    async def sessions_of(self, login: str) -> Sequence[Session]:
        """A user's sessions, oldest first, also those that have run out and were not purged yet."""
        query = _joined().where(sessions.c.login == normal_login(login)).order_by(sessions.c.created_at)
        async with self._database.read() as connection:
            rows = await connection.execute(query)
        return tuple(Session.of(row) for row in rows)

    async def write_seen(self, seen: Mapping[str, float]) -> None:
        """Write down when sessions, by id, were seen last."""
        query = update(sessions).where(sessions.c.id == bindparam("session")).values(seen_at=bindparam("at"))
        rows = [{"session": session, "at": at} for session, at in seen.items()]
        async with self._database.write() as connection:
            await connection.execute(query, rows)

    async def prolong(self, session: str, expires_at: float, *, longest: float, step: float) -> Session | None:
        """Move a session's end to `expires_at`, at most `longest` seconds after it was opened. None if it has ended.

        Nothing is changed for less than `step` seconds, so that a client that asks without pause makes no changes.
        """
        async with self._database.write() as connection:
            query = _joined().where(sessions.c.id == session, sessions.c.expires_at > self._clock())
            row = (await connection.execute(query)).first()
            if row is None:
                return None
            found = Session.of(row)
            until = min(expires_at, found.created_at + longest)
            if until - found.expires_at < step:
                return found
            await connection.execute(update(sessions).where(sessions.c.id == session).values(expires_at=until))
            await self._note(connection, "session_refreshed", found.login, session, expires_at=until)
        return replace(found, expires_at=until)

    async def end_session(self, session: str, *, login: str | None = None) -> bool:
        """End one session by its id. False if there was none, or none of the user `login` where one is given."""
        wanted = delete(sessions).where(sessions.c.id == session)
        if login is not None:
            wanted = wanted.where(sessions.c.login == login)
        async with self._database.write() as connection:
            owner = (await connection.execute(wanted.returning(sessions.c.login))).scalar_one_or_none()
            if owner is not None:
                await self._note(connection, "session_ended", owner, session)
        return owner is not None

    async def end_all(self, login: str, *, keep: str = "") -> int:
        """End all sessions of a user, the one with the id `keep` aside. Returns how many ended."""
        async with self._database.write() as connection:
            user = await _known(connection, login)
            return await self._end_all(connection, user.login, "session_ended", keep)

    async def close_all(self, login: str) -> int:
        """End all that a login has open, also of a user whom another authority knows; how many sessions ended."""
        name = normal_login(login)
        async with self._database.write() as connection:
            ended = await self._end_all(connection, name, "session_ended", "")
            await self._note(connection, "connections_closed", name)
        return ended

    async def purge(self, *, idle_since: float | None, changes_before: float) -> None:
        """Forget sessions that have run out or were not used since `idle_since`, and old changes."""
        over = sessions.c.expires_at <= self._clock()
        if idle_since is not None:
            over = over | (sessions.c.seen_at <= idle_since)
        async with self._database.write() as connection:
            await connection.execute(delete(sessions).where(over))
            await connection.execute(delete(changes).where(changes.c.at < changes_before))
        await self.attempts.purge()

    # changes

    async def last_change(self) -> int:
        """The id of the newest change, 0 before the first."""
        async with self._database.read() as connection:
            last = await connection.execute(select(func.max(changes.c.id)))
            return int(last.scalar() or 0)

    async def changes_since(self, last: int) -> Sequence[Change]:
        """The changes after this id, oldest first, at most a thousand at once."""
        query = select(changes).where(changes.c.id > last).order_by(changes.c.id).limit(_AT_ONCE)
        async with self._database.read() as connection:
            rows = await connection.execute(query)
        return tuple(Change.of(row) for row in rows)

    async def _insert(self, connection: AsyncConnection, user: User) -> None:
        await connection.execute(insert(users).values(_row(user)))
        await self._note(connection, "user_added", user.login)

    async def _note(
        self,
        connection: AsyncConnection,
        kind: Kind,
        login: str,
        session: str = "",
        roles: frozenset[str] | None = None,
        expires_at: float | None = None,
    ) -> None:
        at = self._clock()
        row = {"kind": kind, "login": login, "session": session, "at": at, "expires_at": expires_at}
        if roles is not None:
            row["roles"] = sorted(roles)
        await connection.execute(insert(changes).values(row))

    async def _set_hash(self, connection: AsyncConnection, user: User, password_hash: str, keep: str = "") -> int:
        await _update(connection, user, password_hash=password_hash)
        ended = await self._end_all(connection, user.login, "password_changed", keep)
        if not ended:
            await self._note(connection, "password_changed", user.login)
        return ended

    async def _end_all(self, connection: AsyncConnection, login: str, kind: Kind, keep: str) -> int:
        query = delete(sessions).where(sessions.c.login == login, sessions.c.id != keep).returning(sessions.c.id)
        ended = (await connection.execute(query)).scalars().all()
        for session in ended:
            await self._note(connection, kind, login, session)
        return len(ended)

    async def _make_room(self, connection: AsyncConnection, login: str) -> None:
        query = select(sessions.c.id).where(sessions.c.login == login)
        newest_first = query.order_by(sessions.c.created_at.desc()).offset(MAX_SESSIONS - 1)
        for session in (await connection.execute(newest_first)).scalars().all():
            await connection.execute(delete(sessions).where(sessions.c.id == session))
            await self._note(connection, "session_ended", login, session)


def _prepare(connection: Connection) -> None:
    """Make the tables that are missing, and see that those which are there are ours to read."""
    metadata.create_all(connection)
    version = connection.execute(select(schema_version.c.version)).scalar()
    if version is None:
        connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
        return
    while version in MIGRATIONS:
        for statement in MIGRATIONS[version]:
            connection.execute(text(statement))
        version += 1
        connection.execute(update(schema_version).values(version=version))
    if version != SCHEMA_VERSION:
        raise Refusal(
            "store_unavailable",
            f"The store has the schema {version}; this version of Jackfield knows {SCHEMA_VERSION}.",
            "Install the version that made it, or set JACKFIELD_STORE to another store.",
        )


def _joined() -> Select[tuple[object, ...]]:
    of_user = sessions.join(users, sessions.c.login == users.c.login)
    return select(sessions, users.c.roles, users.c.name).select_from(of_user).where(users.c.disabled.is_(False))


async def _user(connection: AsyncConnection, login: str) -> User | None:
    row = (await connection.execute(select(users).where(users.c.login == login))).first()
    return None if row is None else User.of(row)


async def _there(connection: AsyncConnection, logins: Sequence[str]) -> frozenset[str]:
    found: set[str] = set()
    for at in range(0, len(logins), _AT_ONCE):
        query = select(users.c.login).where(users.c.login.in_(logins[at : at + _AT_ONCE]))
        found.update((await connection.execute(query)).scalars())
    return frozenset(found)


def _row(user: User) -> dict[str, object]:
    return {
        "login": user.login,
        "password_hash": user.password_hash,
        "roles": sorted(user.roles),
        "disabled": user.disabled,
        "created_at": user.created_at,
        "name": user.name,
    }


async def _known(connection: AsyncConnection, login: str) -> User:
    user = await _user(connection, normal_login(login))
    if user is None:
        raise Refusal("no_such_user", f"There is no user {login}.", "`jackfield users list` shows them all.")
    return user


async def _check(connection: AsyncConnection, by: Holder | None) -> None:
    """Raise Refusal where `by` does not hold. One writer at a time: what is read holds until the commit."""
    if by is None:
        return
    login, role = by
    user = await _user(connection, login)
    if user is None or user.disabled or role not in user.roles:
        detail = f"The user {login} may not do this any more: the role {role} was taken away a moment ago."
        raise Refusal("role_required", detail, f"Ask somebody who has the role {role}.")


async def _update(connection: AsyncConnection, user: User, **values: object) -> None:
    await connection.execute(update(users).where(users.c.login == user.login).values(**values))


def _roles(roles: Iterable[str]) -> frozenset[str]:
    return frozenset(normal_role(role) for role in roles)
