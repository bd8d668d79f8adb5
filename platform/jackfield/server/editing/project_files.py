"""The files of a project on the disk: listed, read, and saved whole or not at all.

Strategy: no link is followed, wherever in the name it stands, so that nothing outside of the project is read or
replaced; who could put a link there between our look and the rename may write the files without us. What is saved
replaces exactly what the editor has seen: its etag is compared under a lock, and the file is renamed into its place.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jackfield import files
from jackfield.config.site_name import site_name
from jackfield.errors import Refusal
from jackfield.messages import moment
from jackfield.server.editing.names import MAIN, ROOTS, Kind, is_table, kind_of, placed
from jackfield.server.editing.texts import NEW, Form, etag_of, form_of, pack
from jackfield.state.files import open_own, write_private

__all__ = ["ANEW", "MOST_BYTES", "ProjectFiles", "Text"]

MOST_BYTES = 1_048_576
"""Bytes of a file that is edited, as `check` takes them."""

ANEW = ""
"""In the place of an etag: there must be no file yet."""


@dataclass(frozen=True, slots=True)
class Text:
    """One file as its editor sees it. `form` is how it stands on the disk."""

    path: str
    text: str
    etag: str
    form: Form
    kind: Kind

    def as_json(self) -> dict[str, Any]:
        """What `GET /api/files/{path}` answers."""
        return {"path": self.path, "text": self.text, "etag": self.etag, "kind": self.kind, **asdict(self.form)}


class ProjectFiles:
    """The files that may be edited in one project's folder. All calls touch the disk and belong in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._saving = threading.Lock()

    def names(self, *, tables: bool = False) -> Iterator[str]:
        """The files that may be edited, in no order; with `tables` these alone. Raises Refusal."""
        site = site_name(self.folder)
        roots = ["processes"] if tables else [MAIN, *ROOTS, *([site] if site else [])]
        try:
            for root in roots:
                for path in _plain(self.folder / root):
                    name = path.relative_to(self.folder).as_posix()
                    if is_table(name) or not tables:
                        with suppress(Refusal):
                            yield "/".join(placed(name, site))
        except OSError as exc:
            raise Refusal("file_unusable", f"The files cannot be listed: {exc.strerror or exc}.") from exc

    def facts(self, name: str) -> Mapping[str, Any]:
        """What a list says of a file, with an empty etag where it cannot be edited."""
        etag, size, at = "", 0, 0.0
        with suppress(Refusal, OSError):  # it was removed meanwhile, for example
            found = (self.folder / name).lstat()
            size, at = found.st_size, found.st_mtime
            etag = etag_of(self._bytes(name))
        return {"path": name, "size": size, "modified": moment(at), "kind": kind_of(name), "etag": etag}

    def check(self, name: str) -> str:
        """The name of a file that may be edited, whether or not there is one. Raises Refusal `not_found`."""
        return "/".join(placed(name, site_name(self.folder)))

    def has(self, name: str) -> bool:
        """Whether there is a file of this name, which may be edited. Raises Refusal, also where it is no such file."""
        return self._held(self.check(name)) is not None

    def read(self, name: str) -> Text:
        """One file. Raises Refusal."""
        name = self.check(name)
        return _text(name, self._bytes(name))

    def save(self, name: str, text: str, before: str) -> Text:
        """Replace the file whose etag is `before`, or make one where it is ANEW; gives what is there now.

        A new file has the permissions of endpoints.yaml. Raises Refusal: `file_changed` with what is there.
        """
        name = self.check(name)
        with self._saving:
            held = self._held(name)
            self._compare(name, held, before)
            form = _text(name, held).form if held is not None else NEW
            try:
                data = pack(text, form, exact=kind_of(name) == "table")
            except ValueError as exc:
                raise Refusal("invalid_request", f"The text {exc}.", "Take it out.") from None
            _check_size(data)
            if data != held:
                self._write(name, data)
        return _text(name, data)

    def replace(self, name: str, data: bytes, before: str) -> None:
        """Replace the file whose etag is `before` with exactly these bytes. Raises Refusal as `save` does."""
        name = self.check(name)
        _check_size(data)
        with self._saving:
            self._compare(name, self._held(name), before)
            self._write(name, data)

    def remove(self, name: str, before: str) -> str:
        """Remove the file whose etag is `before`; gives its name. Its folder stays. Raises Refusal as `save` does."""
        name = self.check(name)
        if name == MAIN:
            raise Refusal("invalid_request", f"{MAIN} is what makes the folder a project.", "Leave it there.")
        with self._saving:
            self._compare(name, self._bytes(name), before)
            try:
                self._unlinked(name).unlink()
            except OSError as exc:
                raise _unusable(name, exc) from exc
        return name

    def _compare(self, name: str, held: bytes | None, before: str) -> None:
        """Raise Refusal where the file is not the one that was edited."""
        if held is None and before != ANEW:
            more = {"text": None, "etag": None}
            raise Refusal("file_changed", f"{name} was removed meanwhile.", "Save it as a new file.", more=more)
        if held is not None and etag_of(held) != before:
            there = _text(name, held)
            detail, fix = f"{name} was changed meanwhile.", ""
            if before == ANEW:
                detail, fix = f"There is a file {name} already.", "Open that one, or choose another name."
            raise Refusal("file_changed", detail, fix, more={"text": there.text, "etag": there.etag})

    def _held(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none. Raises Refusal."""
        try:
            return self._bytes(name)
        except Refusal as refusal:
            if refusal.code == "not_found":
                return None
            raise

    def _bytes(self, name: str) -> bytes:
        path = self._unlinked(name)
        try:
            with os.fdopen(open_own(path), "rb") as file:
                data = file.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise Refusal("not_found", f"There is no file {name}.", "List them: GET /api/files.") from None
        except OSError as exc:
            raise _unusable(name, exc) from exc
        if len(data) > MOST_BYTES:
            raise Refusal("file_unusable", f"{name} has more than {MOST_BYTES:,} bytes.", "Edit it where it is.")
        return data

    def _unlinked(self, name: str) -> Path:
        """Where a file is. Raises Refusal where any part of its name below the project is a link."""
        real = os.path.realpath(self.folder)
        path = Path(real, name)
        if os.path.realpath(path) != str(path):
            detail = f"{name} is a symbolic link or below one, and none is followed here."
            raise Refusal("file_unusable", detail, "Edit it where it is.")
        return path

    def _write(self, name: str, data: bytes) -> None:
        path = self._unlinked(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            model = (path if path.exists() else self.folder / MAIN).stat()
            write_private(path, data, stat.S_IMODE(model.st_mode))
            with suppress(OSError, AttributeError):  # another's file, and we may not give it back; Windows
                if path.stat().st_uid != model.st_uid:
                    os.chown(path, model.st_uid, model.st_gid)
        except OSError as exc:
            raise _unusable(name, exc) from exc


def _text(name: str, data: bytes) -> Text:
    try:
        text, form = form_of(data, wide=is_table(name))
    except ValueError as exc:
        raise Refusal("file_unusable", f"{name} {exc}.", "Save it as UTF-8 in the program that wrote it.") from None
    return Text(name, text, etag_of(data), form, kind_of(name))


def _check_size(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        detail = f"A file has at most {MOST_BYTES:,} bytes, and this one {len(data):,}."
        raise Refusal("body_too_large", detail, "Take something out, or divide it into several files.")


def _unusable(name: str, exc: OSError) -> Refusal:
    return Refusal("file_unusable", f"{name} cannot be used: {exc.strerror or exc}.")


def _plain(root: Path) -> Iterator[Path]:
    """Each plain file at or below `root`, no link among them and none on the way. Raises OSError."""
    if root.is_symlink():
        return
    if root.is_file():
        yield root
        return
    for folder, names, others in files.below(root):
        names[:] = [name for name in names if not (folder / name).is_symlink()]
        yield from (path for path in map(folder.joinpath, others) if path.is_file() and not path.is_symlink())
