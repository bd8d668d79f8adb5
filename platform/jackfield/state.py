"""The state folder: what a project's servers keep on disk. `.jackfield/` beside endpoints.yaml by default.

    .gitignore        `*`: nothing in here belongs into a repository
    secret_keys       what tokens are signed with, one key per line, newest first; 0600
    store.db          users and sessions, unless JACKFIELD_STORE names another database; 0600, like -wal and -shm
    server.json       where the running server listens for `publish`; 0600
    server.lock       held while a server runs
    first-admin       the first password, where there was no terminal to show it on; 0600
    published/        the plans that went live; 0700, since sources may hold secrets

The folder is made with mode 0700; one that is there keeps its mode, so nothing in it relies on that. One server at a
time may use it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from jackfield import files

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["State", "StateError", "parse_keys", "write_private"]

_STORE = "store.db"
_MIN_KEY = 32
_SAMPLES = re.compile(r"change.?me|change.?this|your.?secret|secret.?key|my.?secret|example|placeholder|xxxxxx", re.I)
_NEW_KEY = 'python3 -c "import secrets; print(secrets.token_hex(32))"'


class StateError(Exception):
    """The state folder or a setting about it cannot be used; the text is one line for whoever starts us."""


@dataclass(frozen=True, slots=True)
class State:
    """One state folder and the settings about it. Make it with `State.open`; secrets are not in `repr`."""

    folder: Path
    store_url: str = field(repr=False)
    _keys: tuple[bytes, ...] = field(default=(), repr=False)
    _keys_from: Path | None = None

    @classmethod
    def open(
        cls,
        project: Path,
        *,
        state: Path | None = None,
        secret_keys: str | None = None,
        secret_keys_file: Path | None = None,
        store: str | None = None,
    ) -> Self:
        """The state of the project in this folder; the folder is made where it is missing.

        The others are what JACKFIELD_STATE (the folder itself, instead of `.jackfield`),
        JACKFIELD_SECRET_KEYS, JACKFIELD_SECRET_KEYS_FILE and JACKFIELD_STORE hold. Raises StateError.
        """
        keys = parse_keys(secret_keys, "JACKFIELD_SECRET_KEYS") if secret_keys is not None else ()
        folder = (state or project / ".jackfield").absolute()
        _make(folder)
        return cls(folder, store or _sqlite_url(folder / _STORE), keys, secret_keys_file)

    @property
    def key_file(self) -> Path:
        """Where the secret keys are, one per line, newest first."""
        return self.folder / "secret_keys"

    @property
    def has_own_store(self) -> bool:
        """Whether users and sessions are in this folder, and not where JACKFIELD_STORE says."""
        return self.store_url == _sqlite_url(self.folder / _STORE)

    @property
    def server_json(self) -> Path:
        """Where a running server says how to reach it."""
        return self.folder / "server.json"

    @property
    def first_admin(self) -> Path:
        """Where the first password is left when there is no terminal."""
        return self.folder / "first-admin"

    @property
    def published(self) -> Path:
        """The folder of the plans that went live."""
        return self.folder / "published"

    @property
    def endpoints_schema(self) -> Path:
        """The JSON Schema that editors complete endpoints.yaml from."""
        return self.folder / "endpoints.schema.json"

    @property
    def examples_schema(self) -> Path:
        """The same for the files under examples/."""
        return self.folder / "examples.schema.json"

    def keys(self, *, make: bool = True) -> tuple[bytes, ...]:
        """The secret keys, newest first, each of 32 bytes or more.

        From the file of JACKFIELD_SECRET_KEYS_FILE, which is read anew each time, or JACKFIELD_SECRET_KEYS if
        one was given, else from the key file of this folder, which is read anew too, and made with a random
        key of 256 bits where it is missing; with `make=False` that is a fault. Raises StateError.
        """
        if self._keys_from is not None:
            return _read_keys(self._keys_from)
        if self._keys:
            return self._keys
        if not make:
            return _read_keys(self.key_file)
        with _told(f"the key file {self.key_file}"), _locked_file(self.key_file, wait=True) as file:
            text = os.read(file, 1 << 20).decode("ascii", errors="replace")
            if not text.strip():
                text = secrets.token_hex(32) + "\n"
                os.write(file, text.encode())
                os.fsync(file)
        return parse_keys(text, str(self.key_file))

    def warnings(self) -> list[str]:
        """What should be mended but stops nothing: files with secrets that others on this machine can read."""
        if sys.platform == "win32":
            return []
        found = []
        given = self._keys or self._keys_from is not None
        if not given and _mode(self.key_file) & 0o077:
            found.append(f"other users can read {self.key_file}; close it to them: chmod 600 '{self.key_file}'")
        # a store that was made before it was made 0600 is safe in a folder that lets nobody in
        way_in = _mode(self.folder) & 0o011
        open_to = [file for file in self._store_files() if _mode(file) & (way_in << 2)]
        if open_to:
            names = " ".join(f"'{file}'" for file in open_to)
            what = f"other users can read {open_to[0]}, which has the hashes of all passwords"
            found.append(f"{what}; close it to them: chmod 600 {names}")
        return found

    def _store_files(self) -> list[Path]:
        return [self.folder / f"{_STORE}{end}" for end in ("", "-wal", "-shm")]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one server. StateError tells the other's process id."""
        with ExitStack() as held:
            with _told(f"the lock in {self.folder}"):  # and not what happens while it is held
                file = held.enter_context(_locked_file(self.folder / "server.lock", wait=False))
                os.ftruncate(file, 0)
                os.write(file, f"{os.getpid()}\n".encode())
            yield


def parse_keys(text: str, place: str) -> tuple[bytes, ...]:
    """Secret keys parted by commas, blanks or lines, newest first; `#` begins a comment line.

    Raises StateError, which names `place` and never a key, for none, a short one and a well-known one.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    keys = tuple(word.encode() for word in re.split(r"[\s,]+", "\n".join(lines)) if word)
    if not keys:
        raise StateError(f"{place} holds no key; make one: {_NEW_KEY}")
    for number, key in enumerate(keys, 1):
        which = f"key {number} in {place}" if len(keys) > 1 else f"the key in {place}"
        if len(key) < _MIN_KEY:
            raise StateError(f"{which} is shorter than {_MIN_KEY} bytes; make a random one: {_NEW_KEY}")
        if _SAMPLES.search(key.decode(errors="replace")) or len(set(key)) < 8:
            raise StateError(f"{which} is a sample that anybody could guess; make a random one: {_NEW_KEY}")
    return keys


def _read_keys(path: Path) -> tuple[bytes, ...]:
    with _told(f"the key file {path}"):
        text = files.read(path, files.SECRET).decode("ascii", errors="replace")
    return parse_keys(text, str(path))


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner reads (0600), whole or not at all. Raises OSError."""
    data = content.encode() if isinstance(content, str) else content
    # mkstemp makes the file 0600 from its first moment on.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _mode(path: Path) -> int:
    """Who may do what with a file, nobody where there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StateError(
            f"cannot write into the state folder {folder} ({reason}); "
            "set JACKFIELD_STATE to a folder that can be written"
        ) from error


def _sqlite_url(file: Path) -> str:
    # a ? would begin the query, and what looks like an escape would be taken for one
    path = file.as_posix().replace("%", "%25").replace("?", "%3F")
    return f"sqlite+aiosqlite:///{path}"


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn the system's fault into one line."""
    try:
        yield
    except OSError as error:
        raise StateError(f"cannot use {what}: {error.strerror or error}") from error


@contextmanager
def _locked_file(path: Path, *, wait: bool) -> Iterator[int]:
    """The file, made with 0600 where it is missing, open and locked until the end."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if not _lock(file, wait=wait):
            raise StateError(_taken(path, os.read(file, 32)))
        yield file
    finally:
        os.close(file)


def _taken(path: Path, content: bytes) -> str:
    pid = content.strip().decode("ascii", errors="replace")
    who = f" (process {pid})" if pid.isdecimal() else ""
    return (
        f"another server{who} is running on {path.parent}; "
        "stop it, or set JACKFIELD_STATE to another folder for this one"
    )


if sys.platform == "win32":

    def _lock(file: int, *, wait: bool) -> bool:
        try:
            # A byte far behind the content: Windows locks are mandatory and would keep readers out.
            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True
else:

    def _lock(file: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
