"""An endpoint or an example is added to a file of the project: checked with all the others before it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jackfield.config.additions import Addition
from jackfield.errors import Problem, Refusal
from jackfield.routing.build import problems_of
from jackfield.server.editing.overlay import problems_with
from jackfield.server.editing.project_files import ProjectFiles
from jackfield.server.editing.texts import etag_of

__all__ = ["Added", "add"]


@dataclass(frozen=True, slots=True)
class Added:
    """What was put into a file, and on which line it begins; with `written` false it was not.

    `problems` are those that the project did not have before; one that is no warning keeps it from being written.
    """

    file: str
    line: int
    text: str
    problems: tuple[Problem, ...]
    written: bool

    def as_json(self) -> dict[str, Any]:
        """The answer of an address."""
        return asdict(self)


def add(files: ProjectFiles, make: Callable[[Path], Addition], *, dry_run: bool) -> Added:
    """Write what `make` gives for the project's folder, unless that has new problems, or with `dry_run`.

    Imports nothing of the project, and may take seconds. Raises Refusal: what cannot be added, with the reason.
    """
    try:
        made = make(files.folder)
        problems = _new_problems(files.folder, made)
    except ValueError as exc:
        raise Refusal("invalid_request", f"Nothing was added: {exc}.", "Mend that, and send it again.") from None
    except OSError as exc:
        detail = f"The files cannot be read or checked: {exc.strerror or exc}."
        raise Refusal("file_unusable", detail) from exc
    written = not dry_run and all(problem.severity == "warning" for problem in problems)
    if written:
        files.replace(made.file, made.content, etag_of(made.before))
    return Added(made.file, made.line, made.text, problems, written)


def _new_problems(folder: Path, made: Addition) -> tuple[Problem, ...]:
    """What is wrong with the project once this is in it, without what is wrong already."""
    before = {_what(problem) for problem in problems_of(folder)[0]}
    after = problems_with(folder, {tuple(made.file.split("/")): made.content})
    return tuple(problem for problem in after if _what(problem) not in before)


def _what(problem: Problem) -> tuple[str, ...]:
    """A problem without its place, which moves."""
    return problem.code, problem.file, problem.path, problem.message
