"""The tables under processes/, read once: what is hashed and what answers are the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jackfield import files
from jackfield.errors import Problem
from jackfield.process.python.sources import FOLDER, MAX_ALL, Source, hash_of
from jackfield.process.table import keep
from jackfield.process.table.function import Answering, answering
from jackfield.process.table.model import Table
from jackfield.process.table.reading import read_lookup
from jackfield.process.table.sheet import MOST_BYTES

__all__ = ["END", "Tables", "read_tables"]

END = ".csv"
"""The end of a table's file."""

_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}")
_RENAME = "names have Latin letters, digits and _, and begin with a letter"


@dataclass(slots=True)
class Tables:
    """What the tables of a project give. See Catalog for the fields; `answering` are the processes by name."""

    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    answering: dict[str, Answering] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)


def read_tables(project: Path, home: Path) -> Tables:
    """Read every table of a project's processes/; `home` is its author's folder, where `data` stands."""
    found = Tables()
    room = MAX_ALL
    with suppress(OSError):  # a folder that cannot be read is told with the Python files
        for file, path in _walk(project / FOLDER):
            name = ".".join(file.removesuffix(END).split("/")[1:])
            data = _read(found, file, name, path)
            if data is None:
                continue
            room -= len(data)
            if room < 0:
                message = f"the tables have more than {MAX_ALL:,} bytes together"
                found.problems.append(Problem("bad_table", message, "keep data in a database", file=file))
                break
            _add(found, Source(name, file, str(path), data, is_package=False), home)
    found.sources.sort(key=lambda source: source.file)
    return found


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Whatever is called like a table, by its file's name in the project."""
    for folder, _, names in files.below(root):
        for name in names:
            if name.lower().endswith(END) and not name.startswith("~$"):  # what an office has open
                yield (Path(FOLDER) / folder.relative_to(root) / name).as_posix(), folder / name


def _read(found: Tables, file: str, name: str, path: Path) -> bytes | None:
    """The bytes of a file, None where it cannot be a table, which is noted."""
    bad = next((part for part in file.removesuffix(END).split("/")[1:] if not _NAME.fullmatch(part)), None)
    fault = None
    if not file.endswith(END):
        hint = f"rename it to {path.stem}{END}, and name it with the same letters: `process: {path.stem}`"
        fault = Problem("bad_table", f"the name of a table ends in {END}", hint, file=file)
    elif bad is not None:
        better = re.sub(r"[^A-Za-z0-9]+", "_", bad.removesuffix(END)).strip("_")
        hint = (
            f'rename it to "{better}{END if path.stem == bad else ""}": {_RENAME}'
            if _NAME.fullmatch(better)
            else f"rename it: {_RENAME}"
        )
        fault = Problem("bad_table", f'"{bad}" cannot be part of the name of a process', hint, file=file)
    else:
        try:
            return files.read(path, MOST_BYTES)
        except OSError as exc:
            hint = "a table has at most 1 MiB" if path.is_file() else "put a file there"
            fault = Problem("bad_table", f"cannot be read: {exc.strerror or exc}", hint, file=file)
    found.problems.append(fault)
    found.broken.add(name)
    return None


def _add(found: Tables, source: Source, home: Path) -> None:
    name = source.module
    found.sources.append(source)
    found.digests[name] = hash_of([source])
    read, problems = read_lookup(source.file, source.data)
    found.problems += problems
    made = None
    if read is not None:
        table, lookup = read
        made, wrong = answering(table, name, lookup, _kept(table, name, home).append)
        found.problems += wrong
    if made is None:
        found.broken.add(name)
    else:
        found.answering[name] = made


def _kept(table: Table, name: str, home: Path) -> keep.Kept:
    columns = [".".join(column.path) for column in table.columns if column.role == "input"]
    return keep.Kept(home / keep.FOLDER / f"{name.replace('.', '/')}{END}", columns, table.separator)
