"""What becomes of each message of a node's clients, said once more and in the simplest way.

What clients do takes effect at once, what processes were told when the loop turns (`settle`).
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.groups.node import THREADS

from .calls_desk import LIMITED, MEANT, PLANS, Call, Client, Frame, Id, Plan, error, reply

__all__ = ["STALL", "Model"]

STALL = 4.5
"""Seconds for which a client may read nothing."""

_BURST = 2.0
_EAGER = sys.version_info >= (3, 12)
_STREAMS = ("stream", "count", "steps")
_TO_WRITE = ("stuck", "value", "reply")
_AT_WORK = ("gate", "stuck", "value", "turn", "next", "request", "heard", "job", "back")


class Model:
    """The clients of a node and their calls. `log` is what processes say of themselves, by call."""

    def __init__(self, now: float) -> None:
        self.plan: Plan = PLANS[0]
        self.now = now
        self.clients: list[Client] = []
        self.calls: dict[int, Call] = {}
        self.jobs: list[tuple[Call, str]] = []
        self.log: dict[int, list[tuple[Any, ...]]] = {}
        self.later: deque[Callable[[], None]] = deque()
        self.waits = 0

    # what clients do

    def say(self, client: Client, call: Call) -> None:
        """A message comes."""
        if self._is_too_fast(client):
            return
        self.calls[call.n] = call
        if self._has_to_wait(client):
            client.inbox.append(call)
            for other in client.running:
                if other.phase == "next":
                    self._do_later(other, "next", self._look)
        elif call.action == "plain" and call.kind != "binary" and not client.behind:
            self._answer(call)
        else:
            self._start(call)

    def cancel(self, client: Client, which: Id | bool) -> None:
        """A message is taken back."""
        if not client.running:
            self.say(client, Call(client, 0, "aside", MEANT.get(client.endpoint, client.endpoint)))
            return
        if self._is_too_fast(client):
            return

        def is_meant(call: Call) -> bool:
            return which is True or (type(call.id) is type(which) and call.id == which)

        def is_told(call: Call) -> bool:
            return is_meant(call) and call.kind not in ("answered", "aside", "binary")

        for call in client.running:
            if call.phase == "room":
                if is_told(call):
                    call.kind, call.frame = "answered", error("cancelled", call.id)
            elif is_meant(call) and call.kind == "steps" and call.phase in _AT_WORK:
                call.taken_back = True
            elif is_meant(call) and call.kind in ("call", *_STREAMS) and call.phase in _AT_WORK:
                self._cut_later(call, error("cancelled", call.id))
        for call in [call for call in client.inbox if is_told(call)]:
            client.inbox.remove(call)
            self.write(client, error("cancelled", call.id))

    def answer(self, client: Client, number: int, *, fits: bool) -> None:
        """A request is answered."""
        if not client.requests:
            self.say(client, Call(client, 0, "aside", MEANT.get(client.endpoint, client.endpoint)))
            return
        if self._is_too_fast(client) or number not in client.requests:
            return
        call = client.requests[number]
        if not fits:
            self.write(client, error("invalid_message") | {"request": number})
        elif call.phase == "request":
            call.phase = "heard"
            self._do_later(call, "heard", lambda call: self._came(call, "request", number * 10))

    def read(self, client: Client) -> None:
        """The client takes what is there."""
        client.bigs = client.pending = 0
        for call in sorted(client.running, key=lambda call: call.place):  # who waits longest is first
            if call.phase == "room":
                self._do_later(call, "room", self._proceed)
            elif call.phase in _TO_WRITE:
                self._do_later(call, call.phase, lambda call: self._when_room(call, call.phase, call.act))

    def over(self, client: Client, code: int) -> None:
        """The connection is over: what waits is not answered, generators are cut, who waits for the client hears it."""
        if client.is_over:
            return
        client.is_over, client.code = True, code
        client.inbox.clear()
        for call in client.running:
            if call.phase in ("room", "reply"):
                self.later.append(lambda call=call: self._gone(call))  # type: ignore[misc]
            elif call.kind in _STREAMS:
                self._cut_later(call, {})
            elif call.phase in ("next", "request"):
                self._do_later(call, call.phase, self._is_gone)

    def drain(self, client: Client) -> None:
        """It takes no more messages."""
        client.draining = True
        for call in client.running:
            if call.phase in ("next", "request"):
                self._do_later(call, call.phase, self._is_gone)

    # what processes do

    def told(self, call: Call, what: str, value: Any) -> None:
        """A process is told what to do."""
        self._do_later(call, "gate", lambda call: self._do(call, what, value))

    def work(self, client: Client, place: int) -> None:
        """A thread carries out a job of a client."""
        call, what = job = [job for job in self.jobs if job[0].client is client][place]
        self.jobs.remove(job)
        if what == "close":
            if call.began and not call.came_to_end:
                self._note(call, "ends", "cut")
            return
        if not call.began:
            self._begins(call)
        is_last = call.kind == "block" or call.given == call.times
        if is_last:
            call.came_to_end = True
            self._note(call, "ends", "")
        call.phase = "back"
        self._do_later(call, "back", self._end if is_last else self._go_on_with)

    def publish(self, plan: Plan) -> None:
        """Another plan is live."""
        self.plan = plan
        for client in self.clients:
            if client.is_over:
                continue
            if client.endpoint not in plan.endpoints:
                self.over(client, 1012)
                continue
            client.concurrency = plan.endpoints[client.endpoint]
            self._fill(client)

    # time

    def settle(self) -> None:
        """The loop turns until nothing is left to do."""
        while True:
            while self.later:
                self.later.popleft()()
            self._end_drains()
            if not self.later:
                return

    def pass_to(self, now: float) -> None:
        """It is so late now."""
        self.now = now
        for call in sorted(self.at_work, key=lambda call: call.began_as):
            if call.due > now or call.phase not in _AT_WORK:
                continue
            call.due = math.inf
            if call.phase in ("next", "request"):
                self._do_later(call, call.phase, lambda call, what=call.phase: self._came(call, what, "TimeoutError"))  # type: ignore[misc]
            else:
                self._cut_later(call, error("cancelled" if call.taken_back else "time_exceeded", call.id))
        for client in self.clients:
            stalls = [call.since for call in client.running if call.phase in ("room", *_TO_WRITE) and client.bigs]
            if not client.is_over and min([*stalls, client.drain_since], default=math.inf) + STALL <= now:
                self.over(client, 1012 if client.draining else 4408)
        self._end_drains()
        self.settle()

    def _end_drains(self) -> None:
        for client in self.clients:
            if client.draining and not (client.is_over or client.running or client.inbox):
                if client.pending:
                    client.drain_since = min(client.drain_since, self.now)
                else:
                    self.over(client, 1012)

    @property
    def at_work(self) -> list[Call]:
        """Calls that have begun and not ended."""
        return [call for client in self.clients for call in client.running]

    def write(self, client: Client, frame: Frame) -> None:
        """A frame for a client."""
        if client.is_over:
            return
        client.due.append(frame)
        if client.slow:
            client.pending += 1
            client.bigs += frame.get("v") == "big"
        if client.bigs:
            client.behind = True
        if client.bigs > 1:
            self.over(client, 4408)

    # one call

    def _is_too_fast(self, client: Client) -> bool:
        if client.endpoint != "limited":
            return False
        client.rate_due = max(client.rate_due, self.now) + 1 / LIMITED
        ahead = client.rate_due - self.now
        if ahead <= _BURST:
            return False
        if ahead > 2 * _BURST:
            self.over(client, 4429)
        elif client.running or client.behind:
            refused = Call(client, 0, "answered", frame=error("rate_limited"))
            if self._is_taken(client):
                client.inbox.append(refused)
                for other in client.running:
                    if other.phase == "next":
                        self._do_later(other, "next", self._look)
            else:
                self._start(refused)
        else:
            self.write(client, error("rate_limited"))
        return True

    def _is_taken(self, client: Client) -> bool:
        return len(client.running) >= client.concurrency or any(call.phase == "next" for call in client.running)

    def _has_to_wait(self, client: Client) -> bool:
        return self._is_taken(client) or bool(client.inbox)

    def _fill(self, client: Client) -> None:
        while client.inbox and not self._is_taken(client):
            self._start(client.inbox.popleft())

    def _start(self, call: Call) -> None:
        call.client.running.append(call)
        call.client.is_mixed |= len(call.client.running) > 1
        call.phase, call.since = "room", self.now
        if _EAGER:
            self._proceed(call)
        else:
            self._do_later(call, "room", self._proceed)

    def _proceed(self, call: Call) -> None:
        client = call.client
        if client.is_over:
            self._gone(call)
        elif client.behind and client.bigs:
            call.phase = "room"
            self._lines_up(call)
        else:
            client.behind = False
            self._answer(call)

    def _answer(self, call: Call) -> None:
        """Its turn has come."""
        if call.kind == "plain":
            self._begins(call)
            self._note(call, "ends", "")
            self._ends(call, reply(call.n, call.id))
        elif call.kind == "answered":
            self._ends(call, call.frame)
        elif call.kind in ("wrong", "binary"):
            self._ends(call, error("invalid_message", call.id))
        elif call.kind == "aside":
            self._ends(call, {})
        else:
            call.label, call.limit = self.plan.label, self.plan.time
            call.due = self.now + call.limit
            self.waits += 1
            call.began_as = self.waits
            if call.kind in ("call", "stream"):
                self._begins(call)
                call.phase = "gate"
            elif call.kind == "count":
                self._begins(call)
                self._go_on(call)
            else:
                self._go_on(call)

    def _go_on(self, call: Call) -> None:
        """What has room for its next value."""
        if call.kind == "stream":
            call.phase, call.due = "gate", self.now + call.limit
        elif call.kind == "count" and call.given < call.times:
            call.phase = "turn"
            self._gives(call, "big")
        elif call.kind == "count":
            self._note(call, "ends", "")
            self._end(call)
        elif len([what for _, what in self.jobs if what != "close"]) >= THREADS:
            self._close(call)
            self._ends(call, error("busy", call.id))
        else:
            call.phase = "job"
            self.jobs.append((call, "step"))

    def _go_on_with(self, call: Call) -> None:
        """A thread has brought a value of a generator."""
        if call.taken_back or call.client.is_over:
            self._close(call)
            self._ends(call, error("cancelled", call.id))
        else:
            self._gives(call, call.given)

    def _gives(self, call: Call, value: str | int) -> None:
        """A value of a generator."""
        call.given += 1
        self._when_room(call, "value", lambda: self._write_value(call, value))

    def _write_value(self, call: Call, value: str | int) -> None:
        call.phase = "turn"
        self.write(call.client, reply(value, call.id))
        if call.phase != "turn":
            return  # that was too much for the client
        self._when_room(call, "stuck", lambda: self._lets_others_go(call))

    def _lines_up(self, call: Call) -> None:
        self.waits += 1
        call.place = self.waits

    def _when_room(self, call: Call, phase: str, act: Callable[[], None]) -> None:
        """Do it at once, or when the client has read; another call may be faster then."""
        if not call.client.bigs or call.client.is_over:
            act()
            return
        if call.phase != phase:
            call.phase, call.since, call.act = phase, self.now, act
        self._lines_up(call)

    def _lets_others_go(self, call: Call) -> None:
        call.phase, call.due = "turn", self.now + call.limit
        self._do_later(call, "turn", self._go_on)  # others have their turn

    def _do(self, call: Call, what: str, value: Any) -> None:
        client = call.client
        if what == "return":
            self._note(call, "ends", "")
            self._end(call, value)
        elif what == "yield":
            self._gives(call, value)
        elif what == "fail":
            self._fails(call, "ZeroDivisionError", error("process_failed", call.id))
        elif what == "reject":
            self._fails(call, "Reject", error("own", call.id))
        elif what == "swallow":
            call.stubborn = True
        elif what == "send":
            self.write(client, {"event": "e", "v": value})
        elif what == "close":
            self.over(client, 4001)
        elif what == "next" and (client.concurrency > 1 or len(client.running) > 1):
            self._note(call, "next", "RuntimeError")
        elif client.is_over or client.draining:
            self._fails(call, "Gone")
        else:
            call.left, call.due, call.phase = call.due - self.now, self.now + value, what
            if what == "next":
                self._look(call)
            else:
                client.last_request += 1
                call.number = client.last_request
                client.requests[call.number] = call
                self.write(client, {"event": "q", "$request": call.number})

    def _look(self, call: Call) -> None:
        """Take the next message that is for the call."""
        client, is_desk = call.client, call.client.endpoint == "desk"
        if client.is_over or client.draining:
            self._is_gone(call)
            return
        for item in tuple(client.inbox):
            if item.kind == "answered":
                self.write(client, item.frame)
            elif is_desk and (item.action != call.action or item.kind in ("aside", "binary")):
                continue
            elif item.kind in ("wrong", "binary"):
                self.write(client, error("invalid_message", item.id))
            elif item.kind != "aside":
                client.inbox.remove(item)
                if call.id is not None:
                    self.write(client, {"$id": call.id, "$done": True})
                call.id = item.id
                self._came(call, "next", item.n)
                return
            client.inbox.remove(item)

    def _came(self, call: Call, what: str, found: object) -> None:
        """What the call waited for, or that it does not come."""
        self._note(call, what, found)
        call.client.requests.pop(call.number, None)
        call.phase, call.due = "gate", self.now + call.left
        self._fill(call.client)

    def _fails(self, call: Call, how: str, frame: Frame | None = None) -> None:
        self._note(call, "ends", how)
        self._ends(call, frame or {})

    def _is_gone(self, call: Call) -> None:
        """Nothing more comes for a call that waits; others may run beside it again."""
        call.phase = "gate"
        self._fill(call.client)
        self._fails(call, "Gone")

    def _end(self, call: Call, value: Any = None) -> None:
        """The process has come to its end."""
        self._close(call)
        if call.kind in _STREAMS:
            done = {"$id": call.id, "$done": True} if call.id is not None else {}
            self._ends(call, error("cancelled", call.id) if call.taken_back else done)
        else:
            self._ends(call, reply(call.n if value is None else value, call.id))

    def _cut_later(self, call: Call, frame: Frame) -> None:
        """It is cancelled, and answered so."""
        swallows = call.stubborn and call.phase == "gate"
        if any(one is call for one, _ in self.jobs):
            self.jobs = [(one, what) for one, what in self.jobs if one is not call or what == "close"]
        call.phase = "cut"
        self._do_later(call, "cut", lambda call: self._cut(call, frame, swallows=swallows))

    def _cut(self, call: Call, frame: Frame, *, swallows: bool) -> None:
        if swallows:
            self._note(call, "ends", "")
            if frame.get("error") == "time_exceeded":
                self._end(call)
                return
        elif call.kind in ("steps", "block"):
            self._close(call)
        else:
            self._note(call, "ends", "cut")
        self._ends(call, frame)

    def _close(self, call: Call) -> None:
        if call.kind == "steps":
            self.jobs.append((call, "close"))

    def _gone(self, call: Call) -> None:
        call.phase = "over"
        if call in call.client.running:
            call.client.running.remove(call)

    def _ends(self, call: Call, frame: Frame) -> None:
        """It is answered, and the next message has its turn."""
        client = call.client
        client.requests.pop(call.number, None)
        if frame and call in client.running and call.kind not in ("answered", "plain"):
            call.label = -1
            self._when_room(call, "reply", lambda: self._ended(call, frame))
        else:
            self._ended(call, frame)

    def _ended(self, call: Call, frame: Frame) -> None:
        client = call.client
        call.phase = "over"
        if frame:
            self.write(client, frame)
        if call not in client.running:
            return  # answered in place
        place = client.running.index(call)
        del client.running[place]
        if client.inbox and not self._is_taken(client):
            item = client.inbox.popleft()
            client.running.insert(place, item)
            item.phase, item.since = "room", self.now
            self._proceed(item)

    def _begins(self, call: Call) -> None:
        call.began, call.label = True, self.plan.label if call.label < 0 else call.label
        self._note(call, "begins", call.label)

    def _note(self, call: Call, *what: Any) -> None:
        self.log.setdefault(call.n, []).append(what)

    def _do_later(self, call: Call, phase: str, act: Callable[[Call], None]) -> None:
        """Do so when the loop turns, if the call is still where it is."""
        self.later.append(lambda: act(call) if call.phase == phase else None)
