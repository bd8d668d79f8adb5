"""All processes of a project as one generation, whatever they are written in, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from prometheus_client.registry import Collector

from jackfield.errors import Problem
from jackfield.process.builtin import processes as builtin
from jackfield.process.calling import one_line
from jackfield.process.process import Process
from jackfield.process.python.functions import Functions, read_functions
from jackfield.process.python.import_errors import innermost, raised_at
from jackfield.process.python.package import Package
from jackfield.process.python.sources import FOLDER, hash_of, module_of
from jackfield.process.table.function import Answering
from jackfield.process.table.tables import END, Tables, read_tables

__all__ = ["Catalog", "collect"]


@dataclass(slots=True)
class Catalog:
    """The processes of one generation by name, and every problem with their files.

    `hash` is made of all sources, 12 hex digits; `files` has the hash of each file by its name. `broken`
    names the modules that could not be imported, whose processes are not reported as missing.
    `functions` are the names of all that could be called, processes or not. `reasons` says how a name that stands
    in a file becomes a process; `folder` is the project's. `digests` has for each process what changes when its code
    does (see python/dependencies.py), `group_names` are as in python/group_names.py. `tables` are those of the
    processes that are tables.
    """

    processes: Mapping[str, Process]
    problems: tuple[Problem, ...]
    hash: str
    broken: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    functions: frozenset[str] = field(default=frozenset(), repr=False)
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)
    digests: Mapping[str, str] = field(default_factory=dict, repr=False)
    group_names: frozenset[str] | None = field(default=frozenset(), repr=False)
    folder: Path = field(default_factory=Path, repr=False)
    tables: Mapping[str, Answering] = field(default_factory=dict, repr=False)
    _package: Package | None = field(default=None, repr=False)

    @property
    def known(self) -> Mapping[str, Process]:
        """What an endpoint may name: the project's processes, and those that every project has."""
        taken = {file.split("/")[1].removesuffix(".py") for file in self.files}
        return {**builtin.processes(taken), **self.processes}

    def function(self, name: str) -> Callable[..., Any] | None:
        """A function of the project by its name, "accounts.who" for example; None where nothing was imported."""
        module, _, function = name.rpartition(".")
        if self._package is None or name not in self.functions:
            return None
        found = getattr(self._package.load(module), function, None)
        return found if callable(found) else None

    def named(self, name: str) -> Any:
        """What hints of the project call by this name: of "models.Said", Said in processes/models.py.

        Raises KeyError where nothing is called so, and whatever code of the project raises.
        """
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            if self._package is not None and ".".join(parts[:length]) in self._modules():
                found: Any = self._package.load(".".join(parts[:length]))
                for part in parts[length:]:
                    if not hasattr(found, part):
                        raise KeyError(name)
                    found = getattr(found, part)
                return found
        raise KeyError(name)

    def classes(self) -> tuple[str, ...]:
        """The names of all classes that the project's files have."""
        package = self._package
        held = [(name, vars(package.load(name))) for name in self._modules()] if package is not None else []
        return tuple(
            f"{module}.{name}"
            for module, values in held
            for name, value in values.items()
            if isinstance(value, type) and value.__module__ == f"{FOLDER}.{module}"
        )

    def _modules(self) -> list[str]:
        """The modules that were imported."""
        names = [module_of(file) for file in self.files if not file.endswith(END)]
        return [name for name in names if name and name not in self.broken]

    def problem(self, exc: BaseException, process: Process) -> Problem:
        """The problem for what code of the project raised while `process` was compiled."""
        assert self._package is not None, "only what was imported is compiled"
        own = raised_at(exc, self._package.files)
        file, line, column = own or (process.file, process.line, process.column)
        text = self._package.shown(one_line(exc)) + ("" if own else f" ({innermost(exc)})")
        message = f"a hint, a default or a decorator of it raises when it is looked at: {text}"
        return Problem("broken_process", message, "", process.name, file, line, column)

    def loading(self) -> AbstractContextManager[None]:
        """While this is open, `processes` means this generation in this thread."""
        return nullcontext() if self._package is None else self._package.loading()

    def go_live(self) -> None:
        """Have this generation's modules answer where the calling generation is unknown."""
        if self._package is not None:
            self._package.go_live()

    def collectors(self) -> tuple[Collector, ...]:
        """The metrics that the project's code has in Prometheus's registry."""
        return () if self._package is None else self._package.collectors()

    def release(self) -> None:
        """Drop the generation's package from `sys.modules`. A second call does nothing."""
        if self._package is not None:
            self._package.release()


def collect(
    folder: Path, generation: int, *, only_names: bool = False, called: str = "", home: Path | None = None
) -> Catalog:
    """Read and import all of a project's processes/ as a package of its own; sync, for a thread.

    A file that cannot be imported is a problem and the others still load. With `only_names` nothing is
    imported: the processes are read from the text and cannot be called. `called` names a function that is no
    process and is called on the event loop where it is async; blocking calls in it give warnings, too. Modules have
    their `__file__` in `home`, the author's project, where `folder` is a copy of it.
    """
    home = (home or folder).absolute()
    found = read_functions(folder.absolute(), home, generation, only_names=only_names, called=called)
    tables = read_tables(folder.absolute(), home)
    problems = [*found.problems, *tables.problems, *_part(found, tables)]
    processes = [*found.processes, *(one.process for one in tables.answering.values())]
    return Catalog(
        processes={process.name: process for process in processes},
        problems=tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column))),
        hash=sha256(f"{found.hash} {hash_of(tables.sources)}".encode()).hexdigest()[:12]
        if tables.sources
        else found.hash,
        broken=frozenset(found.broken | tables.broken),
        files={**found.files, **{source.file: hash_of([source]) for source in tables.sources}},
        functions=frozenset(found.names),
        reasons=found.reasons,
        digests={**found.digests, **tables.digests},
        group_names=found.group_names,
        folder=folder,
        tables=tables.answering,
        _package=found.package,
    )


def _part(found: Functions, tables: Tables) -> Iterator[Problem]:
    """Take out the tables whose names Python files or their processes have, and tell of each."""
    taken = {process.name: process.file for process in found.processes}
    files = {*found.files, *(problem.file for problem in found.problems)}
    for source in tables.sources:
        beside = f"{source.file.removesuffix(END)}.py"
        other = beside if beside in files else taken.get(source.module, "")
        if other:
            tables.answering.pop(source.module, None)
            tables.broken.add(source.module)
            message = f'this file and {other} would both be "{source.module}"'
            yield Problem("bad_table", message, "rename one of the two", file=source.file)
