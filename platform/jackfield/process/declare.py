"""What a process author writes above a function. It only attaches data: importing registers nothing."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

__all__ = ["Key", "ProcessMark", "process", "process_mark", "resource", "resource_marked"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Opener = TypeVar("_Opener", bound=Callable[..., AsyncIterator[Any]])

_PROCESS = "__jackfield_process__"
_RESOURCE = "__jackfield_resource__"


@dataclass(frozen=True, slots=True)
class Key:
    """The JSON key of a parameter, for what Python cannot name: `Annotated[str, Key("user-id")]`."""

    name: str


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """What `@process` was given: the key of a bare reply, and whether the function runs in a thread."""

    reply: str = "result"
    blocking: bool = False


@overload
def process(function: _Function, /, *, reply: str = ..., blocking: bool = ...) -> _Function: ...


@overload
def process(*, reply: str = ..., blocking: bool = ...) -> Callable[[_Function], _Function]: ...


def process(function: Any = None, /, *, reply: str = "result", blocking: bool = False) -> Any:
    """Make a function a process, which an endpoint can name in `process:`.

    `reply` is the key under which a bare value is sent. `blocking` runs a sync function in a bounded
    pool of threads; without it a function runs on the event loop and must not wait. The function itself
    is given back unchanged and can still be called. Raises TypeError for what is not a function, and for a
    `blocking` that is neither True nor False; another `reply` than a text is a problem at load.
    """
    if type(blocking) is not bool:
        raise TypeError(f"@process takes blocking=True or blocking=False, not a {type(blocking).__name__}")
    mark = ProcessMark(reply, blocking)
    if function is None:
        return lambda decorated: _attach(decorated, _PROCESS, mark, "@process")
    return _attach(function, _PROCESS, mark, "@process")


def resource(function: _Opener) -> _Opener:
    """Make an async generator function with one `yield` a resource: something long-lived, a pool for example.

    What it yields is given to each parameter annotated `Annotated[T, function]`. It is opened before its
    generation goes live and closed after the generation's last call. Raises TypeError for what is not a
    function; anything else that is wrong with it is a problem at load.
    """
    opener: _Opener = _attach(function, _RESOURCE, True, "@resource")
    return opener


def process_mark(value: object) -> ProcessMark | None:
    """What `@process` attached to `value`, or None. `value` may be any object; none of its code runs."""
    mark = _attached(value, _PROCESS)
    return mark if type(mark) is ProcessMark else None


def resource_marked(value: object) -> bool:
    """Whether `value` was declared with `@resource`; as for `process_mark`."""
    return _attached(value, _RESOURCE) is True


def _attached(value: object, name: str) -> object:
    """A mark of ours, looked up past `__getattr__`, `__class__` and whatever else a class may have of its own.

    A variable may stand for something that is not there yet, like flask's current_app, and raise when it is asked.
    """
    if not callable(value) or issubclass(type(value), type):
        return None
    return inspect.getattr_static(value, name, None)


def _attach(function: Any, name: str, mark: object, decorator: str) -> Any:
    # A wrapper such as functools.lru_cache's is no function, but it says which function it stands for.
    if not inspect.isfunction(function) and not hasattr(function, "__wrapped__"):
        raise TypeError(f"{decorator} stands above a function, not above {_called(function)}")
    setattr(function, name, mark)
    return function


def _called(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}; write it above a `def` at the left margin"
    if isinstance(value, staticmethod | classmethod):
        return f"a {type(value).__name__}; write it above a `def` at the left margin"
    settings = "its settings go by name, as in @process(reply='text')"
    return f"a value of type {type(value).__name__}; {settings}, and a decorator below it has to give a function back"
