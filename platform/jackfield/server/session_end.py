"""The end of the session that a connection was opened with: the event before it, and the close at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from jackfield.identity import Identity
from jackfield.server.json_api import moment

__all__ = ["Later", "SessionEnd"]

Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]

_REASON = "the session has run out"


class _Member(Protocol):
    """The conversation, as its session's end sees it."""

    @property
    def identity(self) -> Identity:
        """Who is connected; read when a timer is armed."""

    def send_event(self, event: object) -> None:
        """Called for the event before the end. Never waits."""

    def end(self, name: str, reason: str = "") -> None:
        """Called at the end, with a code of the table. Never waits."""


class SessionEnd:
    """One timer for a conversation: first to the warning, `warning` seconds before the end, then to the end.

    Without `warning` there is no event. `clock` gives seconds since the epoch, `later` arms a timer (the running
    loop's `call_later`). A session without an end arms none.
    """

    __slots__ = ("_clock", "_later", "_member", "_timer", "_warning")

    def __init__(
        self, member: _Member, warning: float | None, clock: Callable[[], float], later: Later | None = None
    ) -> None:
        self._member = member
        self._warning = warning
        self._clock = clock
        self._later = later or asyncio.get_running_loop().call_later
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Begin, once the client was accepted: no event comes before that."""
        expires_at = self._member.identity.expires_at
        if expires_at is None:
            return
        left = expires_at - self._clock()
        if self._warning is None or left <= 0:
            self._timer = self._later(left, self._end)
        else:
            self._timer = self._later(max(0.0, left - self._warning), self._warn)

    def move(self) -> None:
        """Take the end that the member's identity has now in place of the one before."""
        if self._timer is not None:
            self._timer.cancel()
            self.arm()

    def cancel(self) -> None:
        """The conversation is over: nothing more is told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _warn(self) -> None:
        expires_at = self._member.identity.expires_at
        assert expires_at is not None, "armed for a session that has an end"
        self._timer = self._later(expires_at - self._clock(), self._end)
        self._member.send_event({"event": "session_expiring", "expires_at": moment(expires_at)})

    def _end(self) -> None:
        self._timer = None
        self._member.end("session_ended", _REASON)
