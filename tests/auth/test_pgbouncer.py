"""The store through a real PgBouncer, which gives each transaction another connection of its own.

Runs where pgbouncer is installed and TEST_POSTGRES is in the environment, see conftest.py.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from tests.clock import Clock

LIMIT = 10.0
PGBOUNCER = shutil.which("pgbouncer") or next((p for p in ("/usr/sbin/pgbouncer",) if Path(p).exists()), "")
SETTINGS = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
"""

Pooled = Callable[[str], Awaitable[str]]
"""The address of the test's database through a PgBouncer in this mode."""


@pytest.fixture
async def pooled(url: str, tmp_path: Path) -> AsyncIterator[Pooled]:
    if not PGBOUNCER or not url.startswith("postgresql"):
        pytest.skip("there is no PgBouncer here, or no PostgreSQL")
    async with AsyncExitStack() as stack:
        yield lambda mode: stack.enter_async_context(_pgbouncer(url, mode, tmp_path))


class _pgbouncer:  # noqa: N801 - reads as the context manager that it is
    def __init__(self, url: str, mode: str, folder: Path) -> None:
        self._url, self._mode, self._folder = make_url(url), mode, folder

    async def __aenter__(self) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            listen = free.getsockname()[1]
        there = {"host": self._url.host, "port": self._url.port, "user": self._url.username}
        size = 20 if self._mode == "session" else 2  # there each of our connections keeps one of the pool's
        settings = self._folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(**there, listen=listen, mode=self._mode, size=size), "utf-8")
        as_user = ("-u", "postgres") if os.geteuid() == 0 else ()  # it refuses to run as root
        self._process = await asyncio.create_subprocess_exec(
            PGBOUNCER, *as_user, str(settings), stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(LIMIT):
            while b"process up" not in (line := await self._process.stderr.readline()):
                assert line, "pgbouncer ended"
        self._rest = asyncio.create_task(self._process.stderr.read())  # what it reports from here on
        return self._url.set(port=listen).render_as_string(hide_password=False)

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        async with asyncio.timeout(LIMIT):
            await self._process.wait()
            await self._rest


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_two_servers_share_a_store_behind_a_pool(pooled: Pooled, clock: Clock, mode: str) -> None:
    address = await pooled(mode)
    first, second = await Store.open(address, clock), await Store.open(address, clock)
    try:
        for number in range(20):  # more than the pool has connections, so that they change hands
            await first.add(f"anna{number}", None, ("support",))
            found = await second.get(f"anna{number}")
            assert found is not None
            assert found.roles == frozenset({"support"})
        several = await asyncio.gather(*(one.get(f"anna{number}") for number in range(20) for one in (first, second)))
        assert {user.login for user in several if user} == {f"anna{number}" for number in range(20)}
    finally:
        await first.close()
        await second.close()


async def test_a_mode_that_takes_no_transactions_is_named(pooled: Pooled, clock: Clock) -> None:
    with pytest.raises(Refusal, match="pool_mode") as caught:
        await Store.open(await pooled("statement"), clock)
    assert "pool_mode = transaction" in caught.value.fix
