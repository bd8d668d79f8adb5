"""Users who were taken out of a group and do not get in again for some time."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil

from jackfield.errors import Refusal
from jackfield.schema import patterns

__all__ = ["LONGEST", "MAX_BANS", "Bans", "span"]

MAX_BANS = 10_000
"""Bans that are kept; one more forgets the one that ends first."""

LONGEST = 365 * 86_400.0
"""Seconds of a ban at most."""

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Bans:
    """The bans of one node, in memory. `clock` gives seconds since the epoch.

    A user is the login with the authority that knows it (`known_as`), who is not logged in the visitor.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, group: str, who: str, seconds: float) -> None:
        """Keep a user out of a group. Raises ValueError for a time that is negative or over LONGEST."""
        if not 0 <= seconds <= LONGEST:
            raise ValueError(f"a ban lasts up to {LONGEST:,.0f} seconds, not {seconds:g}")
        now = self._clock()
        self._until[group, who] = now + seconds
        if len(self._until) > MAX_BANS:
            self._until = {key: until for key, until in self._until.items() if until > now}
        if len(self._until) > MAX_BANS:
            del self._until[min(self._until, key=self._until.__getitem__)]

    def until(self, group: str, who: str) -> float | None:
        """When a user gets into a group again, in seconds since the epoch; None for who is not kept out."""
        until = self._until.get((group, who)) if self._until else None
        if until is not None and until <= self._clock():
            del self._until[group, who]
            return None
        return until

    def check(self, group: str, who: str) -> None:
        """Raise Refusal `group_forbidden` where a user is kept out of a group."""
        if (until := self.until(group, who)) is not None:
            left = ceil(until - self._clock())
            text = f'The user was taken out of the group "{group}", and gets in again in {left:,} s.'
            raise Refusal("group_forbidden", text, "Wait, or ask whoever runs the group.", retry_after=left)


def span(text: str) -> float:
    """The seconds of what a client writes as `for`. Raises ValueError, for more than LONGEST too."""
    if re.fullmatch(patterns.SPAN, text) is None:
        raise ValueError(patterns.sentence(patterns.SPAN, text))
    return int(text[:-1]) * _SECONDS[text[-1]]
