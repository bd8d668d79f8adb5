"""The last lines of the log, with what is masked masked, for who has no access to the log itself.

Strategy: whoever puts a line together leaves its fields here, which costs an append; all else is done for who reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count, takewhile
from typing import Any, NamedTuple

__all__ = ["KEPT", "LEVELS", "RECENT", "Line", "Recent"]

KEPT = 500
"""Lines of the log that are kept, the newest."""

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least to the most serious."""

_STACK = 2000  # characters of a stack that are shown, its last
_LONGEST = 4000  # characters of all fields together; beyond it each is cut
_CUT = 200  # characters that are left of each then
_FIELDS = 20  # that are left then


class Line(NamedTuple):
    """One line: its number, which no other has, its moment in seconds since the epoch, and `event` among its fields."""

    number: int
    created: float
    level: str
    fields: Mapping[str, Any]
    stack: str

    def shown(self) -> dict[str, Any]:
        """The line for programs, bounded."""
        rest = {key: value for key, value in self.fields.items() if key not in ("event", "timestamp", "level")}
        if sum(len(value) if isinstance(value, str) else len(repr(value)) for value in rest.values()) > _LONGEST:
            rest = {key: _short(value) for key, value in list(rest.items())[:_FIELDS]}
        if self.stack:
            rest["exception"] = self.stack[-_STACK:]
        at = datetime.fromtimestamp(self.created, UTC).isoformat(timespec="milliseconds")
        event = str(self.fields.get("event", ""))
        return {"n": self.number, "at": at, "level": self.level, "event": event, "fields": rest}


class Recent:
    """The last lines of this process, whichever thread wrote them. Adding one neither waits nor fails."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._numbers = count(1)

    def add(self, created: float, level: str, fields: Mapping[str, Any], stack: str = "") -> None:
        """Keep a line, whose fields nobody changes any more."""
        self._lines.append(Line(next(self._numbers), created, level, fields, stack))

    @property
    def last(self) -> int:
        """The number of the newest line, 0 where there is none."""
        return next((line.number for line in self.newest()), 0)

    def after(self, number: int) -> list[Line]:
        """The lines that came after that one, the newest first."""
        return list(takewhile(lambda line: line.number > number, self.newest()))

    def newest(self) -> Iterator[Line]:
        """All lines, the newest first."""
        return iter(tuple(self._lines)[::-1])


def _short(value: object) -> object:
    """A value of which no more is shown than is needed to know it again."""
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _CUT else f"{text[:_CUT]}…"


RECENT = Recent()
"""Those of this process, as its log is one."""
