"""Standard streams that nobody reads, that are full or not there: whoever writes goes on, and it is counted."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield import stdio
from jackfield.stdio import LONGEST_TEXT, MOST, Outlet, Printed
from tests.projects import SAY, write

LINE = b"x" * 999 + b"\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(fd)


@pytest.fixture(autouse=True)
def _uncounted() -> Iterator[None]:
    stdio.dropped.clear()
    yield
    stdio.dropped.clear()


def test_what_a_stream_takes_is_there_at_once_and_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outlet = Outlet("stderr", writing)
    for number in range(50):
        assert outlet.write(b"%d\n" % number) == len(b"%d\n" % number)
    assert os.read(reading, 65536) == b"".join(b"%d\n" % number for number in range(50))


class Told(logging.Handler):
    """What the log is told, by whichever thread."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.came.set()


@pytest.fixture
def reported() -> Iterator[Told]:
    handler = Told()
    logging.getLogger("jackfield").addHandler(handler)
    yield handler
    logging.getLogger("jackfield").removeHandler(handler)


def test_nobody_reads_and_nobody_waits(pipe: tuple[int, int], reported: Told) -> None:
    reading, writing = pipe
    outlet = Outlet("stderr", writing)
    sent = 3 * MOST // len(LINE)
    for _ in range(sent):
        outlet.write(LINE)
    lost = stdio.dropped["stderr"]
    assert sent - lost <= (MOST + 65536 + 4096) // len(LINE) + 1, "what waits is bounded"
    assert reported.lines == [], "nobody could read it yet"
    came = 0
    while came < (sent - lost) * len(LINE):
        came += len(os.read(reading, 65536))
    outlet.settle(5)
    assert came == (sent - lost) * len(LINE), "whole lines, none twice"
    outlet.write(b"once more\n")
    assert reported.came.wait(30)
    assert reported.lines == [f"lines_dropped stream='stderr' lines={lost}"]


def test_one_that_is_longer_than_the_pipe_is_whole(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outlet = Outlet("stderr", writing)
    text = bytes(range(256)) * 1024
    outlet.write(text)
    found = b""
    while len(found) < len(text):
        found += os.read(reading, 65536)
    assert found == text


def test_a_reader_that_leaves_and_a_disk_that_is_full(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outlet = Outlet("stderr", writing)
    os.close(reading)
    outlet.write(LINE)
    with Path("/dev/full").open("wb", buffering=0) as full:
        Outlet("stdout", full.fileno()).write(LINE + LINE)
    assert stdio.dropped == {"stderr": 1, "stdout": 2}


def test_a_reader_that_leaves_while_something_waits(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outlet = Outlet("stderr", writing)
    for _ in range(200):
        outlet.write(LINE)
    os.close(reading)
    outlet.settle(5)
    outlet.write(LINE)
    assert stdio.dropped["stderr"] > 100


def test_a_child_of_a_fork_writes_too(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    code = (
        "import os, sys\nfrom jackfield import stdio\nstdio.install(['stderr'])\n"
        "for _ in range(100): sys.stderr.write('x' * 999 + '\\n')\n"  # the thread waits for the stream
        "if os.fork() == 0:\n    sys.stderr.write('of the child\\n'); stdio.settle(); os._exit(0)\n"
        "print('go', flush=True)\nos.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=writing) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"go\n"
        os.close(writing)
        found = b""
        while part := os.read(reading, 65536):
            found += part
        assert child.wait(10) == 0
    assert b"of the child\n" in found


ENDPOINTS = "endpoints:\n  say: {url: /ws/say, process: say.say, auth: public}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, ENDPOINTS, say=SAY)


def closed(fd: int) -> Callable[[], None]:
    return lambda: os.close(fd)


@pytest.mark.parametrize(
    ("arguments", "code", "how"),
    [(["check"], 0, "absent"), (["status"], 3, "full"), (["no-such"], 2, "absent"), (["check"], 0, "unread")],
)
def test_exit_codes_do_not_depend_on_stderr(
    project: Path, arguments: list[str], code: int, how: str, pipe: tuple[int, int]
) -> None:
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1], LINE)
    os.set_blocking(pipe[1], True)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "jackfield", "-C", str(project), *arguments],
            stdout=subprocess.PIPE,
            stderr=pipe[1] if how == "unread" else full,
            preexec_fn=closed(2) if how == "absent" else None,
            timeout=60,
            check=False,
        )
    assert done.returncode == code


def test_what_is_no_terminal_gets_utf_8(project: Path) -> None:
    (project / "endpoints.yaml").write_text(f"title: Справка 😀\n{ENDPOINTS}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "jackfield", "-C", str(project), "export", "markdown"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=True,
    )
    assert "Справка 😀" in done.stdout.decode("utf-8")


def test_what_is_printed_is_an_event_for_each_end_of_a_line_and_threads_do_not_mix() -> None:
    told = Told()
    stream = Printed("stdout", sys.__stdout__, told)

    class Talker:
        def __str__(self) -> str:
            print("within", file=stream)  # while an event is made: dropped, no event of an event without end
            return "said"

    print("начало", end=" ", file=stream)
    other = threading.Thread(target=lambda: print("другой\nдвух строк 🧵", file=stream))
    other.start()
    other.join()
    print("конец", file=stream)
    print("50 %", end="\r", flush=True, file=stream)
    stream.buffer.write("байты".encode())
    stream.buffer.flush()
    print("x" * LONGEST_TEXT + "y", end="", file=stream)
    stream.flush()
    told.emit = lambda record: told.lines.append(str(Talker()))  # type: ignore[method-assign]
    print("last", file=stream)
    assert told.lines[:4] == ["другой\nдвух строк 🧵", "начало конец", "50 %", "байты"]
    assert [len(line) for line in told.lines[4:]] == [LONGEST_TEXT + 1, len("said")]
    with pytest.raises(TypeError, match="must be str"):
        stream.write(b"x")  # type: ignore[arg-type]
