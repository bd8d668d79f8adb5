"""A small part of a large invalid value, so that naming its faults costs no more than for a small value.

Strategy. To learn that a value is invalid is cheap, since a validator stops at the first fault. To collect faults
costs up to 30 µs each, and a validator collects all of them. So each large list or object is cut to the place of its
first fault, which bisection finds with `is_valid` alone; only what is left is explained. Where the bound of looks is
reached before the rest is small, as in a tree of thousands of branches, nothing is; nor is what is deep in
alternatives of alternatives: each of them would be explained, by itself. The value is cut in place and restored.
"""

from __future__ import annotations

import math
import re
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

__all__ = ["Bounds", "Excerpt"]

NODES = 128
"""Values, nested ones included, that are explained at once, without alternatives."""

BRANCHES = 1_000
"""Ways through nested alternatives along which a value is explained."""

LOOKS = 72
"""Validations of a large value to find the part that is explained."""

# Members that a list or object keeps, fewer where the whole is still too large, and the looks until then.
_WIDTHS = ((20, 24), (4, 40), (1, LOOKS))
_OF_ALL = frozenset({"contains", "minItems", "minProperties"})  # what a part may break where the whole does not

_INDEX = re.compile("[+]?[0-9]{1,20}")

Container = list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What of a value may be explained at once by one schema, since each of its alternatives is explained by itself."""

    most: int
    """Values, nested ones included."""

    deepest: int
    """Lists and objects in each other."""

    names: frozenset[str]
    """Members that objects keep, whatever their number: all that have a meaning somewhere."""

    @classmethod
    def of(cls, schema: object) -> Self:
        """The bounds of one schema."""
        widest, names = 1, set[str]()
        waiting = [schema]
        while waiting:
            part = waiting.pop()
            if isinstance(part, Mapping):
                widest = max(widest, *(len(part[k]) for k in ("anyOf", "oneOf") if isinstance(part.get(k), list)), 1)
                for key in ("properties", "dependentRequired", "dependentSchemas"):
                    names |= part[key].keys() if isinstance(part.get(key), Mapping) else set()
                names |= {name for name in part.get("required", ()) if isinstance(name, str)}
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part
        deepest = int(math.log(BRANCHES, widest)) if widest > 1 and _ways(schema) > BRANCHES else sys.maxsize
        return cls(max(8, NODES // widest), deepest, frozenset(names))

    def hold(self, value: object, whole: Collection[int] = ()) -> bool:
        """Whether a value is within them; the members of the containers in `whole` do not count."""
        left, level = self.most, [value] if isinstance(value, dict | list) else []
        for _ in range(self.deepest):
            below = []
            for part in level:
                if id(part) in whole:
                    continue
                left -= 1 + len(part)
                if left <= 0:
                    return False
                members = part.values() if isinstance(part, dict) else part
                below += [member for member in members if isinstance(member, dict | list)]
            if not below:
                return True
            level = below
        return False


def _ways(schema: object) -> float:
    """Ways through the alternatives of a schema, from its root to what holds none; no end where it holds itself.

    A `$ref` that leads anywhere but to `$defs` is taken for one that leads back.
    """
    named = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
    known: dict[str, float] = {}

    def through(part: object) -> float:
        if isinstance(part, list):
            return max(map(through, part), default=1)
        if not isinstance(part, Mapping):
            return 1
        found = max((through(inner) for inner in part.values() if inner is not named), default=1)
        for key in ("anyOf", "oneOf"):
            if isinstance(part.get(key), list):
                found = max(found, sum(map(through, part[key])))
        refs = [part[key] for key in ("$ref", "$dynamicRef", "$recursiveRef") if isinstance(part.get(key), str)]
        return max([found, *map(behind, refs)])

    def behind(ref: str) -> float:
        name = ref.removeprefix("#/$defs/")
        if ref not in known:
            known[ref] = math.inf  # until it is known: that of one that leads back to itself
            known[ref] = through(named[name]) if name != ref and name in named else math.inf
        return known[ref]

    return through(schema)


class Excerpt:
    """Cuts `value`, which is not valid, inside a `with` block; everything is back in its place behind it."""

    def __init__(self, value: object, is_valid: Callable[[object], bool], bounds: Bounds) -> None:
        self._value = value
        self._is_valid = is_valid
        self._bounds = bounds
        self._looks = 0
        self._undo: list[tuple[Container, list[Any]]] = []
        self._cut: dict[int, int] = {}  # by container: where in a list the part that is left begins
        self._whole = set[int]()  # containers that are at fault as a whole, and none of their members is
        self._sizes: dict[int, int] = {}  # by container: how many members it has in truth

    def __enter__(self) -> Self:
        for width, looks in _WIDTHS:
            if self.is_small():
                break
            self._narrow_all(min(width, self._bounds.most), looks)
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
            if isinstance(part, dict) and step not in part:  # the validator reports "01" and "+1" as 1
                key = next((name for name in part if _INDEX.fullmatch(name) and int(name) == step), step)
            yield part, key
            part = _member(part, key)

    def is_small(self) -> bool:
        """Whether what is left may be explained."""
        return self._bounds.hold(self._value, self._whole)

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
        keep = [] if isinstance(container, list) else [m for m in all_members if m[0] in self._bounds.names]
        members = [m for m in all_members if m[0] not in self._bounds.names] if keep else all_members
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


def _fill(container: Container, members: list[Any]) -> None:
    container.clear()
    container.extend(members) if isinstance(container, list) else container.update(members)


def _member(container: Any, step: str | int) -> Any:
    try:
        return container[step]
    except (LookupError, TypeError):
        return None
