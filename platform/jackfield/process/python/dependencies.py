"""A digest of each process with all code of the project that its function depends on.

Strategy. Two publishes are compared by it: a process has changed where its own code or what it imports has, and not
where a comment, a neighbour in the file, or a file that it does not use has. The code is read, not run: a function
depends on the names in it, also those in a string of it (a hint in quotes), and on what they are bound to at the top of
their file. Statements there that bind no single name belong to every function of the file. A module that is imported
as a whole is used as a whole; where a name is looked up by a string that is known only at run time, the whole project
is.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import resolve_name

from jackfield.process.python.outline import Outline
from jackfield.process.python.sources import FOLDER, of_project

__all__ = ["digests"]

_BY_TEXT = frozenset({"import_module", "__import__", "exec", "eval", "globals"})
_LONGEST = 200  # characters of a text that may be a hint
_words = re.compile(r"[^\W\d]\w*").findall

_Item = tuple[str, str | None]  # a module, and a name in it; None is all of it
_WHOLE: _Item = ("*", None)


@dataclass(frozen=True, slots=True)
class _Part:
    """One statement at the top of a file, or one name that it imports."""

    digest: str
    names: frozenset[str]
    items: tuple[_Item, ...]


@dataclass(frozen=True, slots=True)
class _Module:
    """A file by what its names are bound to; `loose` is what binds none, or an unknown set."""

    bound: dict[str, list[_Part]] = field(default_factory=dict)
    loose: list[_Part] = field(default_factory=list)

    def parts(self) -> Iterator[_Part]:
        yield from self.loose
        yield from (part for parts in self.bound.values() for part in parts)


def digests(outlines: Iterable[Outline], processes: Iterable[str]) -> Mapping[str, str]:
    """For each process, "shop.order.place" for example, 12 hex digits that change when something that it uses does."""
    modules = {outline.source.module: _read(outline) for outline in outlines}
    return {name: _extent(modules, name) for name in processes}


def _extent(modules: Mapping[str, _Module], process: str) -> str:
    module, _, function = process.rpartition(".")
    waiting: list[_Item] = [(module, function)]
    seen: set[_Item] = set()
    digests: set[str] = set()
    while waiting:
        item = waiting.pop()
        if item not in seen:
            seen.add(item)
            for home, part in _parts(modules, item):
                digests.add(f"{home} {part.digest}")
                waiting += [(home, name) for name in part.names if name in modules[home].bound]
                waiting += part.items
    return hashlib.sha256("\n".join(sorted(digests)).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _parts(modules: Mapping[str, _Module], item: _Item) -> Iterator[tuple[str, _Part]]:
    """The parts that an item means, each with its module; the packages around it run before it is imported."""
    module, name = item
    if item == _WHOLE:
        yield from ((home, part) for home, found in modules.items() for part in found.parts())
        return
    if name is not None and name not in modules.get(module, _Module()).bound:
        below = f"{module}.{name}" if module else name
        yield from ((home, part) for home in modules if home == below for part in modules[home].parts())
    around = [module[:at] for at, letter in enumerate(module) if letter == "."] + ([""] if module else [])
    yield from ((home, part) for home in around if home in modules for part in modules[home].parts())
    found = modules.get(module)
    if found is not None:
        own = found.parts() if name is None else (*found.loose, *found.bound.get(name, ()))
        yield from ((module, part) for part in own)


def _read(outline: Outline) -> _Module:
    source = outline.source
    package = f"{FOLDER}.{source.module}".rstrip(".")
    package = package if source.is_package else package.rpartition(".")[0]
    found = _Module()
    for number, statement in enumerate(outline.tree.body):
        if number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # the docstring
        if isinstance(statement, ast.Import | ast.ImportFrom) and all(alias.name != "*" for alias in statement.names):
            for alias in statement.names:
                module, level = getattr(statement, "module", None), getattr(statement, "level", None)
                alone = ast.Import([alias]) if level is None else ast.ImportFrom(module, [alias], level)
                bound = alias.asname or alias.name.partition(".")[0]
                found.bound.setdefault(bound, []).append(_part(alone, package, outline))
            continue
        names = _bound(statement)
        part = _part(statement, package, outline)
        for name in names:
            found.bound.setdefault(name, []).append(part)
        if not names:
            found.loose.append(part)
    return found


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement binds, where it does nothing else; none where it may."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    elif isinstance(name := getattr(statement, "name", None), ast.Name):  # `type X = …` of Python 3.12
        targets = [name]
    while any(isinstance(target, ast.Tuple | ast.List) for target in targets):
        targets = [one for target in targets for one in getattr(target, "elts", (target,))]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _part(statement: ast.stmt, package: str, outline: Outline) -> _Part:
    names: set[str] = set()
    items: list[_Item] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= _LONGEST:
            names.update(_words(node.value))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            items += _imported(node, package)
        if isinstance(node, ast.Name | ast.Attribute) and getattr(node, "id", getattr(node, "attr", "")) in _BY_TEXT:
            items.append(_WHOLE)
    try:
        text = ast.dump(statement).encode("utf-8", "surrogatepass")
    except RecursionError:  # a sum of a thousand terms
        text = outline.source.data
    return _Part(hashlib.sha256(text).hexdigest(), frozenset(names), tuple(items))


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[_Item]:
    """What of the project an import statement means."""
    if isinstance(node, ast.Import):
        yield from ((_below(alias.name), None) for alias in node.names if of_project(alias.name))
        return
    try:
        module = resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:
        return  # beyond the top: reported where it is imported
    if of_project(module):
        yield from ((_below(module), None if alias.name == "*" else alias.name) for alias in node.names)


def _below(name: str) -> str:
    return name.removeprefix(FOLDER).removeprefix(".")
