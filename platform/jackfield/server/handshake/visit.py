"""One conversation from its seat to its end, as the log, the counts and the hub see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jackfield.logs import log
from jackfield.process.connection import part
from jackfield.server.connection.conversation import Conversation
from jackfield.server.observe import redact

if TYPE_CHECKING:
    from jackfield.server.gateway import Gateway

__all__ = ["Visit"]


class Visit:
    """What has to be put away when a conversation is over, whoever carried it."""

    __slots__ = ("_client", "_conversation", "_gateway", "_opened")

    def __init__(self, gateway: Gateway, conversation: Conversation, client: str) -> None:
        self._gateway = gateway
        self._conversation = conversation
        self._client = client
        self._opened = False

    def begin(self) -> None:
        """The client was accepted."""
        self._opened = True
        if self._conversation.session_end is None:  # a change may have been faster
            self._gateway.arm(self._conversation)
        log.info("connection_opened", **self._facts())

    def end(self) -> None:
        """The client is gone and the call that had begun has ended; accepted or not."""
        if self._conversation.session_end is not None:
            self._conversation.session_end.cancel()
        self._gateway.hub.leave(self._conversation)
        if self._opened:
            over = self._conversation
            self._gateway.metrics.closed(over.endpoint, over.close_code, over.close_cause)
            log.info(
                "connection_closed",
                code=over.close_code,
                cause=over.close_cause,
                reason=over.close_reason,
                seconds=round(over.duration, 3),
                **self._facts(),
            )
        part(self._conversation.connection)

    def _facts(self) -> dict[str, Any]:
        return {
            "endpoint": self._conversation.endpoint,
            "connection": self._conversation.connection.id,
            "login": self._conversation.identity.login,
            "session": self._conversation.identity.session,
            "client": self._client,
            "origin": redact.origins(self._conversation.standing.origin),
        }
