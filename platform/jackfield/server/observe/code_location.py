"""Where code of the project stands: in a task that waits, or in an exception that it raised."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, TracebackType
from typing import Any

from jackfield.process.python.sources import of_project

__all__ = ["raised", "waiting"]

_PARTS = 3  # of a file's path
_STEPS = ("async_generator_asend", "async_generator_athrow")  # what is awaited of an async generator


def raised(exc: BaseException) -> str:
    """The innermost line of the project that an exception went through, or the innermost of all."""
    descriptor: Any = BaseException.__traceback__
    return _innermost(_traced(descriptor.__get__(exc)))  # whatever its class makes of the name


def waiting(task: asyncio.Task[Any]) -> str:
    """The innermost line of the project at which a task waits, or the innermost of all."""
    return _innermost(_awaited(task.get_coro()))


def _innermost(lines: Iterator[tuple[FrameType, int]]) -> str:
    found, own = "", False
    for frame, line in lines:
        of_users = of_project(dict.get(frame.f_globals, "__name__"))
        if of_users or not own:
            file = "/".join(frame.f_code.co_filename.replace("\\", "/").split("/")[-_PARTS:])
            found, own = f"{file}:{line} {frame.f_code.co_name}", own or of_users
    return found


def _traced(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _awaited(awaited: Any) -> Iterator[tuple[FrameType, int]]:
    """What a coroutine awaits, and what that does, down to the future that all of them wait for."""
    while awaited is not None:
        frame: FrameType | None = None
        if type(awaited) is CoroutineType:
            frame, awaited = awaited.cr_frame, awaited.cr_await
        elif type(awaited) is AsyncGeneratorType:
            frame, awaited = awaited.ag_frame, awaited.ag_await
        elif type(awaited) is GeneratorType:
            frame, awaited = awaited.gi_frame, awaited.gi_yieldfrom
        elif type(awaited).__name__ in _STEPS:
            awaited = next((one for one in gc.get_referents(awaited) if type(one) is AsyncGeneratorType), None)
        else:
            return
        if frame is not None:
            yield frame, frame.f_lineno
