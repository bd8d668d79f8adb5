"""What answers an endpoint's messages: the two ways, in the step that reads a message or in a task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from jackfield.process.connection import Connection
from jackfield.routing.table import Route

__all__ = ["InPlace", "InTask", "Task", "Traced", "Writer"]

Task = asyncio.Task[Any]


class Writer(Protocol):
    """Where the many answers of one message go. Implemented by the conversation."""

    streaming: bool
    """Whether a generator answers, which is cancelled when the client is gone; set when that begins."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client; never waits."""

    async def room(self) -> None:
        """Wait until the client has taken enough for more to be made; cancelled when the client is gone."""


InPlace = Callable[[Connection, bytes, float], bytes | None]
"""Answers a message in the step that reads it; the number is the time at which it came, by the dispatcher's clock.

The frame, or None for silence. Raises messages.NotUtf8, and nothing for what else a client sent or a process did.
"""

InTask = Callable[[Connection, bytes | None, Task, Writer], Awaitable[bytes | None]]
"""Answers a message in its task; None as data is a binary one. Frames before the last go to the writer.

The last frame, or None. Raises CancelledError where the task was cancelled, nothing else.
"""


Traced = Callable[[Route, InPlace | None, InTask], tuple[InPlace | None, InTask]]
"""Puts a span around what answers an endpoint's messages; called once for each endpoint of a generation."""
