"""What moves on a running server: its state for who comes, and once a second what has changed since."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jackfield import messages
from jackfield.auth.refused import Refused
from jackfield.recent import RECENT
from jackfield.server.live import Live
from jackfield.server.observe.rings import STEP

__all__ = ["MOST_TOLD", "PAUSE", "Moves"]

PAUSE = 1.0
"""Seconds between two messages to an open page, at least."""

MOST_TOLD = 20
"""Lines of the log, and refusals, that one message to an open page has at most."""

_LEFT_ALONE = 3 * PAUSE  # without a look for so long, nobody had the last one


class Moves:
    """What is told of one node. `Live` is only read; one look serves all open pages."""

    def __init__(self, live: Live) -> None:
        self.pause = PAUSE
        self._live = live
        self._looked = -_LEFT_ALONE
        self._line = self._steps = self._generation = 0
        self._came = (0, 0, 0)
        self._last: list[tuple[str, int]] = []  # of the newest refusal: id and count
        self._refused: dict[str, int] = {}

    def state(self) -> dict[str, Any]:
        """All that a page begins with."""
        live = self._live
        return {
            "event": "state",
            "node": socket.gethostname(),
            "version": _version(),
            "started_at": messages.moment(live.began),
            "published_at": messages.moment(live.published_at),
            "generation": live.generation.number,
            "connections": live.hub.clients,
            "groups": sum(1 for group in live.groups if not group.name.startswith("$")),
            "endpoints": len(live.generation.table.routes),
            "rings": {
                "step": STEP,
                "names": list(values := live.rings.values()),
                "values": values,
            },
        }

    async def events(self, others: Callable[[], object] = lambda: None) -> AsyncGenerator[dict[str, Any], None]:
        """What changed, as long as anybody listens; `others` is called as often."""
        if self._live.passed() - self._looked >= _LEFT_ALONE:
            self.changed()  # what came while nobody listened stands in `state` and in the lists
        while True:
            await asyncio.sleep(self.pause)
            others()
            if found := self.changed():
                yield {"event": "changed", **found}

    def changed(self) -> dict[str, Any]:
        """What changed since the last look."""
        self._looked = self._live.passed()
        return {name: value for name, value in (*self._counts(), *self._points(), *self._told()) if value}

    def _counts(self) -> list[tuple[str, int]]:
        before, self._came = self._came, self._live.metrics.came()
        names = ("opened", "closed", "refused")
        return [(name, now - then) for name, now, then in zip(names, self._came, before, strict=True)]

    def _points(self) -> list[tuple[str, Any]]:
        live, found = self._live, list[tuple[str, Any]]()
        if live.rings.steps != self._steps:
            self._steps, point = live.rings.steps, live.rings.last
            found.append(("point", None if point is None else point._asdict()))
        if live.generation.number != self._generation:
            self._generation = live.generation.number
            found += [("generation", self._generation), ("endpoints", len(live.generation.table.routes))]
            found.append(("published_at", messages.moment(live.published_at)))
        return found

    def _told(self) -> list[tuple[str, Any]]:
        lines = RECENT.after(self._line)
        self._line = lines[0].number if lines else self._line
        refused = self._refused_lately()
        return [
            ("log", [line.shown() for line in reversed(lines[:MOST_TOLD])]),
            ("log_left_out", max(0, len(lines) - MOST_TOLD)),
            ("refusals", [_as_json(one) for one in refused[-MOST_TOLD:]]),
        ]

    def _refused_lately(self) -> list[Refused]:
        """The refusals that are new since the last look, or were counted once more."""
        newest = self._live.refusals[-1:]
        if self._last == (last := [(one.id, one.count) for one in newest]):
            return []
        self._last, told = last, self._refused
        self._refused = {one.id: one.count for one in self._live.refusals}
        return [one for one in self._live.refusals if told.get(one.id) != one.count]


def _as_json(one: Refused) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in _TOLD}
    return {**found, "at": messages.moment(one.time)}


_TOLD = ("id", "count", "login", "client", "path", "endpoint", "origin", "code", "status", "detail", "fix")


def _version() -> str:
    try:
        return version("jackfield")
    except PackageNotFoundError:
        return "unknown"
