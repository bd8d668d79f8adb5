"""Messages of an endpoint with `actions`: which one a message names, who may use it, and how often.

The key is read by a decoder of its own, which skips all else; the action's decoder then reads the whole message. What
names no action goes to the endpoint's own way of answering, which names what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import msgspec

from jackfield import messages
from jackfield.process.connection import Connection, outbox_of
from jackfield.routing.table import Route
from jackfield.server.answers import InPlace, InTask, Task, Writer
from jackfield.server.observe.metrics import Meter

__all__ = ["Actions"]

_Ways = tuple[InPlace | None, InTask]
_Check = Callable[[Connection, bytes], bytes | None]


class _Conversation(Protocol):
    """The conversation behind a Connection, as its actions see it."""

    def start_at_once(self, connection: Connection, text: bytes, came: float) -> None:
        """Begin a task for a message."""

    def too_often(self, action: str, rate: float) -> float:
        """Count a message of an action; seconds until it may come again where it came too fast, else 0."""


def _behind(connection: Connection) -> _Conversation:
    return cast(_Conversation, outbox_of(connection))


class Actions:
    """The ways of all actions of one endpoint in a generation, `made` by name."""

    def __init__(self, route: Route, made: Mapping[str, _Ways], meter: Meter) -> None:
        self._route = route
        self._made = made
        self._meter = meter
        self._name_of = _reader(route.endpoint.action_key)
        self._checks = {name: check for name, one in route.actions.items() if (check := self._check(one)) is not None}

    def ways(self, otherwise: InTask) -> _Ways:
        """How messages are answered; those of no action by `otherwise`, which refuses them."""
        made, checks, name_of = self._made, self._checks, self._name_of
        in_place = {name: way for name, (way, _) in made.items() if way is not None}

        def answer(connection: Connection, data: bytes, came: float) -> bytes | None:
            name = name_of(data)
            way = in_place.get(name)
            if way is None:
                _behind(connection).start_at_once(connection, data, came)
                return None
            if name in checks and (refused := checks[name](connection, data)) is not None:
                return refused
            return way(connection, data, came)

        async def answer_in_task(
            connection: Connection, data: bytes | None, task: Task, writer: Writer
        ) -> bytes | None:
            name = "" if data is None else name_of(data)
            if data is not None and name in checks and (refused := checks[name](connection, data)) is not None:
                return refused
            return await (made[name][1] if name in made else otherwise)(connection, data, task, writer)

        return answer if in_place else None, answer_in_task

    def _check(self, route: Route) -> _Check | None:
        """What refuses messages of an action before they are decoded; None where nothing does."""
        endpoint, others = route.endpoint, self._meter.others
        roles, rate = frozenset(endpoint.access.roles), endpoint.limits.rate
        if not roles and rate is None:
            return None
        needed = " or ".join(f'"{role}"' for role in endpoint.access.roles)

        def refuse(connection: Connection, data: bytes) -> bytes | None:
            if roles and roles.isdisjoint(connection.identity.roles):
                code, text, wait = (
                    "action_forbidden",
                    f'"{endpoint.action}" is for callers with the role {needed}.',
                    0.0,
                )
            elif rate is not None and (wait := _behind(connection).too_often(endpoint.action, rate)):
                code, text = "rate_limited", f'"{endpoint.action}" came too often; this one was not processed.'
            else:
                return None
            messages.judge_utf8(data)
            others[code] += 1
            return messages.error(code, text, retry_after=wait or None, message_id=messages.id_of(data))

        return refuse


def _reader(key: str) -> Callable[[bytes], str]:
    """What finds the action that a message names; "" where that is not to be found."""
    fields = [("action", str, msgspec.field(name=key, default=""))]
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(msgspec.defstruct("Named", fields)).decode

    def name_of(data: bytes) -> str:
        try:
            found: str = decode(data).action
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return ""
        return found

    return name_of
