"""The messages of one connection that wait for their turn."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["AHEAD", "AHEAD_BYTES", "INBOX", "INBOX_BYTES", "Answered", "Inbox", "Item"]

INBOX = 16
"""Messages that wait while a process works; then the network is paused, and no message is refused."""

INBOX_BYTES = 16 * 1024
"""Bytes in them, likewise."""

AHEAD = 256
"""Messages that wait while a call runs that can be cancelled or that asks: the client may say so behind them."""

AHEAD_BYTES = 64 * 1024
"""Bytes in them, likewise: ten thousand connections that fill them are no danger."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What waits in the inbox for its turn and has its answer already."""

    frame: bytes

    def __len__(self) -> int:
        return len(self.frame)


Item = bytes | Answered
"""A message, Binary where it came in a binary frame, or one that is answered."""


class Inbox(deque[Item]):
    """First in, first out. Check `has_room` after a take; `ahead` is for AHEAD of them."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def is_full(self, *, ahead: bool = False) -> bool:
        """Whether nothing more should come."""
        most, most_bytes = (AHEAD, AHEAD_BYTES) if ahead else (INBOX, INBOX_BYTES)
        return len(self) >= most or self._bytes >= most_bytes

    def has_room(self, *, ahead: bool = False) -> bool:
        """Whether it is half empty again."""
        most, most_bytes = (AHEAD, AHEAD_BYTES) if ahead else (INBOX, INBOX_BYTES)
        return len(self) < most // 2 and self._bytes < most_bytes // 2

    def put(self, item: Item) -> bool:
        """Add the newest; gives whether nothing more should come, where it is not for AHEAD of them."""
        self.append(item)
        self._bytes += len(item)
        return len(self) >= INBOX or self._bytes >= INBOX_BYTES

    def take(self) -> Item:
        """Take the oldest. Raises IndexError where there is none."""
        item = self.popleft()
        self._bytes -= len(item)
        return item

    def take_at(self, index: int) -> Item:
        """Take the one at this place, 0 for the oldest."""
        item = self[index]
        del self[index]
        self._bytes -= len(item)
        return item
