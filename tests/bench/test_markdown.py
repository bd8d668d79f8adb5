"""The tables for documents, from the JSON of runs. No time is asserted here."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.bench.__main__ import main
from tests.bench.figures import FLOORS, Run
from tests.bench.markdown import markdown, read_record
from tests.bench.measure import SCENARIOS, Figures
from tests.bench.syscalls import Calls
from tests.bench.table import record, show
from tests.bench.turns import LARGE, LARGE_IS
from tests.bench.workshop import BenchError

MACHINE = {
    "date": "2026-11-22T17:59:19+00:00",
    "cpu": "AMD EPYC",
    "cores": 2,
    "kernel": "6.18",
    "python": "3.11.7",
    "ours": {"jackfield": "0.1.0"},
    "theirs": {"ws": "8.23.0"},
}


def run(number: int, contender: str, cpu: float, scenario: str = "ping-pong") -> Run:
    return Run(number, scenario, contender, Figures(cpu=cpu, user=cpu / 4, rate=50_000.4, p50=640, p99=1280))


def written(folder: Path, runs: list[Run], calls: Calls | None = None, **machine: Any) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(record({**MACHINE, **machine}, runs, calls), ensure_ascii=False), "utf-8")
    return path


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    runs, calls = [run(0, "jackfield", 10), run(0, "node", 14)], Calls(1.0, 1.0, {"epoll_pwait": 0.02})
    found = read_record(written(tmp_path, runs, calls, cpu="Процессор 🧮"))
    assert (found.runs, found.calls, found.machine["cpu"]) == (runs, calls, "Процессор 🧮")


def test_each_run_has_a_column_where_floors_are_judged(tmp_path: Path) -> None:
    one = written(tmp_path, [run(0, "jackfield", 10), run(0, "node", 14)], Calls(1.0, 1.0004, {}))
    late = "2026-11-23T08:00:00+00:00"
    two = written(tmp_path, [run(0, "jackfield", 20), run(0, "node", 22)], date=late)
    text = markdown([read_record(two), read_record(one)])
    assert "Measured 2026-11-22 17:59 and 2026-11-23 08:00 (UTC) on AMD EPYC, 2 cores, Linux 6.18" in text
    assert "| ping-pong against Node ws + ajv | ≥ 1.25 | 1.40 (1.40) | 1.10 (1.10) | **missed** |" in text
    assert "| writes per message, ping-pong | = 1 | 1.000 |  | met |" in text
    assert "| ping-pong against Channels | ≥ 10 |  |  | not measured |" in text
    assert [floor.what for floor in FLOORS if f"| {floor.what} |" not in text] == []


def test_rounds_of_several_runs_are_put_together(tmp_path: Path) -> None:
    files = [written(tmp_path, [run(0, "jackfield", 10), run(0, "node", node)]) for node in (12, 14)]
    text = markdown([read_record(file) for file in files])
    assert "64 connections, one small message in flight; 2 rounds" in text
    row = "| Node ws + ajv | 12.2 (13.0) | 50,000 | 640 | 1,280 | 1.22 (1.30) |"
    assert row in text.splitlines()
    assert "| Jackfield, everything on | 10.0 (10.0) | 50,000 | 640 | 1,280 |  |" in text
    assert "### idle" not in text


def test_every_scenario_has_its_table(tmp_path: Path) -> None:
    runs = [run(0, "jackfield", 10, scenario.name) for scenario in SCENARIOS]
    runs.append(Run(0, "idle", "jackfield", Figures(memory=12.34, count=10_000)))
    text = markdown([read_record(written(tmp_path, runs))])
    for line in (
        "| Jackfield, everything on | 12.3 (12.3) | 10,000 |",
        "handshakes/s",
        f"one message of {LARGE_IS} in",
    ):
        assert line in text
    assert {len(line.split("|")) for line in text.split("### idle")[1].splitlines() if line.startswith("|")} == {5}


def test_the_plain_table_reports_user_and_kernel_apart() -> None:
    text = show(MACHINE, (), [run(0, "jackfield", 10)], None)
    assert "user p10  kernel p10" in text


def test_the_page_describes_the_large_message_and_has_room_for_the_figures() -> None:
    text = " ".join(resources.files("jackfield").joinpath("docs/performance.md").read_text("utf-8").split())
    message = json.loads(LARGE[0].text)["message"]
    assert f"{len(LARGE[0].text.encode())} bytes of UTF-8: {len(message)} characters" in text
    assert text.index("<!-- figures: ") < text.index("<!-- end of figures -->")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": [], "system_calls": null}', '{"runs": [{"round": 0}]}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "прогон.json"
    path.write_text(text, "utf-8")
    with pytest.raises(BenchError, match=r"прогон\.json is not what --out writes"):
        read_record(path)


def test_the_command_prints_it_or_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, [run(0, "jackfield", 10)])
    assert main(["--show", str(file)]) == 0
    assert "### ping-pong" in capsys.readouterr().out
    assert main(["--show", str(tmp_path / "нет.json")]) == 1
    assert "нет.json cannot be read: No such file" in capsys.readouterr().err
