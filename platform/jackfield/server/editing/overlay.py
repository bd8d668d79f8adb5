"""What `check --no-import` would say of a project if some files had other texts, and what can be completed in them.

Strategy: a folder of its own has links to all that the project has, and real files where the texts are. So everything
that reads a project reads this one, no second way of reading has to agree with the first, and nothing is written there.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jackfield.config import editor_schema
from jackfield.config.load import load
from jackfield.errors import Problem
from jackfield.process import catalog
from jackfield.routing.build import problems_of

__all__ = ["name_problem", "problems_with", "schemas"]

Parts = tuple[str, ...]

_OF_NAMES = ("bad_table", "broken_module", "file_unreadable")
_SOUND = {
    ".csv": b"first,message,reply.text\nhi,Hi,Hello\nrest,,?\n",
    ".yaml": b"{}\n",
}  # an empty one has problems of its own


def problems_with(folder: Path, texts: Mapping[Parts, bytes]) -> tuple[Problem, ...]:
    """The problems of the project in `folder` with these files, by the segments of their names, in place of its own.

    Imports nothing. Raises OSError where there is no room for the files.
    """
    with tempfile.TemporaryDirectory(prefix="jackfield-check-") as made:
        _lay(folder.absolute(), Path(made), texts)
        found, _ = problems_of(Path(made))
    return tuple(found)


def name_problem(folder: Path, parts: Parts) -> Problem | None:
    """What would be wrong with the name of a new file in the project, whatever stands in it; None where nothing is.

    Imports nothing. Raises OSError where there is no room for the file.
    """
    before = set(problems_of(folder)[0])
    after = problems_with(folder, {parts: _SOUND.get(Path(parts[-1]).suffix, b"")})
    return next((one for one in after if one.code in _OF_NAMES and one not in before), None)


def schemas(folder: Path) -> dict[str, Any]:
    """What editors complete with the names that the files have now; imports nothing."""
    return editor_schema.both(load(folder).plan, catalog.collect(folder, 0, only_names=True).known)


def _lay(source: Path, target: Path, texts: Mapping[Parts, bytes]) -> None:
    """Fill the folder `target` with what `source` has, and with `texts`."""
    below: dict[str, dict[Parts, bytes]] = {}
    for parts, text in texts.items():
        below.setdefault(parts[0], {})[parts[1:]] = text
    with suppress(FileNotFoundError, NotADirectoryError):  # a folder that the texts begin
        for entry in sorted(source.iterdir()):
            # what is hidden is read by nobody, and may be the state folder
            if entry.name not in below and not entry.name.startswith("."):
                _bring(entry, target / entry.name)
    for name, inside in below.items():
        if () in inside:
            (target / name).write_bytes(inside[()])
        else:
            (target / name).mkdir()
            _lay(source / name, target / name, inside)


def _bring(entry: Path, target: Path) -> None:
    try:
        target.symlink_to(entry, target_is_directory=entry.is_dir())
    except OSError:  # Windows lets administrators alone make links
        if entry.is_dir():
            shutil.copytree(entry, target)
        else:
            shutil.copy2(entry, target)
