"""A clock that is moved by hand, a real store in a file, and a second one on it that plays the other process.

With TEST_POSTGRES in the environment, `postgresql://user@127.0.0.1:5432/` for example, each test has a database of
its own on that server in place of the file; the user must be one who may make databases.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from jackfield.auth.passwords import Passwords
from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from tests.auth.provider import Provider, running
from tests.clock import Clock as Clock


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """One for the tests of a file."""
    with running() as made:
        yield made


async def refused(awaitable: Awaitable[object]) -> Refusal:
    """The Refusal that this ends with."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


async def outcome(awaitable: Awaitable[object]) -> str:
    """The code of the Refusal that this ends with, "" where it ends well."""
    try:
        await awaitable
    except Refusal as refusal:
        return refusal.code
    return ""


async def unavailable(*_: object) -> NoReturn:
    """What a store that does not answer does, whatever it is asked."""
    raise Refusal("store_unavailable", retry_after=2)


async def until(holds: Callable[[], object]) -> None:
    """Let the loop turn until this holds, 5 s at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is looked at sets no event
            await asyncio.sleep(0)


POSTGRES = os.environ.get("TEST_POSTGRES", "").rstrip("/").replace("postgresql://", "postgresql+asyncpg://")


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    if not POSTGRES:
        yield f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
        return
    name = f"jackfield_{uuid4().hex}"
    await execute(f"{POSTGRES}/postgres", [f"CREATE DATABASE {name} TEMPLATE template0"], alone=True)
    yield f"{POSTGRES}/{name}"
    await execute(f"{POSTGRES}/postgres", [f"DROP DATABASE {name} WITH (FORCE)"], alone=True)


@pytest.fixture
def file(tmp_path: Path, url: str) -> Path:
    """The file that the store is in; for tests that look at the disk."""
    if not url.startswith("sqlite"):
        pytest.skip("looks into the file of SQLite")
    return tmp_path / "store.db"


async def execute(
    url: str, statements: Iterable[str], rows: Iterable[Mapping[str, object]] = (), *, alone: bool = False
) -> None:
    """What somebody else does to the database at `url`; `alone` outside of a transaction."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT" if alone else None)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement), list(rows) or None)
    await engine.dispose()


@pytest.fixture
async def store(url: str, clock: Callable[[], float]) -> AsyncIterator[Store]:
    opened = await Store.open(url, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def other(url: str, clock: Callable[[], float], store: Store) -> AsyncIterator[Store]:
    opened = await Store.open(url, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(hasher=cheap())
    yield made
    await made.close()


def cheap() -> PasswordHasher:
    """Real Argon2id with parameters so small that a test may hash often."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
