"""Why a process file could not be imported: the exception as a problem at the user's own line."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from jackfield.errors import Problem
from jackfield.process.loading import Package
from jackfield.process.outline import syntax_problem
from jackfield.process.sources import FOLDER, Source

__all__ = ["problem_of"]

_OURS = ("Connection", "Key", "Reject", "process", "resource")


def problem_of(exc: BaseException, source: Source, files: Mapping[str, str], package: Package) -> Problem:
    """The problem for `exc`, raised while `source` was imported.

    Its place is the last line among the project's own files (`files`: path -> file) that the exception
    went through, which may be in a neighbour that `source` imports.
    """
    written = files.get(exc.filename or "") if isinstance(exc, SyntaxError) else None
    if written is not None and isinstance(exc, SyntaxError):
        return syntax_problem(written, exc)
    file, line, column = _place(exc, source, files)
    text = package.shown(_one_line(exc, files))
    return Problem("broken_module", text, _hint(exc, source, files, package), file=file, line=line, column=column)


def _place(exc: BaseException, source: Source, files: Mapping[str, str]) -> tuple[str, int, int]:
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename in files]
    if not frames:
        return source.file, 0, 0
    last = frames[-1]
    return files[last.filename], last.lineno or 0, _column(last)


def _column(frame: traceback.FrameSummary) -> int:
    """The column from 1, in characters; Python counts the bytes of the line as UTF-8."""
    if frame.colno is None:
        return 0
    line = getattr(frame, "_original_line", None) or frame.line or ""
    return len(line.encode()[: frame.colno].decode("utf-8", "replace")) + 1


def _one_line(exc: BaseException, files: Mapping[str, str]) -> str:
    if isinstance(exc, SystemExit):
        return f"the file ends the program: SystemExit({exc.code!r})"
    text = " ".join(traceback.format_exception_only(exc)[-1].split())
    for path, file in files.items():
        text = text.replace(path, file)  # people know their files by the project's folder
    return text if len(text) <= 300 else text[:299] + "…"


def _hint(exc: BaseException, source: Source, files: Mapping[str, str], package: Package) -> str:
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return _missing(package.shown(exc.name), source, files)
    if isinstance(exc, ImportError):
        circular = "circular import" in str(exc)
        return "move what both files need into a third one" if circular else ""
    if isinstance(exc, SystemExit):
        return 'put what runs the file by itself under `if __name__ == "__main__":`'
    if isinstance(exc, NameError) and exc.name in _OURS:
        return f"add `from jackfield import {exc.name}`"
    return ""


def _missing(name: str, source: Source, files: Mapping[str, str]) -> str:
    if name == FOLDER or name.startswith(FOLDER + "."):
        return f"there is no {name.replace('.', '/')}.py"
    top = name.partition(".")[0]
    if f"{FOLDER}/{top}.py" in files.values() or f"{FOLDER}/{top}/__init__.py" in files.values():
        return f"a neighbour is imported as `from {FOLDER}.{name} import ...`"
    return f"install it beside jackfield, for example with `pip install {top}`"
