"""What examples came to, in the three formats."""

from __future__ import annotations

import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jackfield.config.plan import Place
from jackfield.errors import Problem
from jackfield.routing.build import build
from jackfield.testing.examples import Case, Failure, Result, cases
from jackfield.testing.report import Report, github, junit, junit_of_problems, summary

FULL = Path(__file__).parents[1] / "describe" / "full"
PLACE = Place("examples/desk.yaml", 8, 11)
FAILURE = Failure("what came differs", PLACE, ('  /имя: expected "а<b>&", came "\u0001"', "100% 👋"))


@pytest.fixture(scope="module", name="case")
def _case() -> Case:
    table = build(FULL, 1)
    table.catalog.release()
    return next(case for case in cases(table) if case.name == "Too many of one thing")


@pytest.fixture(name="results")
def _results(case: Case) -> list[Result]:
    return [Result(case, 0.25), Result(case, 0.5, FAILURE), Result(case, skipped="no token for анна")]


def test_text_shows_what_failed_and_where(results: list[Result]) -> None:
    out = StringIO()
    report = Report("text", FULL, out)
    for result in results:
        report.add(result)
    assert out.getvalue().splitlines() == [
        "ticket",
        "  ok    Too many of one thing",
        "  FAIL  Too many of one thing",
        "        examples/desk.yaml:8:11: what came differs",
        r'          /имя: expected "а<b>&", came "\x01"',
        "        100% 👋",
        "  skip  Too many of one thing: no token for анна",
    ]


def test_the_summary_counts(results: list[Result]) -> None:
    assert summary(results) == "1 passed, 1 failed, 1 skipped in 0.75 s"
    assert summary(results[:1]) == "1 passed in 0.25 s"
    assert summary([]) == "0 passed in 0.00 s"


def test_junit_is_read_by_its_readers(results: list[Result]) -> None:
    root = ET.fromstring(junit(results).encode())
    (suite,) = root
    counts = {"tests": "3", "failures": "1", "errors": "0", "skipped": "1", "time": "0.750"}
    assert (root.tag, root.attrib) == ("testsuites", {"name": "jackfield", **counts})
    assert (suite.tag, suite.attrib) == ("testsuite", {"name": "ticket", **counts})
    passed, failed, skipped = suite
    assert passed.attrib == {
        "classname": "ticket",
        "name": "Too many of one thing",
        "time": "0.250",
        "file": "examples/desk.yaml",
        "line": "5",
    }
    assert (list(passed), [child.tag for child in failed]) == ([], ["failure"])
    assert failed[0].attrib == {"type": "failure", "message": "what came differs"}
    assert failed[0].text == (
        'examples/desk.yaml:8:11: what came differs\n  /имя: expected "а<b>&", came "\\x01"\n100% 👋'
    ), "XML has no U+0001, not even escaped"
    assert (skipped[0].tag, skipped[0].get("message")) == ("skipped", "no token for анна")


def test_junit_of_a_project_that_cannot_be_run() -> None:
    problems = [
        Problem("wrong_value", "плохо", "mend it", "endpoints.a", "endpoints.yaml", 3, 5),
        Problem("cut_by_comment", "cut", severity="warning"),
    ]
    (suite,) = ET.fromstring(junit_of_problems(problems).encode())
    (case,) = suite
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("1", "1", "0")
    assert (case.get("file"), case.get("line")) == ("endpoints.yaml", "3")
    assert case[0].tag == "error"
    assert case[0].text == "endpoints.yaml:3:5: endpoints.a: плохо; mend it [wrong_value]"


def test_github_annotates_the_line_of_the_step(
    results: list[Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = github(results, tmp_path / "a,b")
    assert line.startswith(
        "::error file=a%2Cb/examples/desk.yaml,line=8,col=11,title=ticket%3A Too many of one thing::"
    )
    assert line.endswith(r'::what came differs%0A  /имя: expected "а<b>&", came "\x01"%0A100%25 👋')


def test_a_name_of_several_lines_stays_in_its_line_and_rings_no_bell(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = replace(case, name="one\ntwo\u0007\u001b[2J\ud83d")
    report = Report("text", FULL, sys.stdout)
    for result in (Result(odd), Result(case), Result(replace(case, endpoint="room"))):
        report.add(result)
        reported = capsys.readouterr().out.splitlines()
        name = r"one\ntwo\x07\x1b[2J\ud83d" if result.case is odd else case.name
        assert reported[-1] == f"  ok    {name}", "each is told when it is over"
        assert len(reported) == (1 if result.case is case else 2), "an endpoint is told once"
    report.end()
    assert capsys.readouterr().out == ""
