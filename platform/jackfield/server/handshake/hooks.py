"""Hooks at work: `on_connect` before the 101, `on_disconnect` after the end, each in a task, in what is live then."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from jackfield import messages
from jackfield.addresses import network
from jackfield.errors import Closing, Refusal, Reject
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.process.signature.written import GROUPS
from jackfield.routing.hooks import Hook
from jackfield.routing.table import Route
from jackfield.server.connection.calls import CANCEL_LIMIT
from jackfield.server.connection.contexts import context_of
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.generation import Generation
from jackfield.server.handshake.judge import RETRY_AFTER, fitted
from jackfield.server.handshake.turns import Turns
from jackfield.server.live import Live
from jackfield.server.observe.code_location import waiting
from jackfield.server.request import Standing
from jackfield.tasks import begin_at_once, end, hide

__all__ = ["AT_ONCE", "CONNECT_LIMIT", "DISCONNECT_LIMIT", "ENDING", "OF_ADDRESS", "Hooks"]

CONNECT_LIMIT = 5.0
"""Seconds that `on_connect` has, its turn included; less where `limits.time` is."""

AT_ONCE = 256
"""Calls of `on_connect` at a time on a node."""

OF_ADDRESS = 16
"""Of these for one network address."""

DISCONNECT_LIMIT = 10.0
"""Seconds that `on_disconnect` has."""

ENDING = 64
"""Calls of `on_disconnect` at a time on a node; the others wait, no more than there may be connections."""

Task = asyncio.Task[Any]


@dataclass(slots=True)
class _End:
    """A connection that has ended. `before` is held where what is live does not know it any more."""

    connection: Connection
    standing: Standing
    code: int
    reason: str
    before: Generation | None = None


@dataclass(frozen=True, slots=True)
class _Raised:
    exc: BaseException


class Hooks:
    """Carries out the hooks of one node. Owns their tasks."""

    def __init__(self, live: Live, dispatcher: Dispatcher) -> None:
        self._live = live
        self._dispatcher = dispatcher
        self._turns = Turns(AT_ONCE, OF_ADDRESS)
        self._kept: dict[Conversation, Generation] = {}  # of seats whose endpoint is gone, until their end
        self._queue: deque[_End] = deque()
        self._waiting: Counter[str] = Counter()  # ends of each endpoint that were not told yet
        self._workers: set[Task] = set()
        self._closing: set[Task] = set()
        self._is_closed = False

    def check(self, route: Route) -> None:
        """Raise Refusal `too_many_connections` where the endpoint has as many with those whose end is to be told."""
        most, name = route.endpoint.limits.connections, route.name
        if self._waiting[name] + self._live.hub.count(name) >= most:
            detail = "The ends of so many connections are being told that there is no room for a new one."
            raise Refusal("too_many_connections", detail, retry_after=RETRY_AFTER)

    async def connect(
        self, conversation: Conversation, route: Route, client: str
    ) -> tuple[Route, Hook, Connection, Any] | None:
        """Call `on_connect` as it is live when its turn comes; gives what `first` takes. Raises Refusal.

        None where it was not called: the connection has ended before, or a publish took the hook away.
        """
        limit = min(CONNECT_LIMIT, route.endpoint.limits.time)
        until = asyncio.get_running_loop().time() + limit
        address, connection, hook = network(client), conversation.connection, route.hooks.on_connect
        try:
            if not self._turns.take(address):
                async with asyncio.timeout_at(until):
                    await self._turns.wait(address)
            try:
                found = self._live.generation.table.route(route.name)
                hook = found.hooks.on_connect if found is not None else None
                if conversation.is_over or found is None or hook is None:
                    return None
                if hook.process.kind == "async":
                    given = await self._await(hook, connection, until)
                else:
                    given = await self._call(self._live.generation, hook, connection, None, until)
            finally:
                self._turns.give(address)
        except TimeoutError:
            name = hook.process.name if hook is not None else ""
            log.warning("time_exceeded", endpoint=route.name, process=name, limit=limit)
            detail = f"`on_connect` took longer than {limit:g} s, its turn included."
            raise Refusal("not_in_time", detail, retry_after=RETRY_AFTER) from None
        if isinstance(given, _Raised):
            raise self._refusal(given.exc, found, hook, connection)
        return found, hook, connection, given

    def first(self, route: Route, hook: Hook, connection: Connection, given: Any) -> bytes | None:
        """What `on_connect` gave as the first frame. Raises Refusal where it cannot be one."""
        try:
            if self._dispatcher.check_replies and (fault := hook.signature.check_reply(given)) is not None:
                raise messages.Unsendable("", f"the first frame is not what the annotation says: {fault}")
            return messages.feed_events(hook.process.reply, route.endpoint.limits.queue, group=False)(given)
        except BaseException as exc:  # noqa: BLE001 - what it gave may have code of the project
            raise self._refusal(exc, route, hook, connection) from None

    def depart(self, conversation: Conversation, *, owed: bool) -> None:
        """The seat is given back; where it is `owed`, `on_disconnect` is called, in its turn."""
        before = self._kept.pop(conversation, None)
        name = conversation.endpoint
        if owed and not self._is_closed and self._found(before, name) is not None:
            over = conversation
            self._queue.append(_End(over.connection, over.standing, over.close_code, over.close_reason, before))
            self._waiting[name] += 1
            self._put_to_work()
        elif before is not None:
            before.leave()

    def renew(self, before: Generation) -> None:
        """Another generation is live instead of `before`, which is held for those whose endpoint is gone."""
        for member in self._live.hub:
            if isinstance(member, Conversation) and member not in self._kept and self._is_last(member.standing, before):
                before.enter()
                self._kept[member] = before
        for ended in self._queue:
            if ended.before is None and self._is_last(ended.standing, before):
                before.enter()
                ended.before = before

    async def told(self, time_limit: float) -> None:
        """Wait until all that are owed have been called, `time_limit` seconds at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + time_limit
        while self._workers and (left := until - loop.time()) > 0:
            await asyncio.wait(self._workers, timeout=left)

    async def close(self, time_limit: float) -> None:
        """Wait for all that are owed, `time_limit` seconds at most; what is left then is cut off, and counted."""
        await self.told(time_limit)
        self._is_closed = True
        cut_off = len(self._queue) + len(self._workers)
        while self._queue:
            if (before := self._queue.popleft().before) is not None:
                before.leave()
        if cut_off:
            log.warning("on_disconnect_cut_off", calls=cut_off)
        await end(tuple(self._workers), 2 * CANCEL_LIMIT, _not_ended)
        if self._closing:
            await asyncio.wait(self._closing)

    def _is_last(self, standing: Standing, before: Generation) -> bool:
        """Whether `before` alone can say what is to be done at the end of such a connection."""
        route = before.table.route(standing.endpoint)
        if route is None or route.hooks.on_disconnect is None:
            return False
        now = self._live.generation.table.route(standing.endpoint)
        return now is None or not _fits(now, standing)

    def _found(self, before: Generation | None, endpoint: str) -> tuple[Generation, Route, Hook] | None:
        """What is to be called, as it is published now or was last."""
        generation = before or self._live.generation
        route = generation.table.route(endpoint)
        if route is None or route.hooks.on_disconnect is None:
            return None
        return generation, route, route.hooks.on_disconnect

    def _put_to_work(self) -> None:
        if self._queue and len(self._workers) < ENDING and not self._is_closed:
            worker = asyncio.get_running_loop().create_task(self._work(), context=Context())
            hide(worker)  # a process that cancels all tasks means its own
            self._workers.add(worker)
            worker.add_done_callback(self._worked)

    async def _work(self) -> None:
        while self._queue:
            ended = self._queue.popleft()
            try:
                await self._disconnect(ended)
            finally:
                self._waiting[ended.standing.endpoint] -= 1
                if ended.before is not None:
                    ended.before.leave()

    async def _disconnect(self, ended: _End) -> None:
        found = self._found(ended.before, ended.standing.endpoint)
        if found is None:
            return
        generation, route, hook = found
        params = fitted(route, ended.standing)
        if isinstance(params, Closing):
            return  # only where a hint gives another answer than before
        connection = ended.connection
        connection.params = params
        facts = {"endpoint": route.name, "process": hook.process.name, "connection": connection.id}
        until = asyncio.get_running_loop().time() + DISCONNECT_LIMIT
        try:
            given = await self._call(generation, hook, connection, hook.told(ended.code, ended.reason), until)
        except TimeoutError:
            log.warning("time_exceeded", **facts, limit=DISCONNECT_LIMIT)
            return
        if isinstance(given, _Raised):
            self._dispatcher.incident(given.exc, **facts)

    async def _await(self, hook: Hook, connection: Connection, until: float) -> Any | _Raised:
        """Carry out a coroutine in the task of the handshake: one of its own would cost more than all of the rest.

        What swallows its cancellation is ended by force, later than the caller should hear of it.
        """
        generation, deadlines, task = self._live.generation, self._dispatcher.deadlines, asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        opened = {**generation.resources, GROUPS: self._dispatcher.groups}
        late = False
        generation.enter()
        deadlines.begin(task, until - task.get_loop().time())
        try:
            try:
                given = await hook.signature.call(hook.process.function, None, connection, opened)
            finally:
                generation.leave()
                late = deadlines.end(task)
        except BaseException as exc:
            if not late and (isinstance(exc, GeneratorExit) or task.cancelling()):
                raise  # the handshake itself is ended
            given = _Raised(exc)
        if late:
            raise TimeoutError
        return given

    async def _call(
        self, generation: Generation, hook: Hook, connection: Connection, value: Any, until: float
    ) -> Any | _Raised:
        """What a hook gives, or what it raises. Raises TimeoutError when the time is over."""
        opened = {**generation.resources, GROUPS: self._dispatcher.groups}
        made = partial(hook.signature.call, hook.process.function, value, connection, opened)
        if hook.process.kind == "sync" and not hook.process.blocking:
            try:
                return context_of(connection).run(self._dispatcher.timed, hook.process, made)
            except BaseException as exc:  # noqa: BLE001 - whatever a user's process raises ends here, sys.exit too
                return _Raised(exc)
        loop = asyncio.get_running_loop()
        generation.enter()
        task: Task = begin_at_once(self._guarded(hook, made), loop=loop, context=context_of(connection))
        task.add_done_callback(lambda _ended: generation.leave())
        if not task.done():
            hide(task)
            try:
                await asyncio.wait((task,), timeout=until - loop.time())
            finally:
                if not task.done():
                    self._cut_off(task)
        if not task.done():
            raise TimeoutError
        return _Raised(asyncio.CancelledError()) if task.cancelled() else task.result()

    async def _guarded(self, hook: Hook, made: Callable[[], Any]) -> Any:
        try:
            return await self._dispatcher.carry_out(hook.process, made, waits=True)
        except BaseException as exc:  # noqa: BLE001 - whatever a user's process raises ends here, sys.exit too
            return _Raised(exc)

    def _cut_off(self, task: Task) -> None:
        closer = asyncio.get_running_loop().create_task(end((task,), 2 * CANCEL_LIMIT, _not_ended))
        hide(closer)
        self._closing.add(closer)
        closer.add_done_callback(self._closing.discard)

    def _worked(self, worker: Task) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (fault := worker.exception()) is not None:
            log.error("task_failed", exc_info=fault)
        self._put_to_work()  # what came since it found nothing left

    def _refusal(self, exc: BaseException, route: Route, hook: Hook, connection: Connection) -> Refusal:
        """What the caller hears of an exception of `on_connect`."""
        kind = type(exc)  # its class may lie about itself
        if issubclass(kind, Refusal):
            return cast(Refusal, exc)  # a group that it was to join is full, or closed to the caller
        if issubclass(kind, Reject):
            try:
                said = messages.parse(messages.rejection(cast(Reject, exc), route.endpoint.limits.queue))["error"]
                return Refusal("rejected", said["message"], more={"error": said})
            except BaseException as fault:  # noqa: BLE001 - to write it may call the project's own code
                exc = fault
        facts = {"endpoint": route.name, "process": hook.process.name, "connection": connection.id}
        return Refusal("server_fault", more={"incident": self._dispatcher.incident(exc, **facts)})


def _fits(route: Route, standing: Standing) -> bool:
    return set(route.pattern.params) == set(standing.texts) and not isinstance(fitted(route, standing), Closing)


def _not_ended(task: Task) -> None:
    log.error("hook_not_ended", at=waiting(task))
