"""From any thread to the event loop: what processes in threads send, in order and bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Crossing"]

_BORDER = threading.Lock()  # one for all connections, held for an append

Item = bytes | tuple[int, str]


class Crossing:
    """The frames and closes of one connection that are on their way; made and emptied on the loop's thread.

    It does not hold `arrive`: whoever owns it and is called back would live until the next garbage collection.
    """

    __slots__ = ("_items", "_loop", "_size", "_thread")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._items: list[Item] = []
        self._size = 0

    @property
    def needed(self) -> bool:
        """Whether the caller's thread is another than the loop's."""
        return threading.get_ident() != self._thread

    def hand_over(self, item: Item, most: int, instead: Item, arrive: Callable[[Item], None]) -> None:
        """Hand a frame or a close to `arrive` on the loop; `instead` of all that waits, where more than `most` bytes
        would.

        After the loop has been closed it does nothing.
        """
        with _BORDER:
            if self._size > most:
                return  # `instead` is on its way
            first = not self._items
            self._size += len(item) if isinstance(item, bytes) else 0
            if self._size > most:
                self._items = [instead]
            else:
                self._items.append(item)
        if first:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                self._loop.call_soon_threadsafe(self._cross, arrive)

    def _cross(self, arrive: Callable[[Item], None]) -> None:
        with _BORDER:
            items, self._items = self._items, []
            self._size = 0
        for item in items:
            arrive(item)
