"""Warnings about hints of a process that can be called, but were most likely meant otherwise."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections import abc
from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any, get_args, get_origin

from jackfield.errors import Problem
from jackfield.process.calling import Raised, call
from jackfield.process.declare import resource_marked
from jackfield.process.process import Process
from jackfield.process.python.outline import own_nodes
from jackfield.process.signature.defaults import misfit
from jackfield.process.signature.hints import Unsupported, flat, readable, resolve, split
from jackfield.process.signature.parameters import NO_DEFAULT, Faults, Parameter

__all__ = ["lint"]

_CONNECTIONS = frozenset(
    {"connection", "conn", "websocket", "ws", "socket", "sock", "ctx", "context", "request", "req"}
)
_RESOURCES = frozenset(
    {"db", "database", "session", "cursor", "cur", "pool", "engine", "redis", "cache", "store", "storage", "con"}
    | {"http", "client", "http_client", "mongo", "broker", "producer", "s3", "repo", "repository"}
)
_STREAMS = (abc.AsyncIterator, abc.AsyncGenerator, abc.AsyncIterable)
_PLAIN = frozenset({str, bytes, int, float, bool, list, dict, tuple, set, frozenset})
"""Classes of which a constant is one or is not; many others are made of one by the encoder."""


def lint(process: Process, parameters: tuple[Parameter, ...], keys: Container[str]) -> tuple[Problem, ...]:
    """What is suspicious about the hints; `keys` are those that the endpoint's `input:` takes for granted."""
    found = Faults(process)
    if answer := _odd_answer(process):
        found.add("doubtful_hint", "return", answer, "write the type that is given, or give what the hint says")
    written = inspect.signature(process.function).parameters
    for parameter in parameters:
        if message := misfit(parameter):
            hint = "write a hint that has the default in it, or leave it out"
            found.add("doubtful_hint", parameter.name, message, hint)
        if parameter.source == "message" and written[parameter.name].annotation is NO_DEFAULT:
            if parameter.key not in keys and (hint := _injected(process, parameter.name)):
                message = "it has no hint, so it is a key of the message, and any JSON value fits"
                hint += "; a key of that name has a hint, if only `Any`"
                found.add("doubtful_hint", parameter.name, message, hint)
        elif parameter.resource is not None:
            given = _given(parameter.resource.function, parameter.hint)
            takers = [_class(part) for part, _ in flat(parameter.hint)]
            fits = any(_is_one(_class(part), taker) for part, _ in flat(given) for taker in takers)
            if given is not None and not fits:
                wanted, source = readable(parameter.hint), parameter.resource.name
                message = f"its hint is {wanted}, and {source} gives {readable(given)}"
                found.add("doubtful_hint", parameter.name, message, "write the same type in both places")
    return tuple(replace(problem, severity="warning") for problem in found)


def _injected(process: Process, name: str) -> str:
    """How to write a parameter that is most likely no key, by its name; "" for one that may well be one."""
    own = getattr(inspect.unwrap(process.function), "__globals__", {}).get(name)
    if resource_marked(own):
        return f"for the resource write `{name}: Annotated[T, {name}]`"
    if name.lower() in _CONNECTIONS or name == "self":
        return f"for the connection write `{name}: Connection`"
    return f"for a resource write `{name}: Annotated[T, the_resource]`" if name.lower() in _RESOURCES else ""


def _odd_answer(process: Process) -> str:
    """What is said of a constant that the process returns or yields against its hint; "" where all may fit."""
    inner = inspect.unwrap(process.function)
    hint = getattr(inner, "__annotations__", {}).get("return", NO_DEFAULT)
    tree = None if hint is NO_DEFAULT else _tree(inner)
    if tree is None:
        return ""
    try:
        bare = split(resolve(inner, hint))[0]
    except Unsupported:  # reported where the signature is read
        return ""
    is_stream = process.kind in ("generator", "async_generator")
    given = next(iter(get_args(bare)), None) if is_stream else bare
    takers = [_class(part) for part, _ in flat(given)]
    if not _PLAIN.issuperset(takers):
        return ""
    for node in own_nodes(tree):
        value = node.value if isinstance(node, ast.Yield if is_stream else ast.Return) else None
        constant = value.value if isinstance(value, ast.Constant) else None
        if constant is not None and not any(_is_one(type(constant), taker) for taker in takers):
            return f"it {'yields' if is_stream else 'returns'} {constant!r:.40}, and its hint says {readable(given)}"
    return ""


def _given(function: Callable[..., Any], wanted: Any) -> Any:
    """The hint of what a resource yields; None where that is unknown."""
    inner = inspect.unwrap(function)
    hint = inner.__annotations__.get("return", NO_DEFAULT)
    if hint is NO_DEFAULT:
        # A constant may stand for an object of any class, in a test for example, but for no other plain type.
        plain = all(getattr(_class(part), "__module__", "") == "builtins" for part, _ in flat(wanted))
        return _yielded(inner) if plain else None
    try:
        bare = split(resolve(inner, hint))[0]
    except Unsupported:  # it is no hint of a message and may be anything
        return None
    return next(iter(get_args(bare)), None) if get_origin(bare) in _STREAMS else None


def _yielded(function: Callable[..., Any]) -> type | None:
    """The type of a constant that a function without a hint yields."""
    tree = _tree(function)
    found = [part.value for part in own_nodes(tree) if isinstance(part, ast.Yield)] if tree else []
    return type(found[0].value) if len(found) == 1 and isinstance(found[0], ast.Constant) else None


def _tree(function: Callable[..., Any]) -> ast.AST | None:
    """A function as it is written; None for one that is made by other code."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None


def _is_one(given: type | None, wanted: type | None) -> bool:
    """Whether a value of the one class may be one of the other; True where that is unknown."""
    if given is None or wanted is None or wanted in (object, complex) or getattr(wanted, "_is_protocol", False):
        return True
    if wanted is float and given is int:  # PEP 484, the numeric tower
        return True
    try:
        return bool(call(issubclass, given, wanted))
    except Raised:  # a class may say what it likes
        return True


def _class(hint: Any) -> type | None:
    """The class of a hint without its arguments; None for `Any`, a type variable and the like."""
    if hint is None:
        return type(None)
    origin = get_origin(hint) or hint
    if typing.is_typeddict(origin):
        return dict
    return origin if isinstance(origin, type) and origin is not Any else None
