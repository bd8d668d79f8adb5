"""Why a name in endpoints.yaml is no process though its file has that name, read from the text of the file."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

from jackfield.process.python.outline import FunctionNode, Outline, dotted, own_nodes

__all__ = ["DECORATORS", "lost", "reasons"]

DECORATORS = ("jackfield.process", "jackfield.process.declare.process")
"""What the decorator is called, whatever it was imported as."""

_Named = FunctionNode | ast.ClassDef
_MARGIN = "a process is a function that stands by itself, at the left margin of its file"


def reasons(outline: Outline, processes: Collection[str]) -> dict[str, str]:
    """How to make a process of each other name of a file, by "name" and "Class.name".

    `processes` are the names of the file that are processes.
    """
    found: dict[str, str] = {}
    for holder, node in _inside(outline.tree):
        kind = "class" if isinstance(holder, ast.ClassDef) else "function"
        hint = f"`{node.name}` stands inside the {kind} `{holder.name}` (line {node.lineno}): {_MARGIN}; move it there"
        found[node.name] = found[f"{holder.name}.{node.name}"] = hint
    for name, nodes in _definitions(outline).items():
        if name not in processes:
            found[name] = _reason(name, nodes, outline)
    return {name: hint for name, hint in found.items() if name not in processes}


def lost(outline: Outline) -> Iterator[tuple[FunctionNode, int]]:
    """Each process at the margin that a later one of the same name replaces, with the line of that.

    Those in the branches of an `if` or a `try` are left out: one branch alone runs.
    """
    later: dict[str, int] = {}
    for node in reversed(outline.tree.body):
        if isinstance(node, FunctionNode) and _marked(node, outline.names) is not None:
            if node.name in later:
                yield node, later[node.name]
            later[node.name] = node.lineno


def _inside(tree: ast.AST) -> Iterator[tuple[_Named, FunctionNode]]:
    """The functions inside the classes and functions of a file, each with the innermost of these."""
    waiting = [node for node in own_nodes(tree) if isinstance(node, _Named)]
    while waiting:
        holder = waiting.pop(0)
        within = [node for node in own_nodes(holder) if isinstance(node, _Named)]
        yield from ((holder, node) for node in within if isinstance(node, FunctionNode))
        waiting += within


def _definitions(outline: Outline) -> dict[str, list[ast.AST]]:
    """The nodes that bind each name of a file, in order."""
    found: dict[str, list[ast.AST]] = {}
    nodes = [node for node in own_nodes(outline.tree) if isinstance(node, _Named | ast.Assign | ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: node.lineno):
        for name in _given(node):
            found.setdefault(name, []).append(node)
    return found


def _given(node: ast.AST) -> list[str]:
    if isinstance(node, _Named):
        return [node.name]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]


def _reason(name: str, nodes: list[ast.AST], outline: Outline) -> str:
    last = nodes[-1]
    line = getattr(last, "lineno", 0)
    functions = [node for node in nodes if isinstance(node, FunctionNode)]
    marked = {node.lineno: number for node in functions if (number := _marked(node, outline.names)) is not None}
    if isinstance(last, FunctionNode) and line in marked:
        return _hidden(last, marked[line])
    if marked:
        return f"the `@process` above line {max(marked)} is lost: line {line} gives `{name}` another value; rename one"
    if isinstance(last, FunctionNode):
        return _unmarked(last, outline.source.file)
    if isinstance(last, ast.ImportFrom):
        return _imported(name, outline.names, line)
    if isinstance(last, ast.ClassDef):
        return f"`{name}` is a class (line {line}): {_MARGIN}"
    return f"`{name}` is a variable (line {line}); write it as `def {name}`, with `@process` above it"


def _unmarked(node: FunctionNode, file: str) -> str:
    where = f"`{'async def' if isinstance(node, ast.AsyncFunctionDef) else 'def'} {node.name}` in {file}"
    if not node.decorator_list:
        return f"write `@process` above {where}"
    return f"write `@process` above `@{_shown(node.decorator_list[0])}`, the first line above {where}"


def _hidden(node: FunctionNode, number: int) -> str:
    """What hides a function that has `@process` as its decorator of this number."""
    where = f"`@process` stands above it, in line {node.decorator_list[number].lineno}"
    if not number:
        return f"{where}, but the name has another value at the end of the file"
    outer = _shown(node.decorator_list[0])
    fix = f"move `@process` above `@{outer}`, and let that give back a function that is made with `functools.wraps`"
    return f"{where}, but `@{outer}` makes something else of what it is given: {fix}"


def _marked(node: FunctionNode, names: Mapping[str, str]) -> int | None:
    """Where among its decorators `@process` is, 0 for the topmost; None where it is not."""
    for number, decorator in enumerate(node.decorator_list):
        if dotted(decorator.func if isinstance(decorator, ast.Call) else decorator, names) in DECORATORS:
            return number
    return None


def _shown(decorator: ast.expr) -> str:
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)[:60]


def _imported(name: str, names: Mapping[str, str], line: int) -> str:
    home = names.get(name, name)
    own = home.lstrip(".").removeprefix("processes.")
    if own == home:
        return f"`{name}` is imported in line {line}: write a function of your own that calls it, with `@process` above"
    return f"`{name}` is imported in line {line}: a process is named by the file that it is written in, `{own}`"
