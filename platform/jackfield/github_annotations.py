"""Workflow commands of GitHub: a line on stdout that it shows beside a line of a file, in a pull request for example.

They have escapes of their own, not a URL's, and know files by their place below the folder where the job runs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from jackfield.errors import Problem

__all__ = ["annotation", "of_problem"]

_UNPRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")  # control characters, halves of a pair


def annotation(severity: str, file: str, line: int, column: int, title: str, text: str, folder: Path) -> str:
    """One workflow command; `file` is below the project's `folder`, and a line of 0 means the whole file."""
    path = os.path.relpath(folder / file).replace(os.sep, "/")
    where = f"file={_escaped(path, ',:')},line={max(1, line)},col={max(1, column)}"
    return f"::{severity} {where},title={_escaped(title, ',:')}::{_escaped(text)}"


def of_problem(problem: Problem, folder: Path) -> str:
    """The same of a problem: its code as the title, and what GitHub does not show itself as the text."""
    text = f"{problem.path}: {problem.message}" if problem.path else problem.message
    text = f"{text}; {problem.hint}" if problem.hint else text
    return annotation(problem.severity, problem.file, problem.line, problem.column, problem.code, text, folder)


def _escaped(text: str, more: str = "") -> str:
    for letter in f"%\r\n{more}":
        text = text.replace(letter, f"%{ord(letter):02X}")
    return _UNPRINTED.sub(lambda found: ascii(found[0])[1:-1], text)
