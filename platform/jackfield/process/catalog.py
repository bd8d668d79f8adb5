"""All processes of a project: found, imported as one generation, and what is wrong with them.

collect = sources.read -> outline of each file -> loading.Package -> processes, resources, warnings
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from jackfield.errors import Problem
from jackfield.process.calling import Raised, call, said
from jackfield.process.declare import ProcessMark, process_mark, resource_marked
from jackfield.process.python.absent import DECORATORS, lost, reasons
from jackfield.process.python.awaiting import coroutines, unawaited
from jackfield.process.python.blocking import blocking_calls
from jackfield.process.python.breakage import innermost, problem_of, raised_at
from jackfield.process.python.extent import extents
from jackfield.process.python.outline import FunctionNode, Kind, Outline, dotted, kind_of, own_nodes, read_outline
from jackfield.process.python.package import Package
from jackfield.process.python.sources import FOLDER, hash_of, module_of, read

__all__ = ["Catalog", "Process", "collect"]


@dataclass(frozen=True, slots=True)
class Process:
    """One business process. `name` is "support.chat.say" for processes/support/chat.py, function say.

    `summary` is the first line of the docstring, `more` what stands below it. `file` is relative to the
    project's folder; line and column are those of the `def`; `places` holds those of each parameter, and of
    the return hint under "return".
    """

    name: str
    function: Callable[..., Any]
    kind: Kind
    reply: str
    blocking: bool
    summary: str
    file: str
    line: int
    column: int
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)
    more: str = field(default="", compare=False, repr=False)


@dataclass(slots=True)
class Catalog:
    """The processes of one generation by name, and every problem with their files.

    `hash` is made of all sources, 12 hex digits; `files` has the hash of each file by its name. `broken`
    names the modules that could not be imported, so that nobody is told that their processes do not exist.
    `functions` are the names of all that could be called, processes or not. `reasons` tells how a name that stands
    in a file becomes a process; `folder` is the project's. `extents` has for each process what changes when its code
    does (see extent.py).
    """

    processes: Mapping[str, Process]
    problems: tuple[Problem, ...]
    hash: str
    broken: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    functions: frozenset[str] = field(default=frozenset(), repr=False)
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path = field(default_factory=Path, repr=False)
    _package: Package | None = field(default=None, repr=False)
    extents: Mapping[str, str] = field(default_factory=dict, repr=False)

    def function(self, name: str) -> Callable[..., Any] | None:
        """A function of the project by its name, "accounts.who" for example; None where nothing was imported."""
        module, _, function = name.rpartition(".")
        if self._package is None or name not in self.functions:
            return None
        found = getattr(self._package.load(module), function, None)
        return found if callable(found) else None

    def problem(self, exc: BaseException, process: Process) -> Problem:
        """The problem for what code of the project raised while `process` was compiled."""
        assert self._package is not None, "only what was imported is compiled"
        own = raised_at(exc, self._package.files)
        file, line, column = own or (process.file, process.line, process.column)
        text = self._package.shown(said(exc)) + ("" if own else f" ({innermost(exc)})")
        message = f"a hint, a default or a decorator of it raises when it is looked at: {text}"
        return Problem("broken_process", message, "", process.name, file, line, column)

    def loading(self) -> AbstractContextManager[None]:
        """While this is open, what asks for `processes` in this thread means this generation."""
        return nullcontext() if self._package is None else self._package.loading()

    def go_live(self) -> None:
        """Have this generation's modules answer where nobody can be seen to ask for them."""
        if self._package is not None:
            self._package.go_live()

    def release(self) -> None:
        """Drop the generation's package from `sys.modules`. A second call does nothing."""
        if self._package is not None:
            self._package.release()


def collect(
    folder: Path, generation: int, *, only_names: bool = False, called: str = "", home: Path | None = None
) -> Catalog:
    """Read and import all of a project's processes/ as a package of its own; sync, for a thread.

    A file that cannot be imported is a problem and the others still load. With `only_names` nothing is
    imported: the processes are told from the text and cannot be called. `called` names a function that is no
    process and is called on the event loop where it is async; what waits there is warned of, too. Modules have
    their `__file__` in `home`, the author's project, where `folder` is a copy of it.
    """
    home = (home or folder).absolute()
    sources, faults = read(folder.absolute(), home)
    problems = list(faults)
    outlines: list[Outline] = []
    for source in sources:
        read_one = read_outline(source)
        if isinstance(read_one, Outline):
            outlines.append(read_one)
        else:
            problems.append(read_one)
    broken = {source.module for source in sources} - {outline.source.module for outline in outlines}
    broken |= {module_of(fault.file) for fault in faults}
    package = None
    if only_names:
        found = [process for outline in outlines for process in _told(outline)]
        nodes = {outline.source.file: outline for outline in outlines}
        problems += [fault for one in found for fault in _faults(one, nodes[one.file])]
    else:
        package = Package(generation, sources, str(home / FOLDER))
        found, more, unloadable = _import_all(package, outlines)
        problems += more
        broken |= unloadable
    problems += [problem for outline in outlines for problem in _waiting(outline, called)]
    known = coroutines(outlines)
    for outline in outlines:
        own = {process.name.rpartition(".")[2] for process in found if process.file == outline.source.file}
        problems += unawaited(outline, known, own)
        problems += _lost(outline)
    return Catalog(
        {process.name: process for process in found},
        tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column))),
        hash_of(sources),
        frozenset(broken),
        {source.file: hash_of([source]) for source in sources},
        frozenset(name for o in outlines if o.source.module not in broken for name in _callable(o)),
        {name: hint for outline in outlines for name, hint in _reasons(outline, found)},
        folder,
        package,
        {} if package is None else extents(outlines, [process.name for process in found]),
    )


def _reasons(outline: Outline, found: Iterable[Process]) -> Iterator[tuple[str, str]]:
    own = {process.name.rpartition(".")[2] for process in found if process.file == outline.source.file}
    for name, hint in reasons(outline, own).items():
        yield _join(outline.source.module, name), hint


def _lost(outline: Outline) -> Iterator[Problem]:
    """Warnings for processes that nothing can name, because another in the file has their name."""
    for node, later in lost(outline):
        message = f"line {later} has a process of the same name, so this one is lost"
        line, column = outline.place(node)
        path = _join(outline.source.module, node.name)
        hint = "rename one of the two"
        yield Problem("lost_process", message, hint, path, outline.source.file, line, column, severity="warning")


def _callable(outline: Outline) -> Iterator[str]:
    """The names of a file's own functions, and of what it imports from elsewhere."""
    for name in {*(node.name for node in outline.functions), *outline.names}:
        yield _join(outline.source.module, name)


def _import_all(package: Package, outlines: Iterable[Outline]) -> tuple[list[Process], list[Problem], set[str]]:
    """The processes of all modules, the problems, and the modules that could not be imported."""
    found: list[Process] = []
    problems: list[Problem] = []
    broken: set[str] = set()
    for outline in outlines:
        try:
            processes, faults = call(_import, package, outline)
        except Raised as raised:
            broken.add(outline.source.module)
            problems.append(problem_of(raised.exc, outline.source.file, package))
        else:
            found += processes
            problems += faults
    return found, problems, broken


def _import(package: Package, outline: Outline) -> tuple[list[Process], list[Problem]]:
    """Import one module, and look at what is in it; raises whatever the author's code raises."""
    with package.loading():
        module = package.load(outline.source.module)
    own = _join(FOLDER, outline.source.module).rstrip(".")
    held = [(name, value) for name, value in list(vars(module).items()) if type(name) is str]
    found = list(_processes(held, own, outline))
    faults = [fault for process in found for fault in _faults(process, outline)]
    return found, faults + list(_resource_faults(held, own, outline))


_Held = Iterable[tuple[str, Any]]  # a module's variables


def _processes(held: _Held, module: str, outline: Outline) -> Iterator[Process]:
    for name, value in held:
        mark = process_mark(value)
        # One that was imported from a neighbour is that neighbour's process.
        if mark is not None and _home(value) == module:
            yield _process(name, value, mark, outline)


def _home(value: Any) -> str:
    """The module in which something of ours was declared."""
    found = getattr(value, "__module__", "")
    return found if type(found) is str else ""


def _process(name: str, function: Callable[..., Any], mark: ProcessMark, outline: Outline) -> Process:
    code = getattr(inspect.unwrap(function), "__code__", None)
    node = outline.function_at(name, code.co_firstlineno if code else -1)
    line, column = outline.place(node) if node else (code.co_firstlineno if code else 0, 1 if code else 0)
    return Process(
        name=_join(outline.source.module, name),
        function=function,
        kind=_kind(function),
        reply=mark.reply,
        blocking=mark.blocking,
        summary=_first_line(inspect.getdoc(function)),
        file=outline.source.file,
        line=line,
        column=column,
        places=outline.places(node) if node else {},
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
    inner = inspect.unwrap(process.function)
    if not waits and _kind(inner) in ("async", "async_generator"):
        message = "a decorator hides that the function is async"
        yield _fault(process, message, "make the decorator's own function `async def` too")
    if waits and process.blocking:
        message = "`blocking=True` is for sync functions, and this one is async"
        yield _fault(process, message, "take `blocking=True` away, or write `def` without `async`")
    node = next((n for n in outline.functions if outline.place(n) == (process.line, process.column)), None)
    if node is not None and not process.blocking:
        yield from blocking_calls(outline, node, process.name)


def _waiting(outline: Outline, called: str) -> Iterator[Problem]:
    """Warnings for the async function of this name; one that is not async runs in a thread."""
    for node in outline.functions:
        if called == _join(outline.source.module, node.name) and isinstance(node, ast.AsyncFunctionDef):
            yield from blocking_calls(outline, node, called)


def _fault(process: Process, message: str, hint: str) -> Problem:
    return Problem("bad_signature", message, hint, process.name, process.file, process.line, process.column)


def _resource_faults(held: _Held, module: str, outline: Outline) -> Iterator[Problem]:
    for name, value in held:
        if not resource_marked(value) or _home(value) != module:
            continue
        code = getattr(inspect.unwrap(value), "__code__", None)
        node = outline.function_at(name, code.co_firstlineno if code else -1)
        fault = _resource_fault(value, node)
        if fault:
            line, column = outline.place(node) if node else (0, 0)
            path = _join(outline.source.module, name)
            hint = "a resource is `async def` without parameters, with one `yield` that gives its value"
            yield Problem("bad_resource", fault, hint, path, outline.source.file, line, column)


def _resource_fault(function: Callable[..., Any], node: FunctionNode | None) -> str:
    if not inspect.isasyncgenfunction(function):
        return "the resource is not an async generator function"
    if any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in _parameters(function)):
        return "the resource has a parameter, and there is nothing to give it"
    if node is not None and sum(isinstance(part, ast.Yield) for part in own_nodes(node)) > 1:
        return "the resource has more than one `yield`"
    return ""


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function).parameters.values()


def _told(outline: Outline) -> Iterator[Process]:
    """The processes of a file that is not imported: functions under a decorator that reads as `@process`."""
    for node in {node.name: node for node in outline.functions}.values():
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            if dotted(call.func if call else decorator, outline.names) in DECORATORS:
                line, column = outline.place(node)
                yield Process(
                    name=_join(outline.source.module, node.name),
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


def _join(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0].strip()
