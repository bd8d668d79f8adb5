"""How a server stops: what is being answered is answered, and a second signal does not wait."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from .conftest import Server, ask, close_code, write

pytestmark = pytest.mark.walk

WORK = """\
import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from jackfield import process, resource
from typing import Annotated

@process(reply="number")
async def work(number: int, began: str = "", seconds: float = 1.0) -> int:
    if began:
        Path(began).touch()
    await asyncio.sleep(seconds)
    return number

@process(reply="text", blocking=True)
def block(began: str, seconds: float) -> str:
    Path(began).touch()
    time.sleep(seconds)
    return "done"

@resource
async def stubborn() -> AsyncIterator[str]:
    try:
        yield "open"
    finally:
        await asyncio.sleep(3600)

@process(reply="text")
def use(stubborn: Annotated[str, stubborn]) -> str:
    return stubborn
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    names = ("work", "block")
    lines = [f"  {name}: {{url: /ws/{name}, process: work.{name}, auth: public}}\n" for name in names]
    return write(tmp_path, endpoints="endpoints:\n" + "".join(lines), work=WORK)


def wait_for(path: Path, limit: float = 10) -> None:
    """Wait until a process has said that it began."""
    end = time.monotonic() + limit
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_replies_first_then_1012(project: Path, start: Callable[..., Server], number: int) -> None:
    server = start(project)
    began = project / "began"
    with server.socket("/ws/work") as busy, server.socket("/ws/work") as idle:
        busy.send(json.dumps({"number": 1, "began": str(began)}))
        busy.send(json.dumps({"number": 2, "seconds": 0.1}))  # waits behind the first and is answered too
        wait_for(began)
        server.hear(number)
        assert json.loads(busy.recv(timeout=5)) == {"number": 1}
        assert json.loads(busy.recv(timeout=5)) == {"number": 2}
        assert close_code(busy) == 1012
        assert close_code(idle) == 1012
    assert server.ended() == 0
    assert not (project / ".jackfield" / "server.json").exists()
    server.stop()
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_a_second_signal_ends_at_once(project: Path, start: Callable[..., Server]) -> None:
    server = start(project)
    began = project / "began"
    with server.socket("/ws/work") as busy:
        busy.send(json.dumps({"number": 1, "seconds": 3600, "began": str(began)}))
        wait_for(began)
        server.hear(signal.SIGTERM)
        _wait_until_stopping(server)
        server.hear(signal.SIGTERM)
        assert server.ended() == 0, "the call would take longer than anybody waits here"
    assert not (project / ".jackfield" / "server.json").exists()


def _wait_until_stopping(server: Server) -> None:
    """Knock until nobody new is taken, which is the first thing that a stop does."""
    end = time.monotonic() + 5
    while httpx.get(f"{server.http}/ready").status_code == 200:
        assert time.monotonic() < end
    with pytest.raises(InvalidStatus) as refused:
        server.socket("/ws/work")
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Jackfield-Error"] == "not_ready"
    assert refused.value.response.headers["Retry-After"] == "1"


def test_the_drain_has_an_end(project: Path, start: Callable[..., Server]) -> None:
    server = start(project, "--drain", "300ms")
    began = project / "began"
    with server.socket("/ws/work") as busy:
        busy.send(json.dumps({"number": 1, "seconds": 3600, "began": str(began)}))
        wait_for(began)
        server.hear(signal.SIGTERM)
        assert close_code(busy) == 1012
        assert server.ended() == 0, "the call would take longer than anybody waits here"
    server.stop()
    assert any("drain_too_long" in line for line in server.lines), server.lines
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_a_blocked_thread_keeps_nobody(project: Path, start: Callable[..., Server]) -> None:
    server = start(project, "--drain", "100ms")
    began = project / "began"
    with server.socket("/ws/block") as busy:
        busy.send(json.dumps({"seconds": 3600, "began": str(began)}))
        wait_for(began)
        server.hear(signal.SIGTERM)
        assert server.ended() == 0
    assert not (project / ".jackfield" / "server.json").exists()


def test_a_resource_that_does_not_close_can_be_left_by_a_second_signal(
    project: Path, start: Callable[..., Server]
) -> None:
    text = (project / "endpoints.yaml").read_text() + "  use: {url: /ws/use, process: work.use, auth: public}\n"
    write(project, endpoints=text)
    server = start(project)
    with server.socket("/ws/use") as socket:
        assert ask(socket) == {"text": "open"}
        server.hear(signal.SIGTERM)
        assert close_code(socket) == 1012
    end = time.monotonic() + 10
    while (project / ".jackfield" / "server.json").exists():  # everything else is closed before resources are
        assert time.monotonic() < end
        time.sleep(0.005)
    server.hear(signal.SIGTERM)
    assert server.ended() in (0, -signal.SIGTERM)
    server.stop()
    assert not any("resource_not_closed" in line for line in server.lines), "its own time of 10 s was waited for"


def test_a_module_that_never_finishes_loading_keeps_nobody(project: Path, start: Callable[..., Server]) -> None:
    server = start(project, "--watch")
    began = project / "began"
    hang = f"import time\nfrom pathlib import Path\nPath({str(began)!r}).touch()\ntime.sleep(3600)\n"
    write(project, hang=hang)
    wait_for(began)
    with server.socket("/ws/work") as socket:
        assert ask(socket, number=5, seconds=0) == {"number": 5}
    server.hear(signal.SIGTERM)
    assert server.ended() == 0


class Hasty(Server):
    """A server whose times for an end are short; all else is as in life."""

    program = (
        "-c",
        "import jackfield.cli.serve as serve\n"
        "from jackfield.server import generation; from jackfield.server.node import event_loop\n"
        "generation.CLOSE_LIMIT, event_loop.LEFT_LIMIT, serve.END_LIMIT = 0.4, 0.2, 2.0\n"
        "from jackfield.cli import main\n"
        "main()",
    )


STUBBORN = """\
import asyncio, atexit, sys, threading, time
from pathlib import Path
from typing import Annotated
from jackfield import process, resource

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def immortal():
    while True:
        try:
            await asyncio.Event().wait()
        except BaseException:
            pass

@resource
async def pool():
    yield 1
    {closing}

@process
async def say(began: str, pool: Annotated[int, pool]):
    Path(began).touch()
    {call}
"""
HOLDS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a call": ({"call": "await deaf()"}, ["call_not_ended"]),
    "a call that nothing ends": ({"call": "await immortal()"}, ["call_not_ended"]),
    "a task and a thread": (
        {
            "call": "say.kept = asyncio.create_task(deaf(), name='mine')\n"
            "    threading.Thread(target=time.sleep, args=(60,), name='mine').start()",
        },
        ["task_not_ended", "threads_left"],
    ),
    "a task that nothing ends and a thread of the pool": (
        {
            "call": "say.kept = asyncio.create_task(immortal())\n"
            "    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)",
        },
        ["task_not_ended", "threads_left"],
    ),
    "what is left behind": (
        {
            "closing": "await deaf()",
            "call": "async def left():\n        try: yield\n        finally: await deaf()\n"
            "    async def leave():\n        try: await deaf()\n        finally: sys.exit(3)\n"
            "    say.kept = left(), asyncio.create_task(leave()); await anext(say.kept[0])",
        },
        ["resource_not_ended", "task_not_ended", "exit_ignored"],
    ),
    "a resource that takes its time": ({"closing": "await asyncio.sleep(60)"}, ["resource_not_closed"]),
    "a resource that nothing ends": ({"closing": "await immortal()"}, ["resource_not_ended"]),
    "a generator": ({"call": "try: yield 1; await asyncio.sleep(60)\n    finally: await deaf()"}, ["call_not_ended"]),
    "a resource that blocks": ({"closing": "time.sleep(60)"}, ["stop_too_long"]),
    "a function at the end": ({"call": "atexit.register(time.sleep, 60)"}, ["stop_too_long"]),
}
"""What a project may hold a stop up with, and the lines of the log that say so."""


@pytest.mark.parametrize("name", HOLDS)
def test_whatever_holds_a_stop_up_has_its_limit_and_is_named(tmp_path: Path, name: str) -> None:
    """Without a limit each of these would hold it for a minute or for ever."""
    parts, events = HOLDS[name]
    text = STUBBORN.format(**{"closing": "pass", "call": "pass", **parts})
    write(tmp_path, endpoints="endpoints: {say: {url: /ws/say, process: work.say, auth: public}}\n", work=text)
    server = Hasty(tmp_path, "--drain", "100ms")
    try:
        with server.socket("/ws/say") as socket:
            socket.send(json.dumps({"began": str(tmp_path / "began")}))
            wait_for(tmp_path / "began")
            server.hear(signal.SIGTERM)
            assert server.ended() == 0
    finally:
        server.process.kill()
        server.stop()
    for event in events:
        lines = [line for line in server.lines if event in line]
        assert lines, (event, server.lines)
        if event in ("call_not_ended", "task_not_ended") and name != "what is left behind":
            assert "processes/work.py:" in lines[0]
