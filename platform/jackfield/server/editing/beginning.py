"""An example is copied into a project that is empty yet, as `jackfield new --example` makes one of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from jackfield import beginnings
from jackfield import files as reading
from jackfield.config.load import MAIN, load
from jackfield.config.source import MAX_BYTES, compose
from jackfield.errors import Refusal
from jackfield.server.editing.project_files import ProjectFiles
from jackfield.server.editing.texts import etag_of

__all__ = ["begin", "is_empty"]


def begin(files: ProjectFiles, example: str) -> list[str]:
    """Copy an example into a project without endpoints, all of it or nothing; gives the names of its files.

    endpoints.yaml is replaced, no other file is; hidden ones that are there stay. Raises Refusal.
    """
    folder = files.folder
    if not is_empty(folder):
        detail = "The project is not empty: endpoints.yaml holds more than an `endpoints:` without any."
        raise Refusal("invalid_request", detail, f"Make another one: jackfield new --example {example}")
    wanted = dict(beginnings.files(example))
    main = wanted.pop(MAIN)
    real = Path(os.path.realpath(folder))
    # also where a folder on the way is a link, which leads elsewhere
    taken = [
        name
        for name in wanted
        if os.path.lexists(folder / name) or Path(os.path.realpath(folder / name)) != real / name
    ]
    wanted = {name: text for name, text in wanted.items() if name not in taken}
    if visible := [name for name in taken if not name.startswith(".")]:
        detail = f"The project has {', '.join(visible)} already, and nothing is written over."
        raise Refusal("invalid_request", detail, "Move that away.")
    try:
        before = reading.read(folder / MAIN, MAX_BYTES)
        _write(folder, wanted)
    except OSError as exc:
        raise Refusal("file_unusable", f"The files cannot be written: {exc.strerror or exc}.") from exc
    try:
        files.replace(MAIN, main.encode(), etag_of(before))
    except Refusal:
        _remove(folder, wanted)
        raise
    return [MAIN, *wanted]


def is_empty(folder: Path) -> bool:
    """Whether a project has no endpoint, and endpoints.yaml nothing that would be lost but comments."""
    if any(len(path) == 2 and path[0] == "endpoints" for path in load(folder).plan.places):
        return False
    try:
        data = compose(reading.read(folder / MAIN, MAX_BYTES), MAIN)
    except OSError:
        return False
    return not data.broken and (data.data is None or data.data in ({}, {"endpoints": None}, {"endpoints": {}}))


def _write(folder: Path, wanted: Mapping[str, str]) -> None:
    """Write new files; where one cannot be, none of them is there. Raises OSError."""
    made: list[str] = []
    try:
        for name, text in wanted.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                made.append(name)
                file.write(text)
    except OSError:
        _remove(folder, made)
        raise


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        with suppress(OSError):
            (folder / name).unlink()
