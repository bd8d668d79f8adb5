"""Messages of an endpoint with `actions`: which one a message names, who may use it, and how often.

The key is read by a decoder of its own, which skips all else; the action's decoder then reads the whole message. What
names no action goes to the endpoint's own way of answering, which names what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import msgspec

from jackfield import messages
from jackfield.config.roles import filled
from jackfield.process.connection import Connection, outbox_of
from jackfield.routing.table import Route
from jackfield.server.answers import InPlace, InTask, Task, Writer
from jackfield.server.observe.metrics import Meter
from jackfield.server.request import Standing

__all__ = ["by_name", "guard", "guarded", "named"]

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_Ways = tuple[InPlace | None, InTask]


class _Conversation(Protocol):
    """The conversation behind a Connection, as its actions see it."""

    standing: Standing
    """With the texts of the path parameters, which roles may name."""

    def start_at_once(self, connection: Connection, text: bytes, came: float) -> None:
        """Begin a task for a message."""

    def too_often(self, action: str, rate: float) -> float:
        """Count a message of an action; seconds until it may come again where it came too fast, else 0."""


def _behind(connection: Connection) -> _Conversation:
    return cast(_Conversation, outbox_of(connection))


def by_name(route: Route, made: Mapping[str, _Ways], otherwise: InTask) -> _Ways:
    """The ways of an endpoint whose actions are answered by `made`; what names none of them by `otherwise`."""
    decode = _decoder(route.endpoint.action_key)
    at_once = {name: way for name, (way, _) in made.items() if way is not None}
    in_task = {name: way for name, (_, way) in made.items()}

    def answer(connection: Connection, data: bytes, came: float) -> bytes | None:
        try:
            way = at_once.get(decode(data).action)
        except _UNREADABLE:
            way = None
        if way is not None:
            return way(connection, data, came)
        _behind(connection).start_at_once(connection, data, came)
        return None

    async def answer_in_task(connection: Connection, data: bytes, task: Task, writer: Writer) -> bytes | None:
        try:
            way = in_task.get(decode(data).action, otherwise) if type(data) is bytes else otherwise
        except _UNREADABLE:
            way = otherwise
        return await way(connection, data, task, writer)

    return answer if at_once else None, answer_in_task


def named(route: Route) -> Callable[[bytes], bool]:
    """Whether a message names this action."""
    decode, name = _decoder(route.endpoint.action_key), route.endpoint.action

    def is_named(data: bytes) -> bool:
        try:
            found: str = decode(data).action
        except _UNREADABLE:
            return False
        return found == name

    return is_named


Guard = Callable[[Connection, bytes], bytes | None]


def guard(route: Route, meter: Meter) -> Guard | None:
    """What looks at the roles and the rate of one action before a message is decoded, and gives the refusal's frame."""
    name, roles, rate = route.endpoint.action, route.endpoint.access.roles, route.endpoint.limits.rate
    if not route.endpoint.action or (not roles and rate is None):
        return None
    needed = " or ".join(f'"{role}"' for role in roles)

    def refuse(connection: Connection, data: bytes) -> bytes | None:
        if roles and connection.identity.roles.isdisjoint(filled(roles, _behind(connection).standing.texts)):
            code, wait, text = "action_forbidden", 0.0, f'"{name}" is for callers with the role {needed}.'
        elif rate is not None and (wait := _behind(connection).too_often(name, rate)):
            code, text = "rate_limited", f'"{name}" came too often; this one was not processed.'
        else:
            return None
        messages.judge_utf8(data)
        meter.others[code] += 1
        return messages.error(code, text, retry_after=wait or None, message_id=messages.id_of(data))

    return refuse


def guarded(refuse: Guard | None, in_place: InPlace | None, in_task: InTask) -> _Ways:
    """The two ways of answering behind a guard."""
    if refuse is None:
        return in_place, in_task

    def answer(connection: Connection, data: bytes, came: float) -> bytes | None:
        assert in_place is not None, "only called where there is one"
        refused = refuse(connection, data)
        return in_place(connection, data, came) if refused is None else refused

    async def answer_in_task(connection: Connection, data: bytes, task: Task, writer: Writer) -> bytes | None:
        refused = refuse(connection, data) if type(data) is bytes else None
        return await in_task(connection, data, task, writer) if refused is None else refused

    return answer if in_place is not None else None, answer_in_task


def _decoder(key: str) -> Callable[[bytes], Any]:
    """What decodes the action that a message names, and skips all else; "" where it names none."""
    fields = [("action", str, msgspec.field(name=key, default=""))]
    return msgspec.json.Decoder(msgspec.defstruct("Named", fields)).decode
