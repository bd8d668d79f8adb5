"""What groups keep: events by the name of their group and their number, and for how long each pattern keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.store.database import Database
from jackfield.auth.store.tables import events, histories
from jackfield.groups.histories import Batch, Past, Wanted

__all__ = ["AT_ONCE", "HistoryTable"]

AT_ONCE = 5000
"""Events removed in one transaction, and those of the same moment."""

# An event may be there: whether a transaction was committed is not known where the answer to that is lost. In the
# driver's own words, since SQLAlchemy takes longer for a row than SQLite.
_INSERT = "INSERT INTO jackfield_events (name, number, pattern, at, event) VALUES ({}) ON CONFLICT DO NOTHING"
_MARKS = {"qmark": "?, ?, ?, ?, ?", "numeric_dollar": "$1, $2, $3, $4, $5"}
_TRIM = delete(events).where(events.c.name == bindparam("group"), events.c.number < bindparam("oldest"))


class HistoryTable:
    """The kept events of one database. Raises Refusal `store_unavailable` where it does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def read(self, wanted: Iterable[Wanted]) -> Mapping[str, Past]:
        """What is kept of these groups, by their names."""
        async with self._database.read() as connection:
            return {one.group: await _read(connection, one) for one in wanted}

    async def write(self, batch: Batch) -> None:
        """Write events, those that are there already aside; and remove what the groups cannot give any more."""
        rows = [
            (group.name, number, pattern, at, str(frame, "utf-8")) for group, pattern, number, at, frame in batch.events
        ]
        oldest = [{"group": group, "oldest": number} for group, number in batch.oldest.items()]
        async with self._database.write() as connection:
            await connection.exec_driver_sql(_INSERT.format(_MARKS[connection.dialect.paramstyle]), rows)
            if oldest:
                await connection.execute(_TRIM, oldest)

    async def keep(self, keeps: Mapping[str, float]) -> None:
        """Have the events of these patterns removed after so many seconds, also those that are there."""
        async with self._database.write() as connection:
            known = {row.pattern: row.keep for row in await connection.execute(select(histories))}
            for pattern, seconds in keeps.items():
                if pattern not in known:
                    await connection.execute(insert(histories).values(pattern=pattern, keep=seconds))
                elif known[pattern] != seconds:
                    one = histories.c.pattern == pattern
                    await connection.execute(update(histories).where(one).values(keep=seconds))

    async def purge(self) -> None:
        """Remove the events whose time is over; what a plan keeps no more goes by what was said last."""
        async with self._database.read() as connection:
            found = (await connection.execute(select(histories))).all()
        for row in found:
            while await self._remove(row.pattern, self._clock() - row.keep):
                pass

    async def _remove(self, pattern: str, before: float) -> bool:
        """Remove some events that are older; whether there are more."""
        old = (events.c.pattern == pattern, events.c.at < before)
        later = select(events.c.at).where(*old).order_by(events.c.at).offset(AT_ONCE).limit(1)
        async with self._database.write() as connection:
            end = (await connection.execute(later)).scalar()
            some = old if end is None else (*old, events.c.at <= end)
            await connection.execute(delete(events).where(*some))
        return end is not None


async def _read(connection: AsyncConnection, wanted: Wanted) -> Past:
    of_group = events.c.name == wanted.group
    last = (await connection.execute(select(func.max(events.c.number)).where(of_group))).scalar()
    if last is None:
        return Past(0, ())
    newest = select(events.c.number, events.c.event).where(of_group, events.c.at >= wanted.oldest)
    some = newest.order_by(events.c.number.desc()).limit(wanted.most).subquery()
    # what is too much for a group is not even read: it may be a thousand times as much
    total = func.sum(func.length(some.c.event)).over(order_by=some.c.number.desc()).label("total")
    summed = select(some.c.number, some.c.event, total).subquery()
    fitting = select(summed.c.event).where(summed.c.total <= wanted.size).order_by(summed.c.number)
    return Past(last, [one.encode() for one in (await connection.execute(fitting)).scalars()])
