"""The stages of a WebSocket connection, and which one may follow which.

The table at the head of reading.py says what a read does in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

__all__ = ["MOVES", "Stage"]


class Stage(Enum):
    """Where a connection is; decides what happens to the bytes of the next read."""

    OPENING = "the request comes as bytes, and is not whole"
    EARLY = "the application has not answered, or what came before the 101 still waits for the loop's next turn"
    ACCEPTED = "the 101 has left, and nothing came before it; the next read or `attach` decides"
    LIBRARY = "the library parses all bytes"
    DIRECT = "a receiver is attached; the bytes are split into frames here"
    LINGERING = "our close frame has left, and what comes is dropped until the client's own"
    OVER = "nothing more is read"


MOVES: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        Stage.OPENING: frozenset((Stage.EARLY, Stage.OVER)),
        Stage.EARLY: frozenset((Stage.ACCEPTED, Stage.LIBRARY, Stage.DIRECT, Stage.LINGERING, Stage.OVER)),
        Stage.ACCEPTED: frozenset((Stage.LIBRARY, Stage.DIRECT, Stage.LINGERING, Stage.OVER)),
        Stage.LIBRARY: frozenset((Stage.LINGERING, Stage.OVER)),
        # to LIBRARY for a frame whose head is a violation, where the library waits for its payload to say so
        Stage.DIRECT: frozenset((Stage.LIBRARY, Stage.LINGERING, Stage.OVER)),
        Stage.LINGERING: frozenset((Stage.OVER,)),
        # where the connection fails for another reason before its buffer is empty
        Stage.OVER: frozenset((Stage.LINGERING,)),
    }
)
"""The legal moves; a stage may also follow itself."""
