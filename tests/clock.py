"""A clock that is moved by hand: time passes on both sides of it, or the wall clock alone is set."""

from __future__ import annotations

from jackfield import clocks

__all__ = ["Clock"]


class Clock(clocks.Clock):
    """Begins in 2027. `now` is what the wall clock shows."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.passed = 1_000.0
        super().__init__(lambda: self.now, lambda: self.passed)

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.passed += seconds

    def set(self, seconds: float) -> None:
        """Set the wall clock forward, or back, by so much."""
        self.now += seconds
