"""`jackfield data`."""

from __future__ import annotations

import json
from pathlib import Path

from jackfield.process.table.keep import Kept

from .conftest import run


async def test_what_is_kept_is_listed_and_printed(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")
    empty = run("-C", tmp_path, "data")
    assert (empty.exit_code, empty.stdout, "nothing is kept" in empty.stderr) == (0, "", True)
    await Kept(tmp_path / "data" / "desk" / "отпуск.csv", ["text"], ",").append("аня", ["🙂"])
    assert run("-C", tmp_path, "data").stdout.startswith("desk/отпуск.csv  1 rows, ")
    (found,) = json.loads(run("-C", tmp_path, "data", "--json").stdout)
    assert (found["name"], found["rows"]) == ("desk/отпуск.csv", 1)
    printed = run("-C", tmp_path, "data", "desk/отпуск.csv")
    assert printed.stdout_bytes == (tmp_path / "data" / "desk" / "отпуск.csv").read_bytes()
    wrong = run("-C", tmp_path, "data", "../endpoints.yaml")
    assert (wrong.exit_code, wrong.stdout, "`jackfield data` lists them" in wrong.stderr) == (2, "", True)
    (tmp_path / "data" / "folder.csv").mkdir()
    wrong = run("-C", tmp_path, "data", "folder.csv")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("jackfield: cannot read folder.csv in ")
