"""What processes keep for a group: a dict of JSON under a lock, while the group has members and an hour after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from jackfield.messages import encoded

__all__ = ["KEPT", "MAX_SIZE", "MAX_STATES", "States"]

MAX_STATES = 10_000
"""Groups of a node that have a state."""

MAX_SIZE = 64 * 1024
"""Bytes of a state as JSON."""

KEPT = 3600.0
"""Seconds that a state outlives the last member."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class _State:
    """The state of one group as JSON."""

    __slots__ = ("lock", "text", "waiting")

    def __init__(self) -> None:
        self.text = b"{}"
        self.lock = asyncio.Lock()
        self.waiting = 0  # those who hold it or wait for it


class States:
    """The states of one node. All calls belong on the event loop's thread. `clock` gives seconds.

    `has_members` says of a group whether it has any.
    """

    def __init__(self, clock: Callable[[], float], has_members: Callable[[str], bool]) -> None:
        self._clock = clock
        self._has_members = has_members
        self._states: dict[str, _State] = {}
        self._ends: dict[str, float] = {}  # when those go that nobody needs, the first to go first

    def __len__(self) -> int:
        return len(self._states)

    @asynccontextmanager
    async def of(self, group: str) -> AsyncIterator[dict[str, Any]]:
        """The state of a group, for one at a time; kept as it is at the end, unless that is an exception.

        Raises ValueError where no more groups may have one, and at the end for what is not JSON or over MAX_SIZE.
        """
        state = self._find(group)
        state.waiting += 1
        try:
            async with state.lock:
                found = _decode(state.text)
                yield found
                text = encoded(found)
                if len(text) > MAX_SIZE:
                    raise ValueError(f"the state of a group has at most {MAX_SIZE:,} bytes as JSON, not {len(text):,}")
                state.text = text
        finally:
            state.waiting -= 1
            self._put_back(group, state)

    def emptied(self, group: str) -> None:
        """The last member of a group has left."""
        state = self._states.get(group)
        if state is not None:
            self._put_back(group, state)

    def _find(self, group: str) -> _State:
        self._sweep()
        self._ends.pop(group, None)
        state = self._states.get(group)
        if state is None:
            if len(self._states) >= MAX_STATES:
                raise ValueError(f"{MAX_STATES:,} groups have a state, which is all that a server keeps")
            state = self._states[group] = _State()
        return state

    def _put_back(self, group: str, state: _State) -> None:
        """Have it end in time where nobody needs it."""
        if state.waiting:
            return
        if state.text == b"{}":
            self._states.pop(group, None)
        elif not self._has_members(group):
            self._ends.pop(group, None)
            self._ends[group] = self._clock() + KEPT

    def _sweep(self) -> None:
        now = self._clock()
        while self._ends and (first := next(iter(self._ends.items())))[1] <= now:
            del self._ends[first[0]]
            if not self._has_members(first[0]):  # else it ends after the last of those
                del self._states[first[0]]
