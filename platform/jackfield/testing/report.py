"""What the examples came to: for a terminal, for JUnit's readers, for GitHub's annotations."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

import click

from jackfield.config.plan import Place
from jackfield.errors import Problem
from jackfield.github_annotations import annotation
from jackfield.testing.examples import Result

__all__ = ["FORMATS", "Report", "as_json", "github", "junit", "junit_of_problems", "summary"]

FORMATS = ("text", "json", "junit", "github")

_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of letters, separators of lines

# What XML 1.0 cannot hold at all, not even escaped (section 2.2)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Report:
    """Writes the results to `out` in one of FORMATS, each as soon as its example is over where that can be."""

    def __init__(self, form: str, folder: Path, out: IO[str]) -> None:
        self.results: list[Result] = []
        self._form = form
        self._folder = folder
        self._out = out

    def add(self, result: Result) -> None:
        """One more example is over."""
        before = self.results[-1].case.endpoint if self.results else None
        self.results.append(result)
        if self._form == "text":
            self._write(_entry(result, before))
        elif self._form == "github":
            self._write(github([result], self._folder))

    def end(self) -> None:
        """No more are run. What is one document is written only now: JUnit's XML begins with the counts."""
        if self._form in ("json", "junit"):
            self._write([junit(self.results) if self._form == "junit" else as_json(self.results)])

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            click.echo(line, file=self._out)


def _entry(result: Result, before: str | None) -> Iterator[str]:
    """The lines of one result; its endpoint first, where that of the one before is another."""
    if result.case.endpoint != before:
        yield result.case.endpoint
    name = _one_line(result.case.name)
    if result.failure is not None:
        yield f"  FAIL  {name}"
        yield f"        {_at(result.failure.place)}: {_one_line(result.failure.sentence)}"
        yield from (f"        {_one_line(line)}" for line in result.failure.lines)
    elif result.skipped:
        yield f"  skip  {name}: {result.skipped}"
    else:
        yield f"  ok    {name}"


def summary(results: Sequence[Result]) -> str:
    """One line: how many passed, failed and were skipped, and how long it took."""
    failed = sum(result.failure is not None for result in results)
    skipped = sum(bool(result.skipped) for result in results)
    counts = [(len(results) - failed - skipped, "passed"), (failed, "failed"), (skipped, "skipped")]
    words = ", ".join(f"{count} {word}" for count, word in counts if count or word == "passed")
    return f"{words} in {sum(result.seconds for result in results):.2f} s"


def github(results: Iterable[Result], folder: Path) -> Iterator[str]:
    """A workflow command for each failure, which GitHub shows beside the step's line."""
    for result in results:
        if result.failure is not None:
            failure = result.failure
            title, place = f"{result.case.endpoint}: {result.case.name}", failure.place
            text = "\n".join((failure.sentence, *failure.lines))
            yield annotation("error", place.file, place.line, place.column, title, text, folder)


def as_json(results: Iterable[Result], problems: Iterable[Problem] = ()) -> str:
    """One object: each example with whether it passed and why not, and the problems of a project that cannot be run."""
    told = [
        {
            "endpoint": result.case.endpoint,
            "example": result.case.name,
            "passed": result.failure is None and not result.skipped,
            "problem": _why(result),
        }
        for result in results
    ]
    return json.dumps({"results": told, "problems": [asdict(problem) for problem in problems]}, ensure_ascii=False)


def _why(result: Result) -> str:
    if result.failure is None:
        return result.skipped
    failure = result.failure
    return "\n".join([f"{_at(failure.place)}: {failure.sentence}", *failure.lines])


def junit(results: Sequence[Result]) -> str:
    """JUnit's XML: a suite for each endpoint, a case for each example, with file and line."""
    return _xml([_of_result(result) for result in results])


def junit_of_problems(problems: Sequence[Problem]) -> str:
    """The same of a project that cannot be run: each problem is an error."""
    errors = [problem for problem in problems if problem.severity == "error"]
    return _xml([_of_problem(problem) for problem in errors], "project")


@dataclass(frozen=True, slots=True)
class _Case:
    """A case of JUnit's; `outcome` is "failure", "error", "skipped", or nothing for one that passed."""

    suite: str
    name: str
    file: str
    line: int
    seconds: float = 0.0
    outcome: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""


def _of_result(result: Result) -> _Case:
    case, failure = result.case, result.failure
    found = _Case(case.endpoint, case.name, case.place.file, case.place.line, result.seconds)
    if failure is not None:
        return replace(found, outcome="failure", kind="failure", message=failure.sentence, text=_why(result))
    return replace(found, outcome="skipped", message=result.skipped) if result.skipped else found


def _of_problem(problem: Problem) -> _Case:
    found = _Case("project", problem.path or problem.code, problem.file, problem.line, outcome="error")
    return replace(found, kind=problem.code, message=problem.message, text=str(problem))


def _xml(cases: Sequence[_Case], *suites: str) -> str:
    """The whole document; `suites` are there even without cases."""
    root = ET.Element("testsuites", _counts("jackfield", cases))
    groups = [(suite, list(group)) for suite, group in groupby(cases, key=lambda case: case.suite)]
    for name, group in groups or [(name, []) for name in suites]:
        suite = ET.SubElement(root, "testsuite", _counts(name, group))
        for case in group:
            place = {"file": _clean(case.file), "line": str(max(1, case.line))}
            values = {"classname": name, "name": _clean(case.name), "time": f"{case.seconds:.3f}", **place}
            element = ET.SubElement(suite, "testcase", values)
            if case.outcome:
                kind = {"type": case.kind} if case.kind else {}
                outcome = ET.SubElement(element, case.outcome, {**kind, "message": _clean(case.message)})
                outcome.text = _clean(case.text) or None
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}'


def _counts(name: str, cases: Sequence[_Case]) -> dict[str, str]:
    counts = Counter(case.outcome for case in cases)
    numbers = {"failures": counts["failure"], "errors": counts["error"], "skipped": counts["skipped"]}
    texts = {key: str(number) for key, number in {"tests": len(cases), **numbers}.items()}
    return {"name": name, **texts, "time": f"{sum(case.seconds for case in cases):.3f}"}


def _clean(text: str) -> str:
    return _NOT_XML.sub(lambda found: ascii(found[0])[1:-1], text)


def _one_line(text: str) -> str:
    """A text whose control characters are escaped: the terminal does not carry them out, and a line stays one."""
    return "".join(ascii(sign)[1:-1] if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def _at(place: Place) -> str:
    return ":".join([place.file, *(str(number) for number in (place.line, place.column) if number)])
