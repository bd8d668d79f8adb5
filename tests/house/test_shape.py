"""The tree: how long things are, what files may be called, what must not stand in the sources."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.house.habits import PACKAGE, ROOT, long_files, long_functions, sources, tree_of

TESTS = ROOT / "tests"
SOURCES = list(sources(PACKAGE))
UNWANTED = {"base", "channel", "common", "core", "handler", "helper", "helpers", "manager", "service", "util", "utils"}
TEXTS = {".cfg", ".ini", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
BUILT = {".git", ".jackfield", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".venv", "__pycache__"}


def ours() -> Iterator[Path]:
    """Every text file of the project itself, not what was made from it."""
    for top in sorted(ROOT.iterdir()):
        if top.name in BUILT or top.name in ("build", "dist", "node_modules"):
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not BUILT & set(path.parts) and (path.suffix in TEXTS or not path.suffix):
                yield path


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_no_file_is_over_500_lines() -> None:
    assert long_files(500, PACKAGE, TESTS) == []


def test_no_function_is_over_80_lines() -> None:
    assert long_functions(80, PACKAGE, TESTS) == []


def test_the_source_root_is_no_package() -> None:
    assert not (PACKAGE.parent / "__init__.py").exists(), "it would hide the standard library's platform"


def test_modules_are_called_after_what_they_hold() -> None:
    names = {part for path in SOURCES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names & UNWANTED == set()
    assert {name for name in names if any(word in UNWANTED for word in name.split("_"))} == set()


def test_no_module_is_called_like_one_of_the_standard_library() -> None:
    names = {part for path in SOURCES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert names & set(sys.stdlib_module_names) == set()


def test_tests_mirror_the_package() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()} | {
        "assurance",
        "bench",
        "contract",
        "house",
        "npm",
        "walk",
    }
    assert {path.name for path in TESTS.iterdir() if path.is_dir() and path.name not in BUILT} <= rooms
    assert list(TESTS.rglob("__init__.py")) == []


def standing_in(words: Iterable[str]) -> list[str]:
    """Where one of these words stands; each is written here with a blank that is not meant."""
    mark = re.compile("|".join(re.escape(word.replace(" ", "")) for word in words))
    found = ((path, mark.search(path.read_text("utf-8"))) for path in ours())
    return [f"{path.relative_to(ROOT)}: {match[0]}" for path, match in found if match]


def test_nothing_is_left_for_later() -> None:
    assert standing_in(["TO DO", "FIX ME", "XX X", "HA CK"]) == []


def test_no_path_of_a_machine_and_no_registry() -> None:
    assert standing_in(["/wo rk/", "/tm p/w/", "/tm p/bash_jobs", "/fa rm/", "/ro ot/", "/ho me/", "/Us ers/"]) == []
    assert standing_in(["py pi.org", "python hosted", "registry. npmjs", "deb. debian.org"]) == []


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    wanted = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    lines = text.splitlines()
    silent = []
    for dependency in wanted:
        index = next(number for number, line in enumerate(lines) if f'"{dependency}"' in line)
        if "#" not in lines[index] and not lines[index - 1].lstrip().startswith("#"):
            silent.append(dependency)
    assert silent == []


# What a project's own code is run by: the sources of processes/, and the calls of their functions, written out once at
# load from the names of parameters. Neither sees a byte of a message or of endpoints.yaml.
EVALUATES = {"process/python/package.py": {"exec"}, "process/signature/written.py": {"eval"}}


UNSAFE_YAML = {f"yaml.{name}" for name in ("load", "load_all", "full_load", "full_load_all", "unsafe_load")}
UNSAFE_YAML |= {f"yaml.{kind}Loader" for kind in ("", "C", "Full", "CFull", "Unsafe", "CUnsafe")}


@pytest.mark.shows("CF-1")
def test_what_reads_untrusted_bytes_is_safe() -> None:
    """CF-1, CF-10, CF-5: no YAML loader that makes objects, no pickle, nothing evaluated but processes/."""
    found = []
    for path in SOURCES:
        tree = tree_of(path)
        names = {ast.unparse(call.func) for call in calls(tree)}
        words = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        words |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        unsafe = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & UNSAFE_YAML
        unsafe |= words & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
        unsafe |= names & {"exec", "eval"} - EVALUATES.get(path.relative_to(PACKAGE).as_posix(), set())
        found += [f"{path.relative_to(ROOT)}: {name}" for name in sorted(unsafe)]
    assert found == []


def test_sql_is_never_put_together_from_values() -> None:
    """CF-11: nothing formatted inside text(...) or execute(...)."""
    found = []
    for path in SOURCES:
        for call in calls(tree_of(path)):
            name = ast.unparse(call.func).rpartition(".")[2]
            made = any(isinstance(argument, ast.JoinedStr | ast.BinOp) for argument in call.args)
            if name in ("text", "execute", "exec_driver_sql", "executescript") and made:
                found.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert found == []
