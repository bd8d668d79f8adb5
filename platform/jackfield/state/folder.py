"""The state folder: what a project's servers keep on disk. `.jackfield/` beside endpoints.yaml by default.

    .gitignore        `*`: nothing in here belongs into a repository
    secret_keys       what tokens are signed with, one key per line, newest first; 0600
    store.db          users and sessions, unless JACKFIELD_STORE names another database; 0600, like -wal and -shm
    server.json       where the running server listens for `publish`; 0600
    server.lock       held while a server runs
    tested.json       how the examples went at last, see tested.py; 0600
    first-admin       the first password, where there was no terminal to show it on; 0600
    published/        the plans that went live; 0700, since sources may hold secrets

The folder is made with mode 0700; one that is there keeps its mode, and is warned of where others may write into it.
One server at a time may use it (lock.py). None of these files is read or written through a symbolic link; the folder
itself may be one.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from jackfield import files
from jackfield.state.files import MOST, StateError, one_line, read_own
from jackfield.state.lock import OTHER_FOLDER, locked_file, locked_folder

__all__ = ["State", "parse_keys"]

_STORE = "store.db"
_MIN_KEY = 32
_SAMPLES = re.compile(r"change.?me|change.?this|your.?secret|secret.?key|my.?secret|example|placeholder|xxxxxx", re.I)
_NEW_KEY = 'python3 -c "import secrets; print(secrets.token_hex(32))"'


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
        if store is None and (folder / _STORE).is_symlink():
            raise StateError(
                f"{folder / _STORE} is a symbolic link, which is not followed here; "
                "set JACKFIELD_STORE to the URL of the database that is meant"
            )
        return cls(folder, store or _sqlite_url(folder / _STORE), keys, secret_keys_file)

    @classmethod
    def found(cls, project: Path, state: Path | None = None) -> Self | None:
        """The state that exists already, or None. Nothing is made."""
        folder = (state or project / ".jackfield").absolute()
        return cls(folder, _sqlite_url(folder / _STORE)) if os.path.isdir(folder) else None  # noqa: PTH112 - what can be no name is none

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
        """Where a running server writes how to reach it."""
        return self.folder / "server.json"

    @property
    def tested(self) -> Path:
        """What remembers how the examples went."""
        return self.folder / "tested.json"

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
            with one_line(f"the key file {self._keys_from}"):
                given = files.read(self._keys_from, files.SECRET)
            return parse_keys(given.decode("ascii", "replace"), str(self._keys_from))
        if self._keys:
            return self._keys
        with one_line(f"the key file {self.key_file}"):
            text = (self._made_key() if make else read_own(self.key_file)).decode("ascii", "replace")
        return parse_keys(text, str(self.key_file))

    def _made_key(self) -> bytes:
        """What the key file holds: a new key where there was nothing."""
        with locked_file(self.key_file) as file:
            text = os.read(file, MOST)
            if not text.strip():
                if os.fstat(file).st_nlink != 1:
                    raise OSError(0, "it is empty and has a second name elsewhere; remove it")
                text = secrets.token_hex(32).encode() + b"\n"
                os.write(file, text)
                os.fsync(file)
        return text

    def warnings(self) -> list[str]:
        """Warnings of what other users of this machine can change here, or read of secrets."""
        if sys.platform == "win32":
            return []
        found = [_others_write(self.folder), *map(_not_ours, (self.folder, self.key_file, *self._store_files()))]
        given = self._keys or self._keys_from is not None
        if not given and _mode(self.key_file) & 0o077:
            found.append(f"other users can read {self.key_file}; close it to them: chmod 600 '{self.key_file}'")
        # a store that was made before it was made 0600 is safe in a folder that is closed to others
        way_in = _mode(self.folder) & 0o011
        open_to = [file for file in self._store_files() if _mode(file) & (way_in << 2)]
        if open_to:
            names = " ".join(f"'{file}'" for file in open_to)
            what = f"other users can read {open_to[0]}, which has the hashes of all passwords"
            found.append(f"{what}; close it to them: chmod 600 {names}")
        return [warning for warning in found if warning]

    def _store_files(self) -> list[Path]:
        return [self.folder / f"{_STORE}{end}" for end in ("", "-wal", "-shm")]

    def locked(self, way_out: str = OTHER_FOLDER) -> AbstractContextManager[None]:
        """Hold the folder for one server. StateError names the other's process id, and ends with the way out."""
        return locked_folder(self.folder, way_out)


def parse_keys(text: str, place: str) -> tuple[bytes, ...]:
    """Secret keys parted by commas, blanks or lines, newest first; `#` begins a comment line.

    Raises StateError, which names `place` and never a key, for none, a short one and a well-known one.
    """
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if not line.lstrip().startswith("#")]
    keys = tuple(word.encode(errors="surrogateescape") for word in re.split(r"[\s,]+", "\n".join(lines)) if word)
    if not keys:
        raise StateError(f"{place} holds no key; make one: {_NEW_KEY}")
    for number, key in enumerate(keys, 1):
        which = f"key {number} in {place}" if len(keys) > 1 else f"the key in {place}"
        if len(key) < _MIN_KEY:
            raise StateError(f"{which} is shorter than {_MIN_KEY} bytes; make a random one: {_NEW_KEY}")
        if _SAMPLES.search(key.decode(errors="replace")) or len(set(key)) < 8:
            raise StateError(f"{which} is a sample that anybody could guess; make a random one: {_NEW_KEY}")
    return keys


def _others_write(folder: Path) -> str:
    """A warning for a folder into which others may write: that gives them the keys, and what is served."""
    mode = _mode(folder)
    if not mode & 0o022:
        return ""
    who = "everybody on this machine" if mode & 0o002 else "its group"
    return f"{who} can write into {folder}, and so replace its keys and users; close it to them: chmod go-w '{folder}'"


def _not_ours(path: Path) -> str:
    """A warning for what belongs to another user, who can change it at any time; root can anyway."""
    with suppress(OSError):
        owner = path.stat().st_uid
        if owner not in (0, os.geteuid()):
            whose = f"{path} belongs to another user ({owner}), who can read and change what is in it"
            return f"{whose}; make it yours: chown -R {os.geteuid()} '{path}'"
    return ""


def _mode(path: Path) -> int:
    """The permission bits of a file, 0 where it is missing."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="utf-8") as ignore:
            ignore.write("*\n")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(folder))
    except (OSError, ValueError) as error:  # ValueError: the name holds a NUL, or half of a surrogate pair
        reason = getattr(error, "strerror", None) or str(error)
        raise StateError(
            f"cannot write into the state folder {folder} ({reason}); "
            "set JACKFIELD_STATE to a folder that can be written"
        ) from error


def _sqlite_url(file: Path) -> str:
    # a ? would begin the query, and what looks like an escape would be taken for one
    path = file.as_posix().replace("%", "%25").replace("?", "%3F")
    return f"sqlite+aiosqlite:///{path}"
