"""Reading files that others write: regular ones alone, and no more of them than is wanted.

Strategy: a name says nothing about what is behind it. A pipe keeps whoever opens it waiting, /dev/zero has no end,
opening a device may act on it. So a name is looked at before it is opened and again afterwards, and it is opened in
the way that never waits.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

__all__ = ["FOLDERS", "SECRET", "WHOLE", "below", "digest", "inside", "read", "unmarked"]

SECRET = 65_536
"""Bytes of a file that holds a secret, keys, or where a server listens."""

WHOLE = 64 * 1_048_576
"""Bytes of a data file up to which its content shows a change, above it size and time."""

FOLDERS = 10_000
"""Folders of a project that are looked into; a link to the root of a disk would lead into all of them."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def read(path: str | Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes, read through links.

    Raises OSError for what is missing, no regular file, or longer; its `strerror` says what it is.
    """
    with _opened(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most:,} bytes", str(path))
    return content


def unmarked(text: bytes) -> bytes:
    """A text of people's without the byte order mark that some editors and shells put before UTF-8."""
    return text.removeprefix(codecs.BOM_UTF8)


def digest(path: str | Path) -> str:
    """The SHA-256 of a regular file, which is never held as a whole; of one over WHOLE that of its size and time.

    Raises OSError.
    """
    with _opened(path) as file:
        facts = os.fstat(file.fileno())
        if facts.st_size > WHOLE:
            return hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()
        return hashlib.file_digest(file, "sha256").hexdigest()


def below(root: str | Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder from `root` downwards with the names of the folders and of the other things in it, sorted.

    What is hidden and `__pycache__` are passed over. Links are followed, each real folder is entered once; a name that
    is taken out of the list of folders is not entered. A root that is not there holds nothing. Raises OSError for a
    folder that cannot be read, and for more than FOLDERS of them.
    """
    seen: set[str] = set()
    for folder, names, others in os.walk(root, onerror=_raise, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        if len(seen) > FOLDERS:
            raise OSError(errno.EFBIG, f"it leads to more than {FOLDERS:,} folders", str(root))
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__pycache__")
        yield Path(folder), names, sorted(name for name in others if not name.startswith("."))


def inside(root: str | Path) -> Iterator[tuple[Path, bool]]:
    """Each plain file that `below` finds; with a False beside it each link out of `root`, and each to a folder.

    `root` itself may be a link. Raises OSError as `below` does.
    """
    real = os.path.realpath(root).rstrip(os.sep) + os.sep
    for folder, names, others in below(root):
        linked = [name for name in names if (folder / name).is_symlink()]
        names[:] = [name for name in names if name not in linked]  # it may be inside as well, and is entered there
        yield from ((folder / name, False) for name in linked)
        for path in (folder / name for name in others):
            if path.is_file():
                yield path, not path.is_symlink() or os.path.realpath(path).startswith(real)


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _opened(path: str | Path) -> BufferedReader:
    _check_regular(path, Path(path).stat().st_mode)
    descriptor = os.open(path, _FLAGS)
    try:
        _check_regular(path, os.fstat(descriptor).st_mode)  # it may have been replaced meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check_regular(path: str | Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
