"""The processes of this package by name, and what messages to them may not hold."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from jackfield.process.builtin import echo
from jackfield.process.process import Process

__all__ = ["NONE", "input_of", "processes"]

_MODULES = {"echo": echo}
_OF_REPLIES = ("error", "event")
_OF_EVENTS = (*_OF_REPLIES, "from", "group", "name")


NONE = Process("", echo.nothing, "sync", "result", False, "", "", echo.nothing.__code__.co_firstlineno, 1)
"""Stands in the place of a process where an endpoint has none. It is never called."""


def processes(taken: Collection[str]) -> dict[str, Process]:
    """The processes of all modules whose names no file of the project has; `taken` are the modules of that."""
    found = (
        _process(f"{name}.{function}", getattr(module, function))
        for name, module in _MODULES.items()
        if name not in taken
        for function in module.__all__
    )
    return {process.name: process for process in found}


def input_of(process: Process, *, to_group: bool) -> Mapping[str, Any] | None:
    """A JSON Schema that messages to a process must fit: what is echoed has no key that is ours in what it becomes."""
    if process.function is not echo.same:
        return None
    return {"properties": dict.fromkeys(_OF_EVENTS if to_group else _OF_REPLIES, False)}


def _process(name: str, function: Any) -> Process:
    line = inspect.getsourcelines(function)[1]
    summary = str(inspect.getdoc(function))
    return Process(name, function, "sync", "result", False, summary, f"jackfield: {name}", line, 1)
