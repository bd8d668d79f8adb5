"""`python -m tests.bench`: Jackfield beside the same job written by hand, in one run.

Servers run on one core, the load program (load/load.c) on another. Every round measures every scenario with every
contender, one right after the other and in another order each time; ratios are formed inside a round. The figure
is the CPU time of the server's processes per message, which other programs on the machine disturb least;
throughput and latencies stand beside it. Every reply is checked (turns.py).

    python -m tests.bench --quick                                    a minute: Jackfield, Node, Starlette; messages
    python -m tests.bench --out run.json                             everything, some 15 minutes
    python -m tests.bench --only jackfield node --scenario ping-pong --rounds 3
    python -m tests.bench.groups                                     groups, actions, kept events, members' memory

What it needs it builds once in a folder of its own, outside the repository: cc, npm and a package index are used
for that, strace (where it is) to count system calls.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.contender import CONTENDERS, Contender, Ready, started
from tests.bench.figures import OURS, Run
from tests.bench.markdown import markdown, read_record
from tests.bench.measure import IDLE, SCENARIOS, Scenario, idle_room, measure, measure_idle
from tests.bench.syscalls import Calls, count_calls
from tests.bench.table import facts, record, show
from tests.bench.workshop import BenchError, Workshop, default_folder

_SEED = 2026  # of the order inside a round: shuffled, and the same each time
_QUICK = ("jackfield", "node", "starlette")
_WARM_UP = 1.0  # seconds of messages before the first round: Node compiles what is hot by then
_IDLE_ROUNDS = 2  # memory hardly varies, and each costs a fresh start and 10,000 handshakes


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    names = [contender.name for contender in CONTENDERS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure Jackfield beside others.")
    parser.add_argument("--quick", action="store_true", help="Jackfield, Node, Starlette; messages only; a minute")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (8; with --quick 3)")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"contenders: {', '.join(names)}")
    choices = [scenario.name for scenario in (*SCENARIOS, IDLE)]
    parser.add_argument(
        "--scenario", nargs="+", choices=choices, metavar="NAME", help=f"scenarios: {', '.join(choices)}"
    )
    parser.add_argument("--seconds", type=float, help="of one measurement of messages (2; with --quick 1)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write everything there")
    parser.add_argument(
        "--show", nargs="+", type=Path, metavar="FILE.json", help="measure nothing; print what --out wrote as Markdown"
    )
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where to build; %(default)s")
    return parser.parse_args(words)


def _build(workshop: Workshop, contenders: Sequence[Contender]) -> None:
    workshop.build_load()
    needs = {contender.needs for contender in contenders}
    if "python" in needs:
        workshop.build_python()
    if "node" in needs:
        workshop.build_node()


def _rounds(
    ready: Sequence[Ready], scenarios: Sequence[Scenario], rounds: int, one: Callable[[Ready, Scenario], Run]
) -> list[Run]:
    """Every scenario in every round, the contenders in another order each time and one right after the other."""
    order = random.Random(_SEED)
    runs = []
    for number in range(rounds):
        print(f"bench: round {number + 1} of {rounds}", file=sys.stderr)
        for scenario in scenarios:
            for each in order.sample(list(ready), len(ready)):
                found = one(each, scenario)
                runs.append(Run(number, found.scenario, found.contender, found.figures))
    return runs


def _measure(workshop: Workshop, options: argparse.Namespace, contenders: Sequence[Contender]) -> list[Run]:
    seconds = options.seconds or (1.0 if options.quick else 2.0)
    rounds = options.rounds or (3 if options.quick else 8)
    wanted = [s for s in SCENARIOS if _wanted(s, options)]
    runs: list[Run] = []
    if wanted:
        with contextlib.ExitStack() as stack:
            ready = []
            for contender in contenders:
                print(f"bench: starting {contender.name}", file=sys.stderr)
                ready.append(stack.enter_context(started(contender, workshop)))
                measure(ready[-1], SCENARIOS[0], workshop.load, min(seconds, _WARM_UP))

            def one(each: Ready, scenario: Scenario) -> Run:
                return Run(0, scenario.name, each.contender.name, measure(each, scenario, workshop.load, seconds))

            runs = _rounds(ready, wanted, rounds, one)
    if _wanted(IDLE, options):
        runs += _idle(workshop, contenders, min(rounds, _IDLE_ROUNDS))
    return runs


def _wanted(scenario: Scenario, options: argparse.Namespace) -> bool:
    if options.scenario:
        return scenario.name in options.scenario
    return scenario.mode == "messages" or not options.quick


def _idle(workshop: Workshop, contenders: Sequence[Contender], rounds: int) -> list[Run]:
    connections = idle_room(IDLE.count)
    runs = []
    for number in range(rounds):
        for contender in contenders:
            print(f"bench: {connections} idle connections to {contender.name}", file=sys.stderr)
            with started(contender, workshop) as ready:
                figures = measure_idle(ready, workshop.load, connections)
            runs.append(Run(number, IDLE.name, contender.name, figures))
    return runs


def _calls(workshop: Workshop, contenders: Sequence[Contender]) -> Calls | None:
    ours = next((contender for contender in contenders if contender.name == OURS), None)
    if ours is None:
        return None
    try:
        with started(ours, workshop) as ready:
            return count_calls(ready, SCENARIOS[0], workshop.load)
    except BenchError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return None


def _show(files: Sequence[Path]) -> int:
    try:
        print(markdown([read_record(file) for file in files]))
    except BenchError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; gives the exit code: 0 measured, 1 could not, 130 interrupted."""
    options = _options(words)
    if options.show:
        return _show(options.show)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every `finally` ends its processes
    names = options.only or (_QUICK if options.quick else [contender.name for contender in CONTENDERS])
    contenders = [contender for contender in CONTENDERS if contender.name in names]
    workshop = Workshop(options.folder.resolve())
    try:
        _build(workshop, contenders)
        runs = _measure(workshop, options, contenders)
        calls = None if options.quick or options.scenario else _calls(workshop, contenders)
    except BenchError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; everything that it started was ended", file=sys.stderr)
        return 130
    machine = facts(workshop.versions())
    print(show(machine, contenders, runs, calls))
    if options.out:
        text = json.dumps(record(machine, runs, calls), ensure_ascii=False, indent=1)
        options.out.write_text(f"{text}\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
