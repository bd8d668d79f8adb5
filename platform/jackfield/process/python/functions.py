"""The processes that are Python functions: their files read, imported as one generation, and checked.

read_functions = sources.read -> outline of each file -> package.Package -> processes, resources, warnings
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from jackfield.errors import Problem
from jackfield.process.calling import Raised, call
from jackfield.process.declare import ProcessMark, process_mark, resource_marked
from jackfield.process.process import Kind, Process
from jackfield.process.python.asking import asked_for
from jackfield.process.python.blocking import blocking_calls
from jackfield.process.python.dependencies import digests
from jackfield.process.python.group_names import group_names
from jackfield.process.python.import_errors import problem_of
from jackfield.process.python.missing import DECORATORS, lost, reasons
from jackfield.process.python.outline import FunctionNode, Outline, dotted, kind_of, own_nodes, read_outline
from jackfield.process.python.package import Package
from jackfield.process.python.sources import FOLDER, hash_of, module_of, read
from jackfield.process.python.unawaited import coroutines, unawaited
from jackfield.process.resources import Resource
from jackfield.process.signature.needs import Reading

__all__ = ["Functions", "read_functions"]


@dataclass(slots=True)
class Functions:
    """What the Python files of a project give. See Catalog for the fields; `package` is None where nothing is imported.

    `names` are those of all functions, processes or not, and of what the files import.
    """

    hash: str
    files: Mapping[str, str]
    problems: list[Problem]
    package: Package | None = None
    processes: list[Process] = field(default_factory=list)
    resources: list[tuple[Callable[..., Any], str]] = field(default_factory=list)  # each with its file
    broken: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    group_names: frozenset[str] | None = frozenset()


def read_functions(folder: Path, home: Path, generation: int, *, only_names: bool, called: str) -> Functions:
    """Read and import the Python files of a project's processes/; see `catalog.collect`."""
    sources, faults = read(folder, home)
    found = Functions(hash_of(sources), {source.file: hash_of([source]) for source in sources}, list(faults))
    read_ones = [read_outline(source) for source in sources]
    outlines = [one for one in read_ones if isinstance(one, Outline)]
    found.problems += [one for one in read_ones if isinstance(one, Problem)]
    found.broken = {module_of(problem.file) for problem in found.problems}
    if not only_names:
        found.package = Package(generation, sources, str(home / FOLDER))
    for outline in outlines:
        if found.package is None:
            processes = list(_written(outline))
            found.problems += [fault for process in processes for fault in _faults(process, outline)]
        else:
            processes = _import_into(found, found.package, outline)
        found.processes += processes
        _note_names(found, outline, {process.name.rpartition(".")[2] for process in processes})
    _warn(found, outlines, called)
    found.group_names = group_names(outlines)
    if found.package is not None:
        found.problems += _needs(found.package, found.resources, outlines)
        names = [process.name for process in found.processes]
        found.digests = digests(outlines, [*names, called] if called else names)
    return found


def _import_into(found: Functions, package: Package, outline: Outline) -> list[Process]:
    """The processes of one module; what is wrong with it is noted in `found`."""
    try:
        processes, resources, faults = call(_import, package, outline)
    except Raised as raised:
        found.broken.add(outline.source.module)
        found.problems.append(problem_of(raised.exc, outline.source.file, package))
        return []
    found.problems += faults
    found.resources += [(function, outline.source.file) for function in resources]
    return processes


def _note_names(found: Functions, outline: Outline, processes: set[str]) -> None:
    qualified = outline.source.qualified
    found.reasons |= {qualified(name): hint for name, hint in reasons(outline, processes).items()}
    if outline.source.module not in found.broken:
        found.names |= {qualified(name) for name in (*(node.name for node in outline.functions), *outline.names)}


def _warn(found: Functions, outlines: list[Outline], called: str) -> None:
    """Note the warnings from the text alone. An async function called `called` runs on the loop as processes do."""
    known = coroutines(outlines)
    names = {process.name for process in found.processes}
    for outline in outlines:
        for node in outline.functions:
            if called == outline.source.qualified(node.name) and isinstance(node, ast.AsyncFunctionDef):
                found.problems += blocking_calls(outline, node, called)
        found.problems += unawaited(outline, known, names)
        for node, later in lost(outline):
            message = f"line {later} has a process of the same name, so this one is lost"
            path = outline.source.qualified(node.name)
            found.problems.append(outline.warning(node, "lost_process", message, "rename one of the two", path))


def _import(package: Package, outline: Outline) -> tuple[list[Process], list[Callable[..., Any]], list[Problem]]:
    """Import one module, and look at what is in it: processes, resources; raises whatever the author's code raises."""
    with package.loading():
        module = package.load(outline.source.module)
    home = f"{FOLDER}.{outline.source.module}".rstrip(".")
    # One that was imported from a neighbour is that neighbour's.
    held = [(name, value) for name, value in list(vars(module).items()) if type(name) is str and _home(value) == home]
    marked = [(name, value, process_mark(value)) for name, value in held]
    found = [_process(name, value, mark, outline) for name, value, mark in marked if mark is not None]
    faults = [fault for process in found for fault in _faults(process, outline)]
    resources = [value for _, value in held if resource_marked(value)]
    return found, resources, faults + list(_resource_faults(held, outline))


def _home(value: Any) -> str:
    """The module in which something of ours was declared."""
    found = getattr(value, "__module__", "") if process_mark(value) or resource_marked(value) else ""
    return found if type(found) is str else ""


def _process(name: str, function: Callable[..., Any], mark: ProcessMark, outline: Outline) -> Process:
    code = getattr(inspect.unwrap(function), "__code__", None)
    node = outline.function_at(name, code.co_firstlineno if code else -1)
    line, column = outline.place(node) if node else (code.co_firstlineno if code else 0, 1 if code else 0)
    return Process(
        name=outline.source.qualified(name),
        function=function,
        kind=_kind(function),
        reply=mark.reply,
        blocking=mark.blocking,
        summary=_first_line(inspect.getdoc(function)),
        file=outline.source.file,
        line=line,
        column=column,
        places=outline.places(node) if node else {},
        asks=asked_for(outline, node) if node else (),
        more=(inspect.getdoc(inspect.unwrap(function)) or "").partition("\n")[2].strip(),
    )


def _kind(function: Callable[..., Any]) -> Kind:
    if inspect.isasyncgenfunction(function):
        return "async_generator"
    if inspect.iscoroutinefunction(function):
        return "async"
    return "generator" if inspect.isgeneratorfunction(function) else "sync"


def _faults(process: Process, outline: Outline) -> Iterator[Problem]:
    """What is wrong with a process whatever its parameters are, and the warnings from its text."""
    waits = process.kind in ("async", "async_generator")
    faults = []
    if not waits and _kind(inspect.unwrap(process.function)) in ("async", "async_generator"):
        message = "a decorator hides that the function is async"
        faults.append((message, "make the decorator's own function `async def` too"))
    if waits and process.blocking:
        message = "`blocking=True` is for sync functions, and this one is async"
        faults.append((message, "take `blocking=True` away, or write `def` without `async`"))
    for message, hint in faults:
        yield Problem("bad_signature", message, hint, process.name, process.file, process.line, process.column)
    node = next((n for n in outline.functions if outline.place(n) == (process.line, process.column)), None)
    if node is not None and not process.blocking:
        yield from blocking_calls(outline, node, process.name)


def _resource_faults(held: Iterable[tuple[str, Any]], outline: Outline) -> Iterator[Problem]:
    for name, value in held:
        if not resource_marked(value):
            continue
        code = getattr(inspect.unwrap(value), "__code__", None)
        node = outline.function_at(name, code.co_firstlineno if code else -1)
        if fault := _resource_fault(value, node):
            line, column = outline.place(node) if node else (0, 0)
            hint = "a resource is `async def` with one `yield` that gives its value"
            path = outline.source.qualified(name)
            yield Problem("bad_resource", fault, hint, path, outline.source.file, line, column)


def _resource_fault(function: Callable[..., Any], node: FunctionNode | None) -> str:
    if not inspect.isasyncgenfunction(function):
        return "the resource is not an async generator function"
    if node is not None and sum(isinstance(part, ast.Yield) for part in own_nodes(node)) > 1:
        return "the resource has more than one `yield`"
    return ""


def _needs(
    package: Package, resources: Iterable[tuple[Callable[..., Any], str]], outlines: list[Outline]
) -> list[Problem]:
    """What is wrong with the parameters of resources, once all files are imported: hints may name each other's."""
    files = {outline.source.file: outline for outline in outlines}

    def places(resource: Resource) -> Mapping[str, tuple[int, int]]:
        outline = files.get(resource.file)
        node = outline.function_at(resource.function.__name__, resource.line) if outline else None
        return outline.places(node) if outline and node else {}

    source = outlines[0].source if outlines else None
    reading = Reading(source.path.removesuffix(source.file) if source else "", places)
    for function, file in resources:
        try:
            with package.loading():
                call(reading.resource, function)
        except Raised as raised:
            reading.problems.append(problem_of(raised.exc, file, package))
    return reading.problems


def _written(outline: Outline) -> Iterator[Process]:
    """The processes of a file that is not imported: functions under a decorator that reads as `@process`."""
    for node in {node.name: node for node in outline.functions}.values():
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            if dotted(call.func if call else decorator, outline.names) in DECORATORS:
                line, column = outline.place(node)
                yield Process(
                    name=outline.source.qualified(node.name),
                    function=_not_imported,
                    kind=kind_of(node),
                    reply=str(_setting(call, "reply", "result")),
                    blocking=bool(_setting(call, "blocking", False)),
                    summary=_first_line(ast.get_docstring(node)),
                    file=outline.source.file,
                    line=line,
                    column=column,
                    places=outline.places(node),
                )
                break


def _setting(call: ast.Call | None, name: str, default: object) -> object:
    for keyword in call.keywords if call else ():
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return default


def _not_imported(*args: object, **kwargs: object) -> NoReturn:
    raise RuntimeError("the processes were only looked at, not imported")


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0].strip()
