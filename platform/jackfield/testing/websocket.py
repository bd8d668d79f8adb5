"""The client's end of a connection without a network: what an ASGI server's `receive` and `send` would be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any

from jackfield.server.connection.conversation import Conversation
from jackfield.testing.gateway import CALLER, Caller, TestGateway

__all__ = ["LEAVE_LIMIT", "UNREAD", "TestSocket"]

LEAVE_LIMIT = 5.0
"""Seconds that a call has to end after a test's client left; then it is cancelled."""

UNREAD = 256 * 1024
"""Characters that a test's client may leave unreceived before the server waits."""

_SEEN = '{"event":"\\u0000seen"}'  # goes through the outbox behind all that was written; no test sees it


class TestSocket:
    """One connection, from its upgrade request on. All calls belong on the loop that opened it.

    `last` is what was sent last; `closed` is how the server closed, with code and reason.
    """

    def __init__(self, gateway: TestGateway, scope: MutableMapping[str, Any], caller: Caller) -> None:
        self.last: str | bytes | None = None
        self.closed: tuple[int, str] | None = None
        self.subprotocol: str | None = None
        self._gateway = gateway
        self._caller = caller
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()  # no longer than what the test itself sends
        self._listening = False  # the server has taken all that came, and waits for more
        self._came: deque[str | bytes] = deque()
        self._unread = 0
        self._marks = 0
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._conversation: Conversation | None = None
        self._task = asyncio.create_task(self._run(scope), name="jackfield test client")
        self._task.add_done_callback(lambda _task: self._changed.set())

    async def open(self) -> None:
        """Wait for the accept. Raises the Refusal."""
        self._incoming.put_nowait({"type": "websocket.connect"})
        try:
            await self._until(lambda: self._conversation is not None or self.closed is not None, None)
        except asyncio.CancelledError:
            await self.leave(0.0)
            raise
        if self._conversation is None and self.closed is None:
            self._task.result()  # raises what has failed on our side
            refusal = self._caller.refusal
            assert refusal is not None, "neither accepted nor refused"
            if refusal.fix:
                refusal.add_note(refusal.fix)
            raise refusal

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.closed is not None or self._task.done()

    @property
    def is_at_work(self) -> bool:
        """Whether something that was sent is not carried out: it is on its way, waits for its turn, or is worked on."""
        if not (self._listening and self._incoming.empty()):
            return True
        return self._conversation is not None and self._conversation.is_working

    def send_frame(self, frame: str | bytes) -> None:
        """Send one text or binary frame."""
        self.last = frame
        kind = "text" if isinstance(frame, str) else "bytes"
        self._incoming.put_nowait({"type": "websocket.receive", kind: frame})

    async def next_frame(self, within: float) -> str | bytes | None:
        """The next frame in order; None where nothing more will come. Raises TimeoutError."""
        await self._until(lambda: bool(self._came), within)
        return self._take() if self._came else None

    async def settle(self, within: float) -> list[str | bytes]:
        """Wait until all that was sent is carried out, and give all frames that came. Raises TimeoutError.

        Then nothing is lost: `next_frame` gives them.
        """
        found: list[str | bytes] = []

        def take(done: bool) -> bool:
            while self._came:  # also while it lasts: the server waits for a client that does not read
                found.append(self._take())
            return done

        try:
            async with asyncio.timeout(within):
                await self._until(lambda: take(not self.is_at_work), None)
                mark = self._marks + 1
                if self._conversation is not None:
                    self._conversation.write(_SEEN.encode())
                    await self._until(lambda: take(self._marks >= mark), None)
        except TimeoutError:
            self._came.extendleft(reversed(found))
            self._unread += sum(map(len, found))
            raise
        take(True)
        return found

    async def leave(self, limit: float = LEAVE_LIMIT) -> bool:
        """Close from the client's side; a call that has begun has `limit` seconds. Tells whether it took them."""
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        self._unread = 0
        self._taken.set()
        try:
            if await self._is_over(limit):
                self._task.result()  # raises what has failed on our side
                return True
            for _ in range(
                2
            ):  # the first ends the reading, the second the call; a task that suppresses both is left behind
                self._task.cancel()
                if await self._is_over(1.0):
                    break
            return False
        finally:
            self._task.cancel()  # also where we are cancelled ourselves

    async def _is_over(self, limit: float) -> bool:
        if not self._task.done():
            await asyncio.wait((self._task,), timeout=limit)
        return self._task.done()

    def answered(self) -> None:
        """See AnswerListener."""
        asyncio.get_running_loop().call_soon(self._changed.set)  # the call itself ends behind this

    def _take(self) -> str | bytes:
        text = self._came.popleft()
        self._unread -= len(text)
        self._taken.set()
        return text

    async def _until(self, condition: Callable[[], bool], within: float | None) -> None:
        async with asyncio.timeout(within):
            while not (condition() or self.over):
                self._changed.clear()
                await self._changed.wait()

    # the server's side

    async def _run(self, scope: MutableMapping[str, Any]) -> None:
        CALLER.set(self._caller)  # in this task's own context
        await self._gateway(scope, self._give, self._receive)

    async def _give(self) -> dict[str, Any]:
        """What the server gets next."""
        self._listening = True
        self._changed.set()
        try:
            return await self._incoming.get()
        finally:
            self._listening = False

    async def _receive(self, message: MutableMapping[str, Any]) -> None:
        """What the server sends."""
        match message["type"]:
            case "websocket.accept":
                self.subprotocol = message.get("subprotocol")
                if self._caller.refusal is None:  # else it is accepted to be closed: `refusals: close`
                    self._conversation = self._gateway.attach(self)
            case "websocket.send":
                self._arrived(message["text"] if "text" in message else message["bytes"])
            case "websocket.close":
                self.closed = (message["code"], message.get("reason") or "")
                # RFC 6455, section 5.5.1: the other end answers a close frame
                self._incoming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
        self._changed.set()
        while self._unread > UNREAD:
            self._taken.clear()
            await self._taken.wait()

    def _arrived(self, text: str | bytes) -> None:
        if text == _SEEN:
            self._marks += 1
            return
        self._came.append(text)
        self._unread += len(text)
