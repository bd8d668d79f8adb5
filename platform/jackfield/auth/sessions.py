"""Who is calling: from a credential to an identity, and the end of it.

Strategy. A token is judged by its signature, then its session is looked up in memory; the store is read
once, on a miss. What other processes change (a logout, a role) is a row in the store's `changes`: `watch`
looks there every half second, forgets what is no longer true, and tells the subscribers, who close the
connections concerned. When no look has succeeded for `stale_limit` seconds, memory is not trusted and
every caller costs a read of the store, which then refuses: closed, not open. Connections that are open stay
for SILENCE seconds without a look; then nobody can say whose session still stands, and they end too.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from jackfield.auth.credentials import Credential
from jackfield.auth.logins import Logins
from jackfield.auth.passwords import Passwords, judge_length
from jackfield.auth.store.attempts import Attempt
from jackfield.auth.store.store import Store
from jackfield.auth.store.tables import Change, Session, User, normal_login
from jackfield.auth.tokens import Tokens, digest
from jackfield.clocks import Ends, Jumps, watched
from jackfield.errors import Refusal
from jackfield.identity import Identity
from jackfield.logs import log

__all__ = ["LONGEST", "SILENCE", "Authority", "Change", "Login", "Sessions"]

LONGEST = 30 * 24 * 3600.0
"""Seconds after the login beyond which no refresh keeps a session, unless `auth.session` itself is longer."""

SILENCE = 600.0
"""Seconds without an answer of the store after which the open connections of sessions end."""

_LOOK = 0.5  # seconds between two looks at the store's changes
_TIDY = 600.0  # seconds between two purges
_KEEP_CHANGES = 24 * 3600.0  # and never shorter than a session lives: whoever slept longer has no session left
_SEEN = 60.0  # seconds between two writes of when a session was seen, or a tenth of the idle limit
_READS = 5  # how often a session is read again because something changed meanwhile
_STEP = 0.01  # of a session's length: a refresh that gains less changes nothing
_LOG_IN = "Log in again and send the new token."


class Authority(Protocol):
    """Says who a credential stands for. The one seam for other kinds of identity."""

    async def identify(self, credential: Credential) -> Identity:
        """Called once per handshake and HTTP request. Raises Refusal, which is told to the caller."""


@dataclass(frozen=True, slots=True)
class Login:
    """A session that was just opened. `token` is told to the client once; `expires_at` since the epoch."""

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
    """Opens, recognises and ends sessions; an Authority.

    `lifetime` and `idle` are seconds, `idle` None means off. Idle slides with every `identify`, and while a
    connection of the session is open; other processes know of it up to a minute, or a tenth of `idle`, later.
    `clock` gives seconds since the epoch. `store` and `passwords` are those that it was made with, `logins` says how
    a log may tell what somebody claimed to be called. `remembered`
    bounds memory: beyond it the session not used for longest is read from the store again.
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
        self._in_use: Callable[[], Iterable[str]] = tuple
        self._attended_at = self._now()
        self._subscribers: list[Callable[[Change], None]] = []
        self._looking = asyncio.Lock()
        self._last_change: int | None = None
        self._looked_at: float | None = None
        self._silent = False
        self._tidied_at = self._now()
        self._set_at = -math.inf  # when it was found that the wall clock was set

    def tune(self, *, lifetime: float, idle: float | None) -> None:
        """Take over other times, of a plan just published. Sessions that are open keep the end they were given."""
        self._lifetime = lifetime
        self._idle = idle

    # in and out

    async def login(self, login: str, password: str, *, client: str = "", agent: str = "") -> Login:
        """Open a session for a login and a password, from the address `client`.

        Raises Refusal `login_failed`, the same in words and work for a user who is unknown or disabled and
        for a wrong password; `too_many_attempts` before any work, for logins that nobody has as well;
        `invalid_request` for what can be no password; `too_many_logins`, `store_unavailable`.
        """
        judge_length(password)
        name = _name(login)
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
        raise _failed()

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
        """Open a session without a password, for the one who owns the machine (`jackfield token`)."""
        user = await self.store.get(login)
        if user is None:
            raise Refusal("invalid_request", f"There is no user {login}.", "`jackfield users list` shows them all.")
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
                raise _ended()
            identity, expires_at = session.identity, session.expires_at
            await self.announce(Change(identity.login, identity.session, "session_refreshed", expires_at=expires_at))
        return Login(self._tokens.issue(secret, expires_at), identity, expires_at)

    def seconds_left(self, login: Login) -> int:
        """Seconds until the end of a session that was opened or refreshed."""
        return max(1, math.ceil(login.expires_at - self._clock()))

    async def logout(self, identity: Identity) -> None:
        """End the caller's session, here at once and in other processes within half a second.

        Raises Refusal `store_unavailable`; then the session is not ended.
        """
        if await self.store.end_session(identity.session):
            await self.announce(Change(identity.login, identity.session, "session_ended"))

    # who is it

    async def identify(self, credential: Credential) -> Identity:
        """Who the credential stands for.

        Raises Refusal: `bad_credential`, `session_expired`, `store_unavailable`. Nothing is looked up before
        the signature was found to be ours. From the look into memory or store to the return nothing waits:
        a caller who takes note of the identity in the same step misses no change.
        """
        key = digest(self._tokens.read(credential.value).secret)
        entry = self._memory.get(key) if self._is_fresh() else None
        if entry is None or self._is_idle(entry):
            # Idle in our eyes: another process may have seen the caller since.
            entry = await self._recall(key)
        self._judge_time(entry)
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

    # changes

    def subscribe(self, callback: Callable[[Change], None]) -> None:
        """Have `callback` called on the loop for every change, also those made here. It must not wait."""
        self._subscribers.append(callback)

    def attend(self, open_sessions: Callable[[], Iterable[str]]) -> None:
        """Have sessions count as used while a connection of theirs is open; `open_sessions` gives their ids."""
        self._in_use = open_sessions

    async def watch(self) -> None:
        """Look at the store's changes every half second, and purge now and then, until cancelled.

        Faults of the store, and faults of ours, are survived and logged once each time they begin.
        """
        failing = False
        while True:
            try:
                await self.look_once()
                await self._tidy_now_and_then()
            except Exception as exc:  # noqa: BLE001 - the root of a task: who does not look any more, hears of nothing
                if not failing:
                    _warn(exc)
                failing = True
                self.judge_silence()
            else:
                failing = False
            await asyncio.sleep(_LOOK)

    def judge_silence(self) -> None:
        """End the open connections of sessions once the store has been silent for SILENCE seconds."""
        silent = self._looked_at is not None and self._now() - self._looked_at > SILENCE
        if silent and not self._silent:
            log.error("store_silent", seconds=SILENCE)
            self._tell([Change("", "", "store_silent")])
        self._silent = silent

    async def announce(self, *known: Change) -> None:
        """Have here at once what was just changed in the store, and is known to be at least this.

        After it no message of a connection concerned is processed on this node.
        """
        self._forget(known)
        try:
            await self.look_once()
        except Refusal:  # it is changed all the same; the next look that succeeds will tell of it once more
            self._tell(known)

    async def look_once(self) -> None:
        """Take in what has changed since the last look and tell the subscribers; write down who was seen.

        Raises Refusal `store_unavailable`.
        """
        async with self._looking:
            if self._last_change is None:
                self._last_change = await self.store.last_change()
            while news := await self.store.changes_since(self._last_change):
                self._last_change = news[-1].id
                self._forget(news)
                self._tell(news)
            self._looked_at = self._now()
            self._attend()
            await self._write_seen()

    async def tidy(self) -> None:
        """Purge sessions that have run out, and changes that nobody can miss any more.

        After the wall clock was set nobody is idle by it until all who are not have been seen anew.
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

    # inside

    def _until(self) -> float:
        """The end of a session that begins now. Whole milliseconds, as the token has them: one moment, not two."""
        return round((self._clock() + self._lifetime) * 1000) / 1000

    async def _open(self, login: str, password_hash: str | None, client: str, agent: str) -> Login | None:
        secret = _new_secret()
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
            self._memory.pop(key, None)
            raise _ended()
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
        if self._last_change is None:
            await self.look_once()  # from here on no change is missed
        for _ in range(_READS):
            before = self._last_change
            session = await self.store.get_session(key)
            if self._last_change == before:
                return session
            # A change was taken in while we read: what we hold may be from before it.
        raise Refusal("store_unavailable", retry_after=2)

    def _is_fresh(self) -> bool:
        return self._looked_at is not None and self._now() - self._looked_at <= self._stale_limit

    def _is_idle(self, entry: _Remembered) -> bool:
        return self._idle is not None and self._now() >= entry.seen_at + self._idle

    def _judge_time(self, entry: _Remembered) -> None:
        session, expires_at = entry.identity.session, entry.identity.expires_at
        if self._is_idle(entry) or (expires_at is not None and self._ends.over(session, expires_at)):
            raise Refusal("session_expired", "The session has run out.", _LOG_IN)

    def _use(self, key: str, entry: _Remembered) -> None:
        entry.seen_at = self._now()
        if key in self._memory:
            self._memory.move_to_end(key)
        if self._idle is not None and entry.seen_at - entry.written_at >= min(_SEEN, self._idle / 10):
            entry.written_at = entry.seen_at
            self._seen[entry.identity.session] = self._clock()

    def _attend(self) -> None:
        now = self._now()
        if self._idle is not None and now - self._attended_at >= min(_SEEN, self._idle / 10):
            self._attended_at = now
            self._seen |= dict.fromkeys(self._in_use(), self._clock())

    async def _write_seen(self) -> None:
        seen, self._seen = self._seen, {}
        if not seen:
            return
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
                del self._memory[key]

    def _tell(self, news: Iterable[Change]) -> None:
        for change in news:
            for callback in self._subscribers:
                try:
                    callback(change)
                except Exception:  # noqa: BLE001 - one deaf subscriber must not keep the others' connections open
                    log.exception("subscriber_failed", change=change.kind, login=change.login)

    async def _tidy_now_and_then(self) -> None:
        if self._now() - self._tidied_at >= _TIDY:
            await self.tidy()


def _new_secret() -> str:
    """256 random bits (ASVS 5.0, 7.2.3 asks for 128), as a token carries them."""
    return secrets.token_urlsafe(32)


def _name(login: str) -> str:
    """The login in its one spelling; empty for what nobody can have, which is told like any unknown login."""
    try:
        return normal_login(login)
    except Refusal:
        return ""


def _warn(fault: Exception) -> None:
    """Tell why the store's changes could not be read."""
    if isinstance(fault, Refusal):
        log.warning("store_unavailable", reason=str(fault.__cause__ or fault))
    else:
        log.error("store_failed", reason=type(fault).__name__, exc_info=fault)


def _ended() -> Refusal:
    return Refusal("bad_credential", "The session has been ended.", _LOG_IN)


def _failed() -> Refusal:
    return Refusal(
        "login_failed",
        "The login or the password is wrong.",
        "Check both; upper and lower case differ. `jackfield users list` shows who may log in.",
    )
