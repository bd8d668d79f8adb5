"""The files under processes/, read once: what is hashed, scanned and run are the same bytes."""

from __future__ import annotations

import errno
import hashlib
import keyword
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jackfield import files
from jackfield.errors import Problem

__all__ = ["FOLDER", "MAX_ALL", "MAX_BYTES", "Source", "beside", "hash_of", "module_of", "of_project", "read"]

MAX_BYTES = 1_048_576
"""Bytes that a Python file under processes/ may have; large data belongs into a file of its own."""

MAX_ALL = 64 * 1_048_576
"""Bytes that all of them may have together."""

FOLDER = "processes"
"""The folder of a project that holds its processes, and the name that its modules import one another by."""


_WAYS_OUT = {
    errno.EACCES: "see to its permissions",
    errno.EINVAL: "put a file there, or give what is there a name that does not end in .py",
    errno.EFBIG: "put its data into a file of its own, which is read when it is needed; a link may lead too far",
    errno.ENOENT: "it is a link, and what it names is not there",
    errno.ELOOP: "it is a link that leads back to itself",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file. `module` is "support.chat" for processes/support/chat.py, "" for processes/__init__.py.

    `file` is relative to the project's folder, with slashes; `path` is where its author has it.
    """

    module: str
    file: str
    path: str
    data: bytes
    is_package: bool

    def qualified(self, name: str) -> str:
        """What stands under this name in the file, as endpoints.yaml names it: "support.chat.say"."""
        return f"{self.module}.{name}" if self.module else name


def read(project: Path, home: Path | None = None) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """Read every Python file of a project's processes/, sorted by module, and report which cannot be imported.

    `home` is the author's project, where `project` is a copy of it.

    What is hidden (`.git`, an editor's lock file) and `__pycache__` are passed over; a folder that is not
    there holds nothing.
    """
    root = project / FOLDER
    sources: list[Source] = []
    problems: list[Problem] = []
    room = MAX_ALL
    try:
        for parts, path in _walk(root):
            found = _read(parts, path, (home or project).joinpath(FOLDER, *parts))
            if isinstance(found, Problem):
                problems.append(found)
                continue
            sources.append(found)
            room -= len(found.data)
            if room < 0:
                raise OSError(errno.EFBIG, f"its Python files have more than {MAX_ALL:,} bytes together", str(root))
    except OSError as exc:  # of a folder, whose files are not known then
        problems.append(_unreadable(_name_of(exc, project), exc))
    sources.sort(key=lambda source: (source.module, source.file))
    doubles = {problem.file: problem for problem in _doubles(sources)}
    kept = tuple(source for source in sources if source.file not in doubles)
    return kept, (*problems, *doubles.values())


def _read(parts: tuple[str, ...], path: Path, written: Path) -> Source | Problem:
    """One file as a source, or its problem; `written` is where its author has it."""
    file = "/".join((FOLDER, *parts))
    names = (*parts[:-1], parts[-1].removesuffix(".py"))
    bad = next((name for name in names if not _importable(name)), None)
    if bad is not None:
        return _unimportable(file, bad)
    try:
        data = files.read(path, MAX_BYTES)
    except OSError as exc:
        return _unreadable(file, exc)
    return Source(module_of(file), file, str(written), data, names[-1] == "__init__")


def module_of(file: str) -> str:
    """The module that a file of processes/ is: "support.chat" for processes/support/chat.py."""
    names = [unicodedata.normalize("NFKC", name) for name in file.removesuffix(".py").split("/")[1:]]
    return ".".join(names[:-1] if names[-1:] == ["__init__"] else names)


def of_project(module: object) -> bool:
    """Whether a module of this name is code of a project. The name may be any object: modules can set theirs."""
    return type(module) is str and (module == FOLDER or module.startswith(FOLDER + "."))


def beside(project: Path, module: str) -> str:
    """The file or folder of a Python module that stands beside endpoints.yaml, one folder below or one above.

    "shoplib.py", "shoplib/", "src/shoplib.py" or "../shoplib/"; "" where there is none. Nothing is imported from there.
    """
    try:
        named = [entry for entry in sorted(project.iterdir()) if entry.name.isidentifier() and entry.name != FOLDER]
        folders = [entry for entry in named if entry.is_dir() and not (entry / "pyvenv.cfg").exists()]
        for folder in (project, *folders, project.parent):
            for found, end in ((folder / f"{module}.py", ""), (folder / module, "/")):
                if found.is_file() if not end else any((*found.glob("*.py"), *found.glob("*/*.py"))):
                    return f"{os.path.relpath(found, project)}{end}".replace(os.sep, "/")
    except OSError:  # a name that is too long, a folder without permission
        return ""
    return ""


def hash_of(sources: Iterable[Source]) -> str:
    """12 hex digits that change when any file's name or content does."""
    digest = hashlib.sha256()
    for source in sources:
        name = source.file.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%s%d:" % (len(name), name, len(source.data)))
        digest.update(source.data)
    return digest.hexdigest()[:12]


def _walk(root: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Whatever is called like a Python file, with its parts below `root`; a folder of such a name is not entered."""
    for folder, names, others in files.below(root):
        parts = folder.relative_to(root).parts
        wrong = [name for name in names if name.endswith(".py")]
        names[:] = [name for name in names if name not in wrong]
        for name in (*wrong, *others):
            if name.endswith(".py"):
                yield (*parts, name), folder / name


def _unreadable(file: str, exc: OSError) -> Problem:
    """Why a file or folder cannot be read; `processes/x.py` may be a pipe, a device, a link to nothing or to itself."""
    text = f"cannot be read: {exc.strerror or exc}"
    return Problem("broken_module", text, _WAYS_OUT.get(exc.errno or 0, ""), file=file)


def _name_of(exc: OSError, project: Path) -> str:
    """The folder that could not be read, relative to the project."""
    path = Path(os.fsdecode(exc.filename or ""))
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else FOLDER


def _importable(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(unicodedata.normalize("NFKC", name))


def _unimportable(file: str, bad: str) -> Problem:
    better = "".join(letter if (letter + "_").isidentifier() or letter.isalnum() else "_" for letter in bad)
    better = better if _importable(better) else f"{better}_" if _importable(f"{better}_") else f"_{better}"
    return Problem("broken_module", f'Python cannot import "{bad}"', f'rename it to "{better}"', file=file)


def _doubles(sources: Iterable[Source]) -> Iterator[Problem]:
    """Files whose modules have one name: `a.py` beside a folder `a` that holds Python, in any spelling."""
    first: dict[str, Source] = {}
    folders: dict[str, str] = {}
    for source in sources:
        names = source.module.split(".") if source.module else []
        depth = len(names) if source.is_package else len(names) - 1
        for length in range(1, depth + 1):
            folders.setdefault(".".join(names[:length]), "/".join(source.file.split("/")[: length + 1]) + "/")
    for source in sources:
        other = folders.get(source.module) if not source.is_package else None
        other = other or (first[source.module].file if source.module in first else None)
        if other:
            message = f'this file and {other} would both be the module "{source.module}"'
            yield Problem("broken_module", message, "rename one of the two", file=source.file)
        first.setdefault(source.module, source)
