"""An endpoint that names a process which is not there: what was most likely meant."""

from __future__ import annotations

from pathlib import Path

from jackfield.config.plan import Endpoint, Plan
from jackfield.errors import Problem
from jackfield.process.catalog import Catalog
from jackfield.process.python.sources import FOLDER, beside
from jackfield.similar import did_you_mean, nearest

__all__ = ["unknown"]


def unknown(plan: Plan, endpoint: Endpoint, found: Catalog) -> list[Problem]:
    """A problem where no process has the name that the endpoint gives, with what was most likely meant."""
    if not endpoint.process or endpoint.process in found.known:
        return []
    module, _, _ = endpoint.process.rpartition(".")
    if not found.broken.isdisjoint((module, endpoint.process)):
        return []  # that file's own problem says it all
    hint = _spreadsheet(endpoint.process, found)
    hint = hint or (_hint(endpoint.process, found) if module else _of_table(endpoint.process, found))
    message = f'no process is named "{endpoint.process}"'
    return [plan.problem((*endpoint.path, "process"), "unknown_process", message, hint)]


def _hint(name: str, found: Catalog) -> str:
    module, _, function = name.rpartition(".")
    path = f"processes/{module.replace('.', '/')}"
    seen = {*found.files, *(problem.file for problem in found.problems)}
    file = next((one for one in (f"{path}.py", f"{path}/__init__.py") if one in seen), "")
    reason = found.reasons.get(name, "")
    if file or reason:  # a name from another file would be far-fetched
        own = [one.rpartition(".")[2] for one in found.known if one.rpartition(".")[0] == module]
        near = nearest(function, own)
        meant = f'did you mean "{module}.{near}"?' if near else ""
    else:
        meant = did_you_mean(name, found.known)
    if reason:
        hint = reason
    elif as_path := _of_path(name, found, file):
        hint = as_path
    elif file:
        write = f"write `@process` above `def {function}` in {file}"
        hint = f"{meant} If not, {write}" if meant else write
    elif other := beside(found.folder, module.partition(".")[0]):
        hint = f"{other} stands outside of processes/, where processes are not looked for: move it there"
    else:
        hint = f"there is no file {path}.py; write it, with `@process` above `def {function}`"
        hint += f"; or {meant}" if meant else ""
    return hint


def _spreadsheet(name: str, found: Catalog) -> str:
    """What to do with a file of a spreadsheet that is no CSV yet; "" where there is none of this name."""
    file = f"{FOLDER}/{name.replace('.', '/')}"
    ends = (end for end in (".xlsx", ".xls", ".ods") if _is_file(found.folder / f"{file}{end}"))
    texts = (end for end in (".csv.txt", ".csv.csv", ".txt", ".tsv") if _is_file(found.folder / f"{file}{end}"))
    renamed = next((f"rename {file}{end} to {name.rpartition('.')[2]}.csv" for end in texts), "")
    return next((f"save {file}{end} as `CSV UTF-8`: {file}.csv" for end in ends), renamed)


def _is_file(path: Path) -> bool:
    """Whether a file is there; none is where the name is longer than the system takes."""
    try:
        return path.is_file()
    except OSError:
        return False


def _of_table(name: str, found: Catalog) -> str:
    """What was meant by a name without a dot, which can only be that of a table."""
    own = sorted(process for process in found.known if process.rpartition(".")[0] == name)[:5]
    if own:
        return f"name a function of processes/{name}.py: {' or '.join(own)}"
    if "/" in name:
        return f"a process is named without its folder, with dots: {_dotted(name)}"
    write = f"there is no file {FOLDER}/{name}.csv; `jackfield new table {name}` writes one"
    meant = did_you_mean(name, found.known)
    return f"{meant} If not, {write}" if meant else write


def _dotted(path: str) -> str:
    return path.removeprefix("./").replace("/", ".").removeprefix("processes.")


def _of_path(name: str, found: Catalog, file: str) -> str:
    """What was meant by a name that is written like a file's path: `processes.greeting.answer`, `greeting.py`."""
    if name.endswith(".csv"):
        return f"a table is named without .csv: {_dotted(name.removesuffix('.csv'))}"
    module = (name if file else name.removeprefix("processes.")).removesuffix(".py")
    if module == name:
        return ""
    if not name.endswith(".py"):
        return did_you_mean(module, found.known) or f"a process is named without its folder: {module}"
    own = sorted(process for process in found.known if process.rpartition(".")[0] == module)[:5]
    if len(own) == 1:
        return f'did you mean "{own[0]}"? A process is named without .py'
    return f"name the function, without .py: {' or '.join(own) or f'{module}.…'}"
