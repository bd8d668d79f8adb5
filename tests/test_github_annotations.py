"""What GitHub shows beside a line, of a problem and of an example that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.errors import Problem
from jackfield.github_annotations import annotation, of_problem


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_problem_is_reported_without_what_github_shows_itself(tmp_path: Path) -> None:
    problem = Problem("wrong_value", "100% плохо", "mend it,\nplease", "endpoints.a", "examples/a,b.yaml", 3, 5)
    assert of_problem(problem, tmp_path / "c:d") == (
        "::error file=c%3Ad/examples/a%2Cb.yaml,line=3,col=5,title=wrong_value::"
        "endpoints.a: 100%25 плохо; mend it,%0Aplease"
    )
    warning = Problem("cut_by_comment", "cut", severity="warning")
    assert of_problem(warning, tmp_path) == "::warning file=endpoints.yaml,line=1,col=1,title=cut_by_comment::cut"


def test_a_line_stays_one_and_can_be_written_as_utf_8(tmp_path: Path) -> None:
    line = annotation("error", "a.yaml", 0, 0, "a,b:\r", "\x1b[2J\ud83d\t👋", tmp_path)
    assert line == r"::error file=a.yaml,line=1,col=1,title=a%2Cb%3A%0D::\x1b[2J\ud83d" + "\t👋"
    assert line.encode()
