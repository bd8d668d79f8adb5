"""docs/clients.md: its commands are run, its workflow is one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from jackfield.cli import main

from .conftest import ROOT

PAGE = (ROOT / "platform" / "jackfield" / "docs" / "clients.md").read_text(encoding="utf-8")


def workflow() -> Any:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    text = next(block for block in blocks if "runs-on" in block)
    assert len(text.splitlines()) <= 15
    return yaml.safe_load(text)


def commands() -> list[str]:
    found = re.findall(r"^(jackfield [^\n]*)$", PAGE, re.MULTILINE)
    found += [step["run"] for step in workflow()["jobs"]["endpoints"]["steps"] if "run" in step]
    return [line for line in found if line.startswith("jackfield ")]


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_page_does_what_it_says(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("endpoints.yaml", "processes"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    command, _, target = line.partition(" > ")
    done = CliRunner().invoke(main, command.split()[1:])
    assert done.exit_code == 0, done.output
    if " DIR" not in line and "export" in line:
        assert done.stdout if target else set(tmp_path.iterdir()) > before


def test_the_workflow_is_one() -> None:
    found = workflow()
    assert set(found) == {"name", True, "jobs"}, "to YAML 1.1, `on` is true"
    steps = found["jobs"]["endpoints"]["steps"]
    assert all(set(step) <= {"uses", "with", "run"} for step in steps)
    runs = [step["run"] for step in steps if "run" in step]
    assert [run for run in runs if "--format github" in run] == [
        *("jackfield check --format github", "jackfield test --format github"),
    ]
