"""How late the event loop is, what holds it up, and how long it has stood still.

Strategy. A task looks at the clock four times a second; what comes late measures what every client waits then.
A thread beside the loop wakes only when the next look is overdue by LIMIT and writes down what the loop's thread
is doing at that moment: afterwards nothing is left to be seen. While the loop runs, that thread wakes once a tick
and goes back to sleep.

A library that holds Python's lock makes the thread beside late as well: what it sees then is where the loop has come
since, in the worst case some lines further, when the process that was called has returned already. So the endpoint is
looked for in the variables of our own frames, and what the project's code does in other threads is logged besides.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from jackfield.logs import log
from jackfield.process.process import Process
from jackfield.process.python.sources import of_project
from jackfield.routing.table import Match, Route

__all__ = ["BOUNDS", "LATELY", "LIMIT", "LOG_EVERY", "TICK", "TOLERANCE", "Lag", "Place", "place_of"]

TICK = 0.25
"""Seconds between two looks at the clock."""

LIMIT = 0.25
"""Seconds of lateness from which the loop counts as blocked."""

TOLERANCE = 0.05
"""Seconds of lateness that do not count as a stop of the loop."""

LATELY = 60.0
"""Seconds for which a stop of the loop excuses what a client sends."""

LOG_EVERY = 10.0
"""Seconds between two lines about a blocked loop; all of them are counted."""

BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the buckets of `jackfield_loop_lag_seconds`."""

_FRAMES = 15  # of a stack that is logged; the innermost ones
_PARTS = 3  # of a file's path
_THREADS = 5  # beside the loop's that are logged
_OURS = "jackfield."
_NO_PART = (
    "jackfield.errors",
    "jackfield.cli.",
)  # what is raised, not the line that raises it; and where the loop was started


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread is, and its stack.

    `at` is the innermost line of the project's code (`theirs`); where none runs, the process whose endpoint is being
    served; else the innermost line of ours; else of anything (`idle`). `endpoint` and `process` name what is being
    served, as far as that can be seen.
    """

    at: str
    stack: tuple[str, ...]
    endpoint: str = ""
    process: str = ""
    theirs: bool = False
    idle: bool = False


class Lag:
    """The lateness of one event loop. `blocked` counts how often it was more than LIMIT.

    Until `watch` runs nothing is late. `clock` is the one by which messages are counted (see Conversation).
    """

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.blocked = 0
        self._clock = clock
        self._due = math.inf  # when the next look should come
        self._stood = 0.0
        self._stops: deque[tuple[float, float]] = deque()  # those of the last LATELY: their end and length, in seconds
        self._logged_at = -math.inf
        self._logging = threading.Lock()  # the loop's thread and the one beside it log the same stop
        self._logged_look = -math.inf  # the look that was late and logged

    def stood(self) -> float:
        """Seconds for which the loop has stood still since the start; what came meanwhile came all at once.

        Whole also in the middle of the step that makes the loop late: reads come before the next look.
        """
        late = self._clock() - self._due
        return self._stood + late if late > TOLERANCE else self._stood

    def stood_before(self) -> float:
        """What `stood` was LATELY seconds ago: nothing that came then can still be on its way to us."""
        self._forget(self._clock() - LATELY)
        return self._stood - sum(seconds for _, seconds in self._stops)

    def _forget(self, before: float) -> None:
        while self._stops and self._stops[0][0] < before:
            self._stops.popleft()

    def expect(self, tick: float = TICK) -> None:
        """The next look comes after `tick` seconds."""
        self._due = self._clock() + tick

    def look(self) -> None:
        """Count how late this look is; a blocked loop is logged where its culprit was not seen."""
        late = max(0.0, self._clock() - self._due)
        self.buckets[bisect_left(BOUNDS, late)] += 1
        self.seconds += late
        if late > TOLERANCE:
            now = self._clock()
            self._stood += late
            self._stops.append((now, late))
            self._forget(now - LATELY)
        if late >= LIMIT:
            self.blocked += 1
            if self._logged_look == self._due:
                log.warning("loop_free", milliseconds=round(late * 1000))
            else:
                self._log(self._due, late, Place("unknown: Python could not look while it lasted", ()))

    def overdue(self) -> float:
        """Seconds for which the next look is late; negative while it is not."""
        return self._clock() - self._due

    def catch(self, thread: int, own: float) -> None:
        """Log what the loop's `thread` is doing, once for each time that it is blocked.

        `own` is how many seconds the caller itself woke too late: then the machine gave the whole program no
        time, or a library held Python's lock. Called from the thread beside the loop.
        """
        due, late = self._due, self.overdue()
        frames = sys._current_frames()
        if thread in frames and late >= LIMIT and self._logged_look != due:
            others = [place_of(frame) for other, frame in frames.items() if other != thread] if own >= TOLERANCE else []
            self._log(due, late, place_of(frames[thread]), own, [place.at for place in others if place.theirs])

    def _log(self, due: float, late: float, place: Place, own: float = 0.0, others: Sequence[str] = ()) -> None:
        with self._logging:
            now = self._clock()
            if self._logged_look == due or now - self._logged_at < LOG_EVERY:
                return
            self._logged_at, self._logged_look = now, due
        late_itself = round(own * 1000) if own >= TOLERANCE else 0
        more = {
            "endpoint": place.endpoint,
            "process": place.process,
            "watcher_late": late_itself,
            "threads": list(others[:_THREADS]),
        }
        at = others[0] if others and place.idle else place.at
        fields = {name: value for name, value in more.items() if value}
        log.warning("loop_blocked", milliseconds=round(late * 1000), at=at, stack=list(place.stack), **fields)

    async def watch(self, tick: float = TICK) -> None:
        """Look at the clock until cancelled, with a thread beside that sees what keeps this from happening."""
        over = threading.Event()
        beside = threading.Thread(
            target=self._beside, args=(threading.get_ident(), over, tick), name="jackfield-lag", daemon=True
        )
        self.expect(tick)
        beside.start()
        try:
            while True:
                await asyncio.sleep(tick)
                self.look()
                self.expect(tick)
        finally:
            self._due = math.inf
            over.set()
            beside.join()

    def _beside(self, thread: int, over: threading.Event, tick: float) -> None:
        while True:
            patience = LIMIT - self.overdue()
            # once it was logged, the next look may be late for long
            patience = min(patience, tick + LIMIT) if patience > 0 else tick
            asleep = self._clock()
            if over.wait(patience):
                return
            self.catch(thread, self._clock() - asleep - patience)


def place_of(frame: FrameType) -> Place:
    """Where a thread is, from its innermost frame."""
    frames = list(_outwards(frame))
    endpoint, process = _served(frames)
    theirs = next((_line(one) for one in frames if of_project(_module(one))), "")
    ours = next((_line(one) for one in frames if _is_part(_module(one))), "")
    served = f"{process.file}:{process.line} {process.name}" if process else ""
    at = theirs or served or ours
    return Place(
        at=at or _line(frame),
        stack=tuple(_line(one) for one in reversed(frames[:_FRAMES])),
        endpoint=endpoint,
        process=process.name if process else "",
        theirs=bool(theirs),
        idle=not at,
    )


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _served(frames: list[FrameType]) -> tuple[str, Process | None]:
    """The endpoint and the process that are in the variables of our innermost frame that has any."""
    for frame in frames:
        if _module(frame).startswith(_OURS):
            for value in list(frame.f_locals.values()):
                kind = type(value)  # never isinstance, which asks the values of the project's code for their __class__
                if kind is Match or kind is Route:
                    route = value.route if kind is Match else value
                    return route.name, route.process
                if kind is Process:
                    return "", value
    return "", None


def _module(frame: FrameType) -> str:
    name = dict.get(frame.f_globals, "__name__")  # a module may set any name
    return name if type(name) is str else ""


def _is_part(module: str) -> bool:
    return module.startswith(_OURS) and not module.startswith(_NO_PART)


def _line(frame: FrameType) -> str:
    return f"{_short(frame.f_code.co_filename)}:{frame.f_lineno} {frame.f_code.co_name}"


def _short(file: str) -> str:
    return "/".join(file.replace("\\", "/").split("/")[-_PARTS:])
