"""What answers an endpoint's messages: the two ways, in the step that reads a message or in a task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jackfield.process.connection import Connection
from jackfield.routing.table import Route

__all__ = ["InPlace", "InTask", "MessageId", "Task", "Traced", "Way", "Writer"]

Task = asyncio.Task[Any]
MessageId = str | int | None


@dataclass(frozen=True, slots=True)
class Way:
    """How the messages of one endpoint, or of one of its actions, are taken while a call for one runs.

    - `cut` cancels the call in a task, gives whether it did; None where the process cannot be cancelled.
    - `owns` tells whether a message is one of these; None: all of the endpoint are.
    - `take` makes a message its "$id" and its values by the names of the parameters; or raises what `refuse` makes
      the frame that answers it, None for none.
    - `halt` lets the time limit of the call in a task stand still, `go_on` lets it go on with what was left.
    """

    cut: Callable[[Task], bool] | None
    owns: Callable[[bytes], bool] | None
    take: Callable[[Connection, bytes], tuple[MessageId, dict[str, Any]]]
    refuse: Callable[[Connection, BaseException], bytes | None]
    halt: Callable[[Task], float]
    go_on: Callable[[Task, float], None]


class Writer(Protocol):
    """Where the many answers of one message go. Implemented by the conversation."""

    streaming: bool
    """Whether a generator answers, which is cancelled when the client is gone; set when that begins."""

    way: Way | None
    """How the message that is answered was taken; set before it is read."""

    message_id: MessageId
    """The "$id" of the message that is answered: of the last one that the process took."""

    cancelled: bool
    """Whether the client has asked for no answer."""

    @property
    def is_behind(self) -> bool:
        """Whether what is written has to wait for `room` first."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client; never waits."""

    async def room(self) -> None:
        """Wait until the client has taken enough for more to be made; cancelled when the client is gone."""


InPlace = Callable[[Connection, bytes, float], bytes | None]
"""Answers a message in the step that reads it; the number is the time at which it came, by the dispatcher's clock.

The frame, or None for silence. Raises messages.NotUtf8, and nothing for what else a client sent or a process did.
"""

InTask = Callable[[Connection, bytes, Task, Writer], Awaitable[bytes | None]]
"""Answers a message in its task; a Binary one came in a binary frame. Frames before the last go to the writer.

The last frame, or None. Raises CancelledError where the task was cancelled, nothing else.
"""


Traced = Callable[[Route, InPlace | None, InTask], tuple[InPlace | None, InTask]]
"""Puts a span around what answers an endpoint's messages; called once for each endpoint of a generation."""
