"""Where a process waits for what its client says, as far as its text shows that: `await connection.next()`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jackfield.process.process import Asks
from jackfield.process.python.outline import FunctionNode, Outline, arguments_of, dotted, own_nodes

__all__ = ["asked_for", "injected"]

_METHODS = ("next", "request")
_GUARDS = ("RuntimeError", "ConnectionError", "OSError", "Exception", "BaseException")


def asked_for(outline: Outline, node: FunctionNode) -> tuple[Asks, ...]:
    """The calls of next and request that a function awaits itself, on its own parameter.

    None for a function that looks which endpoint it serves, or catches what these raise where they cannot be, or has a
    decorator that may: it may know when to leave them out.
    """
    own = {name for name, full in injected(outline, node).items() if full == "jackfield.Connection"}
    if not own or len(node.decorator_list) > 1 or any(_is_guard(part, own) for part in own_nodes(node)):
        return ()
    return tuple(_asks(outline, node, own))


def injected(outline: Outline, node: FunctionNode) -> dict[str, str]:
    """The parameters that are Connection or Groups, each with the full name of that; none that is given a new value."""
    stored = {part.id for part in own_nodes(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    found = {one.arg: dotted(one.annotation, outline.names) for one in arguments_of(node) if one.annotation is not None}
    ours = ("jackfield.Connection", "jackfield.Groups")
    return {name: full for name, full in found.items() if full in ours and name not in stored}


def _asks(outline: Outline, node: FunctionNode, own: set[str]) -> Iterator[Asks]:
    for part in own_nodes(node):
        if not isinstance(part, ast.Await) or not isinstance(part.value, ast.Call):
            continue
        func = part.value.func
        if isinstance(func, ast.Attribute) and func.attr in _METHODS and _is_own(func.value, own):
            yield Asks(func.attr, *outline.place(part.value))


def _is_guard(part: ast.AST, own: set[str]) -> bool:
    if isinstance(part, ast.ExceptHandler):
        kinds = [] if part.type is None else [n.id for n in ast.walk(part.type) if isinstance(n, ast.Name)]
        return not kinds or any(kind in _GUARDS for kind in kinds)
    return isinstance(part, ast.Attribute) and part.attr == "endpoint" and _is_own(part.value, own)


def _is_own(value: ast.expr, own: set[str]) -> bool:
    return isinstance(value, ast.Name) and value.id in own
