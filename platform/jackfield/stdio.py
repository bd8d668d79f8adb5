"""Standard streams that never block: they may be absent, stall, be full or have no reader any more.

Strategy. What the stream takes at once is written by the caller; whether it does is asked of the system first, and a
pipe that says yes takes PIPE_BUF bytes (POSIX, write()). All else waits, up to a bound, for a thread that may be held
up. What finds no room, or cannot be written, is counted and logged when the stream takes something again. The file
itself stays as it was found: the parent process may write to it as well.
"""

from __future__ import annotations

import atexit
import io
import logging
import os
import select
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from jackfield.logs import STREAMS, log, printed

__all__ = ["LONGEST_TEXT", "MOST", "Outlet", "Printed", "dropped", "install", "settle", "told"]

MOST = 1024 * 1024
"""Bytes that wait for one stream at most."""

LONGEST_TEXT = 16 * 1024
"""Characters printed without a line's end that become an event."""

SETTLE_LIMIT = 1.0
"""Seconds for what waits to be written at the program's end."""

_AT_ONCE = 4096  # PIPE_BUF of Linux

dropped: Counter[str] = Counter()
"""Lines that no stream took, by its name."""

_outlets: list[Outlet] = []


class Outlet(io.RawIOBase):
    """Writes to a file descriptor without waiting for it, and never fails."""

    def __init__(self, name: str, fd: int) -> None:
        super().__init__()
        self.name = name
        self._fd = fd
        self._untold = 0  # lines that were dropped
        self._failed = False  # the last that it was given
        self._begin()

    def _begin(self) -> None:
        """Also in the child of a fork, where the thread is not, and another thread may have held the lock."""
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._change = threading.Condition()  # of an RLock: a signal's handler may write within a write
        self._thread: threading.Thread | None = None

    def fileno(self) -> int:
        """The file descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._fd)

    def writable(self) -> bool:
        """It always is."""
        return True

    def write(self, data: Any, /) -> int:
        """Write at once, or have it wait; gives the length of the whole."""
        text = bytes(data)
        with self._change:
            left = text if self._waiting else self._write_at_once(text)
            if left and self._size + len(left) > MOST:
                self._drop(left)
            elif left:
                self._wait(left)
        self._report()
        return len(text)

    def _write_at_once(self, text: bytes) -> bytes:
        """Write what the stream takes now; gives what is left."""
        while text:
            try:
                if not select.select((), (self._fd,), (), 0)[1]:
                    return text
                text = text[os.write(self._fd, text[:_AT_ONCE]) :]
                self._failed = False
            except OSError:  # full, or not read any more, or not there
                self._failed = True
                self._drop(text)
                return b""
        return b""

    def _wait(self, text: bytes) -> None:
        self._waiting.append(text)
        self._size += len(text)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"jackfield-{self.name}", daemon=True)
            self._thread.start()
        self._change.notify_all()

    def _drop(self, text: bytes) -> None:
        lines = text.count(b"\n")
        self._untold += lines
        dropped[self.name] += lines

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting)
                text = self._waiting[0]
            left = text
            try:
                while left:
                    left = left[os.write(self._fd, left) :]
                    self._failed = False
            except OSError:
                with self._change:
                    self._failed = True
                    self._drop(left)
            with self._change:
                self._waiting.popleft()
                self._size -= len(text)
                self._change.notify_all()
            self._report()

    def _report(self) -> None:
        """Log what was dropped, as soon as the stream takes something again."""
        with self._change:
            if not self._untold or self._waiting or self._failed:
                return
            lines, self._untold = self._untold, 0
        log.warning("lines_dropped", stream=self.name, lines=lines)

    def settle(self, limit: float) -> None:
        """Wait until all is written that waits, at most `limit` seconds."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting, limit)


def install(names: Iterable[str]) -> None:
    """Put an Outlet in the place of these streams of `sys`; of what is no file of the system's none is made.

    Windows cannot be asked whether a stream takes anything: there they stay.
    """
    for name in names:
        stream = getattr(sys, name)
        if sys.platform == "win32" or stream is not getattr(sys, f"__{name}__") or stream is None:
            continue
        stream.flush()
        outlet = Outlet(name, stream.fileno())
        _outlets.append(outlet)
        text: Any = io.TextIOWrapper(
            outlet,
            stream.encoding,
            stream.errors,
            line_buffering=True,  # and whole lines: what is dropped is a line
        )
        setattr(sys, name, text)


class Printed(io.TextIOBase):
    """Makes each text that is printed an event of the log: what is written up to a write that ends a line, or a flush.

    `out` is where the log goes, `stream` the standard stream in whose place this stands. Threads do not mix; what one
    prints without an end is cut in pieces of LONGEST_TEXT characters.
    """

    def __init__(self, name: str, stream: Any, out: logging.Handler) -> None:
        super().__init__()
        self.name = name
        self.buffer = _Bytes(self)
        self._stream = stream
        self._out = out
        self._begun: dict[int, str] = {}  # by thread

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return self._stream.encoding  # type: ignore[no-any-return]

    @property
    def errors(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return self._stream.errors  # type: ignore[no-any-return]

    def fileno(self) -> int:
        """The file descriptor of the stream; what is written to that is no event."""
        return self._stream.fileno()  # type: ignore[no-any-return]

    def isatty(self) -> bool:
        """Nobody reads it as on a terminal."""
        return False

    def writable(self) -> bool:
        """It always is."""
        return True

    def reconfigure(self, **_settings: object) -> None:
        """Nothing: the log has its own form."""

    def write(self, text: str, /) -> int:
        """Take a text; never waits."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        thread = threading.get_ident()
        begun = self._begun[thread] = self._begun.get(thread, "") + text
        if text.endswith("\n") or len(begun) > LONGEST_TEXT:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Log what this thread has begun."""
        text = self._begun.pop(threading.get_ident(), "").strip("\r\n")
        if text and not getattr(_telling, "now", False):
            _telling.now = True
            try:
                printed(self.name, text, self._out)
            finally:
                _telling.now = False


class _Bytes(io.RawIOBase):
    """The `buffer` of a Printed."""

    def __init__(self, text: Printed) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._text.write(bytes(data).decode(errors="backslashreplace"))
        return len(data)

    def flush(self) -> None:
        if not self.closed:
            self._text.flush()


_telling = threading.local()  # what is printed while an event is made would be one of that


def told(out: logging.Handler) -> None:
    """From now on what is printed is in the log that `out` writes: neither stream has any line but its own."""
    for name in STREAMS:
        setattr(sys, name, Printed(name, getattr(sys, name), out))


def settle() -> None:
    """Write what waits, for a program that ends; what no stream takes within SETTLE_LIMIT is lost."""
    for outlet in _outlets:
        outlet.settle(SETTLE_LIMIT)


def _in_child() -> None:
    for outlet in _outlets:
        outlet._begin()


atexit.register(settle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
