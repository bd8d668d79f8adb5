"""What answers the messages to an endpoint that only speaks."""

from __future__ import annotations

from jackfield import messages
from jackfield.process.connection import Connection
from jackfield.server.answers import InPlace, InTask, Task, Writer
from jackfield.server.observe.metrics import Meter

__all__ = ["ways"]


def ways(meter: Meter) -> tuple[InPlace, InTask]:
    """The two ways of answering, whatever the message is."""

    def answer(_connection: Connection, data: bytes, _came: float) -> bytes | None:
        messages.judge_utf8(data)
        if messages.aside(data) is not None:
            return None
        meter.others["no_messages"] += 1
        return messages.error("no_messages", message_id=messages.id_of(data))

    async def answer_later(connection: Connection, data: bytes, _task: Task, _writer: Writer) -> bytes | None:
        return answer(connection, data if type(data) is bytes else b"", 0.0)

    return answer, answer_later
