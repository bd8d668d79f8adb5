"""What becomes of those who ask to enter and of those who have left: turns, hooks, threads, tasks."""

from __future__ import annotations

import math
from collections import Counter, deque
from functools import partial

from tests.groups.node import THREADS

from .calls_desk import CONNECTIONS, PLANS, TASKS, Call, Client, Frame, Plan, gives
from .calls_model import Model

__all__ = ["AT_ONCE", "CONNECT_LIMIT", "DISCONNECT_LIMIT", "ENDING", "OF_ADDRESS", "WithHooks"]

CONNECT_LIMIT, DISCONNECT_LIMIT = 4.5, 3.5
"""Seconds, in place of more."""

AT_ONCE, OF_ADDRESS, ENDING = 2, 1, 2
"""Hooks that run at a time, in place of many more."""

_HELD = ("gate", "line", "job", "back")
"""What a hook waits for that holds its generation."""


class WithHooks(Model):
    """The model of a node with hooks. A hook is a Call; the even ones are those at the begin of a connection."""

    def __init__(self, now: float) -> None:
        super().__init__(now)
        self.hooks: list[Call] = []
        self.places: list[str] = []  # the addresses of those who have their turn
        self.in_line: dict[str, deque[Client]] = {}
        self.for_thread: deque[Call] = deque()
        self.ends: deque[Client] = deque()  # nobody was told of
        self.untold: Counter[str] = Counter()
        self.workers = 0
        self.tasks: dict[int, tuple[Client, int]] = {}  # whose, and in which plan
        self.starts = 0
        self.closing = math.inf
        self.is_closed = False

    @property
    def labels(self) -> list[int]:
        """The plans that are held, once for each that holds them."""
        calls = [call.label for call in self.at_work if call.label >= 0]
        hooks = [call.label for call in self.hooks if call.phase in _HELD]
        kept = [client.kept for client in self.clients if client.kept >= 0]
        return [*calls, *hooks, *kept, *(label for _, label in self.tasks.values())]

    # who enters

    def refusal(self, endpoint: str) -> str:
        """How one who asks now is refused at once."""
        if endpoint not in self.plan.endpoints:
            return "not_found"
        hooks = self.plan.hooks.get(endpoint)
        seats = sum(client.endpoint == endpoint and client.is_seated for client in self.clients)
        ends = self.untold[endpoint] if hooks and hooks[1] else 0
        return "too_many_connections" if hooks and seats + ends >= CONNECTIONS else ""

    def enter(self, client: Client) -> None:
        """Somebody has a seat."""
        self.clients.append(client)
        if not self._hook(client, self.plan, 0):
            self._may_open(client)
            return
        client.stage, client.until = "turn", self.now + min(CONNECT_LIMIT, self.plan.time)
        if self._has_turn(client):
            self._begin(client)
        else:
            self.in_line.setdefault(client.address, deque()).append(client)

    def answer_101(self, client: Client, *, there: bool) -> None:
        """The 101 goes out, to a client that is still there or not."""
        if not there:
            self._undo(client)
            return
        client.stage, client.is_owed = "open", True
        client.pending = client.bigs = 0
        if client.is_over:
            return
        client.due += client.frames
        for number in client.starts:
            self._start_task(client, number, self.plan.label)
        if client.closes:
            self.over(client, 4001)

    def _begin(self, client: Client) -> None:
        """It has its turn: what is live then is called."""
        kind = self._hook(client, self.plan, 0)
        if client.is_over:
            self._turn_ends(client)
            self._undo(client, self._why(client))
        elif not kind:
            self._turn_ends(client)
            self._may_open(client)
        else:
            client.stage = "hook"
            self._call(Call(client, -2 * client.who, kind, due=client.until), self.plan.label)

    def _entered(self, client: Client, how: str, value: object) -> None:
        """`on_connect` has come to its end."""
        self._turn_ends(client)
        if how:
            self._undo(client, how)
            return
        client.is_owed = True
        if client.is_over:
            self._undo(client, self._why(client))
            return
        client.frames.insert(0, {"event": "message", "v": value})
        self._may_open(client)

    def _may_open(self, client: Client) -> None:
        client.stage = "held"
        if not client.is_held:
            self.answer_101(client, there=not client.has_left)

    def _why(self, client: Client) -> str:
        if client.code == 4408:
            return "not_in_time"
        return "not_ready" if client.endpoint in self.plan.endpoints else "not_found"

    def _undo(self, client: Client, status: str = "") -> None:
        client.stage, client.status, client.lost = "refused", status, True
        self.over(client, 1006)

    def _has_turn(self, client: Client) -> bool:
        free = len(self.places) < AT_ONCE and self.places.count(client.address) < OF_ADDRESS
        if free:
            self.places.append(client.address)
        return free

    def _turn_ends(self, client: Client) -> None:
        self.places.remove(client.address)
        for address, queue in list(self.in_line.items()):
            while queue and queue[0].stage == "refused":
                queue.popleft()
            if queue and not self._has_turn(queue[0]):
                continue
            del self.in_line[address]  # the other addresses are before it
            if queue:
                following = queue.popleft()
                self.later.append(partial(self._begin, following))
                if queue:
                    self.in_line[address] = queue
                return

    # who has left

    def over(self, client: Client, code: int) -> None:
        """The connection is over: its tasks are cut, and its end is told when it is gone and its calls are."""
        if not client.is_over:
            for number in [number for number, (whose, _) in self.tasks.items() if whose is client]:
                del self.tasks[number]
                if number in self.log:
                    self._note_of(number, "ends", "cut")
        super().over(client, code)
        self._departs(client)

    def _ends(self, call: Call, frame: Frame) -> None:
        super()._ends(call, frame)
        self._departs(call.client)

    def _gone(self, call: Call) -> None:
        super()._gone(call)
        self._departs(call.client)

    def _departs(self, client: Client) -> None:
        if not client.lost or client.running or not client.is_seated:
            return
        client.is_seated = False
        if client.is_owed and not self.is_closed and self._hook(client, self._plan_of(client), 1):
            self.ends.append(client)
            self.untold[client.endpoint] += 1
            self._put_to_work()
        else:
            client.kept = -1

    def _plan_of(self, client: Client) -> Plan:
        return self.plan if client.kept < 0 else PLANS[client.kept]

    def _put_to_work(self) -> None:
        if self.ends and self.workers < ENDING and not self.is_closed:
            self.workers += 1
            self.later.append(self._tell)

    def _tell(self) -> None:
        """Tell of the next end, or of none."""
        while self.ends:
            client = self.ends.popleft()
            plan = self._plan_of(client)
            kind = self._hook(client, plan, 1)
            if kind:
                call = Call(client, -2 * client.who - 1, kind, due=self.now + DISCONNECT_LIMIT)
                self._call(call, plan.label, client.code)
                return
            self._told(client)
        self.workers -= 1
        self._put_to_work()

    def _told(self, client: Client) -> None:
        self.untold[client.endpoint] -= 1
        client.kept = -1

    def close(self, limit: float) -> None:
        """The server stops."""
        self.closing = self.now + limit

    def settle(self) -> None:
        """The loop turns until nothing is left to do."""
        super().settle()
        if self.closing < math.inf and not self.workers:
            self.is_closed = True

    # hooks

    @staticmethod
    def _hook(client: Client, plan: Plan, which: int) -> str:
        return plan.hooks.get(client.endpoint, ("", ""))[which]

    def _call(self, hook: Call, label: int, *told: int) -> None:
        """Call a hook; `told` is how the connection ended."""
        hook.label = label
        hook.frame = {"told": told}
        self.hooks.append(hook)
        self.calls[hook.n] = hook
        if hook.kind.endswith("in_thread"):
            hook.phase = "line"
            self.for_thread.append(hook)
            self._fill_threads()
        elif hook.kind.endswith("at_once"):
            self._work_through(hook)
        else:
            self._note(hook, "begins", label, *told)
            hook.phase = "gate"

    def _work_through(self, hook: Call) -> None:
        self._note(hook, "begins", hook.label, *hook.frame["told"])
        how = ""
        try:
            gives(hook.client.who)
        except Exception as exc:  # noqa: BLE001 - as a process's own
            how = type(exc).__name__
        self._hook_ends(hook, how, {"Reject": "rejected", "ZeroDivisionError": "server_fault"}.get(how, ""))

    def _hook_ends(self, hook: Call, noted: str, how: str = "", value: object = None) -> None:
        self._note(hook, "ends", noted)
        if hook.kind.endswith("in_thread"):
            hook.phase = "back"
            self._do_later(hook, "back", lambda hook: self._hook_over(hook, how))
        else:
            self._hook_over(hook, how, value)

    def _hook_over(self, hook: Call, how: str, value: object = None) -> None:
        hook.phase = "over"
        self.hooks.remove(hook)
        if hook.n % 2 == 0:
            self._entered(hook.client, how, hook.client.who if value is None else value)
        else:
            self._told(hook.client)
            self._tell()

    def _do(self, call: Call, what: str, value: object) -> None:
        if what == "start":
            self.starts += 1
        if call not in self.hooks:
            if what != "start":
                super()._do(call, what, value)
            elif call.client.is_over:
                self._fails(call, "Gone")
            else:
                self._start_task(call.client, TASKS + self.starts, call.label)
        elif what == "return":
            self._hook_ends(call, "", "", value)
        elif what == "fail":
            self._hook_ends(call, "ZeroDivisionError", "server_fault")
        elif what == "reject":
            self._hook_ends(call, "Reject", "rejected")
        elif what == "swallow":
            call.stubborn = True
        elif call.n % 2:
            if what in ("next", "request", "start"):
                self._hook_ends(call, "Gone")
        elif what == "send":
            self.write(call.client, {"event": "e", "v": value})
        elif what == "close":
            call.client.closes = True
        elif what == "start":
            call.client.starts.append(TASKS + self.starts)
        else:
            self._note(call, what, "RuntimeError")

    def write(self, client: Client, frame: Frame) -> None:
        """A frame for a client, who may have no 101 yet."""
        if client.stage == "open":
            super().write(client, frame)
        elif not client.is_over:
            client.frames.append(frame)
            client.pending += 1
            client.bigs += frame["v"] == "big"
            client.behind |= client.bigs > 0
            if client.bigs > 1:
                self.over(client, 4408)

    # threads and tasks

    def work(self, client: Client, place: int) -> None:
        """A thread carries out a job of a client."""
        job = [job for job in self.jobs if job[0].client is client][place]
        if job[0] in self.hooks:
            self.jobs.remove(job)
            self._work_through(job[0])
        else:
            super().work(client, place)
        self._fill_threads()

    def _cut_later(self, call: Call, frame: Frame) -> None:
        super()._cut_later(call, frame)
        self._fill_threads()

    def _fill_threads(self) -> None:
        """Hooks wait for a thread."""
        while self.for_thread and len([what for _, what in self.jobs if what != "close"]) < THREADS:
            hook = self.for_thread.popleft()
            hook.phase = "job"
            self.jobs.append((hook, "step"))

    def _start_task(self, client: Client, number: int, label: int) -> None:
        self.tasks[number] = client, label
        self.later.append(lambda: self._note_of(number, "begins", 0) if number in self.tasks else None)

    def _note_of(self, number: int, *what: object) -> None:
        self.log.setdefault(number, []).append(what)

    # publishes and time

    def publish(self, plan: Plan) -> None:
        """Another plan is live; the one before says what is done at the end of those whose endpoint is gone."""
        before = self.plan
        for client in self.clients:
            is_there = client.is_seated or client in self.ends
            if is_there and client.kept < 0 and self._hook(client, before, 1) and client.endpoint not in plan.endpoints:
                client.kept = before.label
        super().publish(plan)

    def pass_to(self, now: float) -> None:
        """It is so late now."""
        self.now = now
        for queue in self.in_line.values():
            for client in queue:
                if client.until <= now and client.stage == "turn":
                    self._undo(client, "not_in_time")
        for hook in [hook for hook in self.hooks if hook.due <= min(now, self.closing)]:
            self._cut_hook(hook)
        is_late = self.closing <= now and not self.is_closed
        if is_late:
            self.is_closed = True
            for client in self.ends:
                self._told(client)
            self.ends.clear()
        for hook in tuple(self.hooks):
            if hook.due <= now or (is_late and hook.n % 2):
                self._cut_hook(hook)
        super().pass_to(now)

    def _cut_hook(self, hook: Call) -> None:
        if hook.phase == "gate":
            self._note(hook, "ends", "" if hook.stubborn else "cut")
        elif hook.phase == "job":
            self.jobs.remove((hook, "step"))
        else:
            self.for_thread.remove(hook)
        self._hook_over(hook, "not_in_time")
        self._fill_threads()
