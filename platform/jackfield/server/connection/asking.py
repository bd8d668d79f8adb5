"""The requests of one connection: events that its client answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from jackfield import messages
from jackfield.process.connection import Gone
from jackfield.routing.examples import of_decoder

__all__ = ["MOST", "Asking"]

MOST = 16
"""Requests of one connection that may be open."""

_ANSWER = "$answer"
_read = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Host(Protocol):
    """The conversation, as its requests see it."""

    is_over: bool
    is_draining: bool

    def hear(self, frame: bytes) -> None:
        """Queue the frame of an event."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client."""


class Asking:
    """Requests that are not answered yet. It does not hold its host: the two would live until a garbage collection."""

    __slots__ = ("_last", "_open")

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[int, tuple[asyncio.Future[Any], Callable[[bytes], Any]]] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    async def ask(self, event: object, answer: Any, within: float, host: Host) -> Any:
        """Send an event and wait for its answer. Raises TimeoutError, Gone, and RuntimeError for too many."""
        if len(self._open) >= MOST:
            raise RuntimeError(f"{MOST} requests of this connection are open, which is all that may be")
        decode = msgspec.json.decode if answer is None else _decoder(answer)
        number = self._last + 1
        frame = messages.request(event, number)
        if host.is_over or host.is_draining:
            raise Gone
        self._last = number
        future = asyncio.get_running_loop().create_future()
        self._open[number] = future, decode
        try:
            host.hear(frame)
            async with asyncio.timeout(within):
                return await future
        finally:
            self._open.pop(number, None)

    def answered(self, number: int, data: bytes, host: Host) -> None:
        """An answer has come. One that nothing waits for is ignored; one that does not fit is refused."""
        if number not in self._open:
            return
        future, decode = self._open[number]
        given = _read(data)
        del given[_ANSWER]
        rest = msgspec.json.encode(given)
        try:
            if messages.too_deep(rest):
                raise ValueError(f"nested more than {messages.MAX_DEPTH} deep")
            value = decode(rest)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            fault = of_decoder(str(exc), msgspec.json.decode(rest))
            text = f"This does not answer request {number}."
            more = {"request": number}
            host.write(messages.error("invalid_message", text, details=[fault.as_json()], more=more))
            return
        if not future.done():
            future.set_result(value)

    def stop(self) -> None:
        """The connection is over, or takes no more messages: nothing will be answered."""
        for future, _ in self._open.values():
            if not future.done():
                future.set_exception(Gone())


@lru_cache(maxsize=256)
def _decoder(answer: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(answer).decode
