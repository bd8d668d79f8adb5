"""Users who were taken out of a group and do not get in again for some time."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from jackfield.errors import Refusal

__all__ = ["LONGEST", "MAX_BANS", "Bans"]

MAX_BANS = 10_000
"""Bans that are kept; one more forgets the one that ends first."""

LONGEST = 365 * 86_400.0
"""Seconds of a ban at most."""


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

    def check(self, group: str, who: str) -> None:
        """Raise Refusal `group_forbidden` where a user is kept out of a group."""
        until = self._until.get((group, who)) if self._until else None
        if until is None:
            return
        left = until - self._clock()
        if left > 0:
            text = f'The user was taken out of the group "{group}", and gets in again in {ceil(left):,} s.'
            raise Refusal("group_forbidden", text, "Wait, or ask whoever runs the group.", retry_after=ceil(left))
        del self._until[group, who]
