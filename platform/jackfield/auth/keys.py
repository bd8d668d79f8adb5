"""Who a service key stands for, and what it may send to.

Strategy. All keys are in memory, found by their hash, so that a wrong one costs no read of the store. Changes of them
come with the feed of the store (changes.py): what is removed ends in the step that hears of it, what is new is read
with the next caller. Where our own login is off, the store is opened when the first key is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from jackfield.auth.changes import Changes
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.keys import MAX_KEYS, PREFIX, Key, Secret, digest
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change
from jackfield.auth.verify import Report
from jackfield.clocks import Ends, watched
from jackfield.errors import Refusal
from jackfield.identity import OF_KEYS, Identity

__all__ = ["STALE", "Keys", "is_key", "looks_like_key"]

STALE = 90.0
"""Seconds of a silent store after which no key opens."""

_AGAIN = 0.1  # seconds between two looks for keys that are new: a client that tries in a loop costs little
_READS = 5  # how often the keys are read again because something changed meanwhile
_TRIES = OF_KEYS  # what wrong keys are counted as tries at


def looks_like_key(value: str) -> bool:
    """Whether a credential has the form of a service key; it is shown to no other authority then."""
    return value.startswith(PREFIX)


def is_key(identity: Identity) -> bool:
    """Whether a caller has shown a service key."""
    return identity.session.startswith(OF_KEYS)


class Keys:
    """The service keys of one node.

    `sessions` has the store where our own login is on, else `open_store` opens it. `callers` gives those of the open
    connections; `report` is called with a session and its new identity, or None and the reason why it has ended.
    """

    def __init__(
        self,
        sessions: Sessions | None,
        open_store: Callable[[], Awaitable[Store]],
        *,
        callers: Callable[[], Iterable[Identity]],
        report: Report,
        clock: Callable[[], float],
    ) -> None:
        self._open_store = open_store
        self._callers = callers
        self._report = report
        self._now = watched(clock).steady
        self._ends = Ends(watched(clock), 2 * MAX_KEYS)
        self._opening = asyncio.Lock()
        self._opened = asyncio.Event()
        self._own: Store | None = None  # opened here, and closed here
        self._loaded = False
        self._known: dict[str, tuple[Key, Secret]] = {}
        if sessions is not None:
            self._take(sessions.store, sessions.changes)

    def _take(self, store: Store, changes: Changes) -> None:
        self._store, self._changes = store, changes
        changes.subscribe(self._changed)
        self._opened.set()

    async def store(self) -> Store:
        """The store of the keys. Raises Refusal `store_unavailable`."""
        async with self._opening:
            if not self._opened.is_set():
                self._own = await self._open_store()
                self._take(self._own, Changes(self._own, self._now, lambda _news: None))
        return self._store

    async def announce(self, change: Change) -> None:
        """Report at once what was just changed here."""
        await self._changes.announce(change)

    async def watch(self) -> None:
        """Look at the store's changes until cancelled, where nobody else does."""
        await self._opened.wait()
        if self._own is not None:
            await self._changes.watch(self._changes.look)

    async def close(self) -> None:
        """Close what was opened here."""
        if self._own is not None:
            await self._own.close()

    async def identify(self, value: str, client: str) -> Identity:
        """The caller who shows this key, from the address `client`.

        Raises Refusal: `bad_credential`, `session_expired`, and `too_many_attempts` for a wrong one, which counts as a
        failed login of the address; `store_unavailable`. From the look at what is known to the return nothing waits.
        """
        await self.store()
        await self._refresh(STALE)
        wanted = digest(value)
        if wanted not in self._known:
            await self._refresh(_AGAIN)
        found = self._known.get(wanted)
        if found is None:
            async with self._store.attempts.trying(_TRIES, client):
                pass  # it has failed, unless so many have that it is not even looked at
            raise Refusal("bad_credential", "This key is none of ours, or was removed.", _ASK)
        key, secret = found
        identity = key.identity(secret)
        if identity.expires_at is not None and self._ends.over(identity.session, identity.expires_at):
            sentence = f"The key {key.name} has run out, or was rotated."
            raise Refusal("session_expired", sentence, _ASK, login=key.login)
        return identity

    def of(self, identity: Identity) -> Key | None:
        """The key that a caller has shown; None for a caller with a login. Raises Refusal where it was removed."""
        if not is_key(identity):
            return None
        found = (key for key, secret in self._known.values() if OF_KEYS + secret.id == identity.session)
        if (key := next(found, None)) is None:
            raise Refusal("bad_credential", "This key was removed.", _ASK)
        return key

    async def _refresh(self, oldest: float) -> None:
        """Have the keys in memory as the store had them at most so many seconds ago."""
        if self._changes.last is None or self._changes.age > oldest:
            await self._changes.look()
        for _ in range(_READS):
            if self._loaded:
                return
            before = self._changes.last
            found = await self._store.keys.list()
            if self._changes.last == before:
                self._known = {secret.digest: (key, secret) for key in found for secret in key.secrets}
                self._loaded = True
        if not self._loaded:
            raise Refusal("store_unavailable", retry_after=2)

    def _changed(self, change: Change) -> None:
        """A change in the store: keys are read again with the next caller, connections of those that ended close."""
        if change.kind == "store_silent":
            self._end(lambda _identity: True, "the store of keys has not answered for too long")
        if not change.of_key:
            return
        self._loaded = False
        if change.kind == "key_removed":
            self._known = {known: found for known, found in self._known.items() if found[0].login != change.login}
            self._end(lambda identity: identity.login == change.login, "the key was removed")
        elif change.kind == "key_rotated":
            for identity in self._open():
                if identity.session == change.session:
                    ends = [end for end in (identity.expires_at, change.expires_at) if end is not None]
                    self._report(change.session, replace(identity, expires_at=min(ends)), "")

    def _end(self, concerned: Callable[[Identity], bool], reason: str) -> None:
        for identity in self._open():
            if concerned(identity):
                self._report(identity.session, None, reason)

    def _open(self) -> set[Identity]:
        return {identity for identity in self._callers() if is_key(identity)}


_ASK = "Ask whoever runs the server for a new one: jackfield keys rotate NAME"
