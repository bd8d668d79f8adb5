"""A generator that is ended before its end has a time for its `finally`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from jackfield.logs import log
from jackfield.process.process import Process
from jackfield.server.observe.code_location import waiting
from jackfield.tasks import fail

__all__ = ["BREAK_OFF", "CLEAN_UP", "clean_up"]

CLEAN_UP = 5.0
"""Seconds for the `finally` of a generator that is ended."""

BREAK_OFF = 1.0
"""Seconds after CLEAN_UP until it is ended by force."""


async def clean_up(process: Process, values: AsyncGenerator[Any, None]) -> None:
    """Close a generator within CLEAN_UP, in its task; does nothing where it has come to its end.

    What it then swallows is logged, and what it waits for is made to fail.
    """
    if getattr(values, "ag_frame", values) is None:
        return
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    insist = asyncio.get_running_loop().call_later(CLEAN_UP + BREAK_OFF, _insist, process, task)
    try:
        async with asyncio.timeout(CLEAN_UP):
            await values.aclose()
    finally:
        insist.cancel()


def _insist(process: Process, task: asyncio.Task[Any]) -> None:
    log.error("generator_not_ended", process=process.name, at=waiting(task))
    fail(task)
