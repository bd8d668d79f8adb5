"""Resources: opened before a generation goes live, closed after its last call.

Strategy: each resource lives in a task of its own, which opens it, waits and closes it. What libraries
tie to a task (task groups, cancel scopes) may then stand around the `yield`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from jackfield.errors import PlanError, Problem
from jackfield.logs import log, within
from jackfield.process.calling import Raised, call, one_line
from jackfield.process.groups import Groups
from jackfield.process.python.import_errors import frames_of
from jackfield.tasks import end

__all__ = ["BREAK_OFF", "CLOSE_LIMIT", "NotClosed", "Opened", "Resource", "in_order", "open_all"]

CLOSE_LIMIT = 10.0
"""Seconds that all resources of a plan have to close; a server that stops must not hang on one."""

BREAK_OFF = 1.0
"""Seconds in which what swallows its cancellation is ended: the last of CLOSE_LIMIT, or after the limit of opening."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One `@resource` function. `name` is "shared.pool" for the function pool of processes/shared.py.

    `needs` are the resources that it takes, by its parameters; None stands for Groups. There is no circle in them.
    """

    name: str
    function: Callable[..., AsyncIterator[Any]]
    file: str
    line: int
    column: int
    needs: dict[str, Resource | None] = field(default_factory=dict, compare=False, repr=False)


class NotClosed(ExceptionGroup[Exception]):
    """Resources that failed while they were closed, or were not closed in time; `names` are theirs."""

    names: tuple[str, ...] = ()


class _Unopened(Exception):
    """The function ended before its `yield`; `exc` is what it raised, None where it just ended."""

    def __init__(self, exc: BaseException | None) -> None:
        self.exc = exc
        super().__init__()


class _Keeper:
    """The task that holds one resource open; `needed` are the arguments of its function."""

    def __init__(self, resource: Resource, needed: Mapping[str, Any]) -> None:
        self.resource = resource
        self._needed = needed
        self.opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.closing = asyncio.Event()
        context = within(lambda: {"resource": resource.name}, copy_context())
        self.task = asyncio.create_task(self._keep(), name=f"resource {resource.name}", context=context)

    async def _keep(self) -> BaseException | None:
        """The resource's whole life; gives what it raised and raises nothing: sys.exit in a task would end the loop."""
        fault = await self._outcome()
        if self.opened.done() and not self.closing.is_set():
            incident = secrets.token_hex(4)
            log.error("resource_ended", resource=self.resource.name, incident=incident, exc_info=fault)
        return fault

    async def _outcome(self) -> BaseException | None:
        try:
            await self._live()
        except BaseException as exc:  # noqa: BLE001 - the author's code
            return exc
        return None

    async def _live(self) -> None:
        generator = self.resource.function(**self._needed)
        try:
            async for value in generator:
                if self.opened.done():
                    raise RuntimeError(f"the resource {self.resource.name} yields more than once")
                self.opened.set_result(value)
                await self.closing.wait()
        finally:
            await generator.aclose()  # type: ignore[attr-defined]  # it is an async generator

    async def open(self) -> Any:
        """What the function yields. Raises _Unopened for whatever it raises, CancelledError where we are cancelled."""
        try:
            await asyncio.wait({self.task, self.opened}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await end([self.task], BREAK_OFF, lambda _: log.error("resource_not_ended", resource=self.resource.name))
            raise
        if self.opened.done():
            return self.opened.result()
        raise _Unopened(self.fault())

    def fault(self) -> BaseException | None:
        """What the task ended with."""
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception() or self.task.result()


class Opened:
    """Resources that are open; `values` holds what each yields, by the resource's name."""

    def __init__(self, keepers: Iterable[_Keeper] = (), values: Mapping[str, Any] | None = None) -> None:
        self._keepers = list(keepers)
        self.values: Mapping[str, Any] = values or {}

    async def close(self, time_limit: float = CLOSE_LIMIT) -> None:
        """Close all within `time_limit` seconds, the last opened first. A second call does nothing.

        One that fails does not keep the others open; those that are left when BREAK_OFF is to begin are closed at
        once, then cancelled, then ended by force. Raises NotClosed with all failures.
        """
        keepers, self._keepers = self._keepers[::-1], []
        clock = asyncio.get_running_loop().time
        last = min(BREAK_OFF, time_limit / 2)
        until = clock() + time_limit - last
        for keeper in keepers:
            keeper.closing.set()
            await asyncio.wait({keeper.task}, timeout=max(0.0, until - clock()))
            if not keeper.task.done():
                break
        late = {keeper.task: keeper.resource.name for keeper in keepers if not keeper.task.done()}
        await _break_off(keepers, late, last)
        failures = {keeper.resource.name: _failure(keeper, late, time_limit) for keeper in keepers}
        found = {name: failure for name, failure in failures.items() if failure is not None}
        if found:
            group = NotClosed("resources failed while they were closed", list(found.values()))
            group.names = tuple(found)
            raise group


async def _break_off(keepers: Iterable[_Keeper], late: Mapping[asyncio.Task[Any], str], seconds: float) -> None:
    if late:
        for keeper in keepers:
            keeper.closing.set()
        await asyncio.wait(late, timeout=seconds / 2)
        await end(list(late), seconds / 2, lambda task: log.error("resource_not_ended", resource=late[task]))


def _failure(keeper: _Keeper, late: Mapping[asyncio.Task[Any], str], time_limit: float) -> Exception | None:
    """What went wrong with one that was closed, as an exception that a group can hold."""
    if keeper.task in late and (not keeper.task.done() or keeper.fault() is not None):
        return TimeoutError(f"the resource {keeper.resource.name} was not closed after {time_limit:g} s")
    fault = keeper.fault()
    if fault is None or isinstance(fault, Exception):
        return fault
    failure = RuntimeError(f"the resource {keeper.resource.name} raised {one_line(fault)}")
    failure.__cause__ = fault
    return failure


def in_order(resources: Iterable[Resource], without: Container[str] = ()) -> list[Resource]:
    """Resources and what they need, each once, after all that it needs itself; none of the names in `without`."""
    found: dict[str, Resource] = {}

    def add(resource: Resource | None) -> None:
        if resource is not None and resource.name not in found and resource.name not in without:
            for needed in resource.needs.values():
                add(needed)
            found[resource.name] = resource

    for resource in resources:
        add(resource)
    return list(found.values())


async def open_all(
    resources: Iterable[Resource],
    *,
    time_limit: float,
    groups: Groups | None = None,
    given: Mapping[str, Any] | None = None,
) -> Opened:
    """Open each resource once, after what it needs, all within `time_limit` seconds.

    They get `groups` where they take Groups; `given` has values by name that stand for resources. All or nothing: when
    one fails, those already open are closed, the last first, and PlanError is raised with the problem
    `resource_failed` at the line that failed, whatever the resource raised.
    """
    values: dict[str, Any] = dict(given or {})
    keepers: list[_Keeper] = []
    current: Resource | None = None
    try:
        async with asyncio.timeout(time_limit):
            for current in in_order(resources, values):
                needed = {key: groups if one is None else values[one.name] for key, one in current.needs.items()}
                keeper = _Keeper(current, needed)
                values[current.name] = await keeper.open()
                keepers.append(keeper)
    except (_Unopened, TimeoutError) as exc:
        await _close_quietly(keepers)
        assert current is not None
        raise PlanError([_failed(current, exc, time_limit)]) from None
    except BaseException:
        await _close_quietly(keepers)
        raise
    return Opened(keepers, values)


async def _close_quietly(keepers: list[_Keeper]) -> None:
    # The failure to open is reported; what follows from it would only hide it.
    with suppress(NotClosed):
        await Opened(keepers).close()


def _failed(resource: Resource, exc: _Unopened | TimeoutError, time_limit: float) -> Problem:
    line, hint = resource.line, ""
    if isinstance(exc, TimeoutError):
        message = f"the resource was not open after {time_limit:g} s"
        hint = "see whether what it connects to can be reached; give its connect call a time limit"
    elif exc.exc is None:
        message, hint = "the resource ended before its `yield`", "let it yield one value"
    else:
        line, message = _line_of(resource, exc.exc), f"the resource could not be opened: {one_line(exc.exc)}"
        hint = "" if isinstance(exc.exc, Exception) else "raise an exception that says what is missing"
    column = resource.column if line == resource.line else 0
    return Problem("resource_failed", message, hint, path=resource.name, file=resource.file, line=line, column=column)


def _line_of(resource: Resource, exc: BaseException) -> int:
    """The last line inside the resource's own file that the exception went through."""
    try:
        frames = call(frames_of, exc)
    except Raised:  # an exception is an object of the author's class
        return resource.line
    end_of_path = "/" + resource.file
    own = [f.lineno for f in frames if f.filename.replace("\\", "/").endswith(end_of_path) and f.lineno]
    return own[-1] if own else resource.line
