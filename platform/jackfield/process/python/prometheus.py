"""Prometheus collectors of a project's modules. A publish loads the modules again, but not Prometheus's library.

Strategy. `Counter("orders", …)` at the top of a file registers while the file runs, and a registry takes a name once:
the same file could not be loaded a second time. So a generation that is loaded may use the names that its project has
registered already. Its collectors wait, and replace the others when it goes live; of a generation that is given up
none stays. A metric that has its name, type and labels from the one that it replaces counts on in the same numbers,
and so do the calls that are still in the older generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from jackfield.logs import log
from jackfield.process.python import module_proxy

__all__ = ["OURS", "begin", "collectors", "forget", "live"]

OURS = "jackfield_"
"""How the names of the server's own metrics begin, and no others."""

_SHAPE = ("_name", "_labelnames", "_upper_bounds", "_states")  # of a metric; what has them alike counts the same
_STATE = ("_value", "_count", "_sum", "_buckets", "_created")

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
    """Replace the collectors that the project had with those of this generation; what is the same counts on."""
    mine = _of.get(package)
    if mine is not None:
        before: list[_Entry] = []
        for other in _others(package):
            _take_out(other.entered)
            before += other.entered
            other.entered.clear()
        while mine.waiting:
            registry, collector = mine.waiting.pop(0)
            try:
                _enter(registry, collector)
            except ValueError as exc:  # taken since it was loaded, by code outside the project
                log.warning("collector_left_out", reason=str(exc))
            else:
                mine.entered.append((registry, collector))
                for old in (one for where, one in before if where is registry and _are_alike(one, collector)):
                    _count_on(collector, old)


def collectors(package: str) -> tuple[Collector, ...]:
    """What a generation has in the library's own registry."""
    mine = _of.get(package)
    return () if mine is None else tuple(one for registry, one in mine.entered if registry is REGISTRY)


def forget(package: str) -> None:
    """Unregister what a generation has registered."""
    mine = _of.pop(package, None)
    if mine is not None:
        _take_out(mine.entered)


def _take_out(entries: list[_Entry]) -> None:
    for registry, collector in entries:
        with suppress(KeyError):  # it was unregistered already
            _leave(registry, collector)


def _are_alike(old: Any, new: Any) -> bool:
    if not isinstance(new, MetricWrapperBase) or type(old) is not type(new):
        return False
    return all(getattr(old, part, None) == getattr(new, part, None) for part in _SHAPE)


def _count_on(new: Any, old: Any) -> None:
    """Have a metric share the numbers of the one before it; what was counted while it was loaded is added."""
    if new._is_parent():
        with old._lock:
            for labels, child in new._metrics.items():  # variables of the new modules may hold it
                if labels in old._metrics:
                    _count_on(child, old._metrics[labels])
                old._metrics[labels] = child
            new._metrics, new._lock = old._metrics, old._lock
        return
    for part in (part for part in _STATE if hasattr(new, part)):
        kept, loaded = getattr(old, part), getattr(new, part)
        for one, more in _numbers(kept, loaded):
            if amount := more.get():
                (one.set if new._type == "gauge" else one.inc)(amount)
        if not isinstance(loaded, dict | int) or not loaded:  # an Info or Enum that the file has set stays as it is
            setattr(new, part, kept)


def _numbers(kept: Any, loaded: Any) -> Iterator[tuple[Any, Any]]:
    """The numbers that two parts of a metric hold: one, as many as it has buckets, or none."""
    if isinstance(kept, list):
        yield from zip(kept, loaded, strict=True)
    elif hasattr(kept, "inc"):
        yield kept, loaded


def _others(package: str) -> list[_Collectors]:
    return [one for name, one in list(_of.items()) if name != package and one.folder == _of[package].folder]


def _register(registry: CollectorRegistry, collector: Collector) -> None:
    """`CollectorRegistry.register`. Raises ValueError for a name that is taken, or ours."""
    package = module_proxy.calling_package()
    mine = _of.get(package or "")
    if mine is not None:
        names: list[str] = registry._get_names(collector)  # type: ignore[no-untyped-call]
        if taken := [name for name in names if name.startswith(OURS)]:
            raise ValueError(f'"{taken[0]}": names that begin with "{OURS}" are the server\'s own; choose another')
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
