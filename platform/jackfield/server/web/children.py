"""Commands of ours as children of the server: what code of the project does there, it does not do to the server.

Strategy: a child has a process group of its own, which is killed when its time is over, when it prints more than is
read, or when the server stops. Its environment has none of our settings, and so no secret of ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jackfield.server.web.places import Places

__all__ = ["AT_ONCE", "MOST_PRINTED", "Children", "Done"]

AT_ONCE = 2
"""Children that run at the same time."""

MOST_PRINTED = 4 * 1_048_576
"""Bytes that are read of what a child prints."""

_TAIL = 2_000  # bytes of stderr that are kept
_OURS = "JACKFIELD_"
_TO_END = 5.0  # seconds for the system to end a child that was killed


@dataclass(frozen=True, slots=True)
class Done:
    """What a child printed, its last words on stderr, and why it was stopped; "" where it ended by itself."""

    printed: bytes
    last: str
    stopped: str

    def json(self) -> Any:
        """What it printed as JSON; None where it broke off."""
        if self.stopped:
            return None
        try:
            return json.loads(self.printed)
        except (ValueError, RecursionError):
            return None

    @property
    def why(self) -> str:
        """Why it printed no JSON, in a sentence."""
        lines = self.last.strip().splitlines() or ["it ended without a word"]
        return self.stopped or lines[-1].removeprefix("jackfield: ")


class Children:
    """The children of one server."""

    def __init__(self) -> None:
        self.places = Places(AT_ONCE)

    async def run(
        self, words: Sequence[str], given: bytes, within: float, settings: Mapping[str, str] | None = None
    ) -> Done:
        """Run `jackfield` with these arguments and `given` as its input, `within` seconds at most.

        `settings` are variables of ours that it is to have. Raises Refusal `too_busy` as Places does.
        """
        async with self.places.taken():
            return await _run(words, given, within, {**_environment(), **(settings or {})})


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


async def _run(words: Sequence[str], given: bytes, within: float, environment: Mapping[str, str]) -> Done:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jackfield", *words),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=dict(environment),
        start_new_session=True,
    )
    assert child.stdin is not None, "all three are pipes"
    assert child.stdout is not None
    assert child.stderr is not None
    last, stopped, printed = bytearray(), "", b""
    try:
        async with asyncio.timeout(within), asyncio.TaskGroup() as tasks:
            tasks.create_task(_give(child.stdin, given))
            tasks.create_task(_keep_tail(child.stderr, last))
            reading = tasks.create_task(_read(child.stdout, child.pid))
        printed = reading.result()
        if len(printed) > MOST_PRINTED:
            printed, stopped = b"", f"it printed more than {MOST_PRINTED:,} bytes, and was stopped"
    except TimeoutError:
        stopped = f"it had not ended after {within:g} s, and was stopped"
    finally:
        _kill(child.pid)
        with suppress(TimeoutError):
            async with asyncio.timeout(_TO_END):
                await child.wait()
    return Done(printed, last.decode("utf-8", "replace"), stopped)


async def _give(pipe: asyncio.StreamWriter, given: bytes) -> None:
    with suppress(ConnectionError):  # it ended without reading all of it
        pipe.write(given)
        await pipe.drain()
    pipe.close()


async def _read(pipe: asyncio.StreamReader, pid: int) -> bytes:
    """What is printed; where that is too much, more than MOST_PRINTED bytes of it, and the child has been ended."""
    found = bytearray()
    while part := await pipe.read(65_536):
        found += part
        if len(found) > MOST_PRINTED:
            _kill(pid)
            break
    return bytes(found)


async def _keep_tail(pipe: asyncio.StreamReader, last: bytearray) -> None:
    while part := await pipe.read(65_536):
        last += part
        del last[:-_TAIL]


def _kill(pid: int) -> None:
    """End a child and what it began."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL) if hasattr(os, "killpg") else os.kill(pid, signal.SIGTERM)
