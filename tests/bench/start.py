"""What it takes to start: the memory of servers that nobody has called yet, and the CPU time of commands.

    python -m tests.bench.start

Memory is what the server's processes hold (VmRSS) a second after they listen. The time of a command is user + system
of the whole process, the mean of RUNS runs; it needs a quiet machine as little as the other figures do.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.contender import CONTENDERS, Ready, started
from tests.bench.running import clean_environment
from tests.bench.usage import resident
from tests.bench.workshop import Workshop, default_folder

RUNS = 10
SERVERS = ("jackfield", "starlette", "fastapi")
COMMANDS = (["--help"], ["check"], ["publish"], ["status"], ["token", "alice"], ["call", "/ws/greeting"])


def main() -> None:
    """Print both tables as Markdown."""
    workshop = Workshop(default_folder())
    workshop.build_python()
    print("| a fresh server | memory, MiB |\n|---|---|")
    commands = []
    for contender in CONTENDERS:
        if contender.name in SERVERS:
            with started(contender, workshop) as ready:
                time.sleep(1)
                print(f"| {contender.title} | {resident(ready.server.pid) / 2**20:.1f} |", flush=True)
                commands += _commands(ready, workshop) if contender.name == "jackfield" else []
    print("\n| a command | CPU time, ms |\n|---|---|", *commands, sep="\n")


def _commands(ready: Ready, workshop: Workshop) -> list[str]:
    project = workshop.folder / "runs" / ready.contender.name / "project"
    return [f"| `jackfield {' '.join(words)}` | {_cost(project, words) * 1000:.0f} |" for words in COMMANDS]


def _cost(project: Path, words: list[str]) -> float:
    """Seconds of CPU of one command, the mean of RUNS."""
    command = [sys.executable, "-m", "jackfield", "-C", str(project), *words]
    more = ["--wait", "0.05", "--token", "none"] if words[0] == "call" else []

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, *more], stdin=subprocess.DEVNULL, capture_output=True, env=clean_environment())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    return statistics.mean(once() for _ in range(RUNS))


if __name__ == "__main__":
    main()
