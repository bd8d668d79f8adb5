"""Generations that were live: what goes on in them has its time, then its connection is closed.

Calls, tasks and feeds end in the generation that they began in. What does not end by itself, calls that wait for their
client, tasks of `connection.start` and feeds of connections, has OUTLIVE seconds, and less where GENERATIONS are live.
A call that only works is left to its time limit until OUTLIVE.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from functools import partial

from jackfield.groups.presence import Later
from jackfield.server.gateway import Gateway
from jackfield.server.generation import Generation
from jackfield.server.live import Held, Member

__all__ = ["GENERATIONS", "OUTLIVE", "RETIRE_LIMIT", "SPREAD", "Retiring"]

OUTLIVE = 600.0
"""Seconds after a publish that what a connection began goes on in its plan; then that is closed."""

SPREAD = 30.0
"""Seconds, the last of these, over which such closes are spread."""

GENERATIONS = 4
"""Plans that may be live; what waits in an older one, tasks and feeds are closed within SPREAD."""

RETIRE_LIMIT = OUTLIVE + 30.0
"""Seconds until a plan's resources are closed whatever calls still run."""

_STEP = 1.0
_OUTLIVED = "what goes on here is older than what is published"


class _Elder:
    """One generation that was live, with the task that closes it and the timers of its end."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.task = asyncio.get_running_loop().create_task(generation.retire(None))
        self.timers: dict[str, asyncio.TimerHandle] = {}

    def disarm(self) -> None:
        """Nothing more is closed for it."""
        for timer in self.timers.values():
            timer.cancel()


class Retiring:
    """The generations of one node that were live and still have calls. `later` is a loop's `call_later`."""

    def __init__(self, gateway: Gateway, *, later: Later | None = None) -> None:
        self._gateway = gateway
        self._later = later or _call_later
        self._elders: dict[int, _Elder] = {}

    def __len__(self) -> int:
        return len(self._elders)

    def add(self, before: Generation) -> None:
        """Another generation is live, in place of `before`; called in the step that makes it that."""
        elder = self._elders[before.number] = _Elder(before)
        elder.task.add_done_callback(partial(self._freed, elder))
        elder.timers["long"] = self._later(OUTLIVE - SPREAD, partial(self._end, elder, "long", any))
        elder.timers["closed"] = self._later(RETIRE_LIMIT, before.hurry)
        oldest = self._elders.get(self._gateway.live.generation.number - GENERATIONS)
        if oldest is not None:
            self._end(oldest, "many", _stays)

    async def close(self) -> None:
        """Close the resources of all, whatever is still in them."""
        for elder in self._elders.values():
            elder.disarm()
            elder.generation.hurry()
        await asyncio.gather(*(elder.task for elder in self._elders.values()), return_exceptions=True)

    def _freed(self, elder: _Elder, _task: asyncio.Task[None]) -> None:
        elder.disarm()
        del self._elders[elder.generation.number]

    def _end(self, elder: _Elder, why: str, is_meant: Callable[[Held], bool]) -> None:
        """Close the connections of which something that is meant goes on in a generation, spread over SPREAD."""
        found = list(self._gateway.live.hub)
        random.shuffle(found)
        self._step(elder, why, is_meant, found, round(SPREAD / _STEP) + 1)

    def _step(
        self, elder: _Elder, why: str, is_meant: Callable[[Held], bool], found: Collection[Member], turns: int
    ) -> None:
        open_ = [member for member in found if not member.is_over]
        held = [member for member, what in self._gateway.held(elder.generation, open_) if is_meant(what)]
        now = len(held) // turns
        for member in held[:now]:
            member.end("restart", _OUTLIVED)
        if len(held) > now:
            step = partial(self._step, elder, why, is_meant, held[now:], turns - 1)
            elder.timers[why] = self._later(_STEP, step)


def _stays(held: Held) -> bool:
    """Whether something does not end by itself."""
    return bool(held.waits or held.tasks or held.feeds)


def _call_later(seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, act)
