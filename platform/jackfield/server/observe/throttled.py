"""Warnings about what happens in numbers: counted each time, logged once a minute."""

from __future__ import annotations

import time
from collections.abc import Callable

from jackfield.logs import log

__all__ = ["EXHAUSTED", "GAVE_WAY", "SHED", "Throttled"]

_PAUSE = 60.0  # seconds between two lines of one kind


class Throttled:
    """A warning that may be due thousands of times a second: logged once a minute at most, with their number."""

    def __init__(self, event: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 0
        self._event = event
        self._clock = clock
        self._logged = 0  # of `total`
        self._next = 0.0

    def warn(self, **fields: object) -> None:
        """Count one more, and log the warning where it is due."""
        self.total += 1
        now = self._clock()
        if now >= self._next:
            self._next = now + _PAUSE
            log.warning(self._event, times=self.total - self._logged, **fields)
            self._logged = self.total


SHED = Throttled("connections_shed")
"""Connections of this process that were turned away because there is room for no more."""

GAVE_WAY = Throttled("connections_gave_way")
"""Connections of this process that had said nothing and were closed because others came."""

EXHAUSTED = Throttled("descriptors_exhausted")
"""Looks of this process at its descriptors that found none left."""
