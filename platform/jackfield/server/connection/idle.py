"""The end of a conversation without messages (`limits.idle`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

__all__ = ["Idle", "watch"]

_LOOKS = 8  # looks in one time limit: a conversation ends after the limit, and at most an eighth later


def watch(
    before: Idle | None, seconds: float | None, mark: Callable[[], object], end: Callable[[str, str], None]
) -> Idle | None:
    """Look anew, with another limit perhaps; None where there is none. `end` is called with a code and a reason."""
    if before is not None:
        before.stop()
    if seconds is None:
        return None
    return Idle(seconds, mark, partial(end, "idle", f"neither side said anything for {seconds:g} s"))


class Idle:
    """Looks now and then whether anything was said, so that a message costs nothing for it.

    Counts looks and not seconds: when our own loop stood still, one late look is one look, and what a client said
    meanwhile is read before the next.
    """

    __slots__ = ("_end", "_every", "_left", "_loop", "_mark", "_seen", "_timer")

    def __init__(self, seconds: float, mark: Callable[[], object], end: Callable[[], None]) -> None:
        """`mark` gives another value whenever something was said since it was last asked; `end` is called once."""
        self._loop = asyncio.get_running_loop()
        self._every = seconds / _LOOKS
        self._mark = mark
        self._end = end
        self._seen = mark()
        self._left = _LOOKS
        self._timer = self._loop.call_later(self._every, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._mark = self._end = _nobody  # the conversation and this one would hold each other

    def _look(self) -> None:
        mark = self._mark()
        self._left = self._left - 1 if mark == self._seen else _LOOKS
        self._seen = mark
        if self._left:
            self._timer = self._loop.call_later(self._every, self._look)
        else:
            self._end()


def _nobody() -> None:
    """Stands for a conversation that is over."""
