"""Counts in the store that run out: rows of a key, a number and the moment at which it is forgotten.

There is one writer at a time (see database.py), so what was read stands until the commit; and
the statements are the same text for every database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.store.tables import attempts

__all__ = ["NONE", "Count", "forget", "key_of", "lower", "purge", "read", "sooner", "write"]


_ROUNDING = 1e-3  # seconds, of sums of clock readings


@dataclass(frozen=True, slots=True)
class Count:
    """One count, and until when it holds."""

    count: int
    until: float


NONE = Count(0, 0.0)
"""What stands where there is no row."""


def key_of(*parts: str) -> str:
    """A digest: of one length for any login, and no list of addresses for a reader of the store."""
    text = "\\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def read(connection: AsyncConnection, longest: Mapping[str, tuple[float, float]], now: float) -> dict[str, Count]:
    """The counts of these keys whose time is not over.

    One that ends later than in the first of its seconds was written by a clock that was ahead, and has been set back
    since or is another machine's: it ends in the second of them.
    """
    query = select(attempts).where(attempts.c.key.in_(longest), attempts.c.until > now)
    found = {row.key: Count(row.tries, row.until) for row in await connection.execute(query)}
    ahead = {
        key: replace(one, until=now + longest[key][1])
        for key, one in found.items()
        if one.until > now + longest[key][0] + _ROUNDING
    }
    if ahead:
        await write(connection, ahead)
    return {key: one for key, one in (found | ahead).items() if one.until > now}


async def write(connection: AsyncConnection, new: Mapping[str, Count]) -> None:
    """Put these counts in the place of what was there."""
    await connection.execute(delete(attempts).where(attempts.c.key.in_(new)))
    rows = [{"key": key, "tries": one.count, "until": one.until} for key, one in new.items()]
    await connection.execute(insert(attempts), rows)


async def forget(connection: AsyncConnection, key: str, *, but: int) -> None:
    """Lower a count to `but`."""
    if not but:
        await connection.execute(delete(attempts).where(attempts.c.key == key))
        return
    query = update(attempts).where(attempts.c.key == key, attempts.c.tries > but)
    await connection.execute(query.values(tries=but))


async def lower(connection: AsyncConnection, keys: Collection[str]) -> None:
    """Take one from each of these counts."""
    query = update(attempts).where(attempts.c.key.in_(keys), attempts.c.tries > 0)
    await connection.execute(query.values(tries=attempts.c.tries - 1))


async def sooner(connection: AsyncConnection, key: str, seconds: float) -> None:
    """Let a count run out so many seconds earlier."""
    await connection.execute(update(attempts).where(attempts.c.key == key).values(until=attempts.c.until - seconds))


async def purge(connection: AsyncConnection, now: float) -> None:
    """Forget what has run out."""
    await connection.execute(delete(attempts).where(attempts.c.until <= now))
