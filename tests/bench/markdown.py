"""What runs found, as Markdown for documents and notes: made from the JSON that `--out` wrote.

Several runs stand beside each other where floors are judged, because each must hold by itself. In the other tables
their rounds are put together: a percentile of sixteen rounds says more than two of eight.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.contender import CONTENDERS
from tests.bench.figures import OURS, Floor, Run, Spread, Verdict, judge, ratios, spread, spread_of
from tests.bench.measure import IDLE, SCENARIOS, Figures, Scenario
from tests.bench.syscalls import Calls
from tests.bench.table import measured, wanted
from tests.bench.workshop import BenchError

__all__ = ["Record", "markdown", "read_record"]

_APART = 1000  # rounds; more than a run has


@dataclass(frozen=True, slots=True)
class Record:
    """One run of the benchmark, as it was written."""

    machine: dict[str, Any]
    runs: list[Run]
    calls: Calls | None


def read_record(path: Path) -> Record:
    """Read what `--out` wrote. BenchError for a file that is not there or is something else."""
    try:
        found = json.loads(path.read_text("utf-8"))
        runs = [Run(**{**run, "figures": Figures(**run["figures"])}) for run in found["runs"]]
        calls = Calls(**found["system_calls"]) if found["system_calls"] else None
        return Record(found["machine"], runs, calls)
    except OSError as exc:
        raise BenchError(f"{path} cannot be read: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise BenchError(f"{path} is not what --out writes: {exc!r}") from exc


def markdown(records: Sequence[Record]) -> str:
    """The tables of these runs, oldest first. ValueError for none."""
    ordered = sorted(records, key=lambda each: str(each.machine["date"]))
    runs = [replace(run, round=run.round + number * _APART) for number, each in enumerate(ordered) for run in each.runs]
    parts = [_origin(ordered), _floors(ordered)]
    parts += [_scenario(scenario, runs) for scenario in SCENARIOS if measured(scenario, runs)]
    if measured(IDLE, runs):
        parts.append(_idle(runs))
    return "\n\n".join(parts)


def _origin(records: Sequence[Record]) -> str:
    machine = records[-1].machine
    dates = " and ".join(_date(each.machine["date"]) for each in records)
    place = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, Python {machine['python']}"
    ours, theirs = _versions(machine["ours"]), _versions(machine["theirs"])
    return f"Measured {dates} (UTC) on {place}.\nOurs: {ours}.\nThe others: {theirs or 'none'}."


def _versions(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def _date(text: str) -> str:
    return datetime.datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")


def _floors(records: Sequence[Record]) -> str:
    """A row for each floor, a column for each run."""
    runs = [f"run {number}" for number in range(1, len(records) + 1)]
    judged = [judge(each.runs, each.calls) for each in records]
    rows = []
    for verdicts in zip(*judged, strict=True):
        floor = verdicts[0].floor
        rows.append([floor.what, wanted(floor), *map(_judged, verdicts), _outcome(verdicts)])
    note = (
        "The first number of a run is the one that is judged, the 10th percentile of the rounds (for a ratio that\n"
        "must stay small the 90th); the median stands in parentheses."
    )
    return f"{_table(['', 'wanted', *runs, ''], rows)}\n\n{note}"


def _judged(verdict: Verdict) -> str:
    if verdict.found is None or verdict.judged is None:
        return ""
    if _counted(verdict.floor):
        return f"{verdict.judged:.3f}"
    digits = 2 if verdict.floor.against else 1
    return f"{verdict.judged:.{digits}f} ({verdict.found.median:.{digits}f})"


def _counted(floor: Floor) -> bool:
    return floor.figure in ("reads", "writes")


def _outcome(verdicts: Iterable[Verdict]) -> str:
    met = {verdict.met for verdict in verdicts} - {None}
    if not met:
        return "not measured"
    return "**missed**" if False in met else "met"


def _scenario(scenario: Scenario, runs: Sequence[Run]) -> str:
    rounds = len({run.round for run in runs if run.scenario == scenario.name})
    once, waits = ("handshake", ()) if scenario.mode == "handshakes" else ("message", ("p50", "p99"))
    rows = []
    for contender in CONTENDERS:
        numbers = ratios(runs, scenario.name, "cpu", contender.name)
        ratio = spread(numbers) if numbers and contender.name != OURS else None
        work = spread_of(runs, scenario.name, contender.name, "cpu")
        flows = [spread_of(runs, scenario.name, contender.name, figure) for figure in ("rate", *waits)]
        if work:
            rows.append([contender.title, _quiet(work, 1), *map(_whole, flows), _quiet(ratio, 2)])
    head = ["", f"CPU µs per {once}", f"{once}s/s", *(f"{figure} µs" for figure in waits), "times ours"]
    title = f"### {scenario.name}\n\n{scenario.title}; {rounds} rounds"
    return f"{title}\n\n{_table(head, rows)}"


def _idle(runs: Sequence[Run]) -> str:
    rows = []
    for contender in CONTENDERS:
        memory = spread_of(runs, IDLE.name, contender.name, "memory")
        count = spread_of(runs, IDLE.name, contender.name, "count")
        if memory:
            rows.append([contender.title, _quiet(memory, 1), _whole(count)])
    return f"### {IDLE.name}\n\n{IDLE.title}\n\n{_table(['', 'KiB per connection', 'connections'], rows)}"


def _quiet(found: Spread | None, digits: int) -> str:
    return f"{found.p10:.{digits}f} ({found.median:.{digits}f})" if found else ""


def _whole(found: Spread | None) -> str:
    return f"{found.median:,.0f}" if found and found.median else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
