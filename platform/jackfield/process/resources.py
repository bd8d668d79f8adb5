"""Resources: opened before a generation goes live, closed after its last call.

Strategy: each resource lives in a task of its own, which opens it, waits and closes it. What libraries
tie to a task (task groups, cancel scopes) may then stand around the `yield`.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jackfield.errors import PlanError, Problem

__all__ = ["Opened", "Resource", "open_all"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One `@resource` function. `name` is "shared.pool" for the function pool of processes/shared.py."""

    name: str
    function: Callable[[], AsyncIterator[Any]]
    file: str
    line: int
    column: int


class _Ended(Exception):
    """The function ended before its `yield`."""


class _Keeper:
    """The task that holds one resource open."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self.task = asyncio.create_task(self._keep(), name=f"resource {resource.name}")

    async def _keep(self) -> None:
        generator = self.resource.function()
        try:
            async for value in generator:
                if self.opened.done():
                    raise RuntimeError(f"the resource {self.resource.name} yields more than once")
                self.opened.set_result(value)
                await self._closing.wait()
            if not self.opened.done():
                raise _Ended
        finally:
            await generator.aclose()  # type: ignore[attr-defined]  # it is an async generator

    async def open(self) -> Any:
        """What the function yields; raises what it raises."""
        try:
            await asyncio.wait({self.task, self.opened}, return_when=asyncio.FIRST_COMPLETED)
            if self.opened.done():
                return self.opened.result()
            return await self.task
        except BaseException:
            await self.abandon()
            raise

    async def abandon(self) -> None:
        """Stop a resource that is not open yet; what its clean-up raises is of no use to anybody."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def close(self) -> None:
        """Let the function run on after its `yield`; raises what it raises."""
        self._closing.set()
        await self.task


class Opened:
    """Resources that are open; `values` holds what each yields, by the resource's name."""

    def __init__(self, keepers: Iterable[tuple[_Keeper, Any]] = ()) -> None:
        self._keepers = list(keepers)
        self.values: Mapping[str, Any] = {keeper.resource.name: value for keeper, value in self._keepers}

    async def close(self) -> None:
        """Close all, the last opened first. A second call does nothing.

        One that fails does not keep the others open; then an ExceptionGroup of all failures is raised.
        """
        failures: list[Exception] = []
        while self._keepers:
            keeper, _ = self._keepers.pop()
            try:
                await keeper.close()
            except Exception as exc:  # noqa: BLE001 - the user's code, and the others must still be closed
                failures.append(exc)
        if failures:
            raise ExceptionGroup("resources failed while they were closed", failures)


async def open_all(resources: Iterable[Resource], *, time_limit: float) -> Opened:
    """Open each resource once, in order, all within `time_limit` seconds.

    All or nothing: when one fails, those already open are closed, the last first, and PlanError is
    raised with the problem `resource_failed` at the line that failed.
    """
    unique = {resource.name: resource for resource in resources}
    keepers: list[tuple[_Keeper, Any]] = []
    current: Resource | None = None
    try:
        async with asyncio.timeout(time_limit) as clock:
            for current in unique.values():
                keeper = _Keeper(current)
                keepers.append((keeper, await keeper.open()))
    except Exception as exc:
        await _close_quietly(keepers)
        assert current is not None
        late = isinstance(exc, TimeoutError) and clock.expired()
        raise PlanError([_late(current, time_limit) if late else _failed(current, exc)]) from exc
    except BaseException:
        await _close_quietly(keepers)
        raise
    return Opened(keepers)


async def _close_quietly(keepers: list[tuple[_Keeper, Any]]) -> None:
    # The failure to open is the one to tell; what follows from it would only hide it.
    for keeper, _ in reversed(keepers):
        await asyncio.gather(keeper.close(), return_exceptions=True)


def _late(resource: Resource, time_limit: float) -> Problem:
    return _problem(
        resource,
        resource.line,
        f"the resource was not open after {time_limit:g} s",
        "see whether what it connects to can be reached; give its connect call a time limit",
    )


def _failed(resource: Resource, exc: Exception) -> Problem:
    if isinstance(exc, _Ended):
        return _problem(resource, resource.line, "the resource ended before its `yield`", "let it yield one value")
    lines = [text.strip() for text in traceback.format_exception_only(exc) if text.strip()]
    return _problem(resource, _line_of(resource, exc), f"the resource could not be opened: {lines[-1]}", "")


def _line_of(resource: Resource, exc: Exception) -> int:
    """The last line inside the resource's own file that the exception went through."""
    own = [
        frame.lineno
        for frame in traceback.extract_tb(exc.__traceback__)
        if frame.filename.replace("\\", "/").endswith("/" + resource.file) and frame.lineno
    ]
    return own[-1] if own else resource.line


def _problem(resource: Resource, line: int, message: str, hint: str) -> Problem:
    column = resource.column if line == resource.line else 0
    return Problem("resource_failed", message, hint, path=resource.name, file=resource.file, line=line, column=column)
