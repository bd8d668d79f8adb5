"""What was found, as plain text and as JSON."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench.contender import Contender
from tests.bench.figures import OURS, Floor, Run, judge, ratios, spread, spread_of
from tests.bench.measure import IDLE, SCENARIOS, Scenario
from tests.bench.syscalls import Calls

__all__ = ["facts", "measured", "record", "show", "wanted"]

_OWN = ("jackfield", "uvicorn", "websockets", "starlette", "uvloop", "msgspec", "jsonschema-rs")


def facts(versions: Mapping[str, str]) -> dict[str, Any]:
    """The machine and the versions, for the record."""
    cpus = [line for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if line.startswith("model name")]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": cpus[0].partition(": ")[2] if cpus else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "ours": {name: metadata.version(name) for name in _OWN},
        "theirs": dict(versions),
    }


def record(machine: Mapping[str, Any], runs: Sequence[Run], calls: Calls | None) -> dict[str, Any]:
    """Everything, for a file."""
    return {
        "machine": dict(machine),
        "runs": [asdict(run) for run in runs],
        "system_calls": asdict(calls) if calls else None,
        "floors": [asdict(verdict) for verdict in judge(runs, calls)],
    }


def show(machine: Mapping[str, Any], contenders: Sequence[Contender], runs: Sequence[Run], calls: Calls | None) -> str:
    """The tables, then the floors."""
    parts = [f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}"]
    parts.append("\n".join(f"{contender.name}: {contender.title}" for contender in contenders))
    parts += [_scenario(scenario, contenders, runs) for scenario in SCENARIOS if measured(scenario, runs)]
    if measured(IDLE, runs):
        parts.append(_idle(contenders, runs))
    if calls:
        rest = ", ".join(f"{name} {count:.3f}" for name, count in sorted(calls.others.items()))
        parts.append(f"system calls per message: {calls.reads:.3f} reads, {calls.writes:.3f} writes, {rest}")
    parts.append(_floors(runs, calls))
    return "\n\n".join(parts)


def measured(scenario: Scenario, runs: Sequence[Run]) -> bool:
    """Whether anything was measured of this scenario."""
    return any(run.scenario == scenario.name for run in runs)


def _scenario(scenario: Scenario, contenders: Sequence[Contender], runs: Sequence[Run]) -> str:
    rows = [("", "CPU µs p10", "median", "user p10", "kernel p10", "rate", "p50 µs", "p99 µs", "ratio p10", "median")]
    for contender in contenders:
        columns = ("cpu", "user", "kernel", "rate", "p50", "p99")
        found = (spread_of(runs, scenario.name, contender.name, figure) for figure in columns)
        cpu, user, kernel, rate, p50, p99 = found
        if not (cpu and user and kernel and rate and p50 and p99):
            continue
        numbers = ratios(runs, scenario.name, "cpu", contender.name)
        ratio = spread(numbers) if numbers and contender.name != OURS else None
        rows.append(
            (
                contender.name,
                f"{cpu.p10:.1f}",
                f"{cpu.median:.1f}",
                f"{user.p10:.1f}",
                f"{kernel.p10:.1f}",
                f"{rate.median:,.0f}",
                f"{p50.median:,.0f}" if p50.median else "",
                f"{p99.median:,.0f}" if p99.median else "",
                f"{ratio.p10:.2f}" if ratio else "",
                f"{ratio.median:.2f}" if ratio else "",
            )
        )
    return f"{scenario.name}: {scenario.title}\n{_aligned(rows)}"


def _idle(contenders: Sequence[Contender], runs: Sequence[Run]) -> str:
    rows = [("", "KiB p10", "median", "connections")]
    for contender in contenders:
        memory = spread_of(runs, IDLE.name, contender.name, "memory")
        count = spread_of(runs, IDLE.name, contender.name, "count")
        if memory and count:
            rows.append((contender.name, f"{memory.p10:.1f}", f"{memory.median:.1f}", f"{count.median:,.0f}"))
    return f"{IDLE.name}: {IDLE.title}\n{_aligned(rows)}"


def _floors(runs: Sequence[Run], calls: Calls | None) -> str:
    rows = [("floor", "wanted", "p10", "median", "p90", "")]
    silent = []
    for verdict in judge(runs, calls):
        floor, found = verdict.floor, verdict.found
        if found is None:
            silent.append(floor.what)
            continue
        numbers = (f"{found.p10:.2f}", f"{found.median:.2f}", f"{found.p90:.2f}")
        rows.append((floor.what, wanted(floor), *numbers, "met" if verdict.met else "MISSED"))
    return _aligned(rows) + (f"\nnot measured: {'; '.join(silent)}" if silent else "")


def wanted(floor: Floor) -> str:
    """What the floor wants, in signs: `≥ 1.25`."""
    sign = "≥" if floor.at_least else "=" if floor.figure in ("reads", "writes") else "≤"
    return f"{sign} {floor.bound:g}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)
