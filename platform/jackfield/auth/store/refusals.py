"""Who was refused and why, for some days: of known logins, and failed logins. What is kept is bounded in every way.

Strategy. A batch is one transaction. It ends with the removal of what is too much for the logins and addresses that
are in it, by an index each. The cause of a failed login stands behind its code, `login_failed/disabled`: rows of
before have none, and older versions read it as a code. Failed logins are counted apart from other refusals, so that
whoever guesses at a login does not push out why its owner was refused; those of logins that no user has are all of the
login "".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, insert, select, text
from sqlalchemy.sql.dml import Delete

from jackfield.auth.refused import Refused, Wanted
from jackfield.auth.store.database import Database, storable
from jackfield.auth.store.tables import refusals

__all__ = ["KEPT", "MOST", "PER_ADDRESS", "PER_LOGIN", "PER_NOBODY", "RefusalTable"]

KEPT = 7 * 24 * 3600.0
"""Seconds for which a refusal of a known login, or a failed login, is kept."""

PER_LOGIN = 100
"""Refusals of one login that are kept, the newest, and as many failed logins."""

PER_NOBODY = 1000
"""Failed logins that are kept of all logins that no user has, the newest."""

PER_ADDRESS = 300
"""Refusals and failed logins from one address that are kept, the newest."""

MOST = 20_000
"""Refusals and failed logins that are kept, the newest; each is at most 2 KB, most are a third of that."""

# The row is one node's, which knows the whole count: to write it twice is to write it once.
_AGAIN = text(
    "UPDATE jackfield_refusals SET last_at = :last_at, times = :times, detail = :detail, fix = :fix "
    "WHERE id = :id AND first_at = :first_at"
)


def _but_newest(most: int, *same: ColumnElement[bool]) -> Delete:
    """Removes all of the same kind but the newest."""
    kind = select(refusals.c.last_at).where(*same)
    oldest = kind.order_by(refusals.c.last_at.desc()).offset(most - 1).limit(1).scalar_subquery()
    return delete(refusals).where(*same, refusals.c.last_at < oldest)


_OF_LOGIN = (refusals.c.login == bindparam("whose"), refusals.c.failed_login == bindparam("failed"))
_TRIM_LOGIN = _but_newest(PER_LOGIN, *_OF_LOGIN)
_TRIM_NOBODY = _but_newest(PER_NOBODY, refusals.c.login == "")
_TRIM_ADDRESS = _but_newest(PER_ADDRESS, refusals.c.client == bindparam("address"))
_TRIM_ALL = _but_newest(MOST)


class RefusalTable:
    """The kept refusals of one database. Raises Refusal `store_unavailable` where it does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def write(self, batch: Sequence[Refused]) -> None:
        """Write refusals as they are now, also those that are there already; remove what is too much of their kind."""
        if not batch:
            return
        rows = {(one.id, one.first): _row(one) for one in batch}
        owners = {(one.login, one.failed_login) for one in batch if one.login}
        async with self._database.write() as connection:
            known = select(refusals.c.id, refusals.c.first_at).where(refusals.c.id.in_([one.id for one in batch]))
            there = {(row.id, row.first_at) for row in await connection.execute(known)}
            if again := [row for key, row in rows.items() if key in there]:
                await connection.execute(_AGAIN, again)
            if new := [row for key, row in rows.items() if key not in there]:
                await connection.execute(insert(refusals), new)
            await connection.execute(_TRIM_ADDRESS, [{"address": client} for client in {one.client for one in batch}])
            if owners:
                await connection.execute(_TRIM_LOGIN, [{"whose": login, "failed": failed} for login, failed in owners])
            if not all(one.login for one in batch):
                await connection.execute(_TRIM_NOBODY)

    async def find(self, wanted: Wanted) -> Sequence[Refused]:
        """What is wanted, the newest first."""
        query = select(refusals).where(*_wanted(wanted)).order_by(refusals.c.last_at.desc()).limit(wanted.limit)
        async with self._database.read() as connection:
            return [_refused(row) for row in await connection.execute(query)]

    async def purge(self) -> None:
        """Remove what is too old, and what is too much of all."""
        async with self._database.write() as connection:
            await connection.execute(delete(refusals).where(refusals.c.last_at < self._clock() - KEPT))
            await connection.execute(_TRIM_ALL)


def _wanted(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    columns = ((refusals.c.login, wanted.login), (refusals.c.client, wanted.address), (refusals.c.id, wanted.id))
    yield from (column == value for column, value in columns if value)
    if wanted.since is not None:
        yield refusals.c.last_at >= wanted.since


def _row(one: Refused) -> dict[str, Any]:
    return {
        "id": one.id,
        "first_at": one.first,
        "last_at": one.time,
        "times": one.count,
        "login": one.login,
        "failed_login": one.failed_login,
        "client": one.client[:64],
        "path": storable(one.path)[:200],
        "endpoint": one.endpoint,
        "origin": storable(one.origin)[:200],
        "code": f"{one.code}/{one.cause}" if one.cause else one.code,
        "status": one.status,
        "detail": storable(one.detail),
        "fix": storable(one.fix),
    }


def _refused(row: Row[Any]) -> Refused:
    code, _, cause = row.code.partition("/")
    return Refused(
        time=row.last_at,
        path=row.path,
        code=code,
        status=row.status,
        detail=row.detail,
        login=row.login,
        client=row.client,
        origin=row.origin,
        endpoint=row.endpoint,
        fix=row.fix,
        id=row.id,
        first=row.first_at,
        count=row.times,
        cause=cause,
    )
