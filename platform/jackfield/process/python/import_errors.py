"""An exception of the project's code during its import, as a problem at the author's own line."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jackfield.errors import Problem
from jackfield.process.calling import Raised, call, one_line
from jackfield.process.python.outline import syntax_problem
from jackfield.process.python.package import Package
from jackfield.process.python.sources import FOLDER, beside, module_of
from jackfield.process.suggestions import call_fix
from jackfield.similar import did_you_mean

__all__ = ["frames_of", "innermost", "problem_of", "raised_at"]

_OURS = ("Connection", "Key", "Reject", "process", "resource")
_EXIT = "raise an exception that says what is missing"


def problem_of(exc: BaseException, file: str, package: Package) -> Problem:
    """The problem for `exc`, raised during the import of `file`.

    Its place is the last line among the project's own files that the exception went through, which may be in
    a neighbour that the file imports.
    """
    try:
        return call(_problem_of, exc, file, package)
    except Raised:  # the exception is an object of the author's class, and each look at it may raise
        at, line, column = raised_at(exc, package.files) or (file, 0, 0)
        return Problem("broken_module", package.shown(one_line(exc)), file=at, line=line, column=column)


def _problem_of(exc: BaseException, file: str, package: Package) -> Problem:
    written = package.files.get(exc.filename or "") if isinstance(exc, SyntaxError) else None
    if written is not None and isinstance(exc, SyntaxError):
        return syntax_problem(written, exc)
    ended = f"the file ends the program: SystemExit({exc.code!r})" if isinstance(exc, SystemExit) else ""
    text = package.shown(ended or one_line(exc))
    at, line, column = raised_at(exc, package.files) or (file, 0, 0)
    return Problem("broken_module", text, _hint(exc, package), file=at, line=line, column=column)


def raised_at(exc: BaseException, files: Mapping[str, str]) -> tuple[str, int, int] | None:
    """File, line and column of the last line among `files` (path -> file) that an exception went through."""
    last = _last(exc, files)
    return (files[last.filename], last.lineno or 0, _column(last)) if last else None


def _last(exc: BaseException, files: Mapping[str, str]) -> traceback.FrameSummary | None:
    return next((frame for frame in reversed(frames_of(exc)) if frame.filename in files), None)


def innermost(exc: BaseException) -> str:
    """The line that raised, wherever it stands: `hints.py:42`."""
    frames = frames_of(exc)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"


def frames_of(exc: BaseException) -> traceback.StackSummary:
    """The lines that an exception went through, the one that raised last; reads them from the sources."""
    descriptor: Any = BaseException.__traceback__
    return traceback.extract_tb(descriptor.__get__(exc))  # whatever its class makes of the name


def _column(frame: traceback.FrameSummary) -> int:
    """The column from 1, in characters; Python counts the bytes of the line as UTF-8."""
    if frame.colno is None:
        return 0
    line = getattr(frame, "_original_line", None) or frame.line or ""
    return len(line.encode()[: frame.colno].decode("utf-8", "replace")) + 1


def _hint(exc: BaseException, package: Package) -> str:
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return _missing(package.shown(exc.name), package.files)
    if isinstance(exc, ImportError):
        return next((hint for words, hint in _IMPORTS if words in str(exc)), "") or _misspelt(exc, package)
    if isinstance(exc, SystemExit):
        return 'put what runs the file by itself under `if __name__ == "__main__":`'
    if not isinstance(exc, Exception):
        return _EXIT
    if isinstance(exc, NameError) and exc.name in _OURS:
        return f"add `from jackfield import {exc.name}`"
    if isinstance(exc, NameError) and (meant := did_you_mean(exc.name or "", _OURS, cutoff=0.8)):
        return meant
    if isinstance(exc, TypeError) and any(words in str(exc) for words in _CALLED):
        last = _last(exc, package.files)
        return call_fix((last.line or "") if last else "")
    return ""


_CALLED = ("'type' object is not iterable", "annot instantiate", "expected at most 1 argument")


def _misspelt(exc: ImportError, package: Package) -> str:
    """The name of a module that is most like one that it has not."""
    wanted = re.search(r"cannot import name '(\w+)'", str(exc))  # Python 3.11 says it nowhere else
    home = exc.name or ""
    own = package.name + home.removeprefix(FOLDER) if home.partition(".")[0] == FOLDER else home
    module = sys.modules.get(own)
    return did_you_mean(wanted[1], vars(module), cutoff=0.8) if wanted and module else ""


_IMPORTS = (
    ("circular import", "move what both files need into a third one"),
    ("beyond top-level package", f"there is nothing above {FOLDER}/: move what is imported into it"),
)


def _missing(name: str, files: Mapping[str, str]) -> str:
    """Where a module is that Python has not found; a name alone says nothing of what to install."""
    path, file = next(iter(files.items()))
    project = Path(path.removesuffix(file))
    if name == FOLDER or name.startswith(FOLDER + "."):
        other = beside(project, name.removeprefix(FOLDER + ".").partition(".")[0])
        return f"there is no {name.replace('.', '/')}.py" + (f"; {other} is outside: move it there" if other else "")
    top = name.partition(".")[0]
    own = {module_of(file) for file in files.values()}
    own |= {module.rpartition(".")[0] for module in own}  # a folder needs no __init__.py
    neighbour = next((module for module in sorted(own, key=len) if module.rpartition(".")[2] == top), "")
    if neighbour:
        return f"a neighbour is imported as `from {FOLDER}.{neighbour}{name.removeprefix(top)} import ...`"
    if other := beside(project, top):
        move = f"move it there and import it as `from {FOLDER}.{name} import ...`"
        found = f"{other} is yours and stands outside of {FOLDER}/, where modules are not looked for"
        host = "; or, where it is of the application around this project, set PYTHONPATH to its folder"
        return f"{found}: {move}{host if other.startswith('../') else ''}"
    return did_you_mean(top, {*own, *sys.stdlib_module_names} - {""}, cutoff=0.8) or (
        "where it is of a package, install that for the Python that runs Jackfield (it may be called otherwise than "
        f"the module); a file of your own belongs into {FOLDER}/, one of the application around it on PYTHONPATH"
    )
