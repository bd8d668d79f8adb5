"""The connections to the database of users and sessions: SQLite by default, PostgreSQL by URL.

Every use is bounded in time and every fault of the connection becomes Refusal `store_unavailable`, so that
a database that hangs costs a caller two seconds, once more as much for the caller that finds a connection dead, and
never a task. One writer at a time, on PostgreSQL too: the ids of `changes` then become visible in their order, and a
reader that remembers the last one misses none.

SQLite makes its file as open as the umask lets it, and gives `-wal` and `-shm` the same mode; all three hold the
hashes of the passwords. So the file is made here, before SQLite opens it. And a file that is open goes on being read
after it was removed: the server and the command line would use two stores, and both would report success. So the file
is looked at before each use.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

import aiosqlite
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from jackfield.auth.store.tables import read_json
from jackfield.errors import Refusal

__all__ = ["LIMIT", "Database", "Unusable", "path_of", "storable"]

LIMIT = 2.0
"""Seconds that a use of the database may take."""

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg"}
_CACHE = "prepared_statement_cache_size"
# What may stand behind the `?` of a PostgreSQL URL: what asyncpg takes as text, by libpq's name where that differs.
_PARAMETERS = frozenset(
    {"gsslib", "host", "krbsrvname", "passfile", "password", "port", _CACHE, "service"}
    | {"servicefile", "ssl", "target_session_attrs", "user"}
)
# A pool of connections between us and the database, PgBouncer in transaction mode for one, may give each transaction
# another connection: there a name that was prepared before is unknown, or another client's. So nothing has a name.
_UNNAMED = {"statement_cache_size": 0, _CACHE: 0, "prepared_statement_name_func": str}
_WRITER = text("SELECT pg_advisory_xact_lock(7465218)")  # an arbitrary number, ours among the database's locks
_WAL_AGAIN = 0.02  # seconds; the limit of every use bounds the whole
_LAST_WORD = 1.0  # seconds that the threads of connections that ended have to report that and end
_EXAMPLE = "for example sqlite+aiosqlite:////var/lib/app/store.db or postgresql+asyncpg://user@host/name"


class Unusable(Refusal):
    """The setting itself is wrong, so trying again does not help."""


class _StoreFile:
    """SQLite's file; `make` comes first, then `check` before each use. Both raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: tuple[int, int] | None = None

    def make(self) -> None:
        """Make the file, for its owner alone, where there is none; one that is there keeps its mode."""
        # Never open one that is there: closing it would drop the locks of SQLite in this process.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._made = self._identity()

    def check(self) -> None:
        """Raise OSError where the file is no more the one that was made or found."""
        try:
            same = self._made is None or self._identity() == self._made
        except FileNotFoundError:
            same = False
        if not same:
            raise OSError(f"{self._path} was removed or replaced while the server uses it; start the server anew")

    def _identity(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino


def path_of(url: URL) -> Path | None:
    """The file that a SQLite URL names; None where the URL says itself how it is to be opened (`mode=ro`)."""
    name = url.database or ""
    if "mode" in url.query:
        return None
    if name.startswith("file:") and "uri" in url.query:
        name = unquote(urlsplit(name).path)
    return Path(name).absolute()


class Database:
    """A small pool of connections to one database. `limit` seconds bound every use of one."""

    usual_limit = LIMIT

    def __init__(
        self,
        engine: AsyncEngine,
        limit: float,
        file: _StoreFile | None = None,
        threads: Iterable[threading.Thread] = (),
    ) -> None:
        self._engine = engine
        self._limit = limit
        self._file = file
        self._threads = threads
        self._is_sqlite = engine.dialect.name == "sqlite"
        # a writer's turn in this process: PostgreSQL lets writers in as they came, SQLite in no order
        self._turn = asyncio.Lock() if self._is_sqlite else nullcontext()

    @classmethod
    def at(cls, url: str, *, limit: float | None = None) -> Self:
        """The database of this URL; nothing is connected yet. Raises Unusable for an invalid URL."""
        parsed = _parse(url)
        limit = cls.usual_limit if limit is None else limit
        try:
            if parsed.get_backend_name() == "sqlite":
                path = path_of(parsed)
                threads: WeakSet[threading.Thread] = WeakSet()
                return cls(_sqlite(parsed, limit, threads), limit, _StoreFile(path) if path else None, threads)
            engine = create_async_engine(
                _for_asyncpg(parsed),
                pool_size=4,
                max_overflow=4,
                pool_timeout=limit / 2,
                pool_pre_ping=True,
                hide_parameters=True,
                json_deserializer=read_json,
                connect_args=_UNNAMED if parsed.query.get(_CACHE, "0") == "0" else {},
            )
        except ModuleNotFoundError as error:
            raise _unusable(
                f"The database driver {error.name} is not installed.", "Install it: pip install 'jackfield[postgres]'."
            ) from error
        return cls(engine, limit)

    async def prepare(self) -> None:
        """Set what lasts in the database itself. Call it once, before the first use; it may be repeated."""
        if not self._is_sqlite:
            await self._begin_one()
            return
        if self._file is not None:
            async with self._bounded():
                self._file.make()
        async with self.read() as connection:
            while not await _switch_to_wal(connection):  # noqa: ASYNC110 - no event of another process reaches us
                await asyncio.sleep(_WAL_AGAIN)

    async def _begin_one(self) -> None:
        """Begin a transaction. Raises Unusable where what stands before the database takes none."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except Refusal as refusal:
            if "statement pooling" not in str(refusal.__cause__):
                raise
            detail = "JACKFIELD_STORE leads to a PgBouncer that takes no transactions (pool_mode = statement)."
            raise _unusable(detail, "Set pool_mode = transaction there, or session.") from refusal

    async def close(self) -> None:
        """Close all connections. One whose other end does not answer within the limit is let go."""
        try:
            async with asyncio.timeout(self._limit):
                await self._engine.dispose()
        except TimeoutError:
            await self._engine.dispose(close=False)
        await _end(self._threads)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with. Raises Refusal `store_unavailable`."""
        async with self._bounded(), self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, alone in its kind, committed at the end. Raises Refusal `store_unavailable`."""
        async with self._bounded(), self._turn, self._engine.begin() as connection:
            if self._is_sqlite:
                # A transaction that first reads and then writes may fail halfway; one that begins as a
                # writer waits for its turn.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.execute(_WRITER)
            yield connection

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limit):
                if self._file is not None:
                    self._file.check()
                yield
        except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
            # The driver's own exception is the cause to log: SQLAlchemy's holds the statement.
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise Refusal("store_unavailable", retry_after=2) from cause


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        asynchronous = parsed.get_dialect().is_async
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # ValueError: the port is no number
        # The URL itself is not shown: it may hold a password.
        raise _unusable("JACKFIELD_STORE is not the URL of a database.", f"Write it whole, {_EXAMPLE}.") from error
    if parsed.host and not _is_host(parsed.host):
        raise _unusable(f"JACKFIELD_STORE names the host {parsed.host[:80]}, which can be none.", "Correct it.")
    if not asynchronous or parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise _unusable(
            f"JACKFIELD_STORE names the driver {parsed.drivername}, which cannot be used here.",
            f"SQLite and PostgreSQL can, {_EXAMPLE}.",
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise _unusable("JACKFIELD_STORE names SQLite without a file.", f"Add the path, {_EXAMPLE}.")
    return parsed


def _is_host(name: str) -> bool:
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def _for_asyncpg(url: URL) -> URL:
    """The URL with what its driver calls otherwise; Unusable for what it would only fail on once it connects."""
    if url.port is not None and not 0 < url.port < 65536:
        raise _unusable(f"JACKFIELD_STORE names the port {url.port}; ports go from 1 to 65535.", "Correct it.")
    # every provider of databases gives URLs with libpq's name
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    unknown = sorted(set(query) - _PARAMETERS)
    if unknown:
        detail = f"JACKFIELD_STORE has the parameter {unknown[0]}, which the driver asyncpg does not know."
        raise _unusable(detail, f"Remove it; known are sslmode and {', '.join(sorted(_PARAMETERS))}.")
    return url.set(query=query)


def _sqlite(url: URL, limit: float, threads: WeakSet[threading.Thread]) -> AsyncEngine:
    # At DEBUG the driver logs every statement with its values, password hashes too.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
    # SQLite gives up waiting for another writer before our own limit strikes: its fault leaves the
    # connection whole, a cancelled one must be thrown away. isolation_level None: we begin transactions.
    engine = create_async_engine(
        url,
        pool_size=4,
        max_overflow=0,
        pool_timeout=limit / 2,
        hide_parameters=True,
        json_deserializer=read_json,
        connect_args={"timeout": limit / 2, "isolation_level": None, "async_creator_fn": partial(_connect, threads)},
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    return engine


async def _connect(threads: WeakSet[threading.Thread], *args: Any, **settings: Any) -> aiosqlite.Connection:
    """A connection; its thread is added to `threads`. One that fails, or is cancelled, leaves nothing open."""
    connection = aiosqlite.connect(*args, **settings)
    thread: threading.Thread = connection._thread
    thread.daemon = True  # as SQLAlchemy does it: a program that does not close one can still end
    threads.add(thread)
    # aiosqlite that is cancelled here drops what the thread goes on to open, and closes nothing
    opening = asyncio.ensure_future(connection)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unused)
        raise
    except Exception:
        await _end([thread])
        raise


def _close_unused(opening: asyncio.Future[aiosqlite.Connection]) -> None:
    """Close what was opened for a caller that was cancelled; the thread then ends."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().stop()


async def _end(threads: Iterable[threading.Thread]) -> None:
    """Wait for threads of connections that are closed, failed or were cancelled.

    Each still reports its end to the loop; where that is closed by then, the thread would show a stack.
    """
    if alive := [thread for thread in threads if thread.is_alive()]:
        await asyncio.to_thread(_join, alive, time.monotonic() + _LAST_WORD)


def _join(threads: Iterable[threading.Thread], until: float) -> None:
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


async def _switch_to_wal(connection: AsyncConnection) -> bool:
    """Let readers go on beside a writer. False while another process is at it.

    SQLite does not wait for its turn in this one case: it fails at once with "database is locked".
    """
    try:
        await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY":
            raise
        return False
    return True


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")  # with WAL: safe from crashes, a power cut may cost the last moment
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def storable(text: str) -> str:
    """A text as both databases take it: somebody has typed or sent parts of it."""
    return text.replace("\0", "�").encode(errors="replace").decode()


def _unusable(detail: str, fix: str) -> Unusable:
    return Unusable("store_unavailable", detail, fix)
