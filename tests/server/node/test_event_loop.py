"""The run of the loop: code of the project ends neither it nor the program's end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from types import FunctionType
from typing import Any

import pytest
import uvloop

from jackfield.server.node import event_loop
from jackfield.server.node.event_loop import run
from jackfield.tasks import immortal

LIMIT = 30.0

Loop = asyncio.AbstractEventLoop
LOOPS: dict[str, Callable[[], Loop]] = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def new_loop(request: pytest.FixtureRequest) -> Callable[[], Loop]:
    """Both loops: that of production, and that of development."""
    return LOOPS[request.param]


def leave(*_: object) -> None:
    raise SystemExit("DATABASE_URL is missing")


async def leave_later() -> None:
    leave()


def done(loop: Loop) -> None:
    future = loop.create_future()
    future.add_done_callback(leave)
    future.set_result(None)


def readable(loop: Loop) -> None:
    ours, theirs = socket.socketpair()

    def read() -> None:
        loop.remove_reader(ours)
        ours.close()
        leave()

    loop.add_reader(ours, read)
    with theirs:
        theirs.send(b"x")


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def signalled(loop: Loop) -> None:
    loop.add_signal_handler(signal.SIGUSR1, leave)
    signal.raise_signal(signal.SIGUSR1)


EXITS: dict[str, Callable[[Loop], object]] = {
    "a task": lambda loop: loop.create_task(leave_later()),
    "a callback": lambda loop: loop.call_soon(leave),
    "a timer": lambda loop: loop.call_later(0.001, leave),
    "another thread's callback": lambda loop: loop.call_soon_threadsafe(leave),
    "a future's callback": done,
    "a reader": readable,
    "Ctrl-C that nobody pressed": lambda loop: loop.call_soon(interrupt),
    "a signal's callback": signalled,
    "a stop of the loop": lambda loop: loop.stop(),
}


@pytest.mark.parametrize("name", EXITS)
def test_whoever_exits_ends_nothing(new_loop: Callable[[], Loop], name: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> str:
        EXITS[name](asyncio.get_running_loop())
        while "exit_ignored incident=" not in caplog.text:  # noqa: ASYNC110 - the log sets no event
            await asyncio.sleep(0.001)
        return "served on"

    before = signal.getsignal(signal.SIGINT)
    assert run(main(), new_loop) == "served on"
    assert caplog.text.count("exit_ignored") == 1
    assert "never retrieved" not in caplog.text
    assert signal.getsignal(signal.SIGINT) is before


def test_what_nobody_caught_is_an_incident(new_loop: Callable[[], Loop], caplog: pytest.LogCaptureFixture) -> None:
    class Secret:
        def __repr__(self) -> str:
            raise SystemExit

    async def fail(_secret: Secret) -> None:
        raise BaseException("ой")

    async def main() -> None:
        task = asyncio.create_task(fail(Secret()), name="mine")
        await asyncio.wait({task})
        del task
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.001)

    run(main(), new_loop)
    assert "task='mine'" in caplog.text
    assert "BaseException: ой" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert caplog.text.count("uncaught incident=") == 2


def test_a_process_that_cancels_all_tasks_means_its_own(new_loop: Callable[[], Loop]) -> None:
    """`asyncio.all_tasks` is everybody's, and an orderly stop that people copy cancels what it gives."""
    found: list[str] = []

    async def theirs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            found.append("theirs")

    async def ours() -> str:
        await asyncio.sleep(0.001)
        return "ours"

    ours_too = _of("jackfield.server.somewhere", ours)

    async def main() -> str:
        mine = asyncio.create_task(ours_too())
        asyncio.create_task(theirs())  # noqa: RUF006 - whoever cancels all tasks keeps none
        await asyncio.sleep(0)
        for task in asyncio.all_tasks():
            task.cancel()
        found: str = await mine
        return found

    assert run(_of("jackfield.cli.serve", main)(), new_loop) == "ours"
    assert found == ["theirs"]


def _of(module: str, function: Any) -> Any:
    """A function as if it stood in another module."""
    names = {**function.__globals__, "__name__": module}
    return FunctionType(function.__code__, names, None, None, function.__closure__)


def test_what_the_main_task_raises_is_raised(new_loop: Callable[[], Loop]) -> None:
    async def main() -> None:
        raise OSError("нет")

    with pytest.raises(OSError, match="нет"):
        run(main(), new_loop)


def test_ctrl_c_cancels_and_a_second_one_ends_at_once(new_loop: Callable[[], Loop]) -> None:
    reported: list[str] = []

    async def main(presses: int) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            reported.append("cleaned")
            if presses > 1:
                signal.raise_signal(signal.SIGINT)
                await asyncio.Event().wait()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a program begun with & has none
    try:
        for presses in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                run(main(presses), new_loop)
    finally:
        signal.signal(signal.SIGINT, before)
    assert reported == ["cleaned", "cleaned"]


async def deaf() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def numbers() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await deaf()


def test_what_a_project_leaves_behind_is_ended_in_time(
    new_loop: Callable[[], Loop], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_loop, "LEFT_LIMIT", 0.05)
    tasks: list[asyncio.Task[None]] = []  # a garbage collection would end them before their time

    async def main() -> AsyncIterator[int]:
        tasks.append(asyncio.create_task(_of("processes.mine", deaf)(), name="mine"))
        tasks.append(asyncio.create_task(leave_at_last(), name="last"))
        await asyncio.sleep(0)
        found = numbers()
        await anext(found)
        return found

    async def leave_at_last() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            leave()

    kept = run(main(), new_loop)
    assert "task_not_ended task='mine' at='server/node/test_event_loop.py:" in caplog.text
    assert "task_not_ended task='async generators'" in caplog.text
    assert "exit_ignored" in caplog.text
    assert not immortal()
    del kept


PROGRAM = """
import asyncio, sys, threading, time
from jackfield.logs import setup
from jackfield.server.node import event_loop
setup("text")
event_loop.LEFT_LIMIT = 0.1
async def immortal():
    while True:
        try:
            await asyncio.Event().wait()
        except BaseException:
            pass
async def main():
    asyncio.create_task(immortal())
    await asyncio.sleep(0)
{main}
"""


@pytest.mark.parametrize(
    ("main", "reported"),
    [
        ("event_loop.run(main())\nevent_loop.leave()", "threads_left"),
        (
            "threading.Thread(target=time.sleep, args=(60,), name='mine').start()\nevent_loop.leave()",
            "threads=['mine']",
        ),
        ("event_loop.leave_within(0.1)\ntime.sleep(60)", "stop_too_long"),
        ("import atexit\natexit.register(time.sleep, 60)\nevent_loop.leave_within(0.1)", "stop_too_long"),
    ],
    ids=["a task", "a thread", "a call", "a function at the end"],
)
def test_the_program_ends_whatever_holds_it_up(main: str, reported: str) -> None:
    """In a program of its own: it is ended without a further word to anybody in it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(main=main)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert reported in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_in_a_thread_leaves_the_signals_alone(new_loop: Callable[[], Loop]) -> None:
    found: list[int] = []

    async def main() -> int:
        return 7

    thread = threading.Thread(target=lambda: found.append(run(main(), new_loop)))
    thread.start()
    thread.join(LIMIT)
    assert found == [7]
