from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.auth.store import database as database_module
from jackfield.auth.store.database import Database
from jackfield.errors import Refusal
from tests.auth.conftest import refused


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Callable[..., Database]]:
    """Makes databases, in a file of this test where no other URL is given; they are closed at the end."""
    async with AsyncExitStack() as stack:

        def make(url: str = f"sqlite:///{tmp_path / 'x.db'}", **settings: float) -> Database:
            made = Database.at(url, **settings)
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
def database(at: Callable[..., Database]) -> Database:
    return at()


async def scalar(database: Database, query: str) -> object:
    async with database.read() as connection:
        return (await connection.execute(text(query))).scalar()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "not the URL"),
        ("store.db", "not the URL"),
        ("nonsense://x", "not the URL"),
        ("mysql+pymysql://u:geheim@h/d", "cannot be used|not installed"),
        ("sqlite+pysqlite:////tmp/x.db", "cannot be used"),
        ("sqlite://", "without a file"),
        ("sqlite+aiosqlite:///:memory:", "without a file"),
        ("postgresql://u:geheim@h/d?sslrootcert=/geheim", "the parameter sslrootcert"),
        ("postgresql://u:geheim@h/d?ssl=require&application_name=x", "the parameter application_name"),
        ("postgresql://u:geheim@h:99999/d", "the port 99999"),
    ],
)
def test_rel_20_a_url_that_cannot_be_used_is_reported_without_itself(url: str, word: str) -> None:
    with pytest.raises(Refusal, match=word) as caught:
        Database.at(url)
    assert caught.value.code == "store_unavailable"
    assert caught.value.fix
    assert "geheim" not in str(caught.value) + caught.value.fix


@pytest.mark.parametrize("query", ["", "?sslmode=prefer", "?ssl=prefer", "?prepared_statement_cache_size=0"])
async def test_rel_20_a_url_as_providers_of_databases_give_it(
    url: str, at: Callable[..., Database], query: str
) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("there is no PostgreSQL here")
    assert await scalar(at(url.replace("postgresql+asyncpg", "postgres") + query), "select 1") == 1


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The database at `url` through a way that passes nothing on while the event is not set."""
    target = make_url(url)
    flows = asyncio.Event()
    flows.set()
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while data := await reader.read(65536):
            await flows.wait()
            writer.write(data)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(target.host, target.port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer), return_exceptions=True)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield target.set(port=port).render_as_string(hide_password=False), flows
    server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def test_rel_10_a_server_that_says_nothing_any_more_costs_a_bounded_time(url: str) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("there is no PostgreSQL here")
    async with relay(url) as (address, flows):
        database = Database.at(address, limit=0.3)
        await scalar(database, "select 1")
        flows.clear()
        async with asyncio.timeout(10):
            await refused(scalar(database, "select 1"))
        flows.set()
        assert await scalar(database, "select 1") == 1
        flows.clear()
        async with asyncio.timeout(10):
            await database.close()


async def test_sqlite_is_opened_with_wal_and_foreign_keys(database: Database) -> None:
    await database.prepare()
    await database.prepare()
    assert await scalar(database, "pragma journal_mode") == "wal"
    assert await scalar(database, "pragma foreign_keys") == 1


async def test_a_database_that_another_process_is_making_is_waited_for(
    tmp_path: Path, at: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    maker.execute("create table t (x integer)")
    maker.execute("begin immediate")
    tried: list[bool] = []
    switch = database_module._switch_to_wal

    async def counted(connection: AsyncConnection) -> bool:
        tried.append(await switch(connection))
        if not tried[-1] and maker.in_transaction:
            maker.execute("rollback")
        return tried[-1]

    monkeypatch.setattr(database_module, "_switch_to_wal", counted)
    await at(limit=1.0).prepare()
    assert (tried[0], tried[-1]) == (False, True)
    maker.close()


async def make_table(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("create table t (x integer)"))


async def test_a_write_that_fails_leaves_nothing_behind(database: Database) -> None:
    await make_table(database)

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(text("insert into t values (1)"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await scalar(database, "select count(*) from t") == 0


async def test_writers_take_turns(database: Database) -> None:
    await make_table(database)
    async with database.write() as connection:
        await connection.execute(text("insert into t values (0)"))

    async def increase() -> None:
        async with database.write() as connection:
            x = (await connection.execute(text("select x from t"))).scalar_one()
            await connection.execute(text("update t set x = :x"), {"x": x + 1})

    await asyncio.gather(*(increase() for _ in range(20)))
    assert await scalar(database, "select x from t") == 20


async def test_rel_10_a_locked_database_is_a_refusal_in_bounded_time(
    tmp_path: Path, at: Callable[..., Database]
) -> None:
    database = at(limit=0.2)
    await scalar(database, "select 1")
    blocker = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(10):
        refusal = await refused(make_table(database))
    assert (refusal.code, refusal.status, refusal.retry_after) == ("store_unavailable", 503, 2)
    blocker.execute("ROLLBACK")
    blocker.close()
    await make_table(database)


async def test_an_operation_that_hangs_is_given_up(at: Callable[..., Database]) -> None:
    with pytest.raises(Refusal) as caught:
        async with at(limit=0.05).read():
            await asyncio.Event().wait()
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_a_connection_given_up_while_it_is_opened_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, checked = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def on_a_slow_disk(*args: Any, **settings: Any) -> sqlite3.Connection:
        threads.append(threading.current_thread())
        begun.set()
        checked.wait(0.05)
        opened.append(connect(*args, **(settings | {"check_same_thread": False})))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", on_a_slow_disk)
    database = Database.at(f"sqlite:///{tmp_path / 'x.db'}")

    async def read() -> None:
        async with database.read():
            pass

    reading = asyncio.create_task(read())
    await asyncio.to_thread(begun.wait, 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await database.close()
    alive = [thread for thread in threads if thread.is_alive()]
    checked.set()
    assert threads
    assert not alive
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("select 1")


async def test_ops_4_a_broken_file_is_a_refusal_that_reports_no_statement(tmp_path: Path, database: Database) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database, and it is long enough" * 20)
    with pytest.raises(Refusal) as caught:
        async with database.read() as connection:
            await connection.execute(text("select :secret"), {"secret": "geheim"})
    assert "database" in str(caught.value.__cause__)
    assert "geheim" not in str(caught.value.__cause__)


async def test_a_server_that_is_not_there_is_a_refusal(at: Callable[..., Database]) -> None:
    pytest.importorskip("asyncpg")
    refusal = await refused(scalar(at("postgresql://user:geheim@127.0.0.1:1/none"), "select 1"))
    assert "geheim" not in str(refusal) + str(refusal.__cause__)
