"""An upgrade to an endpoint with `on_connect`, from its seat to its 101; a refusal undoes the seat."""

from __future__ import annotations

from contextlib import suppress

from jackfield.errors import Refusal
from jackfield.process.connection import hand_over
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.entering import Entering, Unopened
from jackfield.server.connection.outbox import TOO_SLOW
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.connection_log import Visit
from jackfield.server.handshake.hooks import Hooks
from jackfield.server.handshake.judge import RETRY_AFTER, Admission, admit, approach
from jackfield.server.live import Live
from jackfield.server.request import Request
from jackfield.server.wire.transport import Transport, cut

__all__ = ["Entrance"]


class Entrance:
    """One caller who has a seat and no 101 yet. `network` is what the conversation writes to before that."""

    def __init__(self, live: Live, callers: Callers, hooks: Hooks, request: Request) -> None:
        self._live = live
        self._callers = callers
        self._hooks = hooks
        self._request = request
        self._first: bytes | None = None
        self._entering: Entering | None = None
        self.network = Unopened()

    def connection_of(self, conversation: Conversation) -> Entering:
        """What stands behind its Connection meanwhile."""
        self._entering = Entering(conversation)
        return self._entering

    async def enter(self, admission: Admission, conversation: Conversation, visit: Visit) -> None:
        """Call `on_connect`, and judge again. Raises Refusal; the seat is given back then."""
        try:
            called = await self._hooks.connect(conversation, admission.route, self._request.client)
            if called is not None:
                visit.is_owed = True
                self._first = self._hooks.first(*called)
            self._live.check_ready()
        except BaseException:
            self.undo(conversation)
            raise
        if conversation.is_over:
            cause, reason = conversation.close_cause, conversation.close_reason
            self.undo(conversation)
            raise await self._why(cause, reason)
        hand_over(conversation.connection, conversation)

    def opened(self, conversation: Conversation, transport: Transport) -> None:
        """The client has its 101: what `on_connect` gave and sent is the first that it hears, and the groups follow."""
        assert self._entering is not None
        frames = self.network.taken()
        if self._first is not None:
            frames.insert(0, self._first)
        conversation.transport = transport
        conversation.outbox.turn_to(transport)
        if conversation.is_over:  # ended in the very step of the accept
            transport.close(conversation.close_code, cut(conversation.close_reason))
        for frame in frames:
            conversation.write(frame)
        conversation.membership.entered(conversation.hear)
        while self._entering.begun:
            coroutine = self._entering.begun.pop(0)
            with suppress(ConnectionError):  # it has ended in the very step of the accept
                conversation.start(coroutine)
        if self._entering.closing is not None:
            conversation.close(*self._entering.closing)

    def undo(self, conversation: Conversation) -> None:
        """It does not enter: the seat is given back, and what it began does not begin."""
        conversation.lost(1006)
        self.network.taken()
        while self._entering is not None and self._entering.begun:
            self._entering.begun.pop().close()

    async def _why(self, cause: str, reason: str) -> Refusal:
        """The refusal of a caller whose connection ended before its 101, by a publish or a change of its session."""
        if cause == TOO_SLOW:
            return Refusal("not_in_time", "More came for the caller meanwhile than may wait.", retry_after=RETRY_AFTER)
        try:
            table = self._live.generation.table
            asked = approach(table, self._request)
            caller = await self._callers.identify(self._request, asks=asked.asks)
            admit(table, self._request, asked, caller, self._live.hub)
        except Refusal as refusal:
            return refusal
        return Refusal("not_ready", f"{reason[:1].upper()}{reason[1:]}.", retry_after=1)
