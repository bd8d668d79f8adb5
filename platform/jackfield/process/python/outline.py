"""A process file parsed, not run: its functions, their places, its imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import decode_source

from jackfield.errors import Problem
from jackfield.process.process import Kind
from jackfield.process.python.sources import Source

__all__ = ["FunctionNode", "Outline", "arguments_of", "dotted", "imports_in", "kind_of", "own_nodes", "read_outline"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Outline:
    """One parsed file. `names` says what each imported name means: {"sleep": "time.sleep"}."""

    source: Source
    tree: ast.Module
    lines: Sequence[bytes]
    names: Mapping[str, str]
    functions: Sequence[FunctionNode]

    def place(self, node: ast.stmt | ast.expr | ast.arg) -> tuple[int, int]:
        """Line and column of a node from 1; columns count characters, where Python's count bytes."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else b""
        return node.lineno, len(line[: node.col_offset].decode("utf-8", "replace")) + 1

    def places(self, node: FunctionNode) -> dict[str, tuple[int, int]]:
        """Where each parameter of a function stands, and under "return" its return hint."""
        found = {argument.arg: self.place(argument) for argument in arguments_of(node)}
        if node.returns is not None:
            found["return"] = self.place(node.returns)
        return found

    def warning(self, node: ast.stmt | ast.expr, code: str, message: str, hint: str, path: str) -> Problem:
        """A warning at the place of a node."""
        line, column = self.place(node)
        return Problem(code, message, hint, path, self.source.file, line, column, severity="warning")

    def function_at(self, name: str, line: int) -> FunctionNode | None:
        """The function whose code begins on `line`, or else the last one called `name`."""
        named = None
        for node in self.functions:
            if line == min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]):
                return node
            named = node if node.name == name else named
        return named


def read_outline(source: Source) -> Outline | Problem:
    """Parse one file, or report why it cannot be parsed."""
    try:
        tree = compile(source.data, source.path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        text = decode_source(source.data)
    except SyntaxError as exc:
        return syntax_problem(source.file, exc)
    except (ValueError, RecursionError, MemoryError) as exc:
        return Problem("broken_module", f"not Python: {exc or type(exc).__name__}", file=source.file)
    assert isinstance(tree, ast.Module)
    lines = text.encode("utf-8", "surrogatepass").split(b"\n")
    functions = [node for node in own_nodes(tree) if isinstance(node, FunctionNode)]
    return Outline(source, tree, lines, imports_in(tree), functions)


def syntax_problem(file: str, exc: SyntaxError) -> Problem:
    """A SyntaxError as a problem; Python's own sentence often says how to fix it."""
    return Problem(
        "broken_module",
        f"not Python: {exc.msg}",
        file=file,
        line=max(exc.lineno or 0, 0),
        column=max(exc.offset or 0, 0) if exc.lineno else 0,
    )


def own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that belongs to `tree` itself: nested functions and classes are given but not entered."""
    waiting = list(ast.iter_child_nodes(tree))[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += list(ast.iter_child_nodes(node))[::-1]


def arguments_of(node: FunctionNode) -> list[ast.arg]:
    """The parameters of a function, those with stars last."""
    found = node.args
    stars = [one for one in (found.vararg, found.kwarg) if one is not None]
    return [*found.posonlyargs, *found.args, *found.kwonlyargs, *stars]


def imports_in(tree: ast.AST) -> dict[str, str]:
    """What the import statements of a module or function make each name mean."""
    names: dict[str, str] = {}
    for node in own_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                names[alias.asname or alias.name] = f"{module}.{alias.name}"
    return names


def dotted(node: ast.AST, names: Mapping[str, str], deepest: int = 100) -> str:
    """The full name that an expression such as `t.sleep` stands for, "" for another expression or a longer one."""
    if not deepest:
        return ""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names, deepest - 1)
        return f"{before}.{node.attr}" if before else ""
    if isinstance(node, ast.Call):
        # What a call gives is known only for classes and connections: `requests.Session().get` is
        # `requests.Session.get` here, while `requests.get(url).json` is nothing that is known.
        made = dotted(node.func, names, deepest - 1)
        last = made.rpartition(".")[2]
        return made if last[:1].isupper() or last in ("connect", "socket", "client") else ""
    return ""


def kind_of(node: FunctionNode) -> Kind:
    """How a function runs, as its text says."""
    yields = any(isinstance(part, ast.Yield | ast.YieldFrom) for part in own_nodes(node))
    if isinstance(node, ast.AsyncFunctionDef):
        return "async_generator" if yields else "async"
    return "generator" if yields else "sync"
