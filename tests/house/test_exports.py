"""Public by `__all__`, private by underscore; the package's surface is a list that people rely on."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import jackfield
from tests.house.habits import PACKAGE, sources

MODULES = [path for path in sources(PACKAGE) if not path.name.startswith("__")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def in_order(names: list[str]) -> list[str]:
    """CONSTANTS, then Classes, then functions, each by the alphabet; as ruff has it (RUF022)."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))


def test_the_package_gives_what_the_documents_promise() -> None:
    public = {"Connection", "Identity", "Key", "Reject", "Request", "application", "process", "resource"}
    assert set(jackfield.__all__) == public
    assert jackfield.__version__.count(".") == 2


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_all_is_sorted_and_exists(path: Path) -> None:
    module = import_module(name_of(path))
    names = module.__all__
    assert in_order(names) == list(names)
    assert [name for name in names if not hasattr(module, name) or name.startswith("_")] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_have_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the file"
    named = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
    public = [node for node in named if not node.name.startswith("_")]
    public += [
        method
        for kind in public
        if isinstance(kind, ast.ClassDef)
        for method in kind.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and not method.name.startswith("_")
    ]
    # click takes a command's help from elsewhere in a few places, and an overload is told once
    plain = [node for node in public if not any("overload" in ast.unparse(d) for d in node.decorator_list)]
    assert [f"{node.name} at line {node.lineno}" for node in plain if not ast.get_docstring(node)] == []
