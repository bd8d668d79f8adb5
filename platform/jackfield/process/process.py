"""A business process as all rooms know it, whatever kind of file it was written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Asks", "Kind", "Process", "Unmatched"]

Kind = Literal["sync", "async", "generator", "async_generator"]

Unmatched = Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]] | None]
"""Says of a call's arguments why no row is for them, `last_row` or `no_row`, with the message; None where one is."""


@dataclass(frozen=True, slots=True)
class Asks:
    """Where a process calls `method` of its Connection, `next` or `request`, and waits for it."""

    method: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Process:
    """One business process. `name` is "support.chat.say" for processes/support/chat.py, function say.

    `summary` is the first line of the docstring, `more` what stands below it. `file` is relative to the
    project's folder; line and column are those of the `def`; `places` holds those of each parameter, and of
    the return hint under "return". `unmatched` is of tables alone.
    """

    name: str
    function: Callable[..., Any]
    kind: Kind
    reply: str
    blocking: bool
    summary: str
    file: str
    line: int
    column: int
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)
    more: str = field(default="", compare=False, repr=False)
    asks: tuple[Asks, ...] = field(default=(), compare=False, repr=False)
    unmatched: Unmatched | None = field(default=None, compare=False, repr=False)
