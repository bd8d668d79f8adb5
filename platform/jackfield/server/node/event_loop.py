"""The run of the event loop, which code of the project does not end; the end of the program, which it does not hold up.

Strategy. asyncio and uvloop let SystemExit and KeyboardInterrupt out of the loop's run, wherever they are raised: a
task, a callback, a timer. Nothing is lost by that but the call that raised; so it is logged, and the loop runs on.
Tasks that Jackfield and its listener began do not stand in `asyncio.all_tasks`, for a process may cancel all of those.
At the end every wait has a limit, and one thread ends the program where even that is of no use.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import CoroutineType
from typing import Any, NoReturn, TypeVar
from weakref import WeakSet

from jackfield import stdio
from jackfield.logs import log
from jackfield.server.observe.code_location import raised, waiting
from jackfield.server.observe.lag import Place, place_of
from jackfield.tasks import Ended, end, hide, immortal

__all__ = ["END_LIMIT", "LEFT_LIMIT", "Pressed", "interrupt", "leave", "leave_within", "run"]

END_LIMIT = 15.0
"""Seconds after the time of the drain at which a stop is over, whatever holds it up."""

LEFT_LIMIT = 1.0
"""Seconds to end the tasks, generators and threads that a project left, each kind for itself."""

_OURS = frozenset({"jackfield", "uvicorn"})
_HINT = "sys.exit, Ctrl-C and loop.stop end no server; raise an exception, and stop the server by a signal"

_LOGGED = (
    SystemExit,
    KeyboardInterrupt,
    Ended,
    type(None),
)  # these two have left the loop's run, and were logged there

T = TypeVar("T")
Task = asyncio.Task[Any]


class Pressed(KeyboardInterrupt):
    """Ctrl-C was pressed; any other KeyboardInterrupt is of the project, where the signal is ours."""


def run(main: Coroutine[Any, Any, T], new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> T:
    """Run `main` to its end, and end what is left then. Raises what it raises, and KeyboardInterrupt at Ctrl-C.

    The first Ctrl-C cancels it, a second one ends it at once.
    """
    loop = new_loop()
    ours: WeakSet[Task] = WeakSet()
    loop.set_task_factory(_factory(ours))
    loop.set_exception_handler(_uncaught)
    task = loop.create_task(main)
    with _ctrl_c(task) as pressed:
        try:
            _follow(loop, task)
            if task.cancelled() and pressed():
                raise Pressed
            return task.result()
        finally:
            _follow(loop, loop.create_task(_wind_up(ours)))
            loop.close()


def _factory(ours: WeakSet[Task]) -> Callable[..., Task]:
    """What makes the loop's tasks: those of ours are hidden, and known to `ours`."""

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Task:
        task = Task(coroutine, loop=loop, **options)
        frame = coroutine.cr_frame if type(coroutine) is CoroutineType else None
        name = None if frame is None else dict.get(frame.f_globals, "__name__")
        if type(name) is str and name.partition(".")[0] in _OURS:
            ours.add(task)
            hide(task)
        return task

    return make


def _follow(loop: asyncio.AbstractEventLoop, task: Task) -> None:
    """Let the loop run until `task` is done; what else would end it is logged."""
    task.add_done_callback(lambda _task: loop.stop())
    while not task.done():
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as exc:
            if isinstance(exc, KeyboardInterrupt) and (isinstance(exc, Pressed) or _may_be_pressed()):
                raise
            log.error("exit_ignored", incident=secrets.token_hex(4), at=raised(exc), fix=_HINT, exc_info=exc)
        else:
            if not task.done():
                log.error("exit_ignored", incident=secrets.token_hex(4), at="loop.stop()", fix=_HINT)


def _may_be_pressed() -> bool:
    """Whether Python itself turns Ctrl-C into an exception: the project gave the signal back to it."""
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


def interrupt(_number: int, _frame: object) -> NoReturn:
    """A handler of SIGINT that ends the run at once; for a server that is closing already. Raises Pressed."""
    raise Pressed


@contextmanager
def _ctrl_c(task: Task) -> Iterator[Callable[[], bool]]:
    """Cancel `task` at the first Ctrl-C, as `asyncio.run` does; gives a function that says whether there was one."""
    times = 0

    def cancel(number: int, frame: object) -> None:
        nonlocal times
        times += 1
        if times > 1 or task.done():
            interrupt(number, frame)
        task.cancel()
        task.get_loop().call_soon_threadsafe(lambda: None)  # wakes it

    ours = threading.current_thread() is threading.main_thread() and _may_be_pressed()
    if ours:
        signal.signal(signal.SIGINT, cancel)
    try:
        yield lambda: times > 0
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _uncaught(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What was not caught in a callback or a task, without the values of its variables."""
    exc, task = context.get("exception"), context.get("task") or context.get("future")
    if not isinstance(task, asyncio.Task):
        task = None
    if task is not None and exc is not None and issubclass(type(exc), _LOGGED):
        return
    name = {} if task is None else {"task": task.get_name()}
    log.error("uncaught", incident=secrets.token_hex(4), at=context.get("message", ""), exc_info=exc, **name)


async def _wind_up(ours: WeakSet[Task]) -> None:
    """End what still runs: tasks, then async generators that are still open."""
    me, loop = asyncio.current_task(), asyncio.get_running_loop()
    left = [task for task in {*asyncio.all_tasks(), *ours} if task is not me and not task.done()]
    await end(left, LEFT_LIMIT, _not_ended)
    closing = loop.create_task(loop.shutdown_asyncgens(), name="async generators")
    await asyncio.wait({closing}, timeout=LEFT_LIMIT / 2)
    await end([closing], LEFT_LIMIT / 2, _not_ended)
    for task in (*left, closing):
        if task.done() and not task.cancelled() and not issubclass(type(exc := task.exception()), _LOGGED):
            log.error("uncaught", incident=secrets.token_hex(4), at=task.get_name(), exc_info=exc)


def _not_ended(task: Task) -> None:
    log.error("task_not_ended", task=task.get_name(), at=waiting(task))


def leave() -> None:
    """End the program although a thread or task of the project goes on: Python would wait for it, or run it again."""
    until = time.monotonic() + LEFT_LIMIT
    main = threading.main_thread()
    for thread in threading.enumerate():
        if thread is not main and not thread.daemon:
            thread.join(max(0.0, until - time.monotonic()))
    left = [thread for thread in threading.enumerate() if thread is not main and not thread.daemon]
    if left or immortal():
        frames = sys._current_frames()
        where = [place_of(frames[thread.ident]).at for thread in left if thread.ident in frames]
        log.warning("threads_left", threads=[thread.name for thread in left], at=where)
        _exit()


def leave_within(seconds: float) -> None:
    """Have the program end after so many seconds, wherever it stands then. For a server that has begun to stop."""

    def watch() -> None:
        time.sleep(seconds)
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        place = Place("Python itself", ()) if frame is None else place_of(frame)
        log.error("stop_too_long", limit=seconds, at=place.at, stack=list(place.stack))
        _exit()

    threading.Thread(target=watch, name="jackfield-stop", daemon=True).start()


def _exit() -> None:
    stdio.settle()
    os._exit(0)
