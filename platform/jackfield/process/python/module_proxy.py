"""The names of a project's modules: `processes.shop.order`, whichever generation they belong to.

Strategy. Several generations are loaded side by side, and Python knows one module by a name. So each module stands in
`sys.modules` under a key of its generation, where Python's import finds, locks and removes it, and has the name that
its author expects; classes, pickles and loggers take that name from it. Under the name itself `sys.modules` has a
ModuleProxy, which answers as the module of the calling generation: the one whose code is innermost on the thread's
stack, else the one that the thread loads (`loading`), else what Python had under the name before, else the live one.
A queue pickles in a thread of its own, with no code of the project on its stack: there it is the module that has the
objects which the callers hold.
"""

from __future__ import annotations

import builtins
import gc
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import resolve_name
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

from jackfield.process.python.sources import FOLDER, of_project

__all__ = [
    "Importer",
    "ModuleProxy",
    "begin",
    "called",
    "calling_package",
    "forget",
    "install_proxy",
    "key_of",
    "live",
    "live_package",
    "loading",
]

_CALLERS = 4  # frames whose variables are looked through for what is being pickled
_LOOKED_AT = 5000  # objects

_generations: list[str] = []  # the keys of their packages, what is live last
_thread = threading.local()
_lock = threading.Lock()


def key_of(package: str, name: str) -> str:
    """The key in `sys.modules` of the module that a generation calls `name`."""
    return package + name.removeprefix(FOLDER)


def called(package: str, key: str) -> str:
    """The name of the module with this key."""
    return FOLDER + key.removeprefix(package)


class Importer:
    """The `__import__` of one generation's modules, whose neighbours are those of the same generation."""

    def __init__(self, package: str) -> None:
        self.package = package

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        package = (globals or {}).get("__package__")
        full = resolve_name("." * level + name, package) if level and isinstance(package, str) else name
        if not of_project(full):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        found = self._module(full)
        if not fromlist:
            return sys.modules[self.package]
        for part in self._parts(found, fromlist):
            with _unless_missing(f"{full}.{part}"):
                setattr(found, part, self._module(f"{full}.{part}"))
        return found

    def _module(self, name: str) -> ModuleType:
        key = key_of(self.package, name)
        try:
            builtins.__import__(key)
        except ModuleNotFoundError as exc:
            if not (exc.name or "").startswith(self.package):
                raise
            missing = called(self.package, exc.name or "")
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing) from None
        return sys.modules[key]

    def _parts(self, module: ModuleType, fromlist: Sequence[str]) -> list[str]:
        """The names asked of a package that may be modules of it which were not imported yet."""
        if not hasattr(module, "__path__"):
            return []
        asked = [*fromlist, *getattr(module, "__all__", ())] if "*" in fromlist else fromlist
        return [part for part in asked if part != "*" and not hasattr(module, part)]


@contextmanager
def _unless_missing(name: str) -> Iterator[None]:
    """Ignore that there is no module of this name: Python itself reports what a package does not have."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name != name:
            raise


class ModuleProxy(ModuleType):
    """Stands in `sys.modules` under a name that a project uses, for the module of the calling generation."""

    def __getattribute__(self, name: str) -> Any:
        own = _own(self)
        package = calling_package()
        if package is not None and (module := sys.modules.get(key_of(package, own["name"]))) is not None:
            return getattr(module, name)
        modules = [module for module in (own["before"], *_side_by_side(own["name"])) if module is not None]
        values = {id(value): value for module in modules if (value := vars(module).get(name)) is not None}
        if len(values) > 1 and name.isidentifier() and not name.startswith("__"):
            return _held(values, next(iter(values.values())))
        return getattr(modules[0] if modules else ModuleType(own["name"]), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "__spec__":  # which Python's import sets on whatever it finds
            setattr(_meant(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_meant(self), name)

    def __dir__(self) -> list[str]:
        return dir(_meant(self))

    def __repr__(self) -> str:
        return repr(_meant(self))


def _own(module: ModuleProxy) -> dict[str, Any]:
    found: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    return found


def _meant(module: ModuleProxy) -> ModuleType:
    name = _own(module)["name"]
    package = calling_package()
    keys = [] if package is None else [key_of(package, name)]
    asked = [sys.modules[key] for key in keys if key in sys.modules]
    found = [*asked, *filter(None, [_own(module)["before"]]), *_side_by_side(name)]
    return found[0] if found else ModuleType(name)


def _side_by_side(name: str) -> list[ModuleType]:
    """The modules of this name, that of the live generation first."""
    keys = [key_of(package, name) for package in reversed(_generations)]
    return [module for key in keys if (module := sys.modules.get(key)) is not None]


def _held(values: Mapping[int, Any], otherwise: Any) -> Any:
    """The one of these values that the callers hold in a variable, or in an object in one."""
    frame: FrameType | None = sys._getframe(2)
    left: list[object] = []
    for _ in range(_CALLERS):
        if frame is not None:
            left += frame.f_locals.values()
            frame = frame.f_back
    seen: set[int] = set()
    while left and len(seen) < _LOOKED_AT:
        one, left = left[0], left[1:]
        if id(one) in values:
            return values[id(one)]
        if id(one) not in seen and not isinstance(one, ModuleType | FunctionType | BuiltinFunctionType | type):
            seen.add(id(one))
            left += gc.get_referents(one)
    return otherwise


def calling_package() -> str | None:
    """The package of the generation whose code runs in this thread, or which the thread loads; None for neither."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        importer = frame.f_builtins.get("__import__")
        if type(importer) is Importer:
            return importer.package
        frame = frame.f_back
    found: str | None = getattr(_thread, "package", None)
    return found


class loading:  # noqa: N801 - called like a function; contextlib would write into the exception that goes through it
    """While this is open, `processes` means this generation in the thread."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __enter__(self) -> None:
        self._before = getattr(_thread, "package", None)
        _thread.package = self._package

    def __exit__(self, *_raised: object) -> None:
        _thread.package = self._before


def install_proxy(package: str, key: str) -> None:
    """Put a proxy into `sys.modules` under the name of a module of a generation."""
    name = called(package, key)
    with _lock:
        before = sys.modules.get(name)
        if type(before) is not ModuleProxy:
            made = ModuleProxy(name)
            _own(made).update(name=name, before=before if type(before) is ModuleType else None)
            sys.modules[name] = made


def begin(package: str) -> None:
    """Add a generation; it is live where there is no other."""
    with _lock:
        _generations.insert(0, package)


def live(package: str) -> None:
    """From now on this generation answers where the calling one is unknown."""
    with _lock:
        if package in _generations:
            _generations.remove(package)
            _generations.append(package)


def live_package() -> str:
    """The package of the generation that answers where the calling one is unknown; empty where there is none."""
    return _generations[-1] if _generations else ""


def forget(package: str) -> None:
    """Remove the modules of a generation from `sys.modules`, and the proxies that no other needs."""
    with _lock:
        with suppress(ValueError):
            _generations.remove(package)
        for key in [key for key in sys.modules.copy() if key == package or key.startswith(package + ".")]:
            del sys.modules[key]
        for name, found in [(name, found) for name, found in sys.modules.copy().items() if type(found) is ModuleProxy]:
            if not _side_by_side(name):
                del sys.modules[name]
                if _own(found)["before"] is not None:
                    sys.modules[name] = _own(found)["before"]
