"""Names of groups as far as the text of a project's files shows them: texts that may be one, and joins of others."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from jackfield.groups.names import MAX_LENGTH
from jackfield.process.python.outline import Outline

__all__ = ["group_names"]


def group_names(outlines: Iterable[Outline]) -> frozenset[str] | None:
    """Texts that may name a group or begin its name; None where connections are joined to what no text shows."""
    found = set()
    for outline in outlines:
        for node in ast.walk(outline.tree):
            if isinstance(node, ast.Await) and _joins_unseen(node.value):
                return None
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= MAX_LENGTH:
                found.add(node.value)
    return frozenset(found)


def _joins_unseen(node: ast.expr) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join"):
        return False
    name = node.args[0] if node.args else node.func
    if isinstance(name, ast.Call) and isinstance(name.func, ast.Attribute) and name.func.attr == "name" and name.args:
        name = name.args[0]  # groups.name("room:{room}", room=room)
    if isinstance(name, ast.JoinedStr) and name.values:
        name = name.values[0]
    return not isinstance(name, ast.Constant)
