"""The files under processes/, read once: what is hashed, scanned and run are the same bytes."""

from __future__ import annotations

import hashlib
import keyword
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jackfield.errors import Problem

__all__ = ["FOLDER", "Source", "hash_of", "read"]

FOLDER = "processes"
"""The folder of a project that holds its processes, and the name that its modules import one another by."""


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file. `module` is "support.chat" for processes/support/chat.py, "" for processes/__init__.py.

    `file` is relative to the project's folder, with slashes; `path` is where it really is.
    """

    module: str
    file: str
    path: str
    data: bytes
    is_package: bool


def read(project: Path) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """Read every Python file of a project's processes/, sorted by module, and tell which cannot be imported.

    What is hidden (`.git`, an editor's lock file) and `__pycache__` are passed over; a folder that is not
    there holds nothing.
    """
    root = project / FOLDER
    sources: list[Source] = []
    problems: list[Problem] = []
    for parts, path in _walk(root):
        file = "/".join((FOLDER, *parts))
        bad = next((part for part in (*parts[:-1], parts[-1][:-3]) if not _importable(part)), None)
        if bad is not None:
            problems.append(_unimportable(file, bad))
            continue
        try:
            data = path.read_bytes()
        except OSError as exc:
            text = f"the file cannot be read: {exc.strerror or exc}"
            problems.append(Problem("broken_module", text, "see to its permissions", file=file))
            continue
        names = tuple(unicodedata.normalize("NFKC", part) for part in (*parts[:-1], parts[-1][:-3]))
        is_package = names[-1] == "__init__"
        module = ".".join(names[:-1] if is_package else names)
        sources.append(Source(module, file, str(path), data, is_package))
    sources.sort(key=lambda source: (source.module, source.file))
    doubles = {problem.file: problem for problem in _doubles(sources)}
    kept = tuple(source for source in sources if source.file not in doubles)
    return kept, (*problems, *doubles.values())


def hash_of(sources: Iterable[Source]) -> str:
    """12 hex digits that change when any file's name or content does."""
    digest = hashlib.sha256()
    for source in sources:
        name = source.file.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%s%d:" % (len(name), name, len(source.data)))
        digest.update(source.data)
    return digest.hexdigest()[:12]


def _walk(root: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Each Python file with its parts below `root`. Linked folders are entered, each real folder once."""
    seen: set[str] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__pycache__")
        parts = Path(folder).relative_to(root).parts
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("."):
                yield (*parts, name), Path(folder, name)


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
