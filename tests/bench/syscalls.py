"""System calls per message, counted by strace while messages go one by one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contender import Ready
from tests.bench.measure import Scenario, load_for
from tests.bench.workshop import BenchError

__all__ = ["Calls", "count_calls", "read_table"]

_READS = {"read", "readv", "recv", "recvfrom", "recvmsg"}
_WRITES = {"write", "writev", "send", "sendto", "sendmsg"}


@dataclass(frozen=True, slots=True)
class Calls:
    """Per message: reads, writes, and all the rest by name (those that come to 0.001 or more)."""

    reads: float
    writes: float
    others: dict[str, float]


def count_calls(ready: Ready, scenario: Scenario, program: Path, seconds: float = 2.0) -> Calls:
    """Trace the server during the scenario. BenchError when strace is not here or may not trace."""
    if shutil.which("strace") is None:
        raise BenchError("strace is not here (apt-get install strace); system calls were not counted")
    table = program.parent / "runs" / ready.contender.name / "strace"
    ready.server.resume()
    try:
        with load_for(ready, scenario, program, seconds) as load:
            load.await_ready()
            with subprocess.Popen(
                ["strace", "-c", "-f", "-o", str(table), "-p", str(ready.server.pid)],
                stderr=subprocess.PIPE,
                start_new_session=True,
            ) as tracer:
                _await_tracer(ready.server.pid, tracer)
                load.go()
                outcome = load.result()
                tracer.send_signal(signal.SIGINT)
                tracer.communicate(timeout=20)
            load.finish()
    finally:
        ready.server.pause()
    return per_message(read_table(table.read_text("utf-8")), outcome.count)


def read_table(text: str) -> dict[str, int]:
    """The calls by name, from the table that `strace -c` prints."""
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0][0].isdigit() and fields[-1] != "total":
            found[fields[-1]] = int(fields[3])
    return found


def per_message(calls: dict[str, int], messages: int) -> Calls:
    """The counts divided by the messages."""
    reads = sum(count for name, count in calls.items() if name in _READS)
    writes = sum(count for name, count in calls.items() if name in _WRITES)
    rest = {name: count / messages for name, count in calls.items() if name not in _READS | _WRITES}
    return Calls(reads / messages, writes / messages, {n: round(c, 4) for n, c in rest.items() if c >= 0.001})


def _await_tracer(pid: int, tracer: subprocess.Popen[bytes]) -> None:
    """Wait until the kernel names the tracer of the process."""
    until = time.monotonic() + 10
    status = Path("/proc") / str(pid) / "status"
    while "TracerPid:\t0\n" in status.read_text("ascii", "replace"):
        if tracer.poll() is not None or time.monotonic() > until:
            reported = (
                tracer.stderr.read().decode("utf-8", "replace") if tracer.poll() is not None and tracer.stderr else ""
            )
            tracer.kill()
            raise BenchError(f"strace may not trace the server: {reported.strip()}")
        time.sleep(0.01)
