"""A message of one endpoint becomes a value, or is refused with all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from jackfield import messages
from jackfield.routing.table import Route
from jackfield.server.connection import payloads
from jackfield.server.connection.invalid import body, explain, refuse_size

__all__ = ["UNREADABLE", "reader"]

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What a decoder raises for a message that it does not take."""


def reader(route: Route) -> Callable[[bytes], Any]:
    """What makes a message of one endpoint a value, or raises Invalid with all that is wrong with it, or NotUtf8."""
    if route.endpoint.messages != "json":
        return payloads.reader(route)
    limit, decode, strict = route.endpoint.limits.message, route.signature.decode, route.signature.strict
    is_valid = route.narrow.is_valid if route.narrow is not None else None
    ours = ("$id", route.endpoint.action_key) if route.endpoint.action else ("$id",)
    flat = min(messages.MAX_DEPTH, limit)  # a shorter text cannot nest too deep

    def read(data: bytes) -> Any:
        if len(data) > flat:
            refuse_size(data, limit)
        if route.actions:  # it names none of them
            raise explain(route, data, None)
        if not strict:
            messages.judge_utf8(data)
        try:
            value = decode(data)
        except UNREADABLE as exc:
            raise explain(route, data, exc) from None
        if is_valid is not None and not is_valid(body(data, ours)):
            raise explain(route, data, None)
        return value

    return read
