"""`inspect: unmatched`: it tells of tables, so one has to answer."""

from __future__ import annotations

from jackfield.config.plan import Endpoint, Plan
from jackfield.errors import Problem
from jackfield.routing.table import Route

__all__ = ["inspect_faults"]


def inspect_faults(plan: Plan, endpoint: Endpoint, route: Route) -> list[Problem]:
    """A warning where an endpoint keeps unmatched messages, and nothing there can have any."""
    parts = tuple(route.actions.values()) or (route,)
    if "unmatched" not in endpoint.inspect or any(part.process.unmatched is not None for part in parts):
        return []
    message = "`unmatched` keeps messages that no row of a table is for, and no table answers this endpoint"
    hint = "take it out, or name a table under `process`: processes/faq.csv is `process: faq`"
    return [plan.problem((*endpoint.path, "inspect"), "no_table", message, hint, "warning")]
