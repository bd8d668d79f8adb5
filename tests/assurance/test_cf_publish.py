"""CF-9: publishes that fail in every way that code of a project can, into a server that people talk to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from jackfield.server.node import control
from tests.hostile import AT_LOAD
from tests.test_files import NONE
from tests.walk.conftest import Server, ask, close_code, write

pytestmark = pytest.mark.walk

ENDPOINTS = """\
endpoints:
  say: {url: /ws/say, process: say.say, auth: public, limits: {rate: off}}
  slow: {url: /ws/slow, process: slow.wait, auth: public}
"""
SAY = "from jackfield import process\n@process\nasync def say(text: str) -> str:\n    return text\n"
SLOW = """\
import asyncio
from jackfield import process

@process
async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "waited"
"""

_POOL = """\
import asyncio, sys
from typing import Annotated
from jackfield import process, resource

{before}
@resource
async def pool():
    {opening}
    yield 1
    {closing}

@process
async def say(text: str, pool: Annotated[int, pool]) -> str:
    return text
"""


def pool(opening: str = "pass", closing: str = "pass", before: str = "") -> str:
    """processes/say.py with a resource that fails."""
    return _POOL.format(opening=opening, closing=closing, before=before)


RAISES = {
    "exits": "sys.exit('DATABASE_URL is missing')",
    "is interrupted": "raise KeyboardInterrupt",
    "is cancelled": "raise asyncio.CancelledError",
    "is closed": "raise GeneratorExit",
    "fails": "raise OSError('no database')",
    "cancels itself": "asyncio.current_task().cancel(); await asyncio.sleep(0)",
    "cancels all tasks and itself": "[task.cancel() for task in (*asyncio.all_tasks(), asyncio.current_task())]; "
    "await asyncio.sleep(0)",
}
REFUSED: dict[str, str] = {
    **AT_LOAD,
    **{f"a resource that {name} when it is opened": pool(opening=code) for name, code in RAISES.items()},
    "a fault of syntax": SAY + "def def\n",
    "a name that is not there": SAY + "import nowhere_at_all\n",
    "half a file": SAY[:40],
    "nothing": "",
    "bytes": "\0",
    "a bracket and many more": "x = " + "(" * 5000,
    "a long name": "x" + ".a" * 20_000 + "\n",
}
"""processes/say.py in ways that cannot go live."""

YAML = {
    "no file": "",
    "half a file": ENDPOINTS[:-20],
    "no yaml": "endpoints: {say: [",
    "another type": "endpoints: 7\n",
    "an unknown process": ENDPOINTS.replace("say.say", "say.sey"),
    "two of one URL": ENDPOINTS.replace("/ws/slow", "/ws/say"),
    "an alias bomb": "a: &a [x, x]\nb: &b [*a, *a]\nendpoints: *b\n",
    "a tag": "endpoints: !!python/object/apply:os._exit [1]\n",
    "deep": "endpoints: " + "[" * 5000,
}

AT_ONCE = {
    "a task that exits": "asyncio.create_task(leave())",
    "a callback that exits": "asyncio.get_running_loop().call_soon(sys.exit, 'later')",
    "a timer that exits": "asyncio.get_running_loop().call_later(0.01, sys.exit, 'later')",
    "a timer that is interrupted": "asyncio.get_running_loop().call_later(0.01, interrupt)",
    "a done callback that exits": "asyncio.create_task(asyncio.sleep(0)).add_done_callback(sys.exit)",
    "a thread that exits": "threading.Thread(target=sys.exit).start()",
    "a thread that calls back": "asyncio.get_running_loop().call_soon_threadsafe(sys.exit)",
    "a thread of the pool that exits": "asyncio.get_running_loop().run_in_executor(None, sys.exit)",
    "an object that exits when it is freed": "Freed()",
    "a generator that exits when it is freed": "await left().__anext__()",
    "a stop of the loop": "asyncio.get_running_loop().stop()",
    "a handler that exits": "asyncio.get_running_loop().set_exception_handler(sys.exit)",
    "all tasks cancelled": "[task.cancel() for task in asyncio.all_tasks()]",
    "an exit": "sys.exit('now')",
    "an interruption": "interrupt()",
    "a cancellation": "raise asyncio.CancelledError",
    "a close": "raise GeneratorExit",
    "an exception that cannot be told": "raise Mute",
}
RUNNING = f"""\
import asyncio, sys, threading
from jackfield import process

async def leave():
    sys.exit("later")

async def left():
    try:
        yield 1
    finally:
        sys.exit("freed")

def interrupt():
    raise KeyboardInterrupt

class Freed:
    def __del__(self): sys.exit("freed")

class Mute(BaseException):
    def __str__(self): sys.exit("mute")
    __repr__ = __str__

@process
async def say(text: str) -> str:
    match text:
{"".join(f"        case {name!r}:{chr(10)}            {code}{chr(10)}" for name, code in AT_ONCE.items())}
    return text
"""


@pytest.fixture
def server(tmp_path: Path, start: Callable[..., Server]) -> Server:
    """A server with one endpoint whose process is broken, and one whose is not."""
    write(tmp_path, endpoints=ENDPOINTS, say=SAY, slow=SLOW)
    return start(tmp_path)


def publish(server: Server) -> dict[str, Any]:
    """What the server answers; that it answers at all is the first thing that is held."""
    return dict(control.ask(server.folder / ".jackfield" / "server.json", "publish", time_limit=30))


@contextmanager
def talking(server: Server) -> Iterator[Callable[[], int]]:
    """A client that asks all the time; gives how often it was answered, and every answer is the right one."""
    over, answered = threading.Event(), 0

    def talk() -> None:
        nonlocal answered
        with server.socket("/ws/say") as socket:
            while not over.is_set():
                assert ask(socket, text="ещё") == {"result": "ещё"}
                answered += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield lambda: answered
    finally:
        over.set()
        thread.join(10)
        assert not thread.is_alive()


def still_serves(socket: ClientConnection) -> None:
    assert ask(socket, text="Привет") == {"result": "Привет"}


def test_cf_9_whatever_a_publish_does_the_old_plan_serves_and_the_file_is_named(server: Server) -> None:
    with server.socket("/ws/say") as socket, server.socket("/ws/slow") as slow, talking(server) as answered:
        slow.send('{"seconds": 0.5}')
        for name, text in REFUSED.items():
            write(server.folder, say=text)
            found = publish(server)
            assert "problems" in found, (name, found)
            assert any("processes/say.py" in problem["text"] for problem in found["problems"]), (name, found)
            still_serves(socket)
        write(server.folder, say=SAY)
        for name, text in YAML.items():
            write(server.folder, endpoints=text)
            found = publish(server)
            assert any(problem["text"].startswith("endpoints.yaml") for problem in found["problems"]), (name, found)
            still_serves(socket)
        assert slow.recv(timeout=5) == '{"result":"waited"}'
        assert answered() > len(REFUSED)
    write(server.folder, endpoints=ENDPOINTS)
    assert publish(server)["ok"]["generation"] == 2
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_cf_9_what_is_no_file_is_named_and_the_old_plan_serves(server: Server) -> None:
    with server.socket("/ws/say") as socket:
        for place in ("processes/say.py", "endpoints.yaml", "endpoints/more.yaml", "examples/say.yaml"):
            path = server.folder / place
            path.parent.mkdir(exist_ok=True)
            before = path.read_bytes() if path.exists() else None
            for make, _ in NONE:
                path.unlink(missing_ok=True)
                make(path)
                found = publish(server)
                assert any(place in problem["text"] for problem in found.get("problems", ())), (make, found)
                still_serves(socket)
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
            path.unlink(missing_ok=True)
            if before is not None:
                path.write_bytes(before)
            assert "ok" in publish(server), place


def test_cf_9_whatever_runs_later_ends_nothing(server: Server) -> None:
    """What went live and exits afterwards, in a call, a task, a callback: an incident, and everybody goes on."""
    write(server.folder, say=RUNNING)
    assert "ok" in publish(server)
    with server.socket("/ws/slow") as slow:
        slow.send('{"seconds": 1}')
        for name in AT_ONCE:
            with server.socket("/ws/say") as socket:
                found = ask(socket, text=name)
                assert found == {"result": name} or found["error"]["code"] == "process_failed", (name, found)
            with server.socket("/ws/say") as socket:
                still_serves(socket)
            assert "endpoints" in control.ask(server.folder / ".jackfield" / "server.json", "status")["ok"], name
        # it waited while all tasks were cancelled
        assert slow.recv(timeout=5) == '{"result":"waited"}'
    write(server.folder, say=SAY)
    assert "ok" in publish(server)
    with talking(server) as answered:
        while answered() < 10:
            pass
    assert server.stop() == 0
    reported = "\n".join(server.lines)
    assert "exit_ignored" in reported
    assert "uncaught" in reported


def test_cf_9_a_process_that_cancels_its_own_task_loses_its_own_connection(server: Server) -> None:
    cancels = SAY.replace("    return", "    asyncio.current_task().cancel(); await asyncio.sleep(0)\n    return")
    write(server.folder, say=f"import asyncio\n{cancels}")
    assert "ok" in publish(server)
    with server.socket("/ws/say") as socket, server.socket("/ws/slow") as slow:
        socket.send('{"text": ""}')
        assert close_code(socket) == 1011
        server.wait_for("call_cancelled")
        assert ask(slow, seconds=0) == {"result": "waited"}


def test_cf_9_a_closing_that_fails_ends_nothing(server: Server) -> None:
    for closing in RAISES.values():
        write(server.folder, say=pool(closing=closing))
        assert "ok" in publish(server)
        with server.socket("/ws/say") as socket, server.socket("/ws/slow") as slow:
            slow.send('{"seconds": 0.2}')
            still_serves(socket)
            write(server.folder, say=SAY)
            assert "ok" in publish(server)
            server.wait_for("resource_not_closed")
            still_serves(socket)
            assert slow.recv(timeout=5) == '{"result":"waited"}'
    assert server.stop() == 0


class Impatient(Server):
    """A server that gives a load a second; all else is as in life."""

    program = (
        "-c",
        "from jackfield.server.publish import building\nbuilding.LOAD_LIMIT = 1.0\n"
        "from jackfield.cli import main\nmain()",
    )


@pytest.mark.parametrize("road", ["publish", "SIGHUP", "watch"])
def test_cf_9_a_load_that_does_not_come_back_is_named_and_ended(tmp_path: Path, road: str) -> None:
    """Its thread would keep a core for good, and the next load with it."""
    write(tmp_path, endpoints=ENDPOINTS, say=SAY, slow=SLOW)
    server = Impatient(tmp_path, *(["--watch"] if road == "watch" else []))
    try:
        with server.socket("/ws/say") as socket:
            write(tmp_path, say=SAY + "while True:\n    pass\n")
            if road == "publish":
                (problem,) = publish(server)["problems"]
                assert problem["text"].startswith(("processes/say.py:5: ", "processes/say.py:6: ")), problem
            elif road == "SIGHUP":
                server.hear(signal.SIGHUP)
            reported = server.wait_for("load_too_slow")
            assert "at=processes/say.py:" in reported
            assert "ended=True" in reported
            if road != "publish":
                server.wait_for(r"processes/say\.py:[56]: loading took longer")
            still_serves(socket)
            write(tmp_path, say=SAY)
            assert "ok" in publish(server)
    finally:
        assert server.stop() == 0


def test_cf_9_a_signal_stops_it_all_the_same(server: Server) -> None:
    """After all that was held: the stop that is meant still is one."""
    write(server.folder, say=RUNNING)
    assert "ok" in publish(server)
    with server.socket("/ws/say") as socket:
        for name in ("a task that exits", "a timer that is interrupted", "a stop of the loop", "all tasks cancelled"):
            ask(socket, text=name)
            server.wait_for("exit_ignored") if "all" not in name else still_serves(socket)
    again = "def again():\n    asyncio.get_running_loop().call_later(0.001, again)\n    raise KeyboardInterrupt\n\n"
    write(server.folder, say=again.join(["import asyncio\n", SAY.replace("return text", "again()\n    return text")]))
    assert "ok" in publish(server)
    with server.socket("/ws/say") as socket:
        assert ask(socket, text="")["error"]["code"] == "process_failed"
    for _ in range(100):
        server.wait_for("exit_ignored")
    assert server.stop() == 0
    assert not (server.folder / ".jackfield" / "server.json").exists()
