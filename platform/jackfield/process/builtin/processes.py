"""The processes of this package by name, and what messages to them may not hold."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from jackfield.errors import OF_JOINS
from jackfield.process.builtin import echo, group, payload_echo
from jackfield.process.declare import process_mark
from jackfield.process.process import Kind, Process

__all__ = ["NONE", "for_payloads", "input_of", "is_for_some", "is_join", "processes", "refused_with"]

_MODULES = {"echo": echo, "group": group}
_OF_PAYLOADS = {echo.same: payload_echo.same, echo.nothing: payload_echo.nothing}
_OF_REPLIES = ("error", "event")
_OF_EVENTS = (*_OF_REPLIES, "from", "group", "name")


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


def for_payloads(process: Process) -> Process:
    """The process as it is where messages are no JSON."""
    function = _OF_PAYLOADS.get(process.function)
    return process if function is None else replace(process, function=function, summary=str(function.__doc__))


def refused_with(process: Process) -> frozenset[str]:
    """The codes of refusals with which a process of this package may answer a message."""
    if process.function is group.join:
        return OF_JOINS
    return frozenset({"group_forbidden"} if process.function in (group.leave, group.remove) else ())


def is_join(process: Process) -> bool:
    """Whether clients choose their groups by a process."""
    return process.function is group.join


def is_for_some(process: Process) -> bool:
    """Whether a process does to others what not everybody may do."""
    return process.function is group.remove


def _process(name: str, function: Any) -> Process:
    line = inspect.getsourcelines(function)[1]
    summary, mark = str(inspect.getdoc(function)), process_mark(function)
    kind: Kind = "async" if inspect.iscoroutinefunction(function) else "sync"
    return Process(name, function, kind, mark.reply if mark else "", False, summary, f"jackfield: {name}", line, 1)


NONE = replace(_process("echo.nothing", echo.nothing), name="", summary="")
"""Stands in the place of a process where an endpoint has none of its own. It is never called."""
