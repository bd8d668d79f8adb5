"""`keep`: messages as rows of a CSV file in the project's folder `data`, which opens in any spreadsheet.

Strategy: a row is one write at the end of the file, in a thread, and the answer waits for it: who is told "thank you"
is in the file. All tables and generations that write into one file share a lock. Spreadsheets take a text that begins
like a formula for one, and carry it out; such a text gets an apostrophe before it (OWASP, "CSV Injection").
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import errno
import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from jackfield.process.table.templates import shown
from jackfield.state.files import open_own

__all__ = ["FOLDER", "MOST", "Kept", "as_row", "nothing_kept"]

FOLDER = "data"
"""The folder of a project that holds what tables keep; no publish touches it."""

MOST = 100 * 1_048_576
"""Bytes of one file; a row that would pass them is refused."""

MOST_WAITING = 1_000
"""Rows of one table that may wait to be written."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_HEAD = 65_536  # bytes in which the head of a file must end
_BINARY = getattr(os, "O_BINARY", 0)


class _Lock:
    """One for each file, as long as a table writes into it."""

    def __init__(self) -> None:
        self.held = threading.Lock()


_locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()


class Kept:
    """The file of one table: `time` in UTC, `login`, and the columns of its inputs.

    A file whose head is another is put aside as `name-1.csv`. One that was saved with another separator goes on with
    that. `clock` gives the time of a row. While `writes` is off, see `nothing_kept`, rows go nowhere.
    """

    writes: ClassVar[bool] = True

    def __init__(
        self, path: Path, columns: Iterable[str], separator: str, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._path = path
        self._heads = ["time", "login", *columns]
        self._separator = separator
        self._clock = clock or (lambda: datetime.now(UTC))
        self._lock = _locks.setdefault(str(path), _Lock())
        self._waiting = 0

    async def append(self, login: str, values: Sequence[Any]) -> None:
        """Write a row, and wait until it is. Raises OSError, also for a file of more than MOST bytes."""
        if not self.writes:
            return
        if self._waiting >= MOST_WAITING:
            raise OSError(errno.EBUSY, f"{MOST_WAITING:,} rows wait to be written", str(self._path))
        self._waiting += 1
        try:
            cells = [self._clock().strftime("%Y-%m-%d %H:%M:%S"), login, *values]
            await asyncio.to_thread(self._append, cells)
        finally:
            self._waiting -= 1

    def _append(self, cells: Sequence[Any]) -> None:
        with self._lock.held:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file, size, separator = self._opened()
            try:
                self._write(file, size, as_row(cells, separator))
            finally:
                os.close(file)

    def _opened(self) -> tuple[int, int, str]:
        """The file with our head, its size and its separator; one with another head is put aside first."""
        for _ in range(2):
            file = open_own(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY)
            try:
                size = os.fstat(file).st_size
                separator = self._separator if size == 0 else self._separator_of(os.read(file, _HEAD))
                if separator:
                    return file, size, separator
            except BaseException:
                os.close(file)
                raise
            os.close(file)
            self._path.rename(self._aside())
        raise OSError(errno.EAGAIN, "it is replaced again and again", str(self._path))

    def _separator_of(self, begin: bytes) -> str:
        """What separates the cells of a head that is ours; "" for another head."""
        line = begin.removeprefix(codecs.BOM_UTF8).partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
        for separator in (self._separator, ",", ";", "\t"):
            if next(csv.reader([line], delimiter=separator), []) == self._heads:
                return separator
        return ""

    def _aside(self) -> Path:
        number = 1
        while (path := self._path.with_name(f"{self._path.stem}-{number}.csv")).exists():
            number += 1
        return path

    def _write(self, file: int, size: int, line: bytes) -> None:
        if size == 0:
            line = codecs.BOM_UTF8 + as_row(self._heads, self._separator) + line
        else:
            os.lseek(file, -1, os.SEEK_END)
            if os.read(file, 1) != b"\n":  # somebody saved it without an end of its last line
                line = b"\r\n" + line
        if size + len(line) > MOST:
            hint = f"it would be longer than {MOST:,} bytes; move it away, and a new one is begun"
            raise OSError(errno.EFBIG, hint, str(self._path))
        try:
            written = os.write(file, line)
        except OSError:
            written = 0
            raise
        finally:
            # a full disk: no half of a row stays, unless another server wrote behind it
            if written != len(line) and os.fstat(file).st_size == size + written:
                os.ftruncate(file, size)
        if os.name != "nt" and os.fstat(file).st_nlink == 0:
            raise OSError(errno.ESTALE, "it was taken away while the row was written", str(self._path))
        if written != len(line):
            raise OSError(errno.ENOSPC, "there is no room for the row", str(self._path))


@contextmanager
def nothing_kept() -> Iterator[None]:
    """While this is open no table of this program keeps anything: for a program that only tries a message."""
    Kept.writes = False
    try:
        yield
    finally:
        Kept.writes = True


def as_row(cells: Iterable[Any], separator: str) -> bytes:
    """A row of a file as it is written; no cell of it begins like a formula."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow([_cell(cell, separator) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any, separator: str) -> str:
    """A value as a spreadsheet of the reader's language shows it: `1,5` where commas do not separate cells."""
    if isinstance(value, float) and separator != ",":
        return shown(value).replace(".", ",")
    text = shown(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
