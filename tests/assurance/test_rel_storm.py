"""Row REL-14: calls that are cancelled while they wait for a database leave its pool as it was, and answer nobody else.

`STORM=100000` for the number of the row. With TEST_POSTGRES in the environment (tests/auth/conftest.py) the database is
PostgreSQL, else SQLite. Calls are taken back; generators are cancelled when their client is gone, too.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from jackfield.config.plan import Limits
from jackfield.server.connection.dispatch import Dispatcher
from tests.auth.conftest import POSTGRES
from tests.clock import Clock
from tests.server.conftest import Build
from tests.server.served import LIMIT, Talk, talk_on

STORM = int(os.environ.get("STORM", "64"))
POOL = 3

CODE = """
import sqlalchemy

ENGINES = []
SEEN = []
GATES = {}

@process(reply="canary")
async def look(canary: int) -> int:
    async with ENGINES[0].connect() as database:
        await database.execute(sqlalchemy.text("select cast(:canary as integer)"), {"canary": -canary})
        await asyncio.sleep(0)
        found = await database.execute(sqlalchemy.text("select cast(:canary as integer)"), {"canary": canary})
        SEEN.append(canary)
        return found.scalar_one()

@process(reply="canary")
async def rows(canary: int):
    async with ENGINES[0].connect() as database:
        await database.execute(sqlalchemy.text("select cast(:canary as integer)"), {"canary": -canary})
        for _ in range(2):
            found = await database.execute(sqlalchemy.text("select cast(:canary as integer)"), {"canary": canary})
            SEEN.append(canary)
            yield found.scalar_one()
"""
ENDPOINTS = """
  echo: {url: /ws/echo, process: p.look}
  rows: {url: /ws/rows, process: p.rows}
"""


# A connect to SQLite that is cancelled is dropped by the library with its thread; Python 3.13 warns of it.
@pytest.mark.filterwarnings("error", "ignore:unclosed database in <sqlite3:ResourceWarning")
async def test_rel_14_calls_that_are_cancelled_in_a_database_answer_nobody_else(
    build_table: Build, clock: Clock, tmp_path: Path
) -> None:
    table = build_table(ENDPOINTS, CODE)
    url = f"{POSTGRES}/postgres" if POSTGRES else f"sqlite+aiosqlite:///{tmp_path / 'canary.db'}"
    engine = create_async_engine(url, pool_size=POOL, max_overflow=0)
    names = table.routes["echo"].process.function.__globals__
    names["ENGINES"].append(engine)
    dispatcher, chance = Dispatcher(threads=1, clock=clock), random.Random(14)

    async def storm() -> None:
        limits = Limits(concurrency=8, rate=None)
        talks: list[Talk] = []
        for canary in range(STORM):
            if canary % 16 == 0:
                for talk in talks:
                    talk.one.lost(1006)
                    await talk.finished()
                talks = [talk_on(table, name, dispatcher, clock, fast=True, limits=limits) for name in ("echo", "rows")]
            talk = talks[canary % 2]
            talk.say({"canary": canary, "$id": canary})
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            if chance.random() < 0.7:
                talk.say({"$cancel": chance.choice((canary, canary, True))})
            for frame in talk.network.frames:
                assert frame.get("canary", frame["$id"]) == frame["$id"], "this is somebody else's"
            ids = [frame["$id"] for frame in talk.network.frames if "canary" not in frame or talk is talks[0]]
            assert len(ids) == len(set(ids)), "one was answered twice"
        for talk in talks:
            talk.one.lost(1006)
            await talk.finished()

    async with asyncio.timeout(LIMIT + STORM / 100):
        await storm()
        talk = talk_on(table, "echo", dispatcher, clock, fast=True, limits=Limits(concurrency=POOL))
        for canary in range(POOL):
            talk.say({"canary": canary})
        frames = await talk.frames(POOL)
    assert sorted(frame["canary"] for frame in frames) == list(range(POOL)), "all of the pool is free again"
    assert 0 < len(names["SEEN"]) < STORM, "some were cancelled, some not"
    await talk.finished()
    assert engine.pool.status().count("Current Checked out connections: 0") == 1
    talk.one.lost(1006)
    await engine.dispose()
    dispatcher.close()
    gc.collect()
