"""A token bucket, for what a client may send often but not without end: pings and fragments."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TokenBucket"]


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """So many tokens a second on average, of which `burst` seconds' worth may be spent at once.

    The bucket itself has no state. A connection keeps one float, `due`: the time at which all that it has spent is
    refilled. It begins with 0.0.
    """

    rate: float
    burst: float

    def spend(self, due: float, now: float) -> float:
        """Take one token, whether there is one or not; gives the new `due`."""
        return (due if due > now else now) + 1 / self.rate

    def is_overdrawn(self, due: float, now: float) -> bool:
        """Whether more tokens were spent than there were."""
        return due - now > self.burst
