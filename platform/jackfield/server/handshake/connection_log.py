"""One conversation from its seat in the hub to its end, in the log and the counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jackfield.logs import log
from jackfield.process.connection import part
from jackfield.server.connection.conversation import Conversation
from jackfield.server.handshake.hooks import Hooks
from jackfield.server.handshake.revocation import watch_session
from jackfield.server.live import Live
from jackfield.server.observe import redact

__all__ = ["Visit"]


class Visit:
    """Logs and counts one conversation, and gives its seat back when it is over, by whichever transport it came."""

    __slots__ = ("_conversation", "_hooks", "_live", "_opened", "is_owed", "stop_feed")

    def __init__(self, live: Live, hooks: Hooks, conversation: Conversation) -> None:
        self._live = live
        self._hooks = hooks
        self._conversation = conversation
        self._opened = False
        self.is_owed = False  # whether `on_disconnect` is to be called: with the 101, or when `on_connect` has returned
        self.stop_feed: Callable[[], None] | None = None  # what ends the generator that speaks on it

    def begin(self) -> None:
        """The client was accepted."""
        self._opened = self.is_owed = True
        if self._conversation.session_end is None:  # a change may have been faster
            watch_session(self._live, self._conversation)
        log.info("connection_opened", **self._facts())

    def __call__(self) -> None:  # a bound method would be one more object for each connection
        """The client is gone and the call that had begun has ended; accepted or not."""
        over = self._conversation
        if over.session_end is not None:
            over.session_end.cancel()
        if self.stop_feed is not None:
            self.stop_feed()
        self._live.hub.leave(over)
        if self._opened:
            self._live.metrics.closed(over.endpoint, over.close_code, over.close_cause)
            log.info(
                "connection_closed",
                code=over.close_code,
                cause=over.close_cause,
                reason=over.close_reason,
                seconds=round(self._live.passed() - over.began, 3),
                **self._facts(),
            )
        part(over.connection, over.kind)
        self._hooks.depart(over, owed=self.is_owed)

    def _facts(self) -> dict[str, Any]:
        return {
            "endpoint": self._conversation.endpoint,
            "connection": self._conversation.connection.id,
            "login": self._conversation.identity.login,
            "session": self._conversation.identity.session,
            "client": self._conversation.connection.address,
            "origin": redact.origins(self._conversation.standing.origin),
        }
