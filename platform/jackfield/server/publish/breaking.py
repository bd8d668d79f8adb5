"""Breaking off what another thread does: an exception in it, and in whatever swallows that.

Strategy. PyThreadState_SetAsyncExc sets an exception in a thread; code that catches everything and tries again swallows
it. So the lines that follow raise as well: where Python can watch the lines of single functions (3.12 on) all of them
until the thread is out; before that the next one, which leaves the `except` that has caught. Nothing is raised but
within a call of the project's code (process/calling.py), and not in the middle of Python's own import, whose locks
would stay. A thread that waits in one call of the system, or computes in C, sees all this when that returns.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

from jackfield.process.calling import inside

__all__ = ["Breaking", "TookTooLong"]

_IMPORT = "<frozen importlib"


class TookTooLong(BaseException):
    """Raised in code of the project that is still being loaded when its time is over."""


if sys.version_info >= (3, 12):
    _Thrown: type[TookTooLong] = TookTooLong

    class _Lines:
        """Lets each line of the functions that a thread is in raise there."""

        def __init__(self, thread: int) -> None:
            self._thread = thread
            self._tool: int | None = None
            self._watched: set[CodeType] = set()

        def open(self) -> None:
            monitor = sys.monitoring
            self._tool = next((tool for tool in (3, 4) if monitor.get_tool(tool) is None), None)
            if self._tool is not None:
                monitor.use_tool_id(self._tool, "jackfield")
                for event in (monitor.events.LINE, monitor.events.JUMP):
                    monitor.register_callback(self._tool, event, self._hit)

        def watch(self, frames: list[FrameType]) -> None:
            monitor = sys.monitoring
            for code in {frame.f_code for frame in frames} - self._watched:
                if self._tool is not None and not code.co_filename.startswith(_IMPORT):
                    self._watched.add(code)
                    monitor.set_local_events(self._tool, code, monitor.events.LINE | monitor.events.JUMP)

        def close(self) -> None:
            if self._tool is not None:
                for code in self._watched:
                    sys.monitoring.set_local_events(self._tool, code, 0)
                sys.monitoring.free_tool_id(self._tool)

        def _hit(self, *_where: object) -> None:
            if threading.get_ident() == self._thread and inside(sys._getframe()):
                raise TookTooLong

else:

    class _Thrown(TookTooLong):
        """Raised from outside; made in the thread itself, where it can have the next line raise, too."""

        def __init__(self) -> None:
            super().__init__()
            for frame in inside(sys._getframe()):
                frame.f_trace = _trace
            sys.settrace(_trace)

    def _trace(frame: FrameType, event: str, _value: object) -> Any:
        if not inside(frame):
            sys.settrace(None)
            return None
        if event in ("line", "call"):
            raise _Thrown
        return _trace

    class _Lines:
        """Nothing: what is thrown sees to its lines itself."""

        def __init__(self, thread: int) -> None: ...

        def open(self) -> None: ...

        def watch(self, frames: list[FrameType]) -> None: ...

        def close(self) -> None: ...


class Breaking:
    """Breaks off what one thread does, by its id, for as long as this is open."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._lines = _Lines(thread)

    def __enter__(self) -> Self:
        self._lines.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def strike(self) -> None:
        """Raise TookTooLong in the thread, if it runs code of the project.

        Between the look and the call no other thread runs: both are steps of this thread, which holds Python's lock.
        """
        frame = sys._current_frames().get(self._thread)
        frames = inside(frame)
        if frame is not None and frames and not frame.f_code.co_filename.startswith(_IMPORT):
            self._lines.watch(frames)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(_Thrown))
