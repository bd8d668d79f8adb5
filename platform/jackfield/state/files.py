"""Reading and writing the files of a state folder, in which others may have put something before us.

Strategy: a file is written whole, under another name, and renamed into its place, so that a symbolic link there is
replaced and never followed. One that is written in place is opened without following a link. What is read is a plain
file of bounded size: a pipe would never end, and a device has no end.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jackfield import files

__all__ = ["MOST", "StateError", "one_line", "open_own", "read_own", "read_secret", "write_private"]

MOST = 1 << 20
"""Bytes of a file that we read; none of ours comes near."""

# Windows has none of these, and no links that others can plant; O_NONBLOCK: a pipe must not keep us at its opening
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class StateError(Exception):
    """The state folder or a setting about it cannot be used; the text is one line for the terminal."""


@contextmanager
def one_line(what: str) -> Iterator[None]:
    """Turn an OSError into a StateError of one line."""
    try:
        yield
    except OSError as error:
        raise StateError(f"cannot use {what}: {error.strerror or error}") from error


def write_private(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Write a file that only its owner reads (0600), whole or not at all. Raises OSError.

    A symbolic link at `path` is replaced, and what it points to is left alone. `mode` is for what holds no secret.
    """
    data = content.encode() if isinstance(content, str) else content
    # mkstemp makes the file 0600 from its first moment on.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def open_own(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a plain file of ours and no link to one, made with 0600 where `flags` ask for that; gives its descriptor.

    Raises OSError, which says what is in its place.
    """
    try:
        file = os.open(path, flags | _PLAIN, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and path.is_symlink():
            raise OSError(error.errno, "it is a symbolic link, which is not followed here", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return file


def read_own(path: Path) -> bytes:
    """The content of a file of ours, of at most MOST bytes. Raises OSError."""
    with os.fdopen(open_own(path), "rb") as file:
        content = file.read(MOST + 1)
    if len(content) > MOST:
        raise OSError(errno.EFBIG, f"it is longer than {MOST:,} bytes", str(path))
    return content


def read_secret(path: Path, name: str) -> str:
    """The value in the file that the environment variable `name` names, without the line's end. Raises StateError."""
    try:
        text = files.unmarked(files.read(path, files.SECRET)).decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StateError(f"cannot read {path}, which {name} names: {reason}") from error
    if not text.strip():  # a default in its place would be another store, with another admin
        raise StateError(f"{path}, which {name} names, is empty; write the value into it")
    return text
