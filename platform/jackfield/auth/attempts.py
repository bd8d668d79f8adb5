"""How often a password may be tried, counted in the store: for all processes together, also across a restart.

Strategy. What fails is counted in windows of 15 minutes: for a login from an address, for an address, and for a
login. The first of these is a wall: whoever guesses from one address is refused after ten. The other two slow
down who guesses from many addresses or at many logins, and must not lock out the people who belong there: an
address from which a login has succeeded within 30 days is not measured by them, and a login that is guessed at
from everywhere is still open to one attempt every ten seconds from elsewhere.

Two connections to the database are for attempts, and of one address one attempt at a time is in the store: who sends
logins by the thousand waits for themselves, and not others for them, nor those who are logged in already. They wait
rather than being refused, since who is refused at once comes again at once.

An attempt is counted before the password is looked at and given back when it was right, so that a hundred at
once are a hundred. But nobody is refused for what may still be right: where a limit is reached only together with
attempts whose passwords are being looked at, the next waits until one of these has ended, and is judged again.
Logins that nobody has are counted alike: what is refused says nothing about who exists.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.addresses import network
from jackfield.auth.database import Database
from jackfield.auth.in_flight import InFlight
from jackfield.auth.tables import attempts
from jackfield.clocks import watched
from jackfield.errors import Refusal

__all__ = [
    "KNOWN",
    "PATIENCE",
    "PER_ADDRESS",
    "PER_LOGIN",
    "PER_PAIR",
    "TURN",
    "WINDOW",
    "Attempt",
    "Attempts",
]

WINDOW = 15 * 60.0
"""Seconds after which failures are forgotten; they begin with the first."""

PER_PAIR = 10
"""Failures at one login from one address within a window."""

PER_ADDRESS = 100
"""Failures from one address within a window, at logins that were never right from there."""

PER_LOGIN = 100
"""Failures at one login within a window, from addresses where it was never right."""

TURN = 10.0
"""Seconds between two attempts at a login that has reached PER_LOGIN, from all those addresses together."""

KNOWN = 30 * 24 * 3600.0
"""Seconds for which an address is known as one from which a login has succeeded."""

PATIENCE = 5.0
"""Seconds that an attempt waits for others: for its turn in the store, and for those that may be right."""

_AT_ONCE = 2  # attempts that are in the store at once; its other connections are for who is logged in
_REFUSED = 10_000  # refusals that are remembered here, so that who goes on costs no read of the store
_AGAIN = 5.0  # seconds for which they are: another server may find a password right that it was still looking at
_RENEW = 24 * 3600.0  # seconds between two writes that an address is known


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that was counted, by the keys of what it counts for."""

    pair: str
    address: str
    login: str
    turn: str
    known: str
    known_until: float = 0.0

    @property
    def measures(self) -> tuple[str, str, str]:
        """The keys that have a limit."""
        return self.pair, self.address, self.login


@dataclass(frozen=True, slots=True)
class _Count:
    count: int
    until: float


@dataclass(frozen=True, slots=True)
class _Wall:
    """What stands in an attempt's way: the key whose limit is reached, and until when."""

    key: str
    until: float


_NONE = _Count(0, 0.0)


@dataclass(slots=True)
class _Line:
    """Who waits of one address; the first of them may go to the store."""

    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    people: int = 0


class Attempts:
    """The counts of one database. `clock` gives seconds since the epoch; a window is never longer than it is meant."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = watched(clock)
        self._now = self._clock.steady
        self._refused: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lines: dict[str, _Line] = {}
        self._in_store = asyncio.Semaphore(_AT_ONCE)
        self._in_flight = InFlight()

    @asynccontextmanager
    async def trying(self, login: str, client: str) -> AsyncIterator[Attempt]:
        """An attempt at `login` from the address `client`, counted before its password is looked at within.

        It has failed unless `succeeded` or `take_back` is called. Raises Refusal: `too_many_attempts` and
        `too_many_logins` with `retry_after`, `store_unavailable`.
        """
        attempt = await self._begin(_keys(login, client))
        try:
            yield attempt
        finally:
            self._in_flight.end(attempt.measures)

    async def _begin(self, keys: Attempt) -> Attempt:
        """Count an attempt as soon as it may be made. Raises Refusal."""
        patience = asyncio.get_running_loop().time() + PATIENCE
        while True:
            self._judge_remembered(keys.pair)
            async with self._turn(keys.address, patience):
                self._judge_remembered(keys.pair)  # by who came before
                found = await self._count(keys)
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

    @asynccontextmanager
    async def _turn(self, address: str, patience: float) -> AsyncIterator[None]:
        """A turn in the store, after those from this address who came before. Raises Refusal `too_many_logins`."""
        line = self._lines.setdefault(address, _Line())
        line.people += 1
        try:
            async with AsyncExitStack() as held:
                try:
                    async with asyncio.timeout_at(patience):
                        await held.enter_async_context(line.first)
                        await held.enter_async_context(self._in_store)
                except TimeoutError:
                    raise _busy() from None
                yield
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[address]

    async def _count(self, keys: Attempt) -> Attempt | _Wall:
        """Count an attempt, which is in flight from then on, or say what stands in its way."""
        now = self._clock()
        flies = False
        try:
            async with self._database.write() as connection:
                counts = await _read(connection, keys, now, self._left(keys.pair))
                wall = _judge(keys, counts)
                if wall is not None:
                    return wall
                await _add(connection, keys, counts, now)
                # before the commit: who has succeeded looks within a transaction at how many are in flight
                self._in_flight.begin(keys.measures)
                flies = True
        except BaseException:
            if flies:
                self._in_flight.end(keys.measures)
            raise
        return replace(keys, known_until=counts.get(keys.known, _NONE).until)

    async def succeeded(self, attempt: Attempt) -> None:
        """The password was right: forget what failed before it from there, and know the address from now on."""
        until = self._clock() + KNOWN
        async with self._database.write() as connection:
            await _forget(connection, attempt.pair, but=self._in_flight[attempt.pair] - 1)
            await _lower(connection, attempt.address, attempt.login)
            if until - attempt.known_until > _RENEW:
                await _write(connection, {attempt.known: _Count(1, until)})

    async def take_back(self, attempt: Attempt) -> None:
        """The password was not looked at after all."""
        async with self._database.write() as connection:
            await _lower(connection, *attempt.measures)

    async def purge(self) -> None:
        """Forget windows that are over, and addresses that were not used for long."""
        async with self._database.write() as connection:
            await connection.execute(delete(attempts).where(attempts.c.until <= self._clock()))

    def _judge_remembered(self, pair: str) -> None:
        """Raise Refusal where it was refused a moment ago."""
        until, again = self._refused.get(pair, (0.0, -math.inf))
        now = self._now()
        if again > now:
            raise _too_many(until - now)

    def _left(self, pair: str) -> float:
        """The seconds that are left of what it was last told to wait; for ever where nothing is known."""
        return max(0.0, self._refused[pair][0] - self._now()) if pair in self._refused else math.inf

    def _remember(self, pair: str, seconds: float) -> None:
        now = self._now()
        self._refused[pair] = now + seconds, now + min(seconds, _AGAIN)
        self._refused.move_to_end(pair)
        while len(self._refused) > _REFUSED:
            self._refused.popitem(last=False)


def _judge(keys: Attempt, counts: Mapping[str, _Count]) -> _Wall | None:
    """What stands in the way of this attempt, None if it may be made."""
    pair, address, login = (counts.get(key, _NONE) for key in keys.measures)
    if pair.count >= PER_PAIR:
        return _Wall(keys.pair, pair.until)
    if keys.known in counts:
        return None
    if address.count >= PER_ADDRESS:
        return _Wall(keys.address, address.until)
    if login.count >= PER_LOGIN and keys.turn in counts:
        return _Wall(keys.login, counts[keys.turn].until)
    return None


async def _add(connection: AsyncConnection, keys: Attempt, counts: Mapping[str, _Count], now: float) -> None:
    new = {}
    for key in keys.measures:
        before = counts.get(key, _Count(0, now + WINDOW))
        new[key] = _Count(before.count + 1, before.until)
    if keys.known not in counts and counts.get(keys.login, _NONE).count >= PER_LOGIN:
        new[keys.turn] = _Count(1, now + TURN)
    await _write(connection, new)


async def _read(connection: AsyncConnection, keys: Attempt, now: float, left: float) -> dict[str, _Count]:
    """The rows of an attempt whose time is not over. One that is further away than any can be is brought back.

    It was written by a clock that was ahead, which has been set back since, or is another machine's. `left` is what
    this process knows of the time that is left.
    """
    longest = {**dict.fromkeys(keys.measures, WINDOW), keys.turn: TURN, keys.known: KNOWN}
    query = select(attempts).where(attempts.c.key.in_(longest), attempts.c.until > now)
    found = {row.key: _Count(row.tries, row.until) for row in await connection.execute(query)}
    ahead = {
        key: _Count(one.count, now + (KNOWN if key == keys.known else min(longest[key], left)))
        for key, one in found.items()
        if one.until > now + longest[key]
    }
    if ahead:
        await _write(connection, ahead)
    return {key: one for key, one in (found | ahead).items() if one.until > now}


async def _write(connection: AsyncConnection, new: Mapping[str, _Count]) -> None:
    # Nobody writes beside us, so this is one step; and it is the same text for every database.
    await connection.execute(delete(attempts).where(attempts.c.key.in_(new)))
    rows = [{"key": key, "tries": one.count, "until": one.until} for key, one in new.items()]
    await connection.execute(insert(attempts), rows)


async def _forget(connection: AsyncConnection, key: str, *, but: int) -> None:
    """Forget what failed; `but` so many are in flight and may fail yet."""
    if not but:
        await connection.execute(delete(attempts).where(attempts.c.key == key))
        return
    query = update(attempts).where(attempts.c.key == key, attempts.c.tries > but)
    await connection.execute(query.values(tries=but))


async def _lower(connection: AsyncConnection, *keys: str) -> None:
    query = update(attempts).where(attempts.c.key.in_(keys), attempts.c.tries > 0)
    await connection.execute(query.values(tries=attempts.c.tries - 1))


def _keys(login: str, client: str) -> Attempt:
    address = network(client)
    return Attempt(
        pair=_key("pair", login, address),
        address=_key("address", address),
        login=_key("login", login),
        turn=_key("turn", login),
        known=_key("known", login, address),
    )


def _key(*parts: str) -> str:
    """One length for whatever is sent as a login, and no list of addresses for whoever reads the store."""
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _busy() -> Refusal:
    return Refusal("too_many_logins", fix="Wait a little and try again.", retry_after=2)


def _too_many(seconds: float) -> Refusal:
    return Refusal("too_many_attempts", fix="Wait, then try again.", retry_after=max(1, math.ceil(seconds)))
