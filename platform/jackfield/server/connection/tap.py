"""Between one conversation and its network: what passes is shown to somebody, for as long as that is wanted.

Strategy: nothing of a connection that is not watched knows of this. A tap takes the place of the network for the
conversation and of the conversation for the network, and gives both back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from jackfield.config.plan import Limits
from jackfield.messages import Binary
from jackfield.server.connection.conversation import Conversation
from jackfield.server.wire.transport import Receiver, Socket, Transport

__all__ = ["Show", "Tap"]

Show = Callable[[str, bytes], None]
"""Called with `in` or `out` and each frame that passes, messages.Binary for a binary one; must not fail."""


class Network(Transport, Protocol):
    """Our own listener's transport or that of other servers."""

    def attach(self, receiver: Receiver) -> None:
        """Give messages to `receiver` from here on."""


class Tap:
    """The Socket of a conversation that is watched. `show` hears of each frame, `ended` of the connection's end.

    Made in one step of the loop, between two frames, for a connection that has its 101.
    """

    def __init__(self, conversation: Conversation, show: Show, ended: Callable[[], None]) -> None:
        self._conversation = conversation
        self._network = cast(Network, conversation.transport)
        self._socket = conversation.socket
        self._show = show
        self._ended = ended
        self.is_answering = False  # what is written was shown when it was given
        self._give(self, None if self._socket is None else self)
        self._network.attach(_Ear(self, conversation))

    def take_away(self) -> None:
        """Nothing more is shown; a second call does nothing."""
        if self._conversation.transport is self:
            self._give(self._network, self._socket)
            self._network.attach(self._conversation)

    def _give(self, transport: Transport, socket: Socket | None) -> None:
        """Have the conversation write there."""
        conversation = self._conversation
        conversation.transport, conversation.socket = transport, socket
        conversation.outbox.turn_to(transport)
        conversation.entered()  # groups ask anew for the shortest way

    def show(self, direction: str, frame: bytes) -> None:
        """A frame passes."""
        self._show(direction, frame)

    def lost(self) -> None:
        """The connection is lost: the network has nobody any more."""
        if self._conversation.transport is self:
            self._give(self._network, self._socket)
            self._ended()

    # the conversation's side: see Socket

    @property
    def pending(self) -> int:
        """See Transport."""
        return self._network.pending

    def write(self, text: bytes) -> int:
        """See Transport."""
        if not self.is_answering:
            self._show("out", text)
        return self._network.write(text)

    def hold(self) -> None:
        """See Transport."""
        self._network.hold()

    def close(self, code: int, reason: str, *, at_once: bool = False) -> None:
        """See Transport."""
        self._network.close(code, reason, at_once=at_once)

    def pause(self) -> None:
        """See Transport."""
        self._network.pause()

    def resume(self) -> None:
        """See Transport."""
        self._network.resume()

    async def room(self, limit: int) -> None:
        """See Transport."""
        await self._network.room(limit)

    def attach(self, receiver: Receiver) -> None:
        """See Socket."""
        self._network.attach(receiver)

    def tune(self, limits: Limits) -> None:
        """See Socket."""
        cast(Socket, self._network).tune(limits)

    @property
    def post_limit(self) -> int:
        """See Socket."""
        return cast(Socket, self._network).post_limit

    @post_limit.setter
    def post_limit(self, most: int) -> None:
        """See Socket."""
        cast(Socket, self._network).post_limit = most

    def post(self, text: bytes) -> None:
        """See Socket. What is watched takes the longer way."""
        self._conversation.hear(text)


class _Ear:
    """The network's side of a tap: a Receiver, of which `write` means something else than that of a Transport."""

    def __init__(self, tap: Tap, conversation: Conversation) -> None:
        self._tap = tap
        self._conversation = conversation

    def received(self, text: bytes) -> bytes | None:
        """See Receiver."""
        self._tap.show("in", text)
        answer = self._conversation.received(text)
        if answer is not None:
            self._tap.show("out", answer)
        return answer

    def received_binary(self, payload: bytes) -> None:
        """See Receiver."""
        self._tap.show("in", payload if isinstance(payload, Binary) else Binary(payload))
        self._conversation.received_binary(payload)

    def write(self, text: bytes) -> None:
        """See Receiver."""
        self._tap.is_answering = True
        try:
            self._conversation.write(text)
        finally:
            self._tap.is_answering = False

    def hear(self, text: bytes) -> None:
        """See Receiver."""
        self._conversation.hear(text)

    def wrote(self, pending: int) -> None:
        """See Receiver."""
        self._conversation.wrote(pending)

    def lost(self, code: int, reason: str = "") -> None:
        """See Receiver."""
        conversation = self._conversation
        conversation.lost(code, reason)
        self._tap.lost()
