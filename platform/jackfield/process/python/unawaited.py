"""Warnings for coroutines that are never awaited, found in the text."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping

from jackfield.errors import Problem
from jackfield.process.python.asking import injected
from jackfield.process.python.blocking import names_in
from jackfield.process.python.outline import FunctionNode, Outline, arguments_of, dotted, kind_of, own_nodes

__all__ = ["coroutines", "unawaited"]

_Parents = Mapping[ast.AST, ast.AST]

_ASKED = (ast.Attribute, ast.Subscript, ast.BinOp, ast.Compare, ast.UnaryOp, ast.FormattedValue)
"""Nodes that use a value, and would get the coroutine where its result was meant."""

_CONTAINERS = (ast.List, ast.Tuple, ast.Set, ast.Dict)


def coroutines(outlines: Iterable[Outline]) -> frozenset[str]:
    """The coroutine functions of a project's files, each with its module: "support.chat.say"."""
    return frozenset(
        f"{outline.source.module}.{node.name}"
        for outline in outlines
        for node in outline.functions
        if kind_of(node) == "async"
    )


def unawaited(outline: Outline, known: Collection[str], processes: Collection[str]) -> Iterator[Problem]:
    """A warning for each call of a coroutine function, in a function of the file, whose coroutine is lost.

    `known` are the project's own; those of a library are known where it is imported. Only what names
    show is reported: a coroutine that is passed to another call may be awaited there. What the
    `processes` return goes to a client.
    """
    for node in outline.functions:
        names = names_in(outline, node) | injected(outline, node)
        parents = {child: part for part in (node, *own_nodes(node)) for child in ast.iter_child_nodes(part)}
        for part in own_nodes(node):
            if not isinstance(part, ast.Call) or not (name := _coroutine(part.func, outline, node, names, known)):
                continue
            path = outline.source.qualified(node.name)
            if _is_lost(part, parents, node, replies=path in processes):
                first = "" if isinstance(node, ast.AsyncFunctionDef) else f"`async def {node.name}` and "
                hint = f"write {first}`await {ast.unparse(part.func)[:60]}(...)`"
                name = ast.unparse(part.func)[:60] if name.startswith("jackfield.") else name
                message = f"{name}() is not awaited, so it never runs"
                yield outline.warning(part, "not_awaited", message, hint, path)


def _coroutine(
    func: ast.expr, outline: Outline, node: FunctionNode, names: Mapping[str, str], known: Collection[str]
) -> str:
    """The name of the coroutine function that `func` means; "" where it means none."""
    nested = {n.name for n in own_nodes(node) if isinstance(n, ast.AsyncFunctionDef) and kind_of(n) == "async"}
    if isinstance(func, ast.Name) and func.id in nested:
        return func.id
    module = outline.source.module
    if isinstance(func, ast.Name) and f"{module}.{func.id}" in known and not names.get(func.id):
        own = {argument.arg for argument in arguments_of(node)}
        own |= {n.id for n in own_nodes(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return "" if func.id in own else func.id
    full = dotted(func, names)
    if not full:
        return ""
    return full.lstrip(".") if _absolute(full, outline) in known or _of_library(full) else ""


def _absolute(full: str, outline: Outline) -> str:
    """`.shared.load` and `processes.shared.load` as the project's own name, "shared.load"."""
    if not full.startswith("."):
        return full.removeprefix("processes.") if full.startswith("processes.") else ""
    rest = full.lstrip(".")
    package = outline.source.module.split(".")
    above = package[: len(package) - (len(full) - len(rest)) + outline.source.is_package]
    return ".".join([*above, rest])


def _of_library(full: str) -> bool:
    """Whether a name is that of a coroutine function of a module that is loaded, found without running code."""
    parts = full.split(".")
    lengths = [length for length in range(len(parts) - 1, 0, -1) if ".".join(parts[:length]) in sys.modules]
    found: object = sys.modules[".".join(parts[: lengths[0]])] if lengths else None
    for part in parts[lengths[0] if lengths else len(parts) :]:
        found = inspect.getattr_static(found, part, None)
    return inspect.iscoroutinefunction(found)


def _is_lost(call: ast.Call, parents: _Parents, node: FunctionNode, *, replies: bool) -> bool:
    parent = parents[call]
    if isinstance(parent, ast.Expr):
        return True
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
        if isinstance(parent, ast.NamedExpr) or not name:
            return False
        uses = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
        return all(use in parents and _is_used_up(use, parents, replies=replies) for use in uses)
    return _is_used_up(call, parents, replies=replies)


def _is_used_up(part: ast.AST, parents: _Parents, *, replies: bool) -> bool:
    """Whether a coroutine is used where only its value would make sense."""
    parent = parents[part]
    while isinstance(parent, _CONTAINERS) and replies:
        part, parent = parent, parents[parent]
    if isinstance(parent, ast.Return | ast.Yield):
        return replies
    if isinstance(parent, ast.If | ast.While | ast.IfExp):
        return part is parent.test
    return isinstance(parent, _ASKED) or (isinstance(parent, ast.For) and part is parent.iter)
