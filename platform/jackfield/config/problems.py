"""The problems of one load, as they are found, and which parts of the file are sound in spite of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jackfield.errors import Problem

__all__ = ["MOST", "PathTuple", "Place", "Problems", "Severity", "nearest_place", "problem_at"]

PathTuple = tuple[str | int, ...]
Severity = Literal["error", "warning"]

MOST = 500
"""More problems than a person reads; a file that has so many is not looked at any further."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file relative to the project's folder, line and column from 1.

    `written` is a value as its author wrote it, where that is a number, a truth or nothing, without quotes: `1.10`.
    """

    file: str = "endpoints.yaml"
    line: int = 0
    column: int = 0
    written: str = field(default="", compare=False)


class Problems:
    """Collects problems. `places` is where paths stand; it may be exchanged between two files."""

    def __init__(self, places: Mapping[PathTuple, Place]) -> None:
        self.places = places
        self.found: dict[Problem, None] = {}
        self._unsound: set[PathTuple] = set()
        self._unread: set[PathTuple] = set()

    def add(
        self,
        path: PathTuple,
        code: str,
        message: str,
        hint: str = "",
        *,
        at: PathTuple | None = None,
        severity: Severity = "error",
    ) -> None:
        """A problem of `path`; `at` is the path pointed at where that is another one (a key in it)."""
        if self.full:
            return
        place = self.place(path if at is None else at)
        self.found[problem_at(place, path, code, message, hint, severity)] = None
        if severity == "error":
            self.mark([path])

    def mark(self, paths: Iterable[PathTuple], *, unread: bool = False) -> None:
        """`paths`, and so all that is around them, are unsound; where they are `unread`, all below them too."""
        for path in paths:
            self._unsound.update(path[:length] for length in range(len(path) + 1))
            if unread:
                self._unread.add(path)

    def written(self, path: PathTuple) -> str:
        """The value at `path` as it stands in the file, where it is neither a text nor a list nor a mapping; or ""."""
        found = self.places.get(path)
        return found.written if found else ""

    @property
    def full(self) -> bool:
        """Whether so many were found that the rest was not looked at, and nothing counts as sound."""
        return len(self.found) >= MOST

    def sound(self, *path: str | int) -> bool:
        """Whether no error was found at `path` or below it, and its value was looked at."""
        unread = bool(self._unread) and any(path[:length] in self._unread for length in range(len(path)))
        return path not in self._unsound and not unread

    def sound_items(self, value: Any, path: PathTuple) -> dict[int, Any]:
        """The sound items of the list `value` at `path`, by their numbers; none of a value of another type."""
        items = enumerate(value) if isinstance(value, list) else ()
        return {number: item for number, item in items if self.sound(*path, number)}

    def place(self, path: PathTuple) -> Place:
        """The place of `path`, or of the nearest thing around it that has one."""
        return nearest_place(self.places, path)


def nearest_place(places: Mapping[PathTuple, Place], path: PathTuple) -> Place:
    """The place of `path` among `places`, or of the nearest thing around it that has one."""
    around = (path[:length] for length in range(len(path), -1, -1))
    return next((places[part] for part in around if part in places), Place())


def problem_at(place: Place, path: PathTuple, code: str, message: str, hint: str, severity: Severity) -> Problem:
    """A Problem of `path` that points at `place`."""
    dotted = ".".join(str(part) for part in path)
    return Problem(code, message, hint, dotted, place.file, place.line, place.column, severity)
