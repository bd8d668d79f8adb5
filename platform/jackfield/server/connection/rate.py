"""`limits.rate` of one connection: a token bucket, and what is not counted against a client."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Protocol
from weakref import WeakValueDictionary

__all__ = ["BURST", "CREDIT", "RESERVE", "ROUNDING", "Stood", "TokenBucket", "TokenBuckets"]

BURST = 2.0
"""Seconds of `limits.rate` that may come at once; once more as much beyond that, and it is a flood."""

CREDIT = 30.0
"""Seconds of a loop that stood still lately that are not counted against a client, at most."""

RESERVE = 60.0
"""Seconds of `limits.rate` that may have piled up while we did not read, and for how long, at most."""

ROUNDING = 1e-6
"""Seconds by which two clock readings together may be off: a clock of a year counts in steps of 4e-9."""

_ROOM = 1_000  # shared buckets that are kept before it is looked which of them are of use


class Stood(Protocol):
    """How long the event loop has stood still. Implemented by Lag."""

    def stood(self) -> float:
        """Seconds, since the server began."""

    def stood_before(self) -> float:
        """What `stood` gave so long ago that it is no excuse any more."""


class TokenBucket:
    """A token bucket in one number: `due`, when it would be full again, by the clock whose readings are handed in.

    It holds `slack` seconds; each message takes `gap` of them, 0 where the rate is off. The conversation adds
    `gap` to the later of `due` and now; what is further ahead of now than `slack` then came too fast. `came` is
    the number of messages, also of those that came too fast.
    """

    __slots__ = (
        "__weakref__",
        "_lag",
        "_paused_at",
        "_reserve",
        "_reserve_ends",
        "_stood",
        "came",
        "due",
        "gap",
        "slack",
    )

    def __init__(self, lag: Stood) -> None:
        self.came = 0
        self.due = 0.0
        self.gap = 0.0
        self.slack = BURST
        self._lag = lag
        self._stood = lag.stood()  # what of it was added to the reserve, or was before our time
        self._reserve = 0.0  # seconds in which the client may have sent and we did not read
        self._reserve_ends = 0.0
        self._paused_at = 0.0

    @property
    def limit(self) -> str:
        """The rate as text: `50 a second`."""
        gap = self.gap
        span, name = (1, "a second") if gap <= 1 else (60, "a minute") if gap <= 60 else (3600, "an hour")
        return f"{span / gap:,.10g} {name}"

    def silent(self, now: float) -> float | None:
        """Seconds since the last message, 0 in a burst; None where none came."""
        return max(0.0, now - self.due + self.gap) if self.due else None

    def over(self, now: float) -> float:
        """One message came: how far it is ahead where that is too far, 0 where it is not."""
        self.came += 1
        self.due = due = max(self.due, now) + self.gap
        ahead = due - now
        return ahead if ahead > self.slack and not self.spend(ahead) else 0.0

    def take(self, rate: float | None) -> None:
        """Hold another rate from now on, in messages a second; it begins with a full bucket."""
        gap, slack = _pace(rate)
        if gap != self.gap:
            self.gap, self.slack, self.due = gap, slack, 0.0

    def paused(self, now: float) -> None:
        """Nothing is read from now on, for no fault of the client."""
        self._paused_at = now

    def resumed(self, now: float) -> None:
        """Reading goes on: what a full bucket could not hold meanwhile is kept for what the client sent meanwhile."""
        self._reserve = min(RESERVE, self._reserve + max(0.0, now - max(self.due, self._paused_at)))
        self._reserve_ends = now + RESERVE

    def spend(self, ahead: float) -> bool:
        """Whether what came too fast may be what piled up while we did not read; that is used up by and by."""
        now = self.due - ahead
        if now > self._reserve_ends:
            self._reserve = 0.0
        stood = self._lag.stood()
        if stood > self._stood:
            lately = stood - max(self._stood, self._lag.stood_before())
            self._reserve += min(max(0.0, lately), CREDIT)
            self._reserve_ends = now + RESERVE
            self._stood = stood
        spent = min(self._reserve, ahead)
        self._reserve -= spent
        self.due -= spent
        return ahead - spent <= self.slack

    def is_flood(self, ahead: float) -> bool:
        """Whether a client is a whole further bucket ahead."""
        return ahead > 2 * self.slack

    def wait(self, ahead: float) -> float:
        """Seconds until a message is taken again, to the millisecond."""
        return math.ceil((ahead + self.gap - self.slack) * 1000) / 1000


@lru_cache(maxsize=256)
def _pace(rate: float | None) -> tuple[float, float]:
    """`gap` and `slack` of a rate, as the same objects for all connections that have it."""
    gap = 1 / rate if rate else 0.0
    return gap, max(BURST, gap) + ROUNDING


class TokenBuckets:
    """The buckets that connections share, by endpoint and login.

    One lives as long as a connection that has it, and until it is full again: a client that connects again gets no
    fuller one.
    """

    def __init__(self, lag: Stood) -> None:
        self._lag = lag
        self._shared: WeakValueDictionary[tuple[str, str], TokenBucket] = WeakValueDictionary()
        self._kept: dict[tuple[str, str], TokenBucket] = {}
        self._room = _ROOM

    def of(self, endpoint: str, login: str, rate: float | None, now: float) -> TokenBucket | None:
        """The bucket of one user at one endpoint; None without a login or without `limits.rate_per_user`.

        `now` is a reading of the clock that the bucket goes by.
        """
        if rate is None or not login:
            return None
        key = (endpoint, login)
        bucket = self._shared.get(key)
        if bucket is None:
            if len(self._kept) >= self._room:
                self.sweep(now)
            bucket = self._shared[key] = self._kept[key] = TokenBucket(self._lag)
        bucket.take(rate)
        return bucket

    def wait(self, endpoint: str, login: str, rate: float, now: float) -> float:
        """Count a message with the bucket of `of`; seconds until one is taken again where it came too fast, else 0."""
        bucket = self.of(endpoint, login, rate, now)
        ahead = bucket.over(now) if bucket is not None else 0.0
        return bucket.wait(ahead) if bucket is not None and ahead else 0.0

    def sweep(self, now: float) -> None:
        """Forget the full buckets that no connection has."""
        self._kept = {key: bucket for key, bucket in self._kept.items() if bucket.due > now}
        self._kept.update(self._shared)  # what is left there without us, connections have
        self._room = max(_ROOM, 2 * len(self._kept))
