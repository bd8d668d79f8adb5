"""What a server has used so far: its processor's time and its memory, over the tree of its processes.

The total is each process's own CPU clock (nanoseconds; ended threads count), which is what utime + stime of
/proc/PID/stat say in ticks. The kernel splits user from system by its ticks, so the user part is their share of it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "read_usage", "resident", "tree"]

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time: `total` in seconds, `user` and `system` in clock ticks. Subtract two readings."""

    total: float
    user: int
    system: int

    def __sub__(self, before: Usage) -> Usage:
        return Usage(self.total - before.total, self.user - before.user, self.system - before.system)

    @property
    def user_seconds(self) -> float:
        """The user part of `total`. Exact to some 3 % over a second or two; 0 where no tick fell."""
        ticks = self.user + self.system
        return self.total * self.user / ticks if ticks else 0.0


def tree(pid: int) -> Iterator[int]:
    """`pid` and all processes below it."""
    yield pid
    with contextlib.suppress(OSError):
        for task in sorted((_PROC / str(pid) / "task").iterdir()):
            for child in (task / "children").read_text("ascii").split():
                yield from tree(int(child))


def read_usage(pid: int) -> Usage:
    """The processor time of the process and all below it, until now."""
    parts = [_one(each) for each in tree(pid)]
    return Usage(sum(p.total for p in parts), sum(p.user for p in parts), sum(p.system for p in parts))


def resident(pid: int) -> int:
    """Bytes of memory that the process and all below it hold."""
    pages = [int((_PROC / str(each) / "statm").read_text("ascii").split()[1]) for each in tree(pid)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def _one(pid: int) -> Usage:
    # the name, in parentheses, may hold blanks; utime and stime are the 14th and 15th field (proc_pid_stat(5))
    fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    # the clock of another process: clock_getcpuclockid(3), as Linux numbers it
    return Usage(time.clock_gettime((~pid << 3) | 2), int(fields[11]), int(fields[12]))
