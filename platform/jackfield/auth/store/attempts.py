"""How often a password may be tried, counted in the store: for all processes together, also across a restart.

Strategy. Failures are counted for a login from an address, for an address, and for a login. The first is a limit of
15 minutes: guesses from one address are refused after ten. The other two slow down guesses from many addresses or at
many logins, and must not lock out the users who belong there: an address from which a login has succeeded within 30
days is not measured by them.

At a login that fails often it is also counted from which networks that comes, wide and narrow ones. For each of its
own networks that has failed there lately an address finds the login closed at half as many failures. So what one
network can spend, however many addresses it has, is a part; the rest is for addresses elsewhere, which are checked at
once. Only from as many unrelated networks as a login may have failures can an owner be kept waiting.

Two connections to the database are for attempts, and few passwords are checked at once; which is next is decided by
network as well (see fair_queue.py): a flood of logins delays itself, not other callers, nor sessions that are open.
Attempts wait rather than being refused, since a client that is refused at once comes again at once.

An attempt is counted before its password is checked and given back when it was right, so that a hundred at once are a
hundred. But nothing is refused that may still be right: where a limit is reached only together with attempts whose
passwords are being checked, the next waits until one of these has ended, and is checked again. Logins that no user
has are counted alike: a refusal says nothing about who exists.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.addresses import networks
from jackfield.auth.fair_queue import FairQueue, QueueFull
from jackfield.auth.store import counts
from jackfield.auth.store.counts import NONE, Count, key_of
from jackfield.auth.store.database import Database
from jackfield.auth.store.in_flight import InFlight
from jackfield.clocks import watched
from jackfield.errors import Refusal

__all__ = [
    "AT_ONCE",
    "KNOWN",
    "MEMORY",
    "PATIENCE",
    "PER_ADDRESS",
    "PER_LOGIN",
    "PER_PAIR",
    "TURN",
    "WAITING",
    "WATCHED",
    "WINDOW",
    "Attempt",
    "Attempts",
]

WINDOW = 15 * 60.0
"""Seconds after the first for which failures from an address are counted."""

PER_PAIR = 10
"""Failures at one login from one address within a window."""

PER_ADDRESS = 100
"""Failures from one address within a window, at logins without a success there."""

PER_LOGIN = 240
"""Failures at one login, one less each TURN seconds, at which it is closed to addresses where it never succeeded; to
those in a network that has failed there itself at half as many, in a narrower one at a quarter, at last an eighth.
"""

TURN = 10.0
"""Seconds after which one failure at a login counts no more."""

WATCHED = 10
"""Failures at one login from which on their networks are counted."""

MEMORY = 3600.0
"""Seconds for which a network's failures at a login are remembered, from the last on."""

KNOWN = 30 * 24 * 3600.0
"""Seconds for which an address counts as one where a login succeeded."""

PATIENCE = 5.0
"""Seconds that an attempt waits for others: for its turn, and for those that may be right."""

AT_ONCE = 16
"""Attempts that are checked at once; the others wait, their networks in turn."""

WAITING = 200
"""Attempts that wait at most; one more takes the place of the newest from the most crowded network."""

_IN_STORE = 2  # attempts that use the store at once; its other connections are for sessions
_REFUSED = 10_000  # refusals that are remembered here, so that further attempts cost no read of the store
_AGAIN = 5.0  # seconds for which they are: another server may find a password right that it was still looking at
_RENEW = 24 * 3600.0  # seconds between two writes that an address is known
_FULL = (PER_LOGIN + PER_PAIR) * TURN  # seconds for which failures at a login count, however many of known addresses
_ROUNDING = 1e-6  # of a failure: the clock counts in steps of 2e-7 seconds


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, by the keys of its counts; `networks` are those under which it was counted."""

    pair: str
    address: str
    login: str
    known: str
    networks: tuple[str, ...]
    known_until: float = 0.0

    @property
    def measures(self) -> tuple[str, str, str]:
        """The keys that have a limit."""
        return self.pair, self.address, self.login


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit that an attempt has reached: its key, and until when it holds."""

    key: str
    until: float


class Attempts:
    """The counts of one database. `clock` gives seconds since the epoch; a window is never longer than it is meant."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = watched(clock)
        self._now = self._clock.steady
        self._refused: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._queue = FairQueue(at_once=AT_ONCE, waiting=WAITING)
        self._in_store = asyncio.Semaphore(_IN_STORE)
        self._in_flight = InFlight()
        self._right: dict[int, str] = {}  # of those in flight, the pairs of the ones that were right, by their id

    @property
    def waiting(self) -> int:
        """How many attempts wait, for their turn or for one that is in flight."""
        return self._queue.waiting + self._in_flight.waiting

    @asynccontextmanager
    async def trying(self, login: str, client: str) -> AsyncIterator[Attempt]:
        """An attempt at `login` from the address `client`, counted before its password is looked at within.

        It has failed unless `succeeded` or `take_back` is called. Raises Refusal: `too_many_attempts` and
        `too_many_logins` with `retry_after`, `store_unavailable`.
        """
        attempt = await self._begin(login, client)
        try:
            yield attempt
        finally:
            self._right.pop(id(attempt), None)
            self._in_flight.end(attempt.measures)
            self._queue.release()

    async def _begin(self, login: str, client: str) -> Attempt:
        """Count an attempt as soon as it may be made, and keep its place among those that are. Raises Refusal."""
        path = networks(client)
        keys = _keys(login, path)
        patience = asyncio.get_running_loop().time() + PATIENCE
        while True:
            self._check_remembered(keys.pair)
            found = await self._in_turn(keys, path, patience)
            if isinstance(found, Attempt):
                return found
            if not self._in_flight[found.key]:
                left = found.until - self._clock()
                self._remember(keys.pair, left)
                raise _too_many(left)
            try:
                async with asyncio.timeout_at(patience):
                    await self._in_flight.wait(found.key)
            except TimeoutError:
                raise _busy() from None

    async def _in_turn(self, keys: Attempt, path: tuple[str, ...], patience: float) -> Attempt | _Limit:
        """Count an attempt when it is its turn. No place is kept where a limit is reached. Raises Refusal."""
        try:
            await self._queue.acquire(path, patience)
        except (QueueFull, TimeoutError):
            raise _busy() from None
        found: Attempt | _Limit | None = None
        try:
            self._check_remembered(keys.pair)  # one before it may have been
            async with self._in_store:
                found = await self._count(keys)
            return found
        finally:
            if not isinstance(found, Attempt):
                self._queue.release()

    async def _count(self, keys: Attempt) -> Attempt | _Limit:
        """Count an attempt, which is in flight from then on, or give the limit that it has reached."""
        now = self._clock()
        flies = False
        try:
            async with self._database.write() as connection:
                found = await counts.read(connection, _longest(keys, self._left(keys.pair)), now)
                limit = _check(keys, found, now)
                if limit is not None:
                    return limit
                new = _one_more(keys, found, now)
                await counts.write(connection, new)
                # before the commit: `succeeded` looks within a transaction at how many are in flight
                self._in_flight.begin(keys.measures)
                flies = True
        except BaseException:
            if flies:
                self._in_flight.end(keys.measures)
            raise
        counted = tuple(key for key in keys.networks if key in new)
        return replace(keys, networks=counted, known_until=found.get(keys.known, NONE).until)

    async def succeeded(self, attempt: Attempt) -> None:
        """The password was right: forget what failed before it from there, and know the address from now on."""
        until = self._clock() + KNOWN
        async with self._database.write() as connection:
            self._right[id(attempt)] = attempt.pair
            may_fail = self._in_flight[attempt.pair] - sum(pair == attempt.pair for pair in self._right.values())
            await counts.forget(connection, attempt.pair, but=may_fail)
            await _give_back(connection, attempt, attempt.address)
            if until - attempt.known_until > _RENEW:
                await counts.write(connection, {attempt.known: Count(1, until)})

    async def take_back(self, attempt: Attempt) -> None:
        """The password was not checked after all."""
        async with self._database.write() as connection:
            await _give_back(connection, attempt, attempt.address, attempt.pair)

    async def purge(self) -> None:
        """Forget windows that are over, and addresses that were not used for long."""
        async with self._database.write() as connection:
            await counts.purge(connection, self._clock())

    def _check_remembered(self, pair: str) -> None:
        """Raise Refusal where it was refused a moment ago."""
        until, again = self._refused.get(pair, (0.0, -math.inf))
        now = self._now()
        if again > now:
            raise _too_many(until - now)

    def _left(self, pair: str) -> float:
        """The seconds that are left of its last refusal; infinite where none is remembered."""
        return max(0.0, self._refused[pair][0] - self._now()) if pair in self._refused else math.inf

    def _remember(self, pair: str, seconds: float) -> None:
        now = self._now()
        self._refused[pair] = now + seconds, now + min(seconds, _AGAIN)
        self._refused.move_to_end(pair)
        while len(self._refused) > _REFUSED:
            self._refused.popitem(last=False)


def _check(keys: Attempt, found: Mapping[str, Count], now: float) -> _Limit | None:
    """The limit that this attempt has reached, None if it may be made."""
    pair, address, login = (found.get(key, NONE) for key in keys.measures)
    if pair.count >= PER_PAIR:
        return _Limit(keys.pair, pair.until)
    if keys.known in found:
        return None
    if address.count >= PER_ADDRESS:
        return _Limit(keys.address, address.until)
    most = PER_LOGIN >> sum(found.get(key, NONE).count > 0 for key in keys.networks)
    if _failures(login, now) > most - 1 + _ROUNDING:
        return _Limit(keys.login, login.until - (most - 1) * TURN)
    return None


def _failures(login: Count, now: float) -> float:
    """How many failures at a login count now: what its row holds is the moment at which none does."""
    return max(0.0, login.until - now) / TURN


def _one_more(keys: Attempt, found: Mapping[str, Count], now: float) -> dict[str, Count]:
    """The counts that an attempt changes, as they are with it."""
    new = {}
    for key in (keys.pair, keys.address):
        before = found.get(key, Count(0, now + WINDOW))
        new[key] = Count(before.count + 1, before.until)
    login = found.get(keys.login, NONE)
    new[keys.login] = Count(1, min(max(login.until, now) + TURN, now + _FULL))
    if keys.known not in found and _failures(login, now) >= WATCHED - _ROUNDING:
        for key in keys.networks:
            new[key] = Count(found.get(key, NONE).count + 1, now + MEMORY)
    return new


def _longest(keys: Attempt, left: float) -> dict[str, tuple[float, float]]:
    """For each count the seconds that it can last, and those that it gets where it says more; see counts.read.

    `left` is what this process knows of the time that is left.
    """
    return {
        keys.pair: (WINDOW, min(WINDOW, left)),
        keys.address: (WINDOW, min(WINDOW, left)),
        keys.login: (_FULL, WATCHED * TURN),
        keys.known: (KNOWN, KNOWN),
        **dict.fromkeys(keys.networks, (MEMORY, MEMORY)),
    }


async def _give_back(connection: AsyncConnection, attempt: Attempt, *keys: str) -> None:
    await counts.lower(connection, (*keys, *attempt.networks))
    await counts.sooner(connection, attempt.login, TURN)


def _keys(login: str, path: tuple[str, ...]) -> Attempt:
    *wider, address = path
    return Attempt(
        pair=key_of("pair", login, address),
        address=key_of("address", address),
        login=key_of("login", login),
        known=key_of("known", login, address),
        networks=tuple(key_of("network", login, one) for one in wider),
    )


def _busy() -> Refusal:
    return Refusal("too_many_logins", retry_after=2)


def _too_many(seconds: float) -> Refusal:
    return Refusal("too_many_attempts", retry_after=max(1, math.ceil(seconds)))
