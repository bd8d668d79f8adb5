"""What it costs the server to keep a group's events: CPU of the whole process an event, with `keep` and without.

    python -m tests.bench.kept [EVENTS A SECOND] [GROUPS]

Events are sent at an even pace, as a feed does it, to groups with one member each; the store is SQLite in a new folder.
A batch of a few events costs nearly as much as one of a hundred, so the cost of an event falls with their number.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time

from jackfield.auth.store.store import Store
from jackfield.groups.group import Declared, Group
from jackfield.groups.groups import Groups
from jackfield.groups.names import Pattern
from jackfield.identity import ANONYMOUS, Identity
from jackfield.server.histories import HistoryKeeper

SECONDS = 5.0
"""Seconds of one turn; there are three of each kind, in turns."""

_FRAME = '{"event":"said","from":"anna","text":"Привет, как дела? 😀"}'.encode()


class _Deaf:
    """A member of groups that does nothing with what it hears."""

    def __init__(self) -> None:
        self.groups: tuple[Group, ...] = ()
        self.identity: Identity = ANONYMOUS
        self.is_present = True
        self.is_over = False
        self.known_as = self.caller = ""
        self.room = 1024 * 1024

    def forget(self, group: str) -> None:
        """It has its 101."""

    def hear(self, frame: bytes) -> None:
        """Drop an event."""


async def _turn(rate: int, rooms: int, keep: float) -> float:
    """Microseconds of CPU an event."""
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite+aiosqlite:///{folder}/store.db", time.time)
        groups = Groups()

        async def opened() -> Store:
            return store

        keeper = HistoryKeeper(groups.histories, opened)
        groups.histories.keeper = keeper
        groups.declare([Declared(Pattern.parse("room:{room}"), history=50, keep=keep)])
        names = [f"room:{number}" for number in range(rooms)]
        watching = asyncio.create_task(keeper.watch())
        await groups.open(names)
        for name in names:
            groups.join(_Deaf(), name)
        sent, cpu, begin = 0, time.process_time(), time.perf_counter()
        while (passed := time.perf_counter() - begin) < SECONDS:
            while sent < passed * rate:
                groups.send(names[sent % rooms], _FRAME)
                sent += 1
            await asyncio.sleep(0.005)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await keeper.close()  # writes what waits
        cpu = time.process_time() - cpu
        await store.close()
        return cpu / sent * 1e6


def main() -> None:
    """Print the cost of both kinds, and of keeping alone, for each of three turns."""
    rate, rooms = map(int, (*sys.argv[1:], *("1000", "10")[len(sys.argv) - 1 :])[:2])
    for _ in range(3):
        without, kept = (asyncio.run(_turn(rate, rooms, keep)) for keep in (0.0, 3600.0))
        print(
            f"{rate}/s, {rooms} groups: {without:.1f} µs an event, kept {kept:.1f}, keeping costs {kept - without:.1f}"
        )


if __name__ == "__main__":
    main()
