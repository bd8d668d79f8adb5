"""SQLite's file: only its owner reads it, and it stays the same one as long as it is used.

SQLite makes its file as open as the umask lets it, and gives `-wal` and `-shm` the same mode; all three hold the
hashes of the passwords. So the file is made here, before SQLite opens it. And what is open goes on being read after
somebody has removed it: the server and the command line would use two stores, and both would report success.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL

__all__ = ["StoreFile", "path_of"]


class StoreFile:
    """The file of one database; `make` comes first, then `judge` before each use. Both raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: tuple[int, int] | None = None

    def make(self) -> None:
        """Make the file, for its owner alone, where there is none; one that is there keeps its mode."""
        # Never open one that is there: closing it would drop the locks of SQLite in this process.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._made = self._identity()

    def judge(self) -> None:
        """Whether the file is still the one that was made or found."""
        try:
            same = self._made is None or self._identity() == self._made
        except FileNotFoundError:
            same = False
        if not same:
            raise OSError(f"{self._path} was removed or replaced while the server uses it; start the server anew")

    def _identity(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino


def path_of(url: URL) -> Path | None:
    """The file that a SQLite URL names; None where the URL says itself how it is to be opened (`mode=ro`)."""
    name = url.database or ""
    if "mode" in url.query:
        return None
    if name.startswith("file:") and "uri" in url.query:
        name = unquote(urlsplit(name).path)
    return Path(name).absolute()
