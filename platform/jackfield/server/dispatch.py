"""One message: decode it, call the process, write what it gives.

Strategy: the happy path is one typed decode and one call. Everything else, naming what is wrong with a
message above all, happens after something has failed and may take its time.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import msgspec

from jackfield import messages
from jackfield.errors import Reject
from jackfield.logs import log
from jackfield.process.catalog import Process
from jackfield.process.connection import Connection
from jackfield.routing import Route
from jackfield.schemas import Fault, parse_loosely, pointer
from jackfield.server.deadlines import Deadlines
from jackfield.server.metrics import BOUNDS, Meter

__all__ = ["Busy", "Dispatcher", "InPlace", "Writer"]

SLOW_CALL = 0.050
"""Seconds of one synchronous call on the event loop after which it is named in the log."""

THREADS = 32
"""Calls of blocking processes that run at once on this node; one more is the error `busy`."""

CLEAN_UP = 5.0
"""Seconds that a generator has for its `finally` when it is ended before its end."""

_END = object()

InPlace = Callable[[Connection, bytes], bytes | None]


class Writer(Protocol):
    """Where answers go. Implemented by the conversation."""

    def write(self, text: bytes) -> None:
        """Queue one frame for the client; never waits."""

    async def room(self) -> None:
        """Wait until the client has taken enough for more to be made; cancelled when nobody is left to take it."""


class Busy(Exception):
    """All threads for blocking processes are taken."""


class Dispatcher:
    """Calls processes. One for a node; holds the threads of blocking processes."""

    def __init__(
        self,
        *,
        check_replies: bool = False,
        threads: int = THREADS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._check_replies = check_replies
        self._clock = clock
        self._deadlines = Deadlines()
        self._free = threading.BoundedSemaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="jackfield-process")

    def close(self) -> None:
        """Give the threads back; calls that still run are not waited for."""
        self._deadlines.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def in_place(self, route: Route, resources: Mapping[str, Any], meter: Meter) -> InPlace:
        """What answers a message of one endpoint in the step that reads it (`route.in_place`).

        It gives the answer or None for silence, and never raises for what a client sent or a process did. A
        closure, made once for a connection and a generation: on this path a look-up is a tenth of a message.
        """
        read, clock = self._reader(route), self._clock
        get_id, get_arguments = route.signature.message_id, route.signature.arguments
        function, key = route.process.function, route.process.reply
        check = route.signature.check_reply if self._check_replies else None
        room, buckets, first = route.endpoint.limits.queue, meter.buckets, BOUNDS[0]

        def answer(connection: Connection, data: bytes) -> bytes | None:
            message_id: str | int | None = None
            try:
                value = read(data)
                message_id = get_id(value)
                arguments = get_arguments(value, connection, resources)
                began = clock()
                try:
                    result = function(**arguments)
                finally:
                    took = clock() - began
                    if took < first:
                        buckets[0] += 1
                        meter.seconds += took
                    else:
                        meter.took(took)
                        if took > SLOW_CALL:
                            _tell_slow(route.process, took)
                frame = messages.reply(result, key, message_id)
                if check is not None or (frame is not None and len(frame) > room):
                    _check_frame(check, result, frame, room)
            except GeneratorExit:
                raise  # the task itself is taken down with its loop
            except BaseException as exc:  # noqa: BLE001 - whatever a user's process raises ends here, sys.exit too
                return self._refused(route, connection, exc, message_id, meter)
            meter.answered += 1
            return frame

        return answer

    async def answer(
        self,
        route: Route,
        connection: Connection,
        resources: Mapping[str, Any],
        data: bytes | None,
        writer: Writer,
        meter: Meter,
    ) -> None:
        """Answer one message on `writer`; `data` is None for a binary one.

        Never raises for what a client sent or a process did.
        """
        message_id: str | int | None = None
        late = False
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        try:
            if data is None:
                raise _Invalid([Fault("", "a message is a text frame; this one was binary")])
            value = self._reader(route)(data)
            message_id = route.signature.message_id(value)
            arguments = route.signature.arguments(value, connection, resources)
            began = self._clock()
            self._deadlines.begin(task, route.endpoint.limits.time)
            try:
                if route.process.kind == "async":
                    self._reply(route, await route.process.function(**arguments), message_id, writer)
                else:
                    await self._call(route, arguments, message_id, writer)
            finally:
                late = self._deadlines.end(task)
                meter.took(self._clock() - began)
            meter.answered += 1
        except GeneratorExit:
            raise  # the task itself is taken down with its loop
        except BaseException as exc:
            if isinstance(exc, asyncio.CancelledError) and task.cancelling():
                raise
            if isinstance(exc, asyncio.CancelledError) and late:
                exc = _Late()
            writer.write(self._refused(route, connection, exc, message_id, meter))

    def _refused(
        self, route: Route, connection: Connection, exc: BaseException, message_id: str | int | None, meter: Meter
    ) -> bytes:
        """The error frame for what kept a message from being answered; counted, and logged where it is ours."""
        others = meter.others
        if isinstance(exc, _Invalid):
            others[exc.code] += 1
            return exc.answer(route)
        if isinstance(exc, Reject):
            others["rejected"] += 1
            return self._rejected(route, connection, exc, message_id)
        if isinstance(exc, Busy):
            others["busy"] += 1
            return messages.error("busy", retry_after=1, message_id=message_id)
        if isinstance(exc, _Late):
            others["time_exceeded"] += 1
            return self._late(route, connection, message_id)
        others["process_failed"] += 1
        return self._failed(route, connection, exc, message_id)

    def _reader(self, route: Route) -> Callable[[bytes], Any]:
        """What makes a text message of one endpoint a value, or raises _Invalid with all that is wrong with it."""
        limit, decode = route.endpoint.limits.message, route.signature.decode
        is_valid = route.narrow.is_valid if route.narrow is not None else None
        flat = messages.MAX_DEPTH  # a shorter text cannot nest too deep

        def read(data: bytes) -> Any:
            if len(data) > flat:
                _refuse_size(data, limit)
            try:
                value = decode(data)
            except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
                raise _explain(route, data.decode(), exc) from None
            if is_valid is not None and not is_valid(_body(data)):
                raise _explain(route, data.decode(), None)
            return value

        return read

    async def _call(
        self, route: Route, arguments: dict[str, Any], message_id: str | int | None, writer: Writer
    ) -> None:
        process = route.process
        function = process.function
        if process.kind == "generator":
            await self._stream(route, self._steps(process, function(**arguments)), message_id, writer)
        elif process.kind == "async_generator":
            await self._stream(route, function(**arguments), message_id, writer)
        elif process.blocking:
            self._reply(route, await self.in_thread(lambda: function(**arguments)), message_id, writer)
        else:
            self._reply(route, self._timed(process, function, **arguments), message_id, writer)

    def _timed(self, process: Process, function: Callable[..., Any], *values: Any, **arguments: Any) -> Any:
        """Call on the event loop, where all others wait meanwhile; a long call is named in the log."""
        began = self._clock()
        try:
            return function(*values, **arguments)
        finally:
            took = self._clock() - began
            if took > SLOW_CALL:
                _tell_slow(process, took)

    async def _stream(
        self, route: Route, values: AsyncGenerator[Any, None], message_id: str | int | None, writer: Writer
    ) -> None:
        try:
            async for value in values:
                self._reply(route, value, message_id, writer)
                await writer.room()
                await asyncio.sleep(0)  # others have their turn, and the time limit its chance, between two replies
        finally:
            async with asyncio.timeout(CLEAN_UP):
                await values.aclose()
        if message_id is not None:
            writer.write(messages.done(message_id))

    async def _steps(self, process: Process, values: Generator[Any, None, None]) -> AsyncGenerator[Any, None]:
        """A synchronous generator as an asynchronous one; each step in a thread where it may block."""
        one_at_a_time = threading.Lock()  # a step that outlived its time limit may still run when we close

        def locked(act: Callable[[], Any]) -> Any:
            with one_at_a_time:
                return act()

        try:
            while True:
                if process.blocking:
                    value = await self.in_thread(lambda: locked(lambda: next(values, _END)))
                else:
                    value = self._timed(process, next, values, _END)
                if value is _END:
                    return
                yield value
        finally:
            if process.blocking:
                self._pool.submit(locked, values.close).add_done_callback(_tell_if_failed)
            else:
                values.close()

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        """Run `function` in a thread of the bounded pool. Raises Busy when all are taken.

        A call that outlives its time limit keeps its thread until it returns: threads cannot be ended.
        """
        if not self._free.acquire(blocking=False):
            raise Busy
        future = self._pool.submit(_call_in_thread, function)
        # also called where the future is cancelled before a thread took it
        future.add_done_callback(lambda _done: self._free.release())
        return await asyncio.wrap_future(future)

    def _reply(self, route: Route, value: object, message_id: str | int | None, writer: Writer) -> None:
        frame = self._frame(route, value, message_id)
        if frame is not None:
            writer.write(frame)

    def _frame(self, route: Route, value: object, message_id: str | int | None) -> bytes | None:
        frame = messages.reply(value, route.process.reply, message_id)
        check = route.signature.check_reply if self._check_replies else None
        _check_frame(check, value, frame, route.endpoint.limits.queue)
        return frame

    def _rejected(self, route: Route, connection: Connection, exc: Reject, message_id: str | int | None) -> bytes:
        try:
            return messages.error(exc.code, exc.message, more=exc.details, message_id=message_id)
        except messages.Unsendable as fault:
            return self._failed(route, connection, fault, message_id)

    def _late(self, route: Route, connection: Connection, message_id: str | int | None) -> bytes:
        seconds = route.endpoint.limits.time
        log.warning("time_exceeded", endpoint=route.name, process=route.process.name, limit=seconds)
        text = f"The process took longer than {seconds:g} s."
        return messages.error("time_exceeded", text, message_id=message_id)

    def _failed(self, route: Route, connection: Connection, exc: BaseException, message_id: str | int | None) -> bytes:
        incident = secrets.token_hex(4)
        log.error(
            "process_failed",
            incident=incident,
            endpoint=route.name,
            process=route.process.name,
            connection=connection.id,
            exc_info=exc,
        )
        return messages.error("process_failed", incident=incident, message_id=message_id)


def _call_in_thread(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except StopIteration as exc:
        raise RuntimeError("the process raised StopIteration") from exc  # a future cannot carry it


def _tell_if_failed(closed: Future[Any]) -> None:
    if not closed.cancelled() and closed.exception() is not None:
        log.error("generator_not_closed", exc_info=closed.exception())


def _check_frame(check: Callable[[object], str | None] | None, value: object, frame: bytes | None, room: int) -> None:
    fault = check(value) if check is not None else None
    if fault is not None:
        raise messages.Unsendable("", f"the reply is not what the annotation says: {fault}")
    if frame is not None and len(frame) > room:
        raise messages.Unsendable("", f"it has {len(frame):,} bytes, and what waits for a client has room for {room:,}")


def _refuse_size(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise _Invalid([], code="message_too_long", message=f"The message has {len(data):,} bytes; {limit:,} fit.")
    if messages.too_deep(data):
        raise _Invalid([Fault("", f"nested more than {messages.MAX_DEPTH} deep")])


def _tell_slow(process: Process, took: float) -> None:
    log.warning("slow_call", process=process.name, milliseconds=round(took * 1000))


class _Late(Exception):
    """The process took longer than `limits.time`."""


class _Invalid(Exception):
    """A message that cannot be taken, with all that is wrong with it."""

    def __init__(
        self,
        faults: list[Fault],
        *,
        code: str = "invalid_message",
        message: str = "",
        message_id: str | int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.faults = faults
        self.message_id = message_id

    def answer(self, route: Route) -> bytes:
        details = [fault.as_json() for fault in self.faults]
        return messages.error(
            self.code, self.message, details=details, example=route.example, message_id=self.message_id
        )


def _explain(route: Route, text: str, exc: Exception | None) -> _Invalid:
    """Name all that is wrong with a message that was refused, by the published schema first."""
    value, faults = parse_loosely(text)
    if not isinstance(value, dict):
        return _Invalid(faults or [Fault("", "a message is a JSON object, like {…}")])
    message_id = value.pop("$id", None)
    good_id = message_id if _good_id(message_id) else None
    if faults:
        return _Invalid(faults, message_id=good_id)
    if message_id is not None and good_id is None:
        faults = [Fault("/$id", "must be a text of at most 128 characters or a whole number")]
    faults += route.whole.faults(value)
    if not faults:
        faults = [_from_msgspec(exc, value)]
    return _Invalid(faults, message_id=good_id)


def _good_id(value: object) -> bool:
    # exact types: true is an int to Python, and NaN stands as a kind of text where it was found
    if type(value) is str:
        return len(value) <= 128 and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)
    return type(value) is int


def _from_msgspec(exc: Exception | None, value: object) -> Fault:
    problem, _, path = str(exc or "does not fit").partition(" - at `$")
    # to JSON Schema 1.0 is an integer; to Python, and so to the process, it is not
    problem = problem.replace("Expected `int`, got `float`", "must be a whole number, without a point or an exponent")
    return Fault(_pointer(path.rstrip("`"), value), problem[:1].lower() + problem[1:])


def _pointer(path: str, value: object) -> str:
    """msgspec's `.a[0].b` as a JSON pointer, as far as it leads into the message; keys may hold dots."""
    parts: list[str | int] = []
    while path:
        index, _, rest = path[1:].partition("]")
        if isinstance(value, list) and index.isdecimal() and int(index) < len(value):
            parts.append(int(index))
            value, path = value[int(index)], rest
        elif isinstance(value, dict) and path.startswith("."):
            keys = [key for key in value if path[1:] == key or path[1:].startswith((f"{key}.", f"{key}["))]
            if not keys:
                break
            parts.append(max(keys, key=len))
            value, path = value[parts[-1]], path[1 + len(str(parts[-1])) :]
        else:
            break
    return pointer(parts)


def _body(raw: bytes) -> Any:
    value = msgspec.json.decode(raw)
    value.pop("$id", None)
    return value
