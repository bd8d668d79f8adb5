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

__all__ = ["Busy", "Dispatcher", "Writer"]

SLOW_CALL = 0.050
"""Seconds of one synchronous call on the event loop after which it is named in the log."""

THREADS = 32
"""Calls of blocking processes that run at once on this node; one more is the error `busy`."""

CLEAN_UP = 5.0
"""Seconds that a generator has for its `finally` when it is ended before its end."""

_END = object()


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
        self._free = threading.BoundedSemaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="jackfield-process")

    def close(self) -> None:
        """Give the threads back; calls that still run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(
        self,
        route: Route,
        connection: Connection,
        resources: Mapping[str, Any],
        data: str | bytes,
        writer: Writer,
    ) -> None:
        """Answer one message on `writer`. Never raises for what a client sent or a process did."""
        message_id: str | int | None = None
        try:
            value = self._read(route, data)
            message_id = route.signature.message_id(value)
            arguments = route.signature.arguments(value, connection, resources)
            async with asyncio.timeout(route.endpoint.limits.time) as limit:
                await self._call(route, arguments, message_id, writer)
        except _Invalid as exc:
            writer.write(exc.answer(route))
        except Reject as exc:
            writer.write(self._rejected(route, connection, exc, message_id))
        except Busy:
            writer.write(messages.error("busy", retry_after=1, message_id=message_id))
        except TimeoutError as exc:
            if limit.expired():
                writer.write(self._late(route, connection, message_id))
            else:
                writer.write(self._failed(route, connection, exc, message_id))
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            writer.write(self._failed(route, connection, exc, message_id))
        except GeneratorExit:
            raise  # the task itself is taken down with its loop
        except BaseException as exc:  # noqa: BLE001 - whatever a user's process raises ends here, sys.exit too
            writer.write(self._failed(route, connection, exc, message_id))

    def _read(self, route: Route, data: str | bytes) -> Any:
        """The decoded message, or _Invalid with all that is wrong with it."""
        if isinstance(data, bytes):
            raise _Invalid([Fault("", "a message is a text frame; this one was binary")])
        raw = data.encode()
        limit = route.endpoint.limits.message
        if len(raw) > limit:
            raise _Invalid([], code="message_too_long", message=f"The message has {len(raw):,} bytes; {limit:,} fit.")
        if messages.too_deep(raw):
            raise _Invalid([Fault("", f"nested more than {messages.MAX_DEPTH} deep")])
        try:
            value = route.signature.decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise _explain(route, data, exc) from None
        if route.narrow is not None and not route.narrow.is_valid(_body(raw)):
            raise _explain(route, data, None)
        return value

    async def _call(
        self, route: Route, arguments: dict[str, Any], message_id: str | int | None, writer: Writer
    ) -> None:
        process = route.process
        function = process.function
        if process.kind == "generator":
            await self._stream(route, self._steps(process, function(**arguments)), message_id, writer)
        elif process.kind == "async_generator":
            await self._stream(route, function(**arguments), message_id, writer)
        elif process.kind == "async":
            self._reply(route, await function(**arguments), message_id, writer)
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
                log.warning("slow_call", process=process.name, milliseconds=round(took * 1000))

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
        if self._check_replies:
            fault = route.signature.check_reply(value)
            if fault is not None:
                raise messages.Unsendable("", f"the reply is not what the annotation says: {fault}")
        text = messages.reply(value, route.process.reply, message_id)
        if text is None:
            return
        room = route.endpoint.limits.queue
        if len(text) > room:
            raise messages.Unsendable(
                "", f"it has {len(text):,} bytes, and what waits for a client has room for {room:,}"
            )
        writer.write(text)

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
