"""A real server in a process of its own, started through the command line, and what drives it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from jackfield.cli import main
from tests.projects import write as write

ROOT = Path(__file__).parents[2]
LIMIT = 20.0

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("JACKFIELD_", "PYTHON"))}


def jackfield(folder: Path, *arguments: str, given: str | None = None, **environment: str) -> Any:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "jackfield", "-C", str(folder), *arguments],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**CLEAN, **environment},
    )


_ONE_AT_A_TIME = threading.Lock()  # the runner takes over sys.stdout, which all threads share


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def jackfield_in_place(folder: Path, *arguments: str, given: str | None = None, **environment: str) -> Done:
    """Run one command without a process of its own, which costs half a second; not for `serve`."""
    clean = {name: None for name in os.environ if name not in CLEAN}
    with _ONE_AT_A_TIME:
        done = CliRunner().invoke(main, ["-C", str(folder), *arguments], input=given, env={**clean, **environment})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def jackfield_here(folder: Path, *arguments: str) -> str:
    """Run one command that succeeds, in place; gives its standard output."""
    done = jackfield_in_place(folder, *arguments)
    assert done.returncode == 0, done
    return done.stdout


class Server:
    """One `jackfield serve`; its stderr is read all the time, so that it never waits for us."""

    program: Sequence[str] = ("-m", "jackfield")

    def __init__(self, folder: Path, *arguments: str, ready: str = "Stop with Ctrl", **environment: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.stdout = ""
        self._out = folder.with_name(f"{folder.name}.stdout")
        self._fresh: Queue[str | None] = Queue()
        with self._out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, *self._command(arguments)],
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={**CLEAN, **environment},
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.http: str = self._address(self.wait_for(ready))
        self.ws = f"ws{self.http.removeprefix('http')}"

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [*self.program, "-C", str(self.folder), "serve", "--port", "0", *arguments]

    def _address(self, _ready: str) -> str:
        """Where it listens, when the line that it is ready has come."""
        return str(json.loads((self.folder / ".jackfield" / "server.json").read_text())["address"])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            self._fresh.put(line.rstrip("\n"))
        self._fresh.put(None)

    def wait_for(self, pattern: str, limit: float = LIMIT) -> str:
        """The next line of stderr that matches."""
        while True:
            try:
                line = self._fresh.get(timeout=limit)
            except Empty:
                raise AssertionError(f"no line {pattern!r} in {self.lines}") from None
            assert line is not None, f"the server ended: {self.lines}"
            if re.search(pattern, line):
                return line

    def memory(self) -> int:
        """Its bytes that are in memory, which Linux tells."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * resource.getpagesize()

    def descriptors(self) -> int:
        """How many descriptors it has open, which Linux tells."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def hear(self, number: int) -> None:
        """Send a signal to this one process."""
        self.process.send_signal(number)

    def ended(self, limit: float = LIMIT) -> int:
        """Wait for its end; gives the exit code."""
        return self.process.wait(timeout=limit)

    def run(self, *arguments: str, given: str | None = None, **environment: str) -> Done:
        """Run one command of this server's project.

        In place, but for `call`, which reads standard input itself, and where a loop runs, which commands have too.
        """
        run = jackfield if arguments[0] == "call" or _in_a_loop() else jackfield_in_place
        done: Done = run(self.folder, *arguments, given=given, **environment)
        return done

    def socket(self, path: str, **options: Any) -> ClientConnection:
        """Open a WebSocket to one of its endpoints."""
        opened: ClientConnection = connect(self.ws + path, **options)
        return opened

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and give its exit code; `lines` and `stdout` have all that it printed then."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=LIMIT)
        self._reader.join(timeout=LIMIT)
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.stdout = self._out.read_text(encoding="utf-8")
        return code

    def first_cookie(self) -> dict[str, str]:
        """The session of the first start, which costs no command."""
        text = (self.folder / ".jackfield" / "first-admin").read_text(encoding="utf-8")
        return {"Cookie": next(line.split()[1] for line in text.splitlines() if line.strip().startswith("Cookie:"))}

    def password(self) -> str:
        """The first admin's password."""
        text = (self.folder / ".jackfield" / "first-admin").read_text(encoding="utf-8")
        return next(line.split()[1] for line in text.splitlines() if line.split()[:1] == ["password"])

    def token(self, login: str = "admin") -> str:
        return jackfield_here(self.folder, "token", login).strip()

    def cookie(self, login: str = "admin") -> dict[str, str]:
        return {"Cookie": f"gen_app_auth_token={self.token(login)}"}


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers; they are stopped at the end, whatever happened."""
    running: list[Server] = []

    def begin(folder: Path = tmp_path, *arguments: str, **environment: str) -> Server:
        server = Server(folder, *arguments, **environment)
        running.append(server)
        return server

    yield begin
    for server in running:
        server.stop()


def ask(socket: ClientConnection, limit: float = LIMIT, **message: Any) -> Any:
    """Send one message and give what comes back."""
    socket.send(json.dumps(message, ensure_ascii=False))
    return json.loads(socket.recv(timeout=limit))


def close_code(socket: ClientConnection, limit: float = LIMIT) -> int | None:
    """The code with which the server closes, all that came before it left aside."""
    try:
        while True:
            socket.recv(timeout=limit)
    except ConnectionClosed:
        return socket.close_code
