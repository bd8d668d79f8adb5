"""Sessions: from a credential to an identity, and the end of it.

Strategy. The signature of a token is checked, then its session is looked up in memory; the store is read once, on a
miss. What other processes change comes through the feed of the store (changes.py), and what is no longer true is
forgotten before anybody else hears of it. When no look at the feed has succeeded for `stale_limit` seconds, memory is
not trusted and every caller costs a read of the store, which then refuses: closed, not open.
"""

from __future__ import annotations

import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from jackfield.auth.changes import Changes
from jackfield.auth.credentials import Credential
from jackfield.auth.login_log import Logins
from jackfield.auth.passwords import Passwords, check_length
from jackfield.auth.store.attempts import Attempt
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change, Session, User, login_of
from jackfield.auth.tokens import Tokens, digest
from jackfield.clocks import Ends, Jumps, watched
from jackfield.errors import Refusal
from jackfield.identity import Identity

__all__ = ["LONGEST", "Login", "Sessions"]

LONGEST = 30 * 24 * 3600.0
"""Seconds after the login beyond which no refresh keeps a session, unless `auth.session` is longer."""

_TIDY = 600.0  # seconds between two purges
_KEEP_CHANGES = 24 * 3600.0  # and never shorter than a session lives: a process that slept longer has no session left
_SEEN = 60.0  # seconds between two writes of when a session was seen, or a tenth of the idle limit
_SHOWN = 300.0  # the same where no session is idle: it is for people to see alone
_READS = 5  # how often a session is read again because something changed meanwhile
_ENDED = 1000  # ended sessions whose login is remembered, for who is refused with one
_STEP = 0.01  # of a session's length: a refresh that gains less changes nothing
_LOG_IN = "Log in again and send the new token."


@dataclass(frozen=True, slots=True)
class Login:
    """A session that was just opened. `token` is sent to the client once; `expires_at` since the epoch."""

    token: str
    identity: Identity
    expires_at: float

    def __repr__(self) -> str:
        return f"Login(identity={self.identity!r}, expires_at={self.expires_at!r})"


@dataclass(slots=True)
class _Remembered:
    """A session and when it was seen, and when that was written down: by the steady clock."""

    identity: Identity
    seen_at: float
    written_at: float


class Sessions:
    """Opens, recognises and ends sessions.

    `lifetime` and `idle` are seconds, `idle` None means off. Idle slides with every `identify`, and while a
    connection of the session is open; other processes know of it up to a minute, or a tenth of `idle`, later. Where
    idle is off, it is noted every 5 minutes when a session was seen.
    `clock` gives seconds since the epoch. `store` and `passwords` are those that it was made with, `changes` is the
    feed of the store, `logins` says how a claimed login is logged. `remembered` bounds memory: beyond it the session
    not used for longest is read from the store again.
    """

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        passwords: Passwords,
        *,
        lifetime: float,
        idle: float | None,
        clock: Callable[[], float],
        stale_limit: float = 90.0,
        remembered: int = 50_000,
    ) -> None:
        self.store = store
        self.passwords = passwords
        self.logins = Logins(tokens.fingerprint)
        self._tokens = tokens
        self._lifetime = lifetime
        self._idle = idle
        self._clock = watched(clock)
        self._now = self._clock.steady
        self._ends = Ends(self._clock, remembered)
        self._jumps = Jumps(self._clock)
        self._stale_limit = stale_limit
        self._room = remembered
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()
        self._seen: dict[str, float] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._in_use: Callable[[], Iterable[str]] = tuple
        self._attended_at = self._now()
        self.changes = Changes(store, self._now, self._forget)
        self._tidied_at = self._now()
        self._set_at = -math.inf  # when it was found that the wall clock was set

    def tune(self, *, lifetime: float, idle: float | None) -> None:
        """Take over other times, of a plan just published. Sessions that are open keep the end they were given."""
        self._lifetime = lifetime
        self._idle = idle

    async def login(self, login: str, password: str, *, client: str = "", agent: str = "") -> Login:
        """Open a session for a login and a password, from the address `client`.

        Raises Refusal `login_failed`, the same in words and work for a user who is unknown or disabled and
        for a wrong password; `too_many_attempts` before any work, for logins that no user has as well;
        `invalid_request` for what can be no password; `too_many_logins`, `store_unavailable`.
        """
        check_length(password)
        name = login_of(login)  # what cannot be one is refused like one that no user has
        async with self.store.attempts.trying(name or login, client) as attempt:
            user, opened = await self._try(name, password, attempt, client, agent)
        await self._renew(user, password)
        return opened

    async def _try(self, name: str, password: str, attempt: Attempt, client: str, agent: str) -> tuple[User, Login]:
        for _ in range(2):
            user = await self.store.get(name) if name else None
            if user is not None:
                self.logins.note(user.login)
            if not await self.matches(user, password, attempt) or user is None or user.disabled:
                break
            if opened := await self._open(user.login, user.password_hash, client, agent):
                await self.store.attempts.succeeded(attempt)
                return user, opened
            # The hash is another since it was read, perhaps only renewed by a login beside this one.
        refusal = Refusal(
            "login_failed",
            "The login or the password is wrong.",
            "Check both; upper and lower case differ. `jackfield users list` shows who may log in.",
        )
        refusal.cause = _cause(user)
        raise refusal

    async def matches(self, user: User | None, password: str, attempt: Attempt) -> bool:
        """Whether this is the user's password; the same work where there is no user, or none with a password.

        Raises Refusal `too_many_logins`; then the attempt does not count.
        """
        try:
            return await self.passwords.verify(user.password_hash if user else None, password)
        except Refusal:
            await self.store.attempts.take_back(attempt)
            raise

    async def open_for(self, login: str) -> Login:
        """Open a session without a password, for the owner of the machine (`jackfield token`)."""
        user = await self.store.known(login)
        opened = await self._open(user.login, None, "", "jackfield token")
        if opened is None:
            raise Refusal(
                "invalid_request",
                f"The user {user.login} is disabled.",
                f"Let the user in again: jackfield users enable {user.login}",
            )
        return opened

    async def refresh(self, credential: Credential) -> Login:
        """The same session with a new end, as far from now as a new one's, and the token that says so.

        Open connections of the session stay until the new end, in other processes too. The token that was
        shown works until its own end. Nothing is gained beyond LONGEST seconds after the login. Raises
        Refusal as `identify` does.
        """
        identity = await self.identify(credential)
        secret = self._tokens.read(credential.value).secret
        until = self._until()
        expires_at = identity.expires_at or until
        if until - expires_at >= self._lifetime * _STEP:
            longest, step = max(LONGEST, self._lifetime), self._lifetime * _STEP
            session = await self.store.prolong(identity.session, until, longest=longest, step=step)
            if session is None:
                raise _ended(identity.login)
            identity, expires_at = session.identity, session.expires_at
            await self.changes.announce(
                Change(identity.login, identity.session, "session_refreshed", expires_at=expires_at)
            )
        return Login(self._tokens.issue(secret, expires_at), identity, expires_at)

    def seconds_left(self, login: Login) -> int:
        """Seconds until the end of a session that was opened or refreshed."""
        return max(1, math.ceil(login.expires_at - self._clock()))

    async def logout(self, identity: Identity) -> None:
        """End the caller's session, here at once and in other processes within half a second.

        Raises Refusal `store_unavailable`; then the session is not ended.
        """
        if await self.store.end_session(identity.session):
            await self.changes.announce(Change(identity.login, identity.session, "session_ended"))

    async def identify(self, credential: Credential) -> Identity:
        """The identity that the credential stands for.

        Raises Refusal: `bad_credential`, `session_expired`, `store_unavailable`. Nothing is looked up before
        the signature was found to be ours. From the look into memory or store to the return nothing waits:
        a caller who takes note of the identity in the same step misses no change.
        """
        key = digest(self._tokens.read(credential.value).secret)
        entry = self._memory.get(key) if self.changes.age <= self._stale_limit else None
        if entry is None or self._is_idle(entry):
            # Idle in our eyes: another process may have seen the caller since.
            entry = await self._recall(key)
        session, expires_at = entry.identity.session, entry.identity.expires_at
        if self._is_idle(entry) or (expires_at is not None and self._ends.over(session, expires_at)):
            raise Refusal("session_expired", "The session has run out.", _LOG_IN, login=entry.identity.login)
        self._use(key, entry)
        return entry.identity

    async def open_of(self, login: str) -> Sequence[Session]:
        """A user's sessions that have neither run out nor been idle for too long, oldest first."""
        now = self._clock()
        found = await self.store.sessions_of(login)
        return [
            one
            for one in found
            if now < one.expires_at and (self._idle is None or now < self._seen.get(one.id, one.seen_at) + self._idle)
        ]

    def attend(self, open_sessions: Callable[[], Iterable[str]]) -> None:
        """Have sessions count as used while a connection of theirs is open; `open_sessions` gives their ids."""
        self._in_use = open_sessions

    async def watch(self) -> None:
        """Look at the store's changes every half second, and purge now and then, until cancelled."""
        await self.changes.watch(self._look_and_tidy)

    async def look_once(self) -> None:
        """Take in what has changed in the store, and write down which sessions were used.

        Raises Refusal `store_unavailable`.
        """
        await self.changes.look()
        await self._write_seen()

    async def tidy(self) -> None:
        """Purge sessions that have run out, and changes that every process has seen.

        After the wall clock was set no session is idle by it until those in use have been seen again.
        """
        now, idle = self._clock(), self._idle
        if self._jumps.look():
            self._set_at = self._now()
        known = idle is not None and self._now() - self._set_at >= idle + _SEEN
        await self.store.purge(
            idle_since=now - idle if idle is not None and known else None,
            changes_before=now - max(_KEEP_CHANGES, self._lifetime),
        )
        self._tidied_at = self._now()

    def _until(self) -> float:
        """The end of a session that begins now. Whole milliseconds, as the token has them: one moment, not two."""
        return round((self._clock() + self._lifetime) * 1000) / 1000

    async def _open(self, login: str, password_hash: str | None, client: str, agent: str) -> Login | None:
        secret = secrets.token_urlsafe(32)  # 256 bits; ASVS 5.0, 7.2.3 asks for 128
        expires_at = self._until()
        session = await self.store.add_session(
            secrets.token_hex(8),
            login,
            digest(secret),
            expires_at=expires_at,
            password_hash=password_hash,
            client=client,
            agent=agent,
        )
        if session is None:
            return None
        return Login(self._tokens.issue(secret, expires_at), session.identity, expires_at)

    async def _renew(self, user: User, password: str) -> None:
        if user.password_hash is None or not self.passwords.is_outdated(user.password_hash):
            return
        with suppress(Refusal):  # the login stands; the hash is renewed the next time
            new = await self.passwords.hash(password)
            await self.store.renew_hash(user.login, user.password_hash, new)

    async def _recall(self, key: str) -> _Remembered:
        """The session as the store has it, remembered."""
        session = await self._read(key)
        if session is None:
            if (known := self._memory.pop(key, None)) is not None:
                self._note_end(key, known)
            raise _ended(self._ended.get(key, ""))
        entry = self._seen_as_stored(session, self._memory.get(key))
        self._memory[key] = entry
        while len(self._memory) > self._room:
            self._memory.popitem(last=False)
        return entry

    def _seen_as_stored(self, session: Session, before: _Remembered | None) -> _Remembered:
        """A session that was just read; `before` is what was remembered of it. Another process may have seen it."""
        now, ago = self._now(), self._clock() - session.seen_at
        stored_at = now - ago if ago >= 0 else -math.inf  # of the future: the wall clock was set back since
        known = [at for at in (stored_at, before.seen_at if before else -math.inf) if at > -math.inf]
        return _Remembered(session.identity, max(known, default=now), stored_at)

    async def _read(self, key: str) -> Session | None:
        if self.changes.last is None:
            await self.changes.look()  # from here on no change is missed
        for _ in range(_READS):
            before = self.changes.last
            session = await self.store.get_session(key)
            if self.changes.last == before:
                return session
            # A change was taken in while we read: what we hold may be from before it.
        raise Refusal("store_unavailable", retry_after=2)

    def _is_idle(self, entry: _Remembered) -> bool:
        return self._idle is not None and self._now() >= entry.seen_at + self._idle

    def _use(self, key: str, entry: _Remembered) -> None:
        entry.seen_at = self._now()
        if key in self._memory:
            self._memory.move_to_end(key)
        if entry.seen_at - entry.written_at >= self._pace:
            entry.written_at = entry.seen_at
            self._seen[entry.identity.session] = self._clock()

    @property
    def _pace(self) -> float:
        """Seconds between two writes of when a session was seen."""
        return _SHOWN if self._idle is None else min(_SEEN, self._idle / 10)

    async def _write_seen(self) -> None:
        """Write down which sessions were used, those with open connections included."""
        now = self._now()
        if now - self._attended_at >= self._pace:
            self._attended_at = now
            self._seen |= dict.fromkeys(self._in_use(), self._clock())
        seen, self._seen = self._seen, {}
        if seen:
            try:
                await self.store.write_seen(seen)
            except Refusal:
                self._seen = seen | self._seen
                raise

    def _forget(self, news: Iterable[Change]) -> None:
        """Drop from memory what a change may have made untrue; too much is harmless, the store is read."""
        ended = {change.session for change in news if change.session}
        logins = {change.login for change in news if not change.session}
        for key, entry in list(self._memory.items()):
            if entry.identity.session in ended or entry.identity.login in logins:
                self._note_end(key, self._memory.pop(key))

    def _note_end(self, key: str, entry: _Remembered) -> None:
        """Remember whose session may have ended: who is refused with it will ask why."""
        self._ended[key] = entry.identity.login
        while len(self._ended) > _ENDED:
            self._ended.popitem(last=False)

    async def _look_and_tidy(self) -> None:
        await self.look_once()
        if self._now() - self._tidied_at >= _TIDY:
            await self.tidy()


def _cause(user: User | None) -> str:
    """Why a login of this user fails, for administrators: one of CAUSES."""
    if user is None:
        return "no_such_user"
    if user.disabled:
        return "disabled"
    return "wrong_password" if user.password_hash else "no_password"


def _ended(login: str) -> Refusal:
    return Refusal("bad_credential", "The session has been ended.", _LOG_IN, login=login)
