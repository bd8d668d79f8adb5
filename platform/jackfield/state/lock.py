"""One server at a time on a state folder.

Strategy: the folder itself is locked, which cannot be removed meanwhile, and `server.lock` in it, which holds the
process id, and is the only lock where a folder cannot be locked (Windows, NFS). A lock on a file that was removed
meanwhile is no lock: after locking, the name is checked to lead to the same file still.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from jackfield.state.files import StateError, one_line, open_own, read_own

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["OTHER_FOLDER", "locked_file", "locked_folder"]

OTHER_FOLDER = "stop it, or set JACKFIELD_STATE to another folder for this one"
"""The way out for who finds another server on the folder."""

WAIT = 5.0
"""Seconds that others may hold a file before StateError."""

_STEP = 0.05
_TRIES = 20  # a name that leads to another file each time is no accident
_LOCK = "server.lock"


@contextmanager
def locked_folder(folder: Path, way_out: str = OTHER_FOLDER) -> Iterator[None]:
    """Hold the folder for one server. StateError names the other's process id, and ends with the way out."""
    with ExitStack() as held:
        with one_line(f"the lock in {folder}"):  # and not what happens while it is held
            _lock_folder(folder, held, way_out)
            file = held.enter_context(_still_there(folder / _LOCK, way_out))
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        yield


@contextmanager
def locked_file(path: Path) -> Iterator[int]:
    """The file, made with 0600 where it is missing, open and locked until the end. Waits at most WAIT seconds."""
    file = open_own(path, os.O_RDWR | os.O_CREAT)
    try:
        until = time.monotonic() + WAIT
        while not _lock(file):
            if time.monotonic() > until:
                raise StateError(f"{path} is held by another program, for longer than {WAIT:g} s; end that program")
            time.sleep(_STEP)
        yield file
    finally:
        os.close(file)


@contextmanager
def _still_there(path: Path, way_out: str) -> Iterator[int]:
    """The lock's file, locked, and the one that the name leads to."""
    for _ in range(_TRIES):
        file = open_own(path, os.O_RDWR | os.O_CREAT)
        try:
            if not _lock(file):
                raise StateError(_taken(path.parent, way_out))
            if not _is_at(file, path):
                continue
            if os.fstat(file).st_nlink != 1:  # what is written here would stand under the other name, too
                raise OSError(errno.EMLINK, f"{path.name} has a second name elsewhere; remove it")
            yield file
            return
        finally:
            os.close(file)
    raise OSError(errno.EAGAIN, f"{path.name} is replaced again and again")


def _is_at(file: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.lstat())
    return False


def _taken(folder: Path, way_out: str) -> str:
    found = None
    for name, place in ((_LOCK, rb"(\d+)\s*"), ("server.json", rb'.*"pid": (\d+).*')):  # the first may be gone
        with suppress(OSError):
            found = found or re.fullmatch(place, read_own(folder / name), re.DOTALL)
    who = f" (process {found[1].decode()})" if found else ""
    return f"another server{who} is running on {folder}; {way_out}"


if sys.platform == "win32":

    def _lock(file: int) -> bool:
        try:
            # A byte far behind the content: Windows locks are mandatory and would keep readers out.
            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

    def _lock_folder(folder: Path, held: ExitStack, way_out: str) -> None:
        """Windows locks no folder, and removes no file that is open."""
else:

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _lock_folder(folder: Path, held: ExitStack, way_out: str) -> None:
        try:
            file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            held.callback(os.close, file)
            free = _lock(file)
        except OSError:
            return  # NFS, for example, locks only what is open for writing
        if not free:
            raise StateError(_taken(folder, way_out))
