"""What a resource takes: other resources and Groups, by the hints of its parameters, as processes do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from jackfield.errors import Problem
from jackfield.process.connection import Connection
from jackfield.process.declare import resource_marked
from jackfield.process.groups import Groups
from jackfield.process.python.sources import FOLDER
from jackfield.process.resources import Resource
from jackfield.process.signature.hints import Unsupported, optional_of, resolve, split

__all__ = ["NotAResource", "Reading", "resource_in"]

_STARS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_HINT = "a resource may take other resources, `Annotated[T, the_function]`, and `Groups`"

Places = Callable[[Resource], Mapping[str, tuple[int, int]]]


class NotAResource(Exception):
    """A parameter that cannot be given a resource; `hint` says how to fix it."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


def resource_in(notes: tuple[Any, ...]) -> Callable[..., Any] | None:
    """The `@resource` function in an `Annotated`. Raises NotAResource for one that lacks the decorator."""
    for note in notes:
        if resource_marked(note):
            found: Callable[..., Any] = note
            return found
        if type(note) is FunctionType and inspect.isasyncgenfunction(note):
            fix = f"write `@resource` above `async def {note.__name__}`"
            raise NotAResource(f"`{note.__name__}` is not a resource yet", fix)
    return None


class Reading:
    """Reads the resources of a project, each once; `problems` is what is wrong with what they take.

    `project` is what the paths of its files begin with, a slash at the end. `places` gives where the parameters of a
    resource stand, as far as that is known; without it only problems of installed packages are noted, for those of the
    project are told when its files are read.
    """

    def __init__(self, project: str, places: Places | None = None) -> None:
        self.problems: list[Problem] = []
        self._project = project
        self._places = places
        self._known: dict[int, Resource] = {}
        self._way: list[tuple[Resource, str]] = []  # from the first that is read to this one, with the parameters

    def resource(self, function: Callable[..., Any]) -> Resource:
        """A resource with all that it needs. One that needs itself, over others too, goes without: it is a problem."""
        if id(function) not in self._known:
            found = self._known[id(function)] = self._named(function)
            for parameter in inspect.signature(function).parameters.values():
                self._way.append((found, parameter.name))
                try:
                    self._read(found, parameter)
                except NotAResource as exc:
                    self._note("bad_resource", f'parameter "{parameter.name}": {exc}', exc.hint)
                except Unsupported as exc:
                    self._note("bad_hint", f'parameter "{parameter.name}": {exc}', exc.hint)
                self._way.pop()
        return self._known[id(function)]

    def _is_own(self, function: Callable[..., Any]) -> bool:
        inner = inspect.unwrap(function)
        path: str = inner.__code__.co_filename
        return path.startswith(self._project) and inner.__module__.partition(".")[0] == FOLDER

    def _named(self, function: Callable[..., Any]) -> Resource:
        """By the place of its function; one of an installed package by its module."""
        inner = inspect.unwrap(function)
        line = inner.__code__.co_firstlineno
        if not self._is_own(function):
            file = inner.__module__.replace(".", "/") + ".py"
            return Resource(f"{inner.__module__}.{function.__name__}", function, file, line, 1)
        module = inner.__module__.partition(".")[2]
        name = f"{module}.{function.__name__}" if module else function.__name__
        return Resource(name, function, inner.__code__.co_filename.removeprefix(self._project), line, 1)

    def _read(self, resource: Resource, parameter: inspect.Parameter) -> None:
        if parameter.kind in _STARS:
            return
        optional = parameter.default is not parameter.empty
        written = Any if parameter.annotation is parameter.empty else parameter.annotation
        bare, notes = split(resolve(resource.function, written))
        needed = resource_in(notes)
        inner = split(optional_of(bare))[0]
        if needed is None and inner is not Groups:
            if inner is Connection:
                raise NotAResource("a resource is opened once for all connections, so there is none to give it", _HINT)
            if not optional:
                raise NotAResource("there is nothing to give it", _HINT)
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            raise NotAResource("what a resource takes is given by name", "take the `/` away")
        elif needed is None:
            resource.needs[parameter.name] = None
        elif not self._closes_circle(needed):
            resource.needs[parameter.name] = self.resource(needed)

    def _closes_circle(self, needed: Callable[..., Any]) -> bool:
        at = next((at for at, (one, _) in enumerate(self._way) if one.function is needed), None)
        if at is None:
            return False
        circle = self._way[at:]
        first = min(range(len(circle)), key=lambda at: circle[at][0].name)  # the same for whoever is read first
        circle = [*circle[first:], *circle[:first]]
        steps = [f"{one.name} ({one.file}:{self._place(one, parameter)[0]})" for one, parameter in circle]
        way = ", which takes ".join([*steps, circle[0][0].name]).replace(", which takes ", " takes ", 1)
        message = f"resources need each other in a circle: {way}"
        self._note("bad_resource", message, "let one of them do without, or put what both need into a third", circle[0])
        return True

    def _place(self, resource: Resource, parameter: str) -> tuple[int, int]:
        places = {} if self._places is None else self._places(resource)
        return places.get(parameter, (resource.line, resource.column))

    def _note(self, code: str, message: str, hint: str, at: tuple[Resource, str] | None = None) -> None:
        resource, parameter = at or self._way[-1]
        if self._places is not None or not self._is_own(resource.function):
            line, column = self._place(resource, parameter)
            self.problems.append(Problem(code, message, hint, resource.name, resource.file, line, column))
