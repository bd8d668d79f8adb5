"""What a call sets in its context, no other call sees: neither the next message nor another connection.

Strategy. Each call has an empty contextvars.Context: what Python copies for a callback or a task by itself is a copy of
what the last call left there, and the decimal module's context would be one object in all of those copies. A context
that is still empty after a call is the next call's, so code that sets nothing pays for no new one.

What a line of the log is about is found when it is logged: in the context of a call that may wait, of which its threads
and tasks have a copy, or, where the context is empty, on the stack.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from functools import partial
from types import FrameType
from typing import Any

from jackfield.logs import subject, within
from jackfield.process.connection import Connection, facts_of

__all__ = ["about", "apart", "context_of", "for_thread"]

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


def context_of(connection: Connection) -> Context:
    """What each call of a connection that may wait gets a copy of; it holds what the log says of the call."""
    return within(partial(facts_of, connection))


def about() -> Mapping[str, Any]:
    """What the code that asks works for: endpoint, connection and login, or a group or resource; empty for nothing."""
    facts = subject.get()
    if facts is not None:
        return facts()
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "answer_apart" and frame.f_globals is globals():
            return facts_of(frame.f_locals["connection"])
        frame = frame.f_back
    return {}


def for_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` in a copy of the context of the call that it belongs to: in a thread Python gives it none.

    A copy, since no two threads can be in one context. Its calls come one after the other.
    """
    return partial(copy_context().run, function)
