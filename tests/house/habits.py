"""What is longer than the house likes: `python -m tests.house.habits` prints it. A sign to look, not a law."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = [
    "EXAMPLES",
    "FILE_HABIT",
    "FUNCTION_HABIT",
    "PACKAGE",
    "ROOT",
    "long_files",
    "long_functions",
    "sources",
    "tree_of",
]

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "platform" / "jackfield"

EXAMPLES = PACKAGE / "examples"
"""Projects to copy, each by its name: data of the package, and none of its modules."""

FILE_HABIT = 340
"""Lines of a file."""

FUNCTION_HABIT = 60
"""Lines of a function."""


def sources(*folders: Path) -> Iterator[Path]:
    """The Python files below these folders, in order."""
    for folder in folders:
        found = (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
        yield from sorted(path for path in found if EXAMPLES not in path.parents)


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree; nobody may change it."""
    return ast.parse(path.read_text("utf-8"))


def long_files(limit: int, *folders: Path) -> list[str]:
    """Each file with more lines than `limit`, as one line of text."""
    counted = [(path, len(path.read_text("utf-8").splitlines())) for path in sources(*folders)]
    return [f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in counted if lines > limit]


def long_functions(limit: int, *folders: Path) -> list[str]:
    """Each function with more lines than `limit`, as one line of text."""
    found = []
    for path in sources(*folders):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > limit:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has {lines} lines")
    return found


if __name__ == "__main__":
    for line in long_files(FILE_HABIT, PACKAGE, ROOT / "tests"):
        print(f"long file: {line}")
    for line in long_functions(FUNCTION_HABIT, PACKAGE, ROOT / "tests"):
        print(f"long function: {line}")
