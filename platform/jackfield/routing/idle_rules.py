"""Rules for joins that have no effect: nobody asks by them, or what asks finds none."""

from __future__ import annotations

from collections.abc import Collection

from jackfield.config.plan import Plan
from jackfield.errors import Problem
from jackfield.process.builtin import processes as builtin
from jackfield.process.calling import Raised, call
from jackfield.process.process import Process
from jackfield.process.signature.parameters import Faults, read_parameters
from jackfield.routing.table import Route

__all__ = ["idle_rules"]


def idle_rules(plan: Plan, routes: Collection[Route]) -> list[Problem]:
    """Warnings of an action that can join nothing, and of rules by which nobody asks."""
    parts = [part for route in routes for part in (route.actions.values() or (route,))]
    asking = [part.endpoint for part in parts if builtin.is_join(part.process)]
    ruled = [text for text, one in plan.groups.items() if one.may_join is not None]
    if asking and not ruled:
        message = "no group can be joined by it: none under `groups:` has `may_join`"
        hint = 'write `may_join: anyone` below the group\'s pattern, "quotes:{symbol}" for example'
        found = [((*one.path, "process"), message, hint) for one in asking]
    elif asking or len(routes) < len(plan.endpoints) or any(_may_join(part.process) for part in parts):
        found = []
    else:
        message = "nobody can ask to join: no endpoint has the action `group.join`"
        hint = "write `actions: {subscribe: group.join, unsubscribe: group.leave}` at one"
        found = [(("groups", text, "may_join"), message, hint) for text in ruled]
    return [plan.problem(path, "bad_group", message, hint, "warning") for path, message, hint in found]


def _may_join(process: Process) -> bool:
    """Whether a process of the project is given the connection, which it may join to groups."""
    if builtin.refused_with(process):
        return False  # group.leave and group.remove, which take out
    try:
        return any(one.source == "connection" for one in call(read_parameters, process, (), Faults(process)))
    except Raised:  # told where it is compiled
        return True
