"""Processes that answer a message with what it holds, or with nothing: a room or an endpoint without code."""

from __future__ import annotations

from typing import Any

from jackfield.process.declare import process

__all__ = ["nothing", "same"]


@process
def same(**fields: Any) -> dict[str, Any]:
    """Answers every message with the same keys and values."""
    return fields


@process
def nothing(**fields: Any) -> None:
    """Takes every message and answers nothing."""
