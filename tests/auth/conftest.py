"""A clock that is moved by hand, a real store in a file, and a second one on it that plays the other process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from jackfield.auth.passwords import Passwords
from jackfield.auth.store import Store


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"


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
    """Real Argon2id with parameters so small that a test may hash often."""
    cheap = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield cheap
    await cheap.close()
