"""Public by `__all__`, private by underscore; the package's surface is a list that people rely on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import jackfield
from tests.house.habits import PACKAGE, sources, tree_of

NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
MODULES = [path for path in sources(PACKAGE) if not path.name.startswith("__")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def in_order(names: list[str]) -> list[str]:
    """CONSTANTS, then Classes, then functions, each by the alphabet; as ruff has it (RUF022)."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))


def test_the_package_gives_what_the_documents_promise() -> None:
    classes = {"Connection", "Groups", "Identity", "Key", "Refusal", "Reject", "Request"}
    assert set(jackfield.__all__) == classes | {"application", "process", "resource"}
    assert jackfield.__version__.count(".") == 2


def test_all_is_sorted_and_exists() -> None:
    for path in MODULES:
        module = import_module(name_of(path))
        assert in_order(module.__all__) == list(module.__all__), path
        assert [name for name in module.__all__ if not hasattr(module, name) or name.startswith("_")] == [], path


def test_public_names_have_a_docstring() -> None:
    missing = [f"{name_of(path)}: {what}" for path in MODULES for what in undocumented(path)]
    assert missing == []


def undocumented(path: Path) -> Iterator[str]:
    tree = tree_of(path)
    if not ast.get_docstring(tree):
        yield "the file"
    public = [node for node in tree.body if is_public(node)]
    public += [method for kind in public if isinstance(kind, ast.ClassDef) for method in kind.body if is_public(method)]
    for node in public:
        assert isinstance(node, NAMED)
        # an overload is reported once
        if not ast.get_docstring(node) and not any("overload" in ast.unparse(d) for d in node.decorator_list):
            yield f"{node.name} at line {node.lineno}"


def is_public(node: ast.stmt) -> bool:
    return isinstance(node, NAMED) and not node.name.startswith("_")
