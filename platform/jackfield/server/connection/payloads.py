"""Messages that are no JSON (`messages: text | binary | any`): payloads read, and what a process gives made one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from jackfield import messages
from jackfield.messages import Binary
from jackfield.process.connection import Connection, outbox_of
from jackfield.routing.table import Route
from jackfield.server.answers import InPlace, MessageId
from jackfield.server.connection.invalid import Invalid, too_long

__all__ = ["framer", "reader", "written"]

_WRONG = {
    True: "A message is a text frame here; this one was binary.",
    False: "A message is a binary frame here; this one was text.",
}


class _Conversation(Protocol):
    """The conversation behind a Connection, as its payloads see it."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client; never waits."""


def reader(route: Route) -> Callable[[bytes], Any]:
    """What makes a message of an endpoint with payloads a value, or raises Invalid or NotUtf8."""
    limit, kind, decode = route.endpoint.limits.message, route.endpoint.messages, route.signature.decode
    refused = {"text": True, "binary": False}.get(kind)

    def read(data: bytes) -> Any:
        value = decode(data)
        if (type(data) is Binary) is refused:
            raise Invalid([], message=_WRONG[refused])
        if len(data) > limit:
            raise too_long(data, limit)
        return value

    return read


def framer(route: Route) -> Callable[[object, MessageId, Connection], bytes | None]:
    """What makes a value of an endpoint's process a frame for the sender, None for none. Raises messages.Unsendable.

    A value for the endpoint's group is sent to that, as it is.
    """
    endpoint = route.endpoint
    to_group, to_others = endpoint.reply_to != "sender", endpoint.reply_to == "others"

    def make(value: object, _message_id: MessageId, connection: Connection) -> bytes | None:
        if value is None:
            return None
        frame = messages.payload(value, endpoint.messages)
        if len(frame) > endpoint.limits.queue:
            size = f"it has {len(frame):,} bytes, and what waits for a client has room for {endpoint.limits.queue:,}"
            raise messages.Unsendable("", size)
        if not to_group:
            return frame
        outbox_of(connection).membership.say(frame, to_others=to_others)
        return None

    return make


def written(answer: InPlace) -> InPlace:
    """The same way of answering at once, that gives texts alone, as the transport wants: what is binary is written."""

    def answer_written(connection: Connection, data: bytes, came: float) -> bytes | None:
        frame = answer(connection, data, came)
        if type(frame) is not Binary:
            return frame
        cast(_Conversation, outbox_of(connection)).write(frame)
        return None

    return answer_written
