"""The watch by itself: what makes it publish, and what does not end it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from jackfield import files
from jackfield.errors import PlanError, Problem
from jackfield.server.publish.publisher import Publisher, digest
from jackfield.server.publish.report import Report
from jackfield.server.publish.watch import watch
from tests.projects import write

LIMIT = 30.0


class FakePublisher:
    """Notes each publish; `outcomes` is what they come to, "fine" when it is empty."""

    def __init__(self, folder: Path) -> None:
        self.tried = digest(folder)
        self.published = 0
        self.outcomes: list[Exception] = []
        self.failed = asyncio.Event()
        self._folder = folder

    async def publish(self) -> Report:
        self.tried = digest(self._folder)
        self.published += 1
        if self.outcomes:
            outcome = self.outcomes.pop(0)
            if not isinstance(outcome, PlanError):
                self.failed.set()
            raise outcome
        return cast("Report", f"report {self.published}")


class Watched:
    def __init__(self, folder: Path) -> None:
        self.publisher = FakePublisher(folder)
        self.reported: asyncio.Queue[Any] = asyncio.Queue()

    async def next(self) -> Any:
        async with asyncio.timeout(LIMIT):
            return await self.reported.get()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")
    seen = Watched(tmp_path)
    publisher = cast("Publisher", seen.publisher)
    task = asyncio.create_task(watch(publisher, tmp_path, seen.reported.put_nowait, interval=0.005))
    yield seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_each_save_and_only_saves(tmp_path: Path, watched: Watched) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {} # да\n")
    assert await watched.next() == "report 1"
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "new.py").write_text("x = 1\n")
    assert "report" in await watched.next()
    before = watched.publisher.published
    (tmp_path / "notes.md").write_text("not ours")
    (tmp_path / "processes" / "new.py").touch()
    for _ in range(10):
        await asyncio.sleep(0.005)
    assert watched.publisher.published == before


async def test_what_was_published_by_hand_is_not_published_again(tmp_path: Path, watched: Watched) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {} # by hand\n")
    await watched.publisher.publish()  # in the same step: the watch has not looked yet
    for _ in range(10):
        await asyncio.sleep(0.005)
    assert watched.publisher.published == 1


async def test_problems_are_reported_and_a_fault_of_ours_does_not_end_it(tmp_path: Path, watched: Watched) -> None:
    problems = PlanError([Problem("bad_url", "нет")])
    watched.publisher.outcomes = [problems, RuntimeError("ours")]
    (tmp_path / "endpoints.yaml").write_text("a: 1\n")
    assert await watched.next() is problems
    (tmp_path / "endpoints.yaml").write_text("a: 2\n")
    async with asyncio.timeout(LIMIT):
        await watched.publisher.failed.wait()
    (tmp_path / "endpoints.yaml").write_text("a: 3\n")
    assert await watched.next() == "report 3"


async def test_a_problem_is_reported_once_and_not_every_half_second(tmp_path: Path, watched: Watched) -> None:
    watched.publisher.outcomes = [PlanError([Problem("bad_url", "нет")])]
    (tmp_path / "endpoints.yaml").write_text("a: 1\n")
    await watched.next()
    for _ in range(10):
        await asyncio.sleep(0.005)
    assert watched.publisher.published == 1


def test_a_file_that_stays_is_read_once_for_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    true = files.digest

    def counted(path: Path) -> str:
        read.append(path.name)
        return true(path)

    monkeypatch.setattr(files, "digest", counted)
    write(tmp_path, "endpoints: {}\n", a="A = 1\n", b="B = 1\n")
    sources = [tmp_path / "endpoints.yaml", *(tmp_path / "processes" / f"{name}.py" for name in "ab")]
    for path in sources[:2]:
        os.utime(path, (1_000_000_000, 1_000_000_000))
    first = digest(tmp_path)
    assert digest(tmp_path) == first
    assert sorted(read) == ["a.py", "b.py", "b.py", "endpoints.yaml"]  # b was written just now: it may be again
    sources[1].write_text("A = 2\n", "utf-8")
    assert digest(tmp_path) != first
