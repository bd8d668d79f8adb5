"""One message: decode it, call the process, make what it gives a frame.

Strategy: the happy path is one typed decode and one call, in one closure that was made at load; a look-up is
a tenth of a message there. Everything else, naming what is wrong with a message above all (invalid.py), happens
after something has failed and may take its time.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast
from weakref import WeakKeyDictionary

from jackfield import messages
from jackfield.errors import Refusal, Reject
from jackfield.logs import log
from jackfield.process.connection import Connection, Gone, outbox_of
from jackfield.process.groups import Groups
from jackfield.process.process import Process
from jackfield.process.signature.written import GROUPS
from jackfield.routing.table import Route
from jackfield.schema.validator import Fault
from jackfield.server.answers import InPlace, InTask, MessageId, Task, Traced, Way, Writer
from jackfield.server.connection import no_messages, payloads
from jackfield.server.connection.actions import by_name, guard, guarded, named
from jackfield.server.connection.clean_up import clean_up
from jackfield.server.connection.contexts import apart, for_thread
from jackfield.server.connection.deadlines import Deadlines
from jackfield.server.connection.decoding import reader
from jackfield.server.connection.invalid import Invalid, Unmet
from jackfield.server.connection.noticed import Note, noticed
from jackfield.server.connection.threads import THREADS, Busy, Threads
from jackfield.server.generation import Generation
from jackfield.server.observe.metrics import BOUNDS, Meter
from jackfield.tasks import Ended

__all__ = ["Dispatcher"]

SLOW_CALL = 0.050
"""Seconds of a synchronous call on the event loop from which the log names it."""

_STREAMS = ("generator", "async_generator")
_END = object()

Framer = Callable[[object, MessageId, Connection], bytes | None]


class _Guarded(Exception):
    """A message that the guard of its action refused."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame


class Dispatcher:
    """Calls processes. One for a node; holds the threads of blocking processes.

    `failed` is called with each exception that a process raised and the incident that the client gets; it must not
    fail. `check_replies` compares what processes give with their hints. `pool` is for blocking processes, with as many
    workers as `threads`, and `deadlines` end calls; closing the dispatcher closes both too.
    """

    def __init__(
        self,
        *,
        check_replies: bool = False,
        traced: Traced | None = None,
        failed: Callable[[str, BaseException], None] | None = None,
        pool: ThreadPoolExecutor | None = None,
        threads: int = THREADS,
        clock: Callable[[], float] = time.perf_counter,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.clock = clock
        self.check_replies = check_replies
        self._traced = traced
        self._on_failure = failed
        self.groups: Groups | None = None  # what processes get as Groups; set by who opens the node
        self.unmatched: Note | None = None  # keeps messages that no row of a table is for; set as `groups` is
        self.deadlines = deadlines or Deadlines()
        self._ways: WeakKeyDictionary[Generation, dict[str, tuple[InPlace | None, InTask]]] = WeakKeyDictionary()
        self._threads = Threads(threads, pool)
        self.in_thread = self._threads.run

    def close(self) -> None:
        """Give the threads back; calls that still run are not waited for."""
        self.deadlines.close()
        self._threads.close()

    def ways(self, generation: Generation, route: Route, meter: Meter) -> tuple[InPlace | None, InTask]:
        """`in_place` and `in_task` of an endpoint in a generation, made once for all of its connections.

        The first has an empty context for each message; of the second the context is its task's.
        """
        known = self._ways.setdefault(generation, {})
        if route.name not in known:
            resources = {**generation.resources, GROUPS: self.groups}
            made = {name: self._ways_of(one, resources, meter) for name, one in route.actions.items()}
            own = self._ways_of(route, resources, meter)
            known[route.name] = by_name(route, made, own[1]) if made else own
        return known[route.name]

    def _ways_of(self, route: Route, resources: Mapping[str, Any], meter: Meter) -> tuple[InPlace | None, InTask]:
        route = noticed(route, self.unmatched)
        in_place, in_task = self.in_place(route, resources, meter), self.in_task(route, resources, meter)
        if not route.endpoint.listens:
            in_place, in_task = no_messages.ways(meter)
        in_place, in_task = guarded(guard(route, meter), in_place, in_task)
        if self._traced is not None:
            in_place, in_task = self._traced(route, in_place, in_task)
        return None if in_place is None else apart(in_place), in_task

    def in_place(self, route: Route, resources: Mapping[str, Any], meter: Meter) -> InPlace | None:
        """What answers an endpoint's messages in the step that reads them; None where its process may have to wait."""
        if not route.in_place:
            return None
        read, framed, refused = reader(route), self._framer(route), self._refused
        get_id, call, clock = route.signature.message_id, route.signature.call, self.clock
        function, buckets, first = route.process.function, meter.buckets, BOUNDS[0]

        def answer(connection: Connection, data: bytes, came: float) -> bytes | None:
            message_id: MessageId = None
            try:
                value = read(data)
                message_id = get_id(value)
                frame = framed(call(function, value, connection, resources), message_id, connection)
                took = clock() - came
                if took < first:
                    buckets[0] += 1
                    meter.seconds += took
                else:
                    meter.took(took)
                    _log_if_slow(route.process, took, connection)
            except messages.NotUtf8:
                raise  # the transport closes 1007
            except BaseException as exc:  # noqa: BLE001 - whatever a user's process raises ends here, sys.exit too
                if not issubclass(type(exc), Invalid):  # its class may lie about itself
                    took = clock() - came
                    meter.took(took)
                    _log_if_slow(route.process, took, connection)
                if message_id is None and type(data) is bytes:
                    message_id = messages.id_of(data)  # it failed before that was read
                return refused(route, connection, exc, message_id, meter)
            meter.answered += 1
            return frame

        return answer if route.endpoint.messages == "json" else payloads.written(answer)

    def in_task(self, route: Route, resources: Mapping[str, Any], meter: Meter) -> InTask:
        """What answers an endpoint's messages in a task, whatever kind its process is of."""
        read, framed, refused = reader(route), self._framer(route), self._refused
        get_id, call, clock, way = route.signature.message_id, route.signature.call, self.clock, self._way(route, meter)
        begin, end = self.deadlines.begin, self.deadlines.end
        function, limit, buckets, first = route.process.function, route.endpoint.limits.time, meter.buckets, BOUNDS[0]
        simple, plain = route.process.kind == "async", route.endpoint.messages == "json"

        async def answer(connection: Connection, data: bytes, task: Task, writer: Writer) -> bytes | None:
            late = False
            writer.way = way
            try:
                value = read(data) if type(data) is bytes or not plain else _refuse_binary()
                data = b""  # a process that waits holds a message once
                writer.message_id = get_id(value)
                began = clock()
                begin(task, limit)
                try:
                    if simple:
                        given = await call(function, value, connection, resources)
                        frame = framed(given, writer.message_id, connection)
                    else:
                        made = lambda: call(function, value, connection, resources)  # noqa: E731 - called elsewhere
                        frame = await self._run(route, made, connection, framed, writer)
                finally:
                    late = end(task)
                    took = clock() - began
                    if took < first:
                        buckets[0] += 1
                        meter.seconds += took
                    else:
                        meter.took(took)
                if writer.cancelled:
                    raise _Cancelled
            except BaseException as exc:
                kind = type(exc)
                cancelled = issubclass(kind, asyncio.CancelledError)
                if (cancelled and task.cancelling()) or (kind is GeneratorExit and not _runs(task)):
                    raise  # the second: the task itself is taken down with its loop
                if data and type(data) is bytes:  # it failed before its id was read
                    writer.message_id = messages.id_of(data)
                if late and (cancelled or kind is Ended):
                    exc = _Cancelled() if writer.cancelled else _Late()
                return refused(route, connection, exc, writer.message_id, meter)
            meter.answered += 1
            return frame

        return answer

    def _way(self, route: Route, meter: Meter) -> Way:
        """How messages are taken while a call of the route runs."""
        read, get_id, values = reader(route), route.signature.message_id, route.signature.values
        deadlines, process, refuse = self.deadlines, route.process, guard(route, meter)
        plain = route.endpoint.messages == "json"
        cut: Callable[[Task], bool] | None = None
        if process.kind in _STREAMS and process.blocking:
            cut = _between_steps
        elif process.kind in (*_STREAMS, "async"):
            cut = deadlines.cut

        def take(connection: Connection, data: bytes) -> tuple[MessageId, dict[str, Any]]:
            if type(data) is not bytes and plain:
                return _refuse_binary()  # type: ignore[no-any-return]  # raises
            if refuse is not None and (frame := refuse(connection, data)) is not None:
                raise _Guarded(frame)
            value = read(data)
            meter.answered += 1
            return get_id(value), values(value)

        def answer_fault(connection: Connection, exc: BaseException) -> bytes | None:
            return self._refused(route, connection, exc, None, meter)

        owns = named(route) if route.endpoint.action else None
        return Way(cut, owns, take, answer_fault, deadlines.halt, deadlines.go_on)

    def _refused(
        self, route: Route, connection: Connection, exc: BaseException, message_id: MessageId, meter: Meter
    ) -> bytes | None:
        """The error frame for what kept a message from being answered; counted, and logged where it is ours."""
        others, kind = meter.others, type(exc)
        if issubclass(kind, Unmet | Gone):
            return None
        if issubclass(kind, _Guarded):
            return cast(_Guarded, exc).frame
        if issubclass(kind, _Cancelled):
            others["cancelled"] += 1
            return messages.error("cancelled", message_id=message_id)
        if issubclass(kind, Invalid):
            found = cast(Invalid, exc)
            others[found.code] += 1
            return found.answer(route)
        if issubclass(kind, Reject):
            others["rejected"] += 1
            return self._rejected(route, connection, cast(Reject, exc), message_id)
        if issubclass(kind, Busy):
            others["busy"] += 1
            return messages.error("busy", retry_after=1, message_id=message_id)
        if issubclass(kind, _Late):
            others["time_exceeded"] += 1
            return self._late(route, connection, message_id)
        if issubclass(kind, Refusal):  # a group that a process joined the connection to is full
            full = cast(Refusal, exc)
            others["rejected"] += 1
            return messages.error(full.code, full.detail, retry_after=full.retry_after, message_id=message_id)
        others["process_failed"] += 1
        return self._failed(route, connection, exc, message_id)

    def _framer(self, route: Route) -> Framer:
        """What makes a value of an endpoint's process a frame for the sender, None for none.

        A value for the endpoint's group is sent to that, and the sender gets the end. Raises messages.Unsendable.
        """
        if route.endpoint.messages != "json":
            make: Framer = payloads.framer(route)
        else:
            make = _to_sender(route) if route.endpoint.reply_to == "sender" else _to_group(route)
        if not self.check_replies:
            return make
        check, process = route.signature.check_reply, route.process
        who = f"{process.file}:{process.line}: {process.name}"

        def checked(value: object, message_id: MessageId, connection: Connection) -> bytes | None:
            fault = check(value)
            if fault is not None:
                raise messages.Unsendable("", f"the reply is not what the hint of {who} says: {fault}")
            return make(value, message_id, connection)

        return checked

    async def _run(
        self,
        route: Route,
        made: Callable[[], Any],
        connection: Connection,
        framed: Framer,
        writer: Writer,
    ) -> bytes | None:
        """Carry out a process that is no coroutine function; `made` calls its function."""
        process = route.process
        writer.streaming = process.kind in _STREAMS
        if process.kind == "generator":
            return await self._stream(route, self._steps(process, made()), connection, framed, writer)
        if process.kind == "async_generator":
            return await self._stream(route, made(), connection, framed, writer)
        return framed(await self.carry_out(process, made), writer.message_id, connection)

    async def carry_out(self, process: Process, made: Callable[[], Any], *, waits: bool = False) -> Any:
        """What a process gives that is no generator; `made` calls its function. Raises Busy, unless it `waits`."""
        if process.kind == "async":
            return await made()
        if process.blocking:
            return await (self._threads.run_in_turn if waits else self.in_thread)(made)
        return self.timed(process, made)

    def timed(self, process: Process, function: Callable[..., Any], *values: Any) -> Any:
        """Call on the event loop, where all others wait meanwhile; a long call is named in the log."""
        began = self.clock()
        try:
            return function(*values)
        finally:
            _log_if_slow(process, self.clock() - began)

    async def _stream(
        self,
        route: Route,
        values: AsyncGenerator[Any, None],
        connection: Connection,
        framed: Framer,
        writer: Writer,
    ) -> bytes | None:
        task, limit = asyncio.current_task(), route.endpoint.limits.time
        assert task is not None, "a coroutine runs in a task"
        try:
            async for value in values:
                if writer.cancelled:
                    raise _Cancelled
                frame = framed(value, writer.message_id, connection)
                if frame is not None:
                    if writer.is_behind:
                        await writer.room()  # other calls were ready before it
                    writer.write(frame)
                await writer.room()
                await asyncio.sleep(0)  # others have their turn, and the time limit its chance, between two replies
                if value is not None:
                    self.deadlines.go_on(task, limit)
        finally:
            await clean_up(route.process, values)
        return messages.done(writer.message_id) if writer.message_id is not None else None

    async def _steps(self, process: Process, values: Generator[Any, None, None]) -> AsyncGenerator[Any, None]:
        """A synchronous generator as an asynchronous one; each step in a thread where it may block."""
        one_at_a_time = threading.Lock()  # a step that outlived its time limit may still run when we close
        within = for_thread(_call)

        def locked(act: Callable[[], Any]) -> Any:
            with one_at_a_time:
                return within(act)

        try:
            while True:
                if process.blocking:
                    value = await self.in_thread(lambda: locked(lambda: next(values, _END)))
                else:
                    value = self.timed(process, next, values, _END)
                if value is _END:
                    return
                yield value
        finally:
            if process.blocking:
                self._threads.pool.submit(locked, values.close).add_done_callback(_log_if_failed)
            else:
                values.close()

    def _rejected(self, route: Route, connection: Connection, exc: Reject, message_id: MessageId) -> bytes:
        try:
            return messages.rejection(exc, route.endpoint.limits.queue, message_id=message_id)
        except BaseException as fault:  # noqa: BLE001 - to write it may call the project's own code
            return self._failed(route, connection, fault, message_id)

    def _late(self, route: Route, connection: Connection, message_id: MessageId) -> bytes:
        seconds = route.endpoint.limits.time
        where = {"endpoint": route.name, "process": route.process.name, "connection": connection.id}
        log.warning("time_exceeded", **where, limit=seconds)
        text = f"The process took longer than {seconds:g} s."
        return messages.error("time_exceeded", text, message_id=message_id)

    def incident(self, exc: BaseException, **facts: str) -> str:
        """Log what a process raised; gives the incident's id."""
        incident = secrets.token_hex(4)
        log.error("process_failed", incident=incident, **facts, exc_info=exc)
        if self._on_failure is not None:
            self._on_failure(incident, exc)
        return incident

    def _failed(self, route: Route, connection: Connection, exc: BaseException, message_id: MessageId) -> bytes:
        incident = self.incident(exc, endpoint=route.name, process=route.process.name, connection=connection.id)
        return messages.error("process_failed", incident=incident, message_id=message_id)


def _to_sender(route: Route) -> Framer:
    endpoint = route.endpoint
    action = (endpoint.action_key, endpoint.action) if endpoint.action else None
    many = route.signature.replies == "many"
    return messages.replies_under(route.process.reply, endpoint.limits.queue, action, many=many)


def _to_group(route: Route) -> Framer:
    endpoint = route.endpoint
    make = messages.group_replies(route.process.reply, endpoint.event, endpoint.limits.queue)
    to_others, streams = endpoint.reply_to == "others", route.signature.replies == "many"

    def say(value: object, message_id: MessageId, connection: Connection) -> bytes | None:
        identity = connection.identity
        frame = make(value, identity.login and connection.visitor, identity.name)
        if frame is not None:
            outbox_of(connection).membership.say(frame, to_others=to_others)
        return None if message_id is None or streams else messages.done(message_id)

    return say


def _runs(task: Task) -> bool:
    """Whether this is a step of `task`, and no foreign hand that closes its coroutine."""
    try:
        return asyncio.current_task() is task
    except RuntimeError:
        return False


def _call(function: Callable[[], Any]) -> Any:
    return function()


def _log_if_failed(closed: Future[Any]) -> None:
    if not closed.cancelled() and closed.exception() is not None:
        log.error("generator_not_closed", exc_info=closed.exception())


def _refuse_binary() -> Any:
    raise Invalid([Fault("", "a message is a text frame; this one was binary")])


def _log_if_slow(process: Process, took: float, connection: Connection | None = None) -> None:
    if took > SLOW_CALL:
        seen = connection.id if connection is not None else ""
        log.warning("slow_call", process=process.name, connection=seen, milliseconds=round(took * 1000))


def _between_steps(_task: Task) -> bool:
    """A step that blocks a thread cannot be ended; the generator goes no further."""
    return True


class _Cancelled(Exception):
    """The client has taken its message back."""


class _Late(Exception):
    """The process took longer than `limits.time`."""
