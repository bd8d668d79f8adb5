"""The messages of one connection that wait for their turn."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["INBOX", "INBOX_BYTES", "Answered", "Inbox", "Item"]

INBOX = 16
"""Messages that wait while a process works; then the network is paused, and no message is refused."""

INBOX_BYTES = 16 * 1024
"""Bytes in them, likewise."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What waits in the inbox for its turn and has its answer already."""

    frame: bytes

    def __len__(self) -> int:
        return len(self.frame)


Item = bytes | Answered | None
"""A text message, one that is answered, or a binary one."""


class Inbox(deque[Item]):
    """First in, first out. Check `is_full` after a put, `has_room` after a take."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more should come."""
        return len(self) >= INBOX or self._bytes >= INBOX_BYTES

    @property
    def has_room(self) -> bool:
        """Whether it is half empty again."""
        return len(self) < INBOX // 2 and self._bytes < INBOX_BYTES // 2

    def put(self, item: Item) -> None:
        """Add the newest."""
        self.append(item)
        self._bytes += len(item) if item is not None else 0

    def take(self) -> Item:
        """Take the oldest. Raises IndexError where there is none."""
        item = self.popleft()
        self._bytes -= len(item) if item is not None else 0
        return item
