"""The processes of one generation as a package of their own.

Strategy: each generation is a package with a name of its own in `sys.modules`, found by a finder that
knows the sources by heart: nothing is read from the disk again, no .pyc is read or written, `sys.path`
is left alone. Modules of a generation see `processes` as that package, because the `__import__` among
their builtins says so; two generations side by side each find their own neighbours, at load and later.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
import typing
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.readers import FileReader
from importlib.util import decode_source
from types import CodeType, ModuleType
from typing import Any, cast

from jackfield.process.sources import FOLDER, Source

__all__ = ["Package"]

_naming = threading.Lock()


class Package:
    """One generation's modules. `name` is what they are called in `sys.modules`.

    `files` has each file as people know it by the path that tracebacks show.
    """

    def __init__(self, generation: int, sources: Iterable[Source], folder: str) -> None:
        sources = tuple(sources)
        self.files: Mapping[str, str] = {source.path: source.file for source in sources}
        with _naming:
            self.name = _free_name(generation)
            self._finder = _Finder(self.name, sources, folder)
            # First, because the finders of files would look beside the package and write .pyc files.
            sys.meta_path.insert(0, self._finder)

    def load(self, module: str) -> ModuleType:
        """Import one module by its name below processes/; raises whatever its code raises."""
        return importlib.import_module(f"{self.name}.{module}" if module else self.name)

    def shown(self, text: str) -> str:
        """A text in which package and files are called as their authors call them."""
        for path, file in self.files.items():
            text = text.replace(path, file)
        return text.replace(self.name, FOLDER)

    def release(self) -> None:
        """Forget the modules, so that they can be freed once nobody uses them. A second call does nothing."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        for name in [name for name in sys.modules if name == self.name or name.startswith(self.name + ".")]:
            del sys.modules[name]
        # typing remembers the last classes it saw in Optional[...] and List[...], and so their modules.
        for forget in getattr(typing, "_cleanups", ()):
            forget()


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
        self._builtins = {**vars(builtins), "__import__": _importer(package)}
        parents = {name.rpartition(".")[0] for name in self._sources} - {""}
        self._folders = {package} | {part for name in parents for part in _prefixes(name)}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.package and not fullname.startswith(self.package + "."):
            return None
        source = self._sources.get(fullname)
        if source is None and fullname not in self._folders:
            # Asking no other finder: one of files would read what was written after the snapshot.
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        folder = self._folder + fullname.removeprefix(self.package).replace(".", "/")
        loader = _Loader(fullname, source, folder, self._builtins)
        spec = ModuleSpec(fullname, loader, origin=loader.path, is_package=loader.is_package(fullname))
        spec.has_location = source is not None
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec


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
        exec(code, module.__dict__)  # noqa: S102 - this is what importing a file is

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


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _importer(package: str) -> Any:
    def import_in_generation(
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0 and (name == FOLDER or name.startswith(FOLDER + ".")):
            name = package + name[len(FOLDER) :]
        return builtins.__import__(name, globals, locals, fromlist or (), level)

    return import_in_generation
