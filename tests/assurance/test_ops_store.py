"""OPS-4, as far as the store of users and sessions goes: what fails there is told in general, and closes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.server.conftest import Clock, OpenServed
from tests.server.served import PASSWORD, Answer, Served, cookie_of, log_in

LEAKS = (b"sqlite", b"SELECT", b"INSERT", b"jackfield_", b"locked", b"database", b"Traceback", b"store.db")


@pytest.fixture(autouse=True)
def patient_store() -> None:
    """In place of the suite's: here the store has the two seconds that it has in life."""


@pytest.fixture
async def house(open_served: OpenServed) -> Served:
    made = await open_served("  say: {url: /ws/say, process: p.echo}")
    await made.add("аня", "admin", password=PASSWORD)
    return made


def told_in_general(answer: Answer) -> None:
    assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "set-cookie" not in answer.headers
    assert not [word for word in LEAKS if word in answer.body]


async def test_ops_4_a_store_that_cannot_be_written_lets_nobody_in_and_throws_nobody_out(
    house: Served, tmp_path: Path
) -> None:
    cookie = cookie_of(await log_in(house))
    caller = house.call("/ws/say", cookie)
    await caller.accepted()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    told_in_general(await log_in(house))
    told_in_general(await house.http("POST", "/auth/logout", cookie))  # nobody believes that it has ended
    told_in_general(await house.http("POST", "/api/users", cookie, {"login": "bob"}))
    assert await caller.ask({"message": "да"}) == {"message": "да"}
    other.execute("ROLLBACK")
    other.close()
    assert (await log_in(house)).status == 200
    await caller.leave()


async def test_ops_4_a_store_that_cannot_be_read_is_no_reason_to_believe_anybody(
    house: Served, tmp_path: Path, clock: Clock
) -> None:
    known, unknown = await house.cookie("аня"), await house.cookie("аня")
    assert (await house.http("GET", "/auth/session", known)).status == 200
    for file in tmp_path.glob("store.db*"):  # noqa: ASYNC240 - what fails here is the disk
        file.write_bytes(b"no database " * 1000)
    told_in_general(await log_in(house))
    assert (await house.http("GET", "/auth/session", known)).status == 200  # from memory, for a while
    told_in_general(await house.http("GET", "/auth/session", unknown))
    told_in_general(await house.call("/ws/say", unknown).refused())
    clock.move(91)
    told_in_general(await house.call("/ws/say", known).refused())
