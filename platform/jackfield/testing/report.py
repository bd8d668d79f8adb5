"""What the examples came to: for a terminal, for JUnit's readers, for GitHub's annotations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

import click

from jackfield.config.plan import Place
from jackfield.errors import Problem
from jackfield.github import annotation
from jackfield.testing.examples import Failure, Result

__all__ = ["FORMATS", "Report", "github", "junit", "junit_of_problems", "summary", "text"]

FORMATS = ("text", "junit", "github")

_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of letters, separators of lines

# What XML 1.0 cannot hold at all, not even escaped (section 2.2)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Report:
    """What is told of a run on `out`, in one of FORMATS: of each example as soon as it is over, where that can be."""

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
            self._tell(_entry(result, before))
        elif self._form == "github":
            self._tell(github([result], self._folder))

    def end(self) -> None:
        """No more are run. JUnit's XML is written only now, because it begins with the counts."""
        if self._form == "junit":
            self._tell([junit(self.results)])

    def _tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            click.echo(line, file=self._out)


def text(results: Iterable[Result]) -> Iterator[str]:
    """Lines for people: each endpoint with its examples, and of those that failed what came."""
    before: str | None = None
    for result in results:
        yield from _entry(result, before)
        before = result.case.endpoint


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
    failed, skipped = _failed(results), _skipped(results)
    counts = [(len(results) - failed - skipped, "passed"), (failed, "failed"), (skipped, "skipped")]
    words = ", ".join(f"{count} {word}" for count, word in counts if count or word == "passed")
    return f"{words} in {sum(result.seconds for result in results):.2f} s"


def github(results: Iterable[Result], folder: Path) -> Iterator[str]:
    """A workflow command for each failure, which GitHub shows beside the step's line."""
    for result in results:
        if result.failure is not None:
            failure = result.failure
            title, place = f"{result.case.endpoint}: {result.case.name}", failure.place
            told = "\n".join((failure.sentence, *failure.lines))
            yield annotation("error", place.file, place.line, place.column, title, told, folder)


def junit(results: Sequence[Result]) -> str:
    """JUnit's XML: a suite for each endpoint, a case for each example, with file and line."""
    root = ET.Element("testsuites", _counts("jackfield", results))
    for endpoint, group in groupby(results, key=lambda result: result.case.endpoint):
        found = list(group)
        suite = ET.SubElement(root, "testsuite", _counts(endpoint, found))
        for result in found:
            _case(suite, result)
    return _written(root)


def junit_of_problems(problems: Sequence[Problem]) -> str:
    """The same of a project that cannot be run: each problem is an error."""
    errors = [problem for problem in problems if problem.severity == "error"]
    counts = {"tests": str(len(errors)), "failures": "0", "errors": str(len(errors)), "skipped": "0", "time": "0.000"}
    root = ET.Element("testsuites", {"name": "jackfield", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "project", **counts})
    for problem in errors:
        name = _clean(problem.path or problem.code)
        place = {"file": _clean(problem.file), "line": str(max(1, problem.line))}
        case = ET.SubElement(suite, "testcase", {"classname": "project", "name": name, "time": "0.000", **place})
        ET.SubElement(case, "error", {"type": problem.code, "message": _clean(problem.message)}).text = _clean(
            str(problem)
        )
    return _written(root)


def _case(suite: ET.Element, result: Result) -> None:
    case, failure = result.case, result.failure
    place = {"file": _clean(case.place.file), "line": str(max(1, case.place.line))}
    values = {"classname": case.endpoint, "name": _clean(case.name), "time": f"{result.seconds:.3f}", **place}
    element = ET.SubElement(suite, "testcase", values)
    if failure is not None:
        told = {"type": "failure", "message": _clean(failure.sentence)}
        ET.SubElement(element, "failure", told).text = _clean("\n".join(_lines(failure)))
    elif result.skipped:
        ET.SubElement(element, "skipped", {"message": _clean(result.skipped)})


def _lines(failure: Failure) -> list[str]:
    return [f"{_at(failure.place)}: {failure.sentence}", *failure.lines]


def _counts(name: str, results: Sequence[Result]) -> dict[str, str]:
    return {
        "name": name,
        "tests": str(len(results)),
        "failures": str(_failed(results)),
        "errors": "0",
        "skipped": str(_skipped(results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _failed(results: Iterable[Result]) -> int:
    return sum(result.failure is not None for result in results)


def _skipped(results: Iterable[Result]) -> int:
    return sum(bool(result.skipped) for result in results)


def _written(root: ET.Element) -> str:
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}'


def _clean(text: str) -> str:
    return _NOT_XML.sub(lambda found: ascii(found[0])[1:-1], text)


def _one_line(text: str) -> str:
    """A text whose control characters are escaped: the terminal does not carry them out, and a line stays one."""
    return "".join(ascii(sign)[1:-1] if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def _at(place: Place) -> str:
    return ":".join([place.file, *(str(number) for number in (place.line, place.column) if number)])
