"""What a call sets in its context, no other call sees: neither the next message nor another connection.

Strategy. Each call has an empty contextvars.Context: what Python copies for a callback or a task by itself is a copy of
what the last call left there, and the decimal module's context would be one object in all of those copies. A context
that is still empty after a call is the next call's, so code that sets nothing pays for no new one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from jackfield.process.connection import Connection

__all__ = ["apart", "for_thread"]

InPlace = Callable[[Connection, bytes, float], bytes | None]


def apart(answer: InPlace) -> InPlace:
    """`answer`, each call in an empty context."""
    empty: list[Context] = []  # one, or as many as calls are inside each other

    def answer_apart(connection: Connection, data: bytes, came: float) -> bytes | None:
        context = empty.pop() if empty else Context()
        try:
            return context.run(answer, connection, data, came)
        finally:
            if not context:
                empty.append(context)

    return answer_apart


def for_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` in a copy of the context of the call that it belongs to: in a thread Python gives it none.

    A copy, since no two threads can be in one context. Its calls come one after the other.
    """
    return partial(copy_context().run, function)
