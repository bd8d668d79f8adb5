"""What echo.py does, where messages are no JSON."""

from __future__ import annotations

__all__ = ["nothing", "same"]


def same(message: str | bytes) -> str | bytes:
    """Answers every message with itself."""
    return message


def nothing(message: str | bytes) -> None:
    """Takes every message and answers nothing."""
