"""The processes of one generation as a package of their own.

Strategy: each generation is a package with a key of its own in `sys.modules`, found by a finder that
has the sources in memory: nothing is read from the disk again, no .pyc is read or written, `sys.path`
is left alone. Modules of a generation have the names that their author gave them (module_proxy.py). Their `__import__`
finds this package under `processes`, so two generations side by side each find their own neighbours, at load and
later.

A process that the project spawns (`multiprocessing`, ProcessPoolExecutor) begins with Python alone and reads its task
as a pickle, in which functions of the project have their names. So `multiprocessing` passes on the sources of the
calling generation, with the settings that every process inherits from its parent; they are read first. The files may
have changed since, and need not be where Python looks for modules.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.readers import FileReader
from importlib.util import decode_source
from multiprocessing import process
from types import CodeType, ModuleType
from typing import Any, cast

from prometheus_client.registry import Collector

from jackfield.process.python import module_proxy, prometheus
from jackfield.process.python.module_proxy import Importer, called, key_of
from jackfield.process.python.sources import FOLDER, Source

__all__ = ["Package"]

_naming = threading.Lock()
_packages: dict[str, Package] = {}  # by name


class Package:
    """One generation's modules. `name` is where `sys.modules` has them; they call themselves `processes`.

    `files` has each file as people know it by the path that tracebacks show.
    """

    def __init__(self, generation: int, sources: Iterable[Source], folder: str) -> None:
        sources = tuple(sources)
        self._handed = (generation, sources, folder)
        self.files: Mapping[str, str] = {source.path: source.file for source in sources}
        with _naming:
            self.name = _free_name(generation)
            self._finder = _Finder(self.name, sources, folder)
            # First, because the finders of files would look beside the package and write .pyc files.
            sys.meta_path.insert(0, self._finder)
            module_proxy.begin(self.name)
            prometheus.begin(self.name, folder)
            _packages[self.name] = self
        _hand_on()

    def load(self, module: str) -> ModuleType:
        """Import one module by its name below processes/; raises whatever its code raises."""
        return importlib.import_module(f"{self.name}.{module}" if module else self.name)

    def shown(self, text: str) -> str:
        """A text with the names that authors use for package and files."""
        for path, file in self.files.items():
            text = text.replace(path, file)
        return text.replace(self.name, FOLDER)

    def loading(self) -> AbstractContextManager[None]:
        """While this is open, `processes` means this generation in this thread."""
        return module_proxy.loading(self.name)

    def go_live(self) -> None:
        """From now on this generation answers where the calling one is unknown."""
        module_proxy.live(self.name)
        prometheus.live(self.name)

    def collectors(self) -> tuple[Collector, ...]:
        """The metrics that its modules have in Prometheus's registry."""
        return prometheus.collectors(self.name)

    def release(self) -> None:
        """Forget the modules, so that they can be freed. A second call does nothing."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        module_proxy.forget(self.name)
        prometheus.forget(self.name)
        _packages.pop(self.name, None)
        # typing remembers the last classes it saw in Optional[...] and List[...], and so their modules.
        for forget in getattr(typing, "_cleanups", ()):
            forget()


def _chosen() -> tuple[Any, ...] | None:
    """What a process that is spawned now gets: the sources of the calling generation, else of the live one."""
    package = _packages.get(module_proxy.calling_package() or module_proxy.live_package())
    return None if package is None else package._handed


def _receive(generation: int, sources: tuple[Source, ...], folder: str) -> object:
    """In a spawned process: take the sources, and pass them on to its own children."""
    if not _packages:
        Package(generation, sources, folder)
    return _hand_on()


class _Handed:
    """An entry among the settings of a process; unpickling it makes the child call `_receive`."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        chosen = _chosen()
        return (str, ()) if chosen is None else (_receive, chosen)


def _hand_on() -> object:
    """Have each process that is spawned call `_receive` with what `_chosen` gives then; None means no call."""
    settings: dict[str, Any] = process.current_process()._config  # type: ignore[attr-defined]  # inherited by children
    return settings.setdefault("jackfield", _Handed())


def _free_name(generation: int) -> str:
    taken = {finder.package for finder in sys.meta_path if isinstance(finder, _Finder)} | set(sys.modules)
    name = f"jackfield_generation_{generation}"
    number = 2
    while name in taken:
        name = f"jackfield_generation_{generation}_{number}"
        number += 1
    return name


class _Finder(MetaPathFinder):
    def __init__(self, package: str, sources: Iterable[Source], folder: str) -> None:
        self.package = package
        self._sources = {f"{package}.{s.module}" if s.module else package: s for s in sources}
        self._folder = folder
        self._builtins = {**vars(builtins), "__import__": Importer(package)}
        parents = {name.rpartition(".")[0] for name in self._sources} - {""}
        self._folders = {package} | {part for name in parents for part in _prefixes(name)}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _below(FOLDER, fullname):
            return self._asked_for(fullname)
        if not _below(self.package, fullname):
            return None
        source = self._sources.get(fullname)
        if source is None and fullname not in self._folders:
            # Asking no other finder: one of files would read what was written after the snapshot.
            name = called(self.package, fullname)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        folder = self._folder + fullname.removeprefix(self.package).replace(".", "/")
        loader = _Loader(fullname, source, folder, self._builtins)
        spec = ModuleSpec(fullname, loader, origin=loader.path, is_package=loader.is_package(fullname))
        spec.has_location = source is not None
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec

    def _asked_for(self, name: str) -> ModuleSpec | None:
        """What `importlib.import_module("processes.shop")` or a pickle finds before the module is loaded."""
        if self.package != module_proxy.calling_package() and module_proxy.live_package() != self.package:
            return None
        key = key_of(self.package, name)
        return ModuleSpec(name, _Known(key)) if key in self._sources or key in self._folders else None


class _Known(Loader):
    """Loads a module by its key, and gives its proxy."""

    def __init__(self, key: str) -> None:
        self._key = key

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        importlib.import_module(self._key)
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: the module ran when it was loaded."""


class _Loader(InspectLoader):
    """Runs one source; a folder without `__init__.py` is a package with nothing to run."""

    def __init__(self, fullname: str, source: Source | None, folder: str, builtin_names: Mapping[str, Any]) -> None:
        self._fullname = fullname
        self._source = source
        self._builtins = builtin_names
        self.path = source.path if source else f"{folder}/__init__.py"

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        code = self.get_code(self._fullname)
        # A dict per module: one that writes to its `__builtins__` changes nothing for the others.
        module.__dict__["__builtins__"] = dict(self._builtins)
        package = self._builtins["__import__"].package
        module_proxy.install_proxy(package, self._fullname)
        spec = _call_itself(module, called(package, self._fullname))
        spec._initializing = True  # as Python has it while a module is loaded
        try:
            exec(code, module.__dict__)  # noqa: S102 - this is what importing a file is
        finally:  # no context manager, which would write into the exception of whoever wrote its class
            spec._initializing = False

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source.data if self._source else b"", self.path, "exec", dont_inherit=True)

    def get_source(self, fullname: str) -> str:
        """The text that was run, for tracebacks and `inspect`."""
        return decode_source(self._source.data) if self._source else ""

    def get_filename(self, fullname: str) -> str:
        """The path that tracebacks show."""
        return self.path

    def is_package(self, fullname: str) -> bool:
        return self._source is None or self._source.is_package

    def get_resource_reader(self, fullname: str) -> FileReader | None:
        """What `importlib.resources` reads data files beside the modules with."""
        return FileReader(cast(Any, self)) if self.is_package(fullname) else None


def _call_itself(module: ModuleType, name: str) -> Any:
    """Give a module this name; returns its new spec."""
    spec = module.__spec__
    assert spec is not None
    module.__name__, module.__package__ = name, name if spec.submodule_search_locations else name.rpartition(".")[0]
    public: Any = ModuleSpec(name, spec.loader, origin=spec.origin)
    public.submodule_search_locations = spec.submodule_search_locations
    public.has_location = spec.has_location
    module.__spec__ = public
    return public


def _below(package: str, name: str) -> bool:
    return name == package or name.startswith(package + ".")


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
