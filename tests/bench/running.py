"""Processes that the benchmark starts: each leads a group of its own, which is ended with it, whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.bench.usage import Usage, read_usage, resident
from tests.bench.workshop import BenchError

__all__ = ["CLIENT_CORE", "SERVER_CORE", "Server", "clean_environment", "free_port"]

_CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
SERVER_CORE: int | None = _CORES[0] if len(_CORES) > 1 else None
"""The core of every server; None where there is but one core."""
CLIENT_CORE: int | None = _CORES[1] if len(_CORES) > 1 else None
"""The core of the load program."""
_START_LIMIT = 60.0


class Server:
    """One server under test, pinned to its core. Its output goes to `log`. Leaving the context ends it.

    Between measurements it is stopped (SIGSTOP), so that nothing of it runs while another one is measured.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self._log = log
        taskset = shutil.which("taskset")
        pinned = [taskset, "-c", str(SERVER_CORE)] if taskset and SERVER_CORE is not None else []
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*pinned, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**clean_environment(), **environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.end()

    def wait_until_open(self) -> None:
        """Wait for the first HTTP answer, whatever it says. BenchError when none comes."""
        until = time.monotonic() + _START_LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise BenchError(f"a server does not start; its log {self._log} ends with:\n{self.log_end()}")
            time.sleep(0.05)

    def log_end(self) -> str:
        """The last lines that it wrote."""
        return self._log.read_text("utf-8", "replace")[-1500:]

    def pause(self) -> None:
        """Let nothing of it run."""
        self._tell(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        self._tell(signal.SIGCONT)

    def used(self) -> Usage:
        """Its processor time until now."""
        return read_usage(self.pid)

    def memory(self) -> int:
        """Its resident bytes."""
        return resident(self.pid)

    def end(self) -> None:
        """Ask its group to end, then make it."""
        if self._process.poll() is None:
            self.resume()
            self._tell(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
        self._tell(signal.SIGKILL)
        self._process.wait()

    def _tell(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _answers(self) -> bool:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            asked.request("GET", "/")
            asked.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()
        return True


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment() -> dict[str, str]:
    """Our environment without what would change a server: settings of Jackfield's, Python's and Node's."""
    ours = ("JACKFIELD_", "PYTHON", "NODE_", "BENCH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
