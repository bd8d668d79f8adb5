"""`inspect: unmatched`: messages that no row of a table is for are noted, and answered as ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jackfield.routing.table import Route

__all__ = ["Note", "noticed"]

Note = Callable[[str, str, str, dict[str, Any]], None]
"""Takes endpoint, process, why and the message; must not wait or fail."""


def noticed(route: Route, note: Note | None) -> Route:
    """The route, with a function that calls `note` first where the endpoint asks for that and its process can tell."""
    unmatched, function = route.process.unmatched, route.process.function
    if note is None or unmatched is None or "unmatched" not in route.endpoint.inspect:
        return route
    endpoint, process = route.name, route.process.name

    def noting(**arguments: Any) -> Any:
        found = unmatched(arguments)
        if found is not None:
            note(endpoint, process, *found)
        return function(**arguments)

    return replace(route, process=replace(route.process, function=noting))
