"""What tables keep, as files to list and to take away: whatever is a CSV file in the project's folder `data`.

All of it touches the disk; on an event loop it belongs in a thread.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path

from jackfield import files
from jackfield.state.files import open_own

__all__ = ["COUNTED", "MOST_FILES", "KeptFile", "Rows", "listed", "opened"]

COUNTED = 16 * 1_048_576
"""Bytes of a file up to which its rows are counted."""

MOST_FILES = 10_000
"""Files of the folder `data` that are listed."""

_CHUNK = 1_048_576


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file: its name below `data`, parted by slashes, its bytes, and when it was written last (since the epoch)."""

    name: str
    bytes: int
    modified: float


def listed(folder: Path) -> list[KeptFile]:
    """The CSV files in a folder `data`, by name; links that lead out of it aside. Raises OSError."""
    found = []
    for path in islice(_paths(folder), MOST_FILES):
        try:
            facts = path.stat()
        except OSError:  # it was taken away meanwhile
            continue
        found.append(KeptFile(path.relative_to(folder).as_posix(), facts.st_size, facts.st_mtime))
    return sorted(found, key=lambda one: one.name)


def _paths(folder: Path) -> Iterator[Path]:
    return (path for path, plain in files.inside(folder) if plain and path.suffix == ".csv")


def opened(folder: Path, name: str) -> BufferedReader:
    """A file of the list, open for reading. Raises OSError for what is none, whatever the name leads to."""
    parts = name.split("/")
    wanted = folder.joinpath(*parts)
    unfit = any(not part or part.startswith(".") or "\\" in part or ":" in part or "\0" in part for part in parts)
    if unfit or wanted.suffix != ".csv" or os.path.realpath(wanted) != os.path.join(os.path.realpath(folder), *parts):  # noqa: PTH118 - of texts
        raise FileNotFoundError(errno.ENOENT, "there is no such file", name)
    return os.fdopen(open_own(wanted, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")


class Rows:
    """How many rows files have below their heads; a file that stays as it is is read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], int]] = {}

    def of(self, folder: Path, name: str) -> int | None:
        """The rows of a file of the list; None for one of more than COUNTED bytes, and for one that is gone."""
        try:
            with opened(folder, name) as file:
                found = os.fstat(file.fileno())
                facts = (found.st_ino, found.st_size, found.st_mtime_ns)
                if found.st_size > COUNTED:
                    return None
                if len(self._known) >= MOST_FILES:
                    self._known.clear()
                known = self._known.get(name)
                if known is None or known[0] != facts:
                    known = self._known[name] = facts, _lines(file) - 1
        except OSError:
            return None
        return max(known[1], 0)


def _lines(file: BufferedReader) -> int:
    """Lines, of which those within quotes are part of one."""
    lines, quoted, last = 0, False, b"\n"
    while chunk := file.read(_CHUNK):
        for number, part in enumerate(chunk.split(b'"')):
            quoted ^= number > 0
            lines += 0 if quoted else part.count(b"\n")
        last = chunk[-1:]
    return lines + (last != b"\n")
