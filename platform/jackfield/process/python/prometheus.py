"""Prometheus collectors of a project's modules. A publish loads the modules again, but not Prometheus's library.

Strategy. `Counter("orders", …)` at the top of a file registers while the file runs, and a registry takes a name once:
the same file could not be loaded a second time. So a generation that is loaded may use the names that its project has
registered already. Its collectors wait, and replace the others when it goes live; of a generation that is given up
none stays.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from jackfield.logs import log
from jackfield.process.python import module_proxy

__all__ = ["begin", "forget", "live"]

_Entry = tuple[CollectorRegistry, Collector]


@dataclass(slots=True)
class _Collectors:
    """Those of one generation; `folder` says of which project it is."""

    folder: str
    entered: list[_Entry] = field(default_factory=list)
    waiting: list[_Entry] = field(default_factory=list)


_of: dict[str, _Collectors] = {}  # by the package of a generation
_enter, _leave = CollectorRegistry.register, CollectorRegistry.unregister


def begin(package: str, folder: str) -> None:
    """Add a generation of the project whose processes are in `folder`."""
    _of[package] = _Collectors(folder)


def live(package: str) -> None:
    """Replace the collectors that the project had with those of this generation."""
    mine = _of.get(package)
    if mine is not None:
        for other in _others(package):
            _take_out(other.entered)
            other.entered.clear()
        while mine.waiting:
            registry, collector = mine.waiting.pop(0)
            try:
                _enter(registry, collector)
            except ValueError as exc:  # taken since it was loaded, by code outside the project
                log.warning("collector_left_out", reason=str(exc))
            else:
                mine.entered.append((registry, collector))


def forget(package: str) -> None:
    """Unregister what a generation has registered."""
    mine = _of.pop(package, None)
    if mine is not None:
        _take_out(mine.entered)


def _take_out(entries: list[_Entry]) -> None:
    for registry, collector in entries:
        with suppress(KeyError):  # it was unregistered already
            _leave(registry, collector)


def _others(package: str) -> list[_Collectors]:
    return [one for name, one in list(_of.items()) if name != package and one.folder == _of[package].folder]


def _register(registry: CollectorRegistry, collector: Collector) -> None:
    """`CollectorRegistry.register`. Raises ValueError for a name that is taken."""
    package = module_proxy.calling_package()
    mine = _of.get(package or "")
    try:
        _enter(registry, collector)
    except ValueError:
        if package is None or mine is None:
            raise
        _try(registry, collector, package)
        mine.waiting.append((registry, collector))
    else:
        if mine is not None:
            mine.entered.append((registry, collector))


def _try(registry: CollectorRegistry, collector: Collector, package: str) -> None:
    """Raise ValueError where a name is not only that of a collector whose place is taken."""
    others = [entry for other in _others(package) for entry in other.entered if entry[0] is registry]
    mine = [entry for entry in _of[package].waiting if entry[0] is registry]
    tried: list[_Entry] = []
    _take_out(others)
    try:
        for entry in (*mine, (registry, collector)):
            _enter(*entry)
            tried.append(entry)
    finally:
        _take_out(tried)
        for entry in others:
            _enter(*entry)


def _unregister(registry: CollectorRegistry, collector: Collector) -> None:
    """`CollectorRegistry.unregister`. Raises KeyError for what is not there."""
    for one in _of.values():
        if (registry, collector) in one.waiting:
            one.waiting.remove((registry, collector))
            return
        if (registry, collector) in one.entered:
            one.entered.remove((registry, collector))
    _leave(registry, collector)


# the library has no hook for this; code outside a project gets the library's own behaviour
CollectorRegistry.register = _register  # type: ignore[assignment, method-assign]
CollectorRegistry.unregister = _unregister  # type: ignore[assignment, method-assign]
