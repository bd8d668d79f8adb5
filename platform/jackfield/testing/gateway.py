"""A project opened for tests: the real gateway and dispatcher, without listener, store, login and state folder.

Strategy. Everything is checked and carried out by the parts that serve in production. Three things are put in from
outside: the caller (a context variable of the task that carries the connection, read where the gateway asks
for the credential's owner), the fakes among the resources, and a recorder of which messages were answered
and what a process raised.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet, WeakValueDictionary

from jackfield.errors import Refusal
from jackfield.groups.groups import Groups
from jackfield.identity import Identity
from jackfield.process.connection import Connection, outbox_of
from jackfield.process.resources import in_order
from jackfield.routing.table import Route, RoutingTable
from jackfield.server.answers import InPlace, InTask, Task, Writer
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.threads import THREADS
from jackfield.server.gateway import Gateway
from jackfield.server.generation import Generation
from jackfield.server.handshake import callers
from jackfield.server.live import Live
from jackfield.server.options import Options
from jackfield.server.publish.publisher import build_in_thread
from jackfield.server.request import Caller as Found
from jackfield.server.request import Request
from jackfield.testing.fakes import by_name

__all__ = ["CALLER", "THREADS_LIMIT", "AnswerListener", "Caller", "TestGateway", "open_gateway"]

THREADS_LIMIT = 5.0
"""Seconds that the threads of blocking processes have to return at a project's end in a test."""

_FAILURES_KEPT = 100  # exceptions hold their frames, and so all values that a process held


@dataclass(slots=True)
class Caller:
    """The caller of a connection, and the refusal that this earned, if any."""

    identity: Identity | None
    refusal: Refusal | None = None


CALLER: ContextVar[Caller] = ContextVar("jackfield_test_caller")
"""The caller in the task that carries a connection."""


class AnswerListener(Protocol):
    """The client's end of a connection, as the gateway sees it."""

    def answered(self) -> None:
        """Called when one message was carried out; what it answered is on its way. Must not fail."""


class Recorder:
    """Records what becomes of each message."""

    def __init__(self) -> None:
        self.sockets: WeakValueDictionary[str, AnswerListener] = WeakValueDictionary()  # by the connection's id
        self.failures: dict[str, BaseException] = {}  # by incident

    def failed(self, incident: str, exc: BaseException) -> None:
        """Called by the dispatcher for what a process raised."""
        while len(self.failures) >= _FAILURES_KEPT:
            del self.failures[next(iter(self.failures))]
        self.failures[incident] = exc

    def around(self, _route: Route, in_place: InPlace | None, in_task: InTask) -> tuple[InPlace | None, InTask]:
        """Called by the dispatcher once for each endpoint; both ways of answering, heard."""
        at_once = in_place

        def now(connection: Connection, data: bytes, came: float) -> bytes | None:
            assert at_once is not None, "only called where there is one"
            try:
                return at_once(connection, data, came)
            finally:
                self._answered(connection)

        async def later(connection: Connection, data: bytes, task: Task, writer: Writer) -> bytes | None:
            try:
                return await in_task(connection, data, task, writer)
            finally:
                self._answered(connection)

        return (None if at_once is None else now), later

    def _answered(self, connection: Connection) -> None:
        socket = self.sockets.get(connection.id)
        if socket is not None:
            socket.answered()


class _Live(Live):
    """The state of a node that gives each refusal to the client of the test, too."""

    def refuse(self, request: Request, refusal: Refusal, caller: Found = None) -> None:
        """Keep and log the refusal."""
        CALLER.get().refusal = refusal
        super().refuse(request, refusal, caller)


class _Callers(callers.Callers):
    """Callers with the identity that the test gives."""

    async def identify(self, request: Request, *, asks: bool = True, own: bool = False) -> Found:
        """The identity that the test gave; without one, what becomes of the request's credential."""
        # a credential in the wrong place is refused all the same
        found = await super().identify(request, asks=asks, own=own)
        return CALLER.get().identity or found


class TestGateway(Gateway):
    """A gateway that trusts the identity that the test gives. Everything else is checked as in production."""

    def __init__(self, generation: Generation, dispatcher: Dispatcher, recorder: Recorder, folder: Path) -> None:
        live = _Live(Options(), None, generation, lag_clock=dispatcher.clock)
        super().__init__(live, _Callers(live, None, folder=folder), dispatcher)
        self._recorder = recorder
        self._seen: WeakSet[Conversation] = WeakSet()

    def attach(self, socket: AnswerListener) -> Conversation:
        """The conversation whose accept is being sent; `socket` is notified of its messages from here on.

        It is the one member of the hub that was not asked for yet; others may be in their `on_connect` still.
        """
        members = [one for one in self.live.hub if isinstance(one, Conversation) and one not in self._seen]
        (found,) = [one for one in members if outbox_of(one.connection) is one]
        self._seen.add(found)
        self._recorder.sockets[found.connection.id] = socket
        return found

    async def fresh_groups(self) -> None:
        """Give who connects from here on groups that nobody was in; first `on_disconnect` is called for the others.

        Nothing stays of those before: no kept event, state, ban or feed.
        """
        await self._hooks.told(THREADS_LIMIT)
        live, before = self.live, self.live.groups
        live.groups = Groups(clock=live.clock)
        live.groups.declare(live.generation.table.groups, feeds=live.generation.table.plan.limits.feeds)
        live.groups.feeds.runner = before.feeds.runner
        before.feeds.close()

    def failure(self, incident: str) -> BaseException | None:
        """What a process raised, by the incident that its client received; given once."""
        return self._recorder.failures.pop(incident, None)


@asynccontextmanager
async def open_gateway(
    folder: Path,
    *,
    resources: Mapping[Any, Any],
    check_replies: bool = True,
    clock: Callable[[], float] = time.perf_counter,
    only: Callable[[RoutingTable], Route] | None = None,
) -> AsyncIterator[TestGateway]:
    """Load the project in `folder` and open it. Nothing of it is left afterwards: no module, thread or resource.

    `resources` has values to use in place of opened resources, by name or function. `only` gives the one route that
    is needed, whose resources alone are opened; what it raises is raised before that. Raises PlanError with all
    problems, ValueError for a fake of no resource, and TimeoutError at the end where a call in a thread
    does not return.
    """
    recorder = Recorder()
    async with AsyncExitStack() as stack:
        table = await _build(folder)
        generation = await _open(table, folder, resources, only)
        pool, threads = _pool()
        dispatcher = Dispatcher(
            check_replies=check_replies, traced=recorder.around, failed=recorder.failed, pool=pool, clock=clock
        )
        stack.callback(_join, threads)
        stack.callback(dispatcher.close)
        stack.push_async_callback(generation.retire, 0.0)
        gateway = TestGateway(generation, dispatcher, recorder, folder)
        stack.push_async_callback(gateway.close_feeds)
        stack.push_async_callback(gateway.callers.close)
        stack.callback(recorder.failures.clear)
        yield gateway


async def _build(folder: Path) -> RoutingTable:
    """The table. The thread that has built it is joined, for a test that counts threads."""
    try:
        return await build_in_thread(folder, 1)
    finally:
        for thread in threading.enumerate():
            if thread.name == "jackfield-build":
                thread.join(0.1)  # at once, unless it took too long or is another project's


async def _open(
    table: RoutingTable, folder: Path, resources: Mapping[Any, Any], only: Callable[[RoutingTable], Route] | None
) -> Generation:
    """The generation, with the fakes in the places of what they stand for, which is never opened."""
    try:
        needed = None if only is None else only(table)
        fakes = by_name(resources, in_order(table.resources()), folder)
        return await Generation.open(1, table, only=needed, given=fakes)
    except BaseException:
        table.catalog.release()
        raise


def _pool() -> tuple[ThreadPoolExecutor, list[threading.Thread]]:
    """Threads as a server has them, and the list in which each of them stands from its start on."""
    threads: list[threading.Thread] = []
    pool = ThreadPoolExecutor(
        THREADS,
        thread_name_prefix="jackfield-process",
        initializer=lambda: threads.append(threading.current_thread()),
    )
    return pool, threads


def _join(threads: list[threading.Thread]) -> None:
    """Wait for threads that were asked to end; they do so at once unless a call still runs in one."""
    until = time.monotonic() + THREADS_LIMIT
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(
            f"a process with blocking=True has not returned {THREADS_LIMIT:g} s after the test was over; "
            "let it end before the project is left, by the event or the time limit that it waits for"
        )
