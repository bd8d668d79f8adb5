"""A project built beside the event loop, within a time, and ended where it does not come back.

Strategy. Each build has a thread of its own; of the loop's pool it would keep one of the few for good, and Python would
wait for it when the server stops. When the time is over, the thread's stack says which line of the project it has come
to, and it is broken off (breaking.py). A process of its own for a first look would end a call into C as well, but
imports everything twice and takes half a second of a core for each publish.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from jackfield.errors import PlanError, Problem
from jackfield.logs import log
from jackfield.process.python.sources import FOLDER
from jackfield.routing.build import build
from jackfield.routing.table import RoutingTable
from jackfield.server.observe.lag import place_of
from jackfield.server.publish.breaking import Breaking

__all__ = ["ENDING", "LOAD_LIMIT", "MOST_LEFT", "built"]

LOAD_LIMIT = 60.0
"""Seconds that loading the file and all processes may take."""

ENDING = 2.0
"""Seconds to end a load that took too long."""

MOST_LEFT = 8
"""Loads that could not be ended and still run; while there are so many nothing is loaded."""

_PAUSE = 0.05  # seconds between two strikes
_DO = "do what takes long, or may have to wait, in a @resource"

_left: list[threading.Thread] = []


async def built(folder: Path, number: int, limit: float | None = None, home: Path | None = None) -> RoutingTable:
    """`routing.build` in a thread. Raises PlanError, after `limit` seconds or LOAD_LIMIT with the line it is at."""
    home = home or folder
    limit = LOAD_LIMIT if limit is None else limit
    _left[:] = [thread for thread in _left if thread.is_alive()]
    if len(_left) >= MOST_LEFT:
        message = f"{len(_left)} loads before this one took too long and could not be ended"
        raise PlanError([Problem("too_slow", message, "restart the server", file=FOLDER)])
    thread, future = _begin(folder, number, home)
    try:
        async with asyncio.timeout(limit):
            return await future
    except TimeoutError:
        pass
    file, line, stack = _stands(thread, home)
    ended = await _end(thread)
    if not ended:
        _left.append(thread)
    log.warning("load_too_slow", at=f"{file}:{line}", limit=limit, ended=ended, stack=list(stack))
    raise PlanError([_too_slow(file, line, limit, ended=ended)])


def _too_slow(file: str, line: int, limit: float, *, ended: bool) -> Problem:
    message = f"loading took longer than {limit:g} s"
    if line:
        message += ", and had come to this line"
    hint = (
        _DO if ended else f"{_DO}; it could not be broken off, and goes on until it returns or the server is restarted"
    )
    return Problem("too_slow", message, hint, file=file, line=line)


def _begin(folder: Path, number: int, home: Path) -> tuple[threading.Thread, asyncio.Future[RoutingTable]]:
    """The thread that builds, and its table; a table that comes too late is released."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[RoutingTable] = loop.create_future()

    def deliver(table: RoutingTable | None, fault: BaseException | None) -> None:
        if future.done():
            if table is not None:
                table.catalog.release()
        elif table is not None:
            future.set_result(table)
        else:
            future.set_exception(
                fault if isinstance(fault, Exception) else RuntimeError(f"nothing was built: {fault!r}")
            )

    def run() -> None:
        table, fault = None, None
        try:
            table = build(folder, number, home)
        except BaseException as exc:  # noqa: BLE001 - the root of this thread; raised again where it is awaited
            fault = exc
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(deliver, table, fault)

    thread = threading.Thread(target=run, name="jackfield-build", daemon=True)
    thread.start()
    return thread, future


def _stands(thread: threading.Thread, folder: Path) -> tuple[str, int, tuple[str, ...]]:
    """The innermost line of the project that a thread has come to, `processes` and 0 where there is none; its stack."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return FOLDER, 0, ()
    stack = place_of(frame).stack
    own = os.path.join(folder.absolute(), FOLDER, "")  # noqa: PTH118 - with the slash at its end
    now: FrameType | None = frame
    while now is not None:
        path = now.f_code.co_filename
        if path.startswith(own):
            return f"{FOLDER}/{path.removeprefix(own)}".replace(os.sep, "/"), now.f_lineno, stack
        now = now.f_back
    return FOLDER, 0, stack


async def _end(thread: threading.Thread) -> bool:
    """Break off what a thread does until it ends; gives whether it did."""
    with Breaking(thread.ident or 0) as breaking:
        for _ in range(round(ENDING / _PAUSE)):
            if not thread.is_alive():
                return True
            breaking.strike()
            await asyncio.sleep(_PAUSE)
    return not thread.is_alive()
