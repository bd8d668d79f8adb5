"""A small part of a large invalid value, so that naming its faults costs no more than for a small value.

Strategy. To learn that a value is invalid is cheap, since a validator stops at the first fault. To collect faults
costs up to 30 µs each, and a validator collects all of them. So each large list or object is cut to the place of its
first fault, which bisection finds with `is_valid` alone; only what is left is explained. Where the bound of looks is
reached before the rest is small, as in a tree of thousands of branches, nothing is; nor is what is deep in a schema
that holds itself: each alternative of each level would be explained. The value is cut in place and restored at the end.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from types import TracebackType
from typing import Any, Self

__all__ = ["Excerpt", "weigh"]

NODES = 128
"""Values of any kind, nested ones included, that are explained at once, for a schema without alternatives."""

BRANCHES = 1_000
"""Ways through the alternatives of a schema that holds itself, along which a nested value is explained."""

LOOKS = 72
"""Times that a large value is validated to find the part that is explained."""

# Members that a list or object keeps, fewer where the whole is still too large, and the looks until then.
_WIDTHS = ((20, 24), (4, 40), (1, LOOKS))
_OF_ALL = frozenset({"contains", "minItems", "minProperties"})  # what a part may break where the whole does not

_INDEX = re.compile("[+]?[0-9]{1,20}")

Container = list[Any] | dict[str, Any]


def weigh(schema: object) -> tuple[int, frozenset[str], bool]:
    """How many alternatives one `anyOf` or `oneOf` of a schema has at most, all names, and whether it holds itself.

    Each alternative is explained by itself, so a part of the value costs that many times as much.
    """
    most, names = 0, set[str]()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            most = max(most, *(len(part[key]) for key in ("anyOf", "oneOf") if isinstance(part.get(key), list)), 0)
            for key in ("properties", "dependentRequired", "dependentSchemas"):
                names |= part[key].keys() if isinstance(part.get(key), Mapping) else set()
            names |= {name for name in part.get("required", ()) if isinstance(name, str)}
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return most, frozenset(names), _holds_itself(schema)


def _holds_itself(schema: object) -> bool:
    """Whether a `$ref` leads back to where it stands; one that leads anywhere but to `$defs` counts as such."""
    named = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
    graph = {name: set(_refs(part)) for name, part in named.items()} | {"": set(_refs(schema, named))}
    if any(ref not in graph for refs in graph.values() for ref in refs):
        return True
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def _refs(schema: object, but: object = None) -> Iterator[str]:
    """The names in `$defs` to which the references in a schema lead, and "?" for those that lead elsewhere."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield from ("?" for key in ("$dynamicRef", "$recursiveRef") if key in part)
            if isinstance(ref := part.get("$ref"), str):
                yield ref.removeprefix("#/$defs/") if ref.startswith("#/$defs/") else "?"
            waiting += [inner for inner in part.values() if inner is not but]
        elif isinstance(part, list):
            waiting += part


class Excerpt:
    """Cuts `value`, which is not valid, inside a `with` block; everything is back in its place behind it.

    The last three arguments are what `weigh` gives. Objects keep the members in `names`, whatever their number.
    """

    def __init__(
        self, value: object, is_valid: Callable[[object], bool], weight: int, names: frozenset[str], recursive: bool
    ) -> None:
        self._value = value
        self._is_valid = is_valid
        self._most = max(8, NODES // (1 + weight))
        self._names = names
        self._deepest = int(math.log(BRANCHES, weight)) if recursive and weight > 1 else None
        self._looks = 0
        self._undo: list[tuple[Container, list[Any]]] = []
        self._cut: dict[int, int] = {}  # by container: where in a list the part that is left begins
        self._whole = set[int]()  # containers that are at fault as a whole, and none of their members is
        self._sizes: dict[int, int] = {}  # by container: how many members it has in truth

    def __enter__(self) -> Self:
        for width, looks in _WIDTHS:
            if self.is_small():
                break
            self._narrow_all(min(width, self._most), looks)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _exc: BaseException | None, _at: TracebackType | None
    ) -> None:
        for container, members in reversed(self._undo):
            _fill(container, members)

    def locate(self, path: Iterable[str | int]) -> tuple[list[str | int], int | None]:
        """Where a part of what is left stands in the whole value, and its true size where it was cut."""
        found: list[str | int] = []
        for part, step in self._steps(path):
            found.append(step + self._cut.get(id(part), 0) if isinstance(step, int) else step)
        return found, self._sizes.get(id(self._at(path)))

    def is_certain(self, kind: str, path: Iterable[str | int]) -> bool:
        """Whether a fault of what is left, by its keyword, is one of the whole value as well."""
        return kind not in _OF_ALL or id(self._at(path)) not in self._cut

    def _at(self, path: Iterable[str | int]) -> object:
        found: Any = self._value
        for part, step in self._steps(path):
            found = _member(part, step)
        return found

    def _steps(self, path: Iterable[str | int]) -> Iterator[tuple[Any, str | int]]:
        """Each container on the way, and the step out of it; None behind an empty key, which the validator omits."""
        part: Any = self._value
        for step in path:
            key = step
            if isinstance(part, dict) and step not in part:  # the validator tells "01" and "+1" as 1
                key = next((name for name in part if _INDEX.fullmatch(name) and int(name) == step), step)
            yield part, key
            part = _member(part, key)

    def is_small(self) -> bool:
        """Whether what is left may be explained."""
        if self._deepest is not None and not _is_flat(self._value, self._deepest):
            return False
        left, waiting = self._most, [self._value]
        while waiting and left > 0:
            part = waiting.pop()
            if id(part) in self._whole:
                continue
            members = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
            left -= 1 + len(members)
            waiting += [member for member in members if isinstance(member, dict | list)] if left > 0 else ()
        return left > 0

    def _narrow_all(self, width: int, looks: int) -> None:
        waiting = deque([self._value])
        while waiting and self._looks < looks:  # outermost first: what is cut away there need not be looked at
            part = waiting.popleft()
            if not isinstance(part, dict | list):
                continue
            self._narrow(part, width)
            waiting += [m for m in (part.values() if isinstance(part, dict) else part) if isinstance(m, dict | list)]

    def _narrow(self, container: Container, width: int) -> None:
        """Cut one container to `width` members from its first fault on."""
        if len(container) <= width or id(container) in self._whole:
            return
        all_members = list(container) if isinstance(container, list) else list(container.items())
        keep = [] if isinstance(container, list) else [m for m in all_members if m[0] in self._names]
        members = [m for m in all_members if m[0] not in self._names] if keep else all_members
        if len(members) <= width:
            return

        def is_valid(begin: int, end: int) -> bool:
            self._looks += 1
            _fill(container, keep + members[begin:end])
            return self._is_valid(self._value)

        self._undo.append((container, all_members))
        self._sizes.setdefault(id(container), len(all_members))
        begin = 0
        if is_valid(0, width):
            good, bad = width, len(members)
            while bad - good > 1:
                middle = (good + bad) // 2
                good, bad = (middle, bad) if is_valid(0, middle) else (good, middle)
            begin = bad - 1
            if is_valid(begin, begin + width):  # no member is at fault, but that there are so many of them
                _fill(container, keep + members[:bad])
                self._whole.add(id(container))
                return
        self._cut[id(container)] = self._cut.get(id(container), 0) + begin


def _is_flat(value: object, most: int) -> bool:
    """Whether no more than so many lists and objects stand in each other."""
    level = [value]
    for _ in range(most + 1):
        containers = [part for part in level if isinstance(part, dict | list)]
        if not containers:
            return True
        level = [m for part in containers for m in (part.values() if isinstance(part, dict) else part)]
    return False


def _fill(container: Container, members: list[Any]) -> None:
    container.clear()
    container.extend(members) if isinstance(container, list) else container.update(members)


def _member(container: Any, step: str | int) -> Any:
    try:
        return container[step]
    except (LookupError, TypeError):
        return None
