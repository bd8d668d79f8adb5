"""SQLite's file is its owner's alone, and the one that was opened."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from jackfield.auth.store.database import Database, path_of
from jackfield.auth.store.store import Store
from jackfield.errors import Refusal
from jackfield.state import State
from tests.auth.conftest import Clock, refused

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")


@pytest.fixture(autouse=True)
async def _connections_have_ended() -> AsyncIterator[None]:
    """The thread of a connection that failed ends by itself; it tells the loop, which must still be there."""
    yield
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5.0)
            assert not thread.is_alive()


@pytest.fixture
def nothing_masked() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def put(source: Path, target: Path) -> None:
    """Move the store and what stands beside it."""
    target.mkdir(exist_ok=True)
    for path in source.glob("store.db*"):
        path.replace(target / path.name)


@posix
@pytest.mark.usefixtures("nothing_masked")
@pytest.mark.parametrize("name", ["state", "Проект №1?", "50%25 ?x=1#y", "a:b@c"])
async def test_the_store_and_what_stands_beside_it_are_its_owners_alone(
    tmp_path: Path, clock: Clock, name: str
) -> None:
    folder = tmp_path / name
    url = State.open(tmp_path, state=folder).store_url
    (folder / ".gitignore").unlink()
    store = await Store.open(url, clock)
    await store.add("аня", "hash")
    found = modes(folder)
    await store.close()
    assert sorted(found) == ["store.db", "store.db-shm", "store.db-wal"]
    assert set(found.values()) == {0o600}


@posix
async def test_one_that_is_there_keeps_its_mode(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "store.db"
    file.touch()
    file.chmod(0o640)  # for a backup that the group makes, for example
    store = await Store.open(f"sqlite:///{file}", clock)
    await store.close()
    assert modes(tmp_path) == {"store.db": 0o640}


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_store_that_was_removed_does_not_answer_any_more(tmp_path: Path, clock: Clock, replaced: bool) -> None:
    """Otherwise this process goes on with the file that it has open, and every other one with a new one."""
    file = tmp_path / "store.db"
    url = f"sqlite:///{file}"
    store = await Store.open(url, clock)
    await store.add("аня", "hash")
    put(tmp_path, tmp_path / "aside")
    if replaced:
        other = await Store.open(url, clock)
        await other.close()
    refusal = await refused(store.get("аня"))
    assert refusal.code == "store_unavailable"
    assert str(refusal.__cause__) == f"{file} was removed or replaced while the server uses it; start the server anew"
    assert str(file) not in f"{refusal} {refusal.fix}"
    assert file.exists() == replaced
    put(tmp_path / "aside", tmp_path)
    assert await store.get("аня") is not None, "put back, it is the same one"
    await store.close()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/store.db", "/var/lib/store.db"),
        ("sqlite:////var/lib/%D0%B0%3F.db", "/var/lib/а?.db"),
        ("sqlite:///file:/var/lib/a%253Fb.db?uri=true", "/var/lib/a?b.db"),
        ("sqlite:///file:/var/lib/store.db?uri=true&mode=ro", None),
    ],
)
def test_the_file_that_a_url_names(url: str, path: str | None) -> None:
    assert path_of(make_url(url)) == (None if path is None else Path(path))


async def test_a_store_that_may_only_be_read_is_not_made(tmp_path: Path) -> None:
    database = Database.at(f"sqlite:///file:{tmp_path}/store.db?mode=ro&uri=true")
    await refused(database.prepare())
    await database.close()
    assert modes(tmp_path) == {}


async def test_of_a_connection_that_failed_nothing_is_left(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command is over when it has told of the fault; a thread that then finds its loop closed would show a stack."""
    may_end, join = threading.Event(), threading.Thread.join

    def held(_text: str, *what: object) -> None:
        if "close_and_stop" in repr(what):
            may_end.wait(5.0)

    def joined(thread: threading.Thread, timeout: float | None = None) -> None:
        may_end.set()
        join(thread, timeout)

    monkeypatch.setattr(logging.getLogger("aiosqlite"), "debug", held)
    monkeypatch.setattr(threading.Thread, "join", joined)
    with pytest.raises(Refusal, match="does not answer"):
        await Store.open(f"sqlite+aiosqlite:///{tmp_path}/missing/store.db?mode=rw&uri=true", clock)
    left = [thread.name for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]
    may_end.set()
    assert left == []
