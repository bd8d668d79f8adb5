"""What users change about themselves, and administrators about users: passwords, roles, sessions.

What ends a session here reaches the connections of this node before the call returns, and other processes within a
second.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from jackfield.auth.passwords import check_length, check_password
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Holder
from jackfield.auth.store.tables import Change, Kind, Session, User, new_login, normal_login, normal_name
from jackfield.errors import Refusal
from jackfield.identity import Identity

__all__ = ["Users"]


class Users:
    """The users behind `sessions`. Every call may raise Refusal `store_unavailable`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._store = sessions.store

    async def end_session(self, identity: Identity, session: str) -> None:
        """End one of the caller's sessions by its id. Raises Refusal `no_such_session`, for another user's as well."""
        if not await self._store.end_session(session, login=identity.login):
            raise Refusal("no_such_session")
        await self._sessions.changes.announce(Change(identity.login, session, "session_ended"))

    async def end_others(self, identity: Identity) -> int:
        """End all sessions of the caller but this one; how many."""
        before = await self._store.sessions_of(identity.login)
        ended = await self._store.end_all(identity.login, keep=identity.session)
        await self._announce_others(identity, before, "session_ended")
        return ended

    async def change_password(self, identity: Identity, old: str, new: str, *, client: str) -> int:
        """Give the caller another password and end the other sessions; how many.

        The old password is asked for as at a login, and counts as one: Refusal `too_many_attempts`,
        `wrong_password`; `invalid_request` for a new one that cannot be.
        """
        check_length(old)
        check_password(new)
        if hmac.compare_digest(old.encode(), new.encode()):
            raise Refusal("invalid_request", "The new password is the old one.", "Take another.")
        before = await self._store.sessions_of(identity.login)
        ended = await self._replace(identity, old, new, client)
        await self._announce_others(identity, before, "password_changed")
        return ended

    async def _announce_others(self, identity: Identity, before: Sequence[Session], kind: Kind) -> None:
        others = (one.id for one in before if one.id != identity.session)
        await self._sessions.changes.announce(*(Change(identity.login, other, kind) for other in others))

    async def _replace(self, identity: Identity, old: str, new: str, client: str) -> int:
        async with self._store.attempts.trying(identity.login, client) as attempt:
            for again in (False, True):
                user = await self._store.get(identity.login)
                matches = await self._sessions.matches(user, old, attempt)
                if not matches or user is None or user.password_hash is None:
                    break
                if not again:
                    await self._store.attempts.succeeded(attempt)
                hashed = await self._sessions.passwords.hash(new)
                ended = await self._store.set_password_hash(
                    user.login, hashed, keep=identity.session, instead_of=user.password_hash
                )
                if ended is not None:
                    return ended
                # The hash is another since it was read, perhaps only renewed by a login beside this one.
        raise Refusal("wrong_password")

    # about others; `by` as Store has it: administrators who take the role from each other leave one of them

    async def all(self) -> Sequence[User]:
        """All users, by login."""
        return await self._store.list()

    async def get(self, login: str) -> User:
        """One user. Raises Refusal `no_such_user`."""
        user = await self._store.get(login)
        if user is None:
            raise Refusal("no_such_user", f"There is no user {login}.")
        return user

    async def open_sessions(self, login: str) -> Sequence[Session]:
        """A user's open sessions, oldest first."""
        return await self._sessions.open_of(login)

    async def add(
        self, login: str, password: str | None, roles: Iterable[str], *, name: str = "", by: Holder | None = None
    ) -> User:
        """Add a user; without a password the user cannot log in with one. Raises Refusal `login_taken`."""
        new_login(login)  # what can be refused is refused before the work
        normal_name(name)
        return await self._store.add(login, await self._hash(password), roles, name=name, by=by)

    async def change(
        self,
        login: str,
        *,
        roles: Iterable[str] | None,
        disabled: bool | None,
        password: str | None,
        name: str | None = None,
        by: Holder | None = None,
    ) -> User:
        """Change what is given, all of it or nothing. Raises Refusal `no_such_user`, `invalid_request`."""
        user = await self.get(login)
        normal_name(name or "")
        hashed = await self._hash(password)
        before = await self._store.sessions_of(user.login)
        changed = await self._store.change(
            user.login, roles=roles, disabled=disabled, password_hash=hashed, name=name, by=by
        )
        known: list[Change] = []
        if roles is not None:
            known.append(Change(user.login, "", "roles_changed", changed.roles))
        if hashed is not None:
            known += [Change(user.login, one.id, "password_changed") for one in before]
        if name is not None:
            known.append(Change(user.login, "", "name_changed"))
        if disabled:
            known.append(Change(user.login, "", "user_disabled"))
        await self._sessions.changes.announce(*known)
        return changed

    async def remove(self, login: str, *, by: Holder | None = None) -> None:
        """Remove a user with all sessions. Raises Refusal `no_such_user`."""
        user = await self.get(login)
        await self._store.remove(user.login, by=by)
        await self._sessions.changes.announce(Change(user.login, "", "user_removed"))

    async def close(self, login: str) -> int:
        """End all sessions and connections of a login, also one that another authority knows; how many sessions."""
        name = normal_login(login)
        before = await self._store.sessions_of(name)
        ended = await self._store.close_all(name)
        known = [Change(name, one.id, "session_ended") for one in before]
        await self._sessions.changes.announce(*known, Change(name, "", "connections_closed"))
        return ended

    async def _hash(self, password: str | None) -> str | None:
        if password is None:
            return None
        check_password(password)
        return await self._sessions.passwords.hash(password)
