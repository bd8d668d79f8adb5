"""Resources: all or nothing, closed in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from jackfield.errors import PlanError
from jackfield.process import resources
from jackfield.process.resources import NotClosed, Opened, Resource, open_all
from tests.process.conftest import Collect, signature_of


def made(name: str, log: list[str], fail: BaseException | None = None) -> Resource:
    async def function() -> AsyncIterator[str]:
        log.append(f"+{name}")
        if fail:
            raise fail
        try:
            yield name.upper()
        finally:
            log.append(f"-{name}")

    return Resource(name, function, "processes/shared.py", 7, 1)


async def test_each_is_opened_once_and_closed_in_reverse() -> None:
    log: list[str] = []
    a, b = made("а", log), made("б", log)
    opened = await open_all([a, b, a], time_limit=5)
    assert opened.values == {"а": "А", "б": "Б"}
    await opened.close()
    await opened.close()
    assert log == ["+а", "+б", "-б", "-а"]


async def test_a_failure_closes_the_others_and_has_its_place() -> None:
    log: list[str] = []
    resources = [made("a", log), made("b", log, OSError("нет связи")), made("c", log)]
    with pytest.raises(PlanError) as caught:
        await open_all(resources, time_limit=5)
    assert log == ["+a", "+b", "-a"]
    assert str(caught.value) == (
        "processes/shared.py:7:1: b: the resource could not be opened: OSError: нет связи [resource_failed]"
    )


async def test_the_place_is_the_line_that_failed(collect: Collect) -> None:
    code = (
        "from typing import Annotated\nfrom jackfield import process, resource\n"
        "def connect():\n    raise OSError('нет')\n"
        "@resource\nasync def pool():\n    yield connect()\n"
        "@process\ndef say(p: Annotated[int, pool]): ...\n"
    )
    compiled = signature_of(collect({"a.py": code}), "a.say")
    with pytest.raises(PlanError) as caught:
        await open_all(compiled.resources, time_limit=5)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == ("processes/a.py", 4, "a.pool")


def late_from(monkeypatch: pytest.MonkeyPatch, name: str, log: list[str]) -> None:
    """Let a limit of 60 s pass as soon as `log` holds `name`: not before, however slow the machine is."""
    loop = asyncio.get_running_loop()
    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + 60 * (name in log))


async def test_a_resource_that_never_opens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[str] = []

    async def function() -> AsyncIterator[int]:
        log.append("slow")
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            cleaned.append("да")

    log: list[str] = []
    late_from(monkeypatch, "slow", log)
    with pytest.raises(PlanError, match=r"was not open after 60 s"):
        await open_all([made("a", log), Resource("slow", function, "f.py", 1, 1)], time_limit=60)
    assert (log, cleaned) == (["+a", "slow", "-a"], ["да"])


async def test_a_resource_that_yields_nothing() -> None:
    async def function() -> AsyncIterator[int]:
        if False:
            yield 1

    with pytest.raises(PlanError, match="ended before its `yield`"):
        await open_all([Resource("a", function, "f.py", 1, 1)], time_limit=5)


async def test_a_second_yield_is_a_failure() -> None:
    async def function() -> AsyncIterator[int]:
        yield 1
        yield 2

    opened = await open_all([Resource("a", function, "f.py", 1, 1)], time_limit=5)
    with pytest.raises(ExceptionGroup) as caught:
        await opened.close()
    assert "more than once" in str(caught.value.exceptions[0])


async def test_what_is_tied_to_a_task_may_stand_around_the_yield() -> None:
    done: list[str] = []

    async def function() -> AsyncIterator[asyncio.TaskGroup]:
        async with asyncio.TaskGroup() as group:
            yield group

    async def work() -> None:
        done.append("сделано")

    opened = await open_all([Resource("tasks", function, "f.py", 1, 1)], time_limit=5)
    opened.values["tasks"].create_task(work())
    await asyncio.create_task(opened.close())
    assert done == ["сделано"]


async def test_a_cancelled_opening_leaves_nothing_open() -> None:
    log: list[str] = []
    waiting = asyncio.Event()

    async def function() -> AsyncIterator[int]:
        waiting.set()
        await asyncio.Event().wait()
        yield 1

    task = asyncio.create_task(open_all([made("a", log), Resource("b", function, "f.py", 1, 1)], time_limit=5))
    await asyncio.wait_for(waiting.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["+a", "-a"]


async def test_nothing_to_open() -> None:
    opened = await open_all([], time_limit=1)
    assert opened.values == {}
    await opened.close()
    assert Opened().values == {}


class _Mute(BaseException):
    """An exception whose own code fails when it is shown."""

    def __str__(self) -> str:
        raise SystemExit


FAULTS = [
    SystemExit("DATABASE_URL is missing"),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    _Mute(),
]


@pytest.mark.parametrize("fault", [*FAULTS, TimeoutError("its own")])
async def test_whatever_an_opening_raises_is_a_problem(fault: BaseException) -> None:
    log: list[str] = []
    with pytest.raises(PlanError) as caught:
        await open_all([made("a", log), made("b", log, fault)], time_limit=5)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path, problem.file) == ("resource_failed", "b", "processes/shared.py")
    assert type(fault).__name__ in problem.message
    assert problem.message.startswith("the resource could not be opened: ")
    assert problem.hint == ("" if isinstance(fault, Exception) else "raise an exception that says what is missing")
    assert log == ["+a", "+b", "-a"]


async def test_a_resource_that_cancels_itself_or_is_cancelled_is_a_problem() -> None:
    """The task that opens it is no task of the publish."""

    async def itself() -> AsyncIterator[int]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        yield 1

    with pytest.raises(PlanError, match=r"could not be opened: asyncio.*CancelledError"):
        await open_all([Resource("a", itself, "f.py", 1, 1)], time_limit=5)
    opening = asyncio.create_task(open_all([made("a", [])], time_limit=5))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task(), opening}:
        task.cancel()  # before its first step
    with pytest.raises(PlanError, match="CancelledError"):
        await opening


@pytest.mark.parametrize("fault", [*FAULTS, ValueError("не закрылось")])
async def test_whatever_a_closing_raises_is_reported_with_its_name_and_keeps_no_other_open(
    fault: BaseException,
) -> None:
    async def function() -> AsyncIterator[int]:
        yield 1
        raise fault

    log: list[str] = []
    bad = Resource("bad", function, "f.py", 1, 1)
    opened = await open_all([made("a", log), bad, made("b", log)], time_limit=5)
    with pytest.raises(NotClosed) as caught:
        await opened.close()
    (failure,) = caught.value.exceptions
    assert caught.value.names == ("bad",)
    assert fault is (failure if isinstance(fault, Exception) else failure.__cause__)
    assert log == ["+a", "+b", "-b", "-a"]


def deaf(log: list[str], *, at_first: bool = False) -> Resource:
    """A resource that swallows its cancellation, while it is opened or while it is closed."""

    async def wait_for_ever() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("swallowed")

    async def function() -> AsyncIterator[int]:
        try:
            if at_first:
                log.append("deaf")
                await wait_for_ever()
            yield 1
            await wait_for_ever()
        finally:
            log.append("-deaf")

    return Resource("deaf", function, "f.py", 1, 1)


async def test_a_closing_that_swallows_its_cancellation_is_ended_and_the_others_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log: list[str] = []
    opened = await open_all([made("a", log), deaf(log), made("b", log)], time_limit=5)
    with pytest.raises(NotClosed) as caught:
        await asyncio.wait_for(opened.close(0.05), 5)
    assert caught.value.names == ("deaf",)
    assert "was not closed after 0.05 s" in str(caught.value.exceptions[0])
    assert log == ["+a", "+b", "-b", "-a", "swallowed", "swallowed", "-deaf"]
    assert "resource_not_ended resource='deaf'" in caplog.text


async def test_an_opening_that_swallows_its_cancellation_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resources, "BREAK_OFF", 0.02)
    log: list[str] = []
    late_from(monkeypatch, "deaf", log)
    with pytest.raises(PlanError, match=r"was not open after 60 s"):
        await open_all([made("a", log), deaf(log, at_first=True)], time_limit=60)
    assert log == ["+a", "deaf", "swallowed", "swallowed", "-deaf", "-a"]
    assert "resource_not_ended resource='deaf'" in caplog.text


async def test_one_that_ends_while_it_is_used_is_reported_at_once(caplog: pytest.LogCaptureFixture) -> None:
    over = asyncio.Event()

    async def function() -> AsyncIterator[int]:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            yield 1

    async def fail() -> None:
        await over.wait()
        raise OSError("нет связи")

    opened = await open_all([Resource("a", function, "f.py", 1, 1)], time_limit=5)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "resource a")
    over.set()
    await asyncio.wait({task}, timeout=5)
    assert "resource_ended resource='a' incident=" in caplog.text
    with pytest.raises(NotClosed):
        await opened.close()
