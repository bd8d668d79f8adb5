"""Processes that a plan names beside those of messages, hooks for example: looked up, and compiled where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jackfield.config.plan import Plan
from jackfield.config.problems import PathTuple
from jackfield.errors import Problem
from jackfield.process.calling import Raised, call
from jackfield.process.catalog import Catalog
from jackfield.process.process import Process
from jackfield.similar import did_you_mean

__all__ = ["Named"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Named:
    """One kind of them: the code of its problems, and how one is written, with `{name}` for the function's."""

    code: str
    written: str

    def unknown(self, plan: Plan, path: PathTuple, name: str, found: Catalog) -> list[Problem]:
        """A problem at `path` where no process has a name; none where its file says by itself what is wrong."""
        if name in found.known or name.rpartition(".")[0] in found.broken:
            return []
        module, _, function = name.rpartition(".")
        written = self.written.format(name=function)
        write = f"write {written} and `@process` above it in processes/{module.replace('.', '/')}.py"
        hint = found.reasons.get(name, "") or did_you_mean(name, found.known) or write
        return [plan.problem(path, self.code, f'no process is named "{name}"', hint)]

    def compiled(
        self,
        plan: Plan,
        path: PathTuple,
        name: str,
        found: Catalog,
        make: Callable[[Process], tuple[T | None, list[Problem]]],
    ) -> tuple[T | None, list[Problem]]:
        """What `make` gives of a process and all that is wrong with it, whatever its hints and defaults do."""
        process = found.known.get(name)
        if process is None:
            return None, self.unknown(plan, path, name, found)
        try:
            return call(make, process)
        except Raised as raised:
            return None, [found.problem(raised.exc, process)]
