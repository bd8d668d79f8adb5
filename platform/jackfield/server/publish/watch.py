"""`serve --watch`: publish on each save.

Strategy: the sources are hashed twice a second. That is a millisecond for a project of a hundred files,
works on every file system and for editors that replace a file instead of writing it, and sees a folder
that did not exist at the start; a watcher by inotify does none of the three without special cases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from jackfield.errors import PlanError
from jackfield.logs import log
from jackfield.server.publish.publisher import Publisher, digest
from jackfield.server.publish.report import Report

__all__ = ["watch"]

INTERVAL = 0.5
"""Seconds between two looks at the files."""


async def watch(
    publisher: Publisher,
    folder: Path,
    report: Callable[[Report | PlanError], None],
    *,
    interval: float = INTERVAL,
) -> None:
    """Publish whenever the source files of `folder` are not those that were tried last, until cancelled.

    `report` is called with each outcome.
    """
    while True:
        await asyncio.sleep(interval)
        if await asyncio.to_thread(digest, folder) == publisher.tried:
            continue
        try:
            report(await publisher.publish())
        except PlanError as exc:
            report(exc)
        except Exception:  # noqa: BLE001 - the root of this task; the next save is published all the same
            log.exception("watch_failed")
