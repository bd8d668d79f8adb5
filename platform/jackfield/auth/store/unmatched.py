"""Messages that no row of a table was for: equal ones once, and the latest MOST_KEPT of each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Double, Index, String, Table, Text, and_, delete, or_, select

from jackfield.auth.store.database import Database, storable
from jackfield.auth.store.tables import metadata

__all__ = ["MOST_KEPT", "KeptMessage", "Noted", "UnmatchedTable"]

MOST_KEPT = 500
"""Messages of one endpoint that are kept; a new one takes the place of what came last the longest ago."""

unmatched = Table(
    "jackfield_unmatched",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("endpoint", String(200), nullable=False),
    Column("process", String(200), nullable=False),
    Column("why", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("first_at", Double, nullable=False),
    Column("last_at", Double, nullable=False),
    Index("jackfield_unmatched_by_age", "endpoint", "last_at"),
)

# in the driver's own words, since both databases have them and SQLAlchemy has others for each
_UPSERT = (
    "INSERT INTO jackfield_unmatched (id, endpoint, process, why, message, times, first_at, last_at) VALUES ({}) "
    "ON CONFLICT (id) DO UPDATE SET times = jackfield_unmatched.times + excluded.times, last_at = excluded.last_at"
)
_MARKS = {"qmark": "?, ?, ?, ?, ?, ?, ?, ?", "numeric_dollar": "$1, $2, $3, $4, $5, $6, $7, $8"}


class Noted(NamedTuple):
    """One message, JSON, of a process at an endpoint. `why` is `last_row` or `no_row`."""

    endpoint: str
    process: str
    why: str
    message: str

    @property
    def id(self) -> str:
        """What equal ones share."""
        return sha256("\0".join(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """What is kept of one message; times are seconds since the epoch."""

    id: str
    noted: Noted
    count: int
    first_at: float
    last_at: float

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands in the list."""
        return self.last_at, self.id


class UnmatchedTable:
    """The kept messages of one database. Raises Refusal `store_unavailable` where it does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def write(self, noted: Iterable[tuple[Noted, int]]) -> None:
        """Count messages, each as many times as stands beside it, and forget what is too much."""
        now = self._clock()
        # by their ids: two servers that write the same rows in another order would wait for each other
        rows = sorted((one.id, *one, times, now, now) for one, times in noted)
        async with self._database.write() as connection:
            await connection.exec_driver_sql(_UPSERT.format(_MARKS[connection.dialect.paramstyle]), rows)
            for endpoint in {row[1] for row in rows}:
                of_endpoint = unmatched.c.endpoint == endpoint
                newest = select(unmatched.c.id).where(of_endpoint).order_by(unmatched.c.last_at.desc(), unmatched.c.id)
                stay = newest.limit(MOST_KEPT).subquery()
                await connection.execute(delete(unmatched).where(of_endpoint, unmatched.c.id.not_in(select(stay.c.id))))

    async def list(
        self, endpoint: str | None = None, *, after: tuple[float, str] | None = None, limit: int | None = None
    ) -> Sequence[KeptMessage]:
        """What is kept, of one endpoint or of all, the latest first; what comes `after` the one with this place."""
        query = select(unmatched).order_by(unmatched.c.last_at.desc(), unmatched.c.id).limit(limit)
        if endpoint is not None:
            query = query.where(unmatched.c.endpoint == storable(endpoint))
        if after is not None:
            at, id_ = after
            query = query.where(or_(unmatched.c.last_at < at, and_(unmatched.c.last_at == at, unmatched.c.id > id_)))
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            KeptMessage(
                row.id, Noted(row.endpoint, row.process, row.why, row.message), row.times, row.first_at, row.last_at
            )
            for row in rows
        ]

    async def remove(self, message: str) -> str | None:
        """Forget a message by its id; the endpoint that it came to, None where there is none."""
        gone = delete(unmatched).where(unmatched.c.id == storable(message)).returning(unmatched.c.endpoint)
        async with self._database.write() as connection:
            return (await connection.execute(gone)).scalar_one_or_none()
