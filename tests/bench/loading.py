"""The load program, led from here: ready, go, the result, the end. See the head of load/load.c."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from tests.bench.running import clean_environment
from tests.bench.workshop import BenchError

__all__ = ["Load", "Outcome", "Target"]

LIMIT = 120.0
"""Seconds that one load may take from its start to its end."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is, and who calls."""

    port: int
    path: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the load program counted: replies (or handshakes, or open connections), seconds, latencies in µs."""

    count: int
    seconds: float
    p50: int
    p99: int
    wrong: int
    lost: int


class Load:
    """One run of the load program. Leaving the context ends it. Methods raise BenchError."""

    def __init__(
        self,
        program: Path,
        target: Target,
        mode: Literal["messages", "group", "handshakes", "idle"],
        options: Mapping[str, object],
    ) -> None:
        where = {"port": target.port, "path": target.path, "cookie": target.cookie, "mode": mode, "limit": LIMIT}
        words = [word for name, value in {**where, **options}.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [str(program), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=clean_environment(),
            start_new_session=True,
        )

    def __enter__(self) -> Load:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if exc is not None:
            self._process.kill()
        self._process.communicate()

    def await_ready(self) -> None:
        """Wait until all connections are open and warm."""
        if self._line() != "ready":
            self._fail()

    def go(self) -> None:
        """Let it work."""
        self._say("go")

    def result(self) -> Outcome:
        """Wait for its work's end. A wrong reply or a lost connection is a BenchError: such a run proves nothing."""
        text = self._line()
        if not text:
            self._fail()
        outcome = Outcome(**json.loads(text))
        if outcome.wrong or outcome.lost:
            self._process.kill()
            reported = self._process.communicate()[1]
            raise BenchError(f"{outcome.wrong} wrong replies, {outcome.lost} lost connections: {reported[-1500:]}")
        return outcome

    def finish(self) -> None:
        """Let it close its connections, and wait for it."""
        self._say("close")
        if self._process.wait(timeout=30):
            self._fail()

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()

    def _line(self) -> str:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], LIMIT + 5)[0]:
            return ""
        return self._process.stdout.readline().strip()

    def _fail(self) -> None:
        self._process.kill()
        reported = self._process.communicate()[1]
        raise BenchError(f"the load program ended with {self._process.returncode}: {reported[-1500:]}")
