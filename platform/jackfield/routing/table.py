"""What a request path leads to: the routes of one generation, found by the segments of their URLs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jackfield.config import url
from jackfield.config.plan import Endpoint, Plan
from jackfield.errors import Problem
from jackfield.groups.group import Declared
from jackfield.groups.names import Pattern
from jackfield.process.builtin.processes import is_join
from jackfield.process.catalog import Catalog
from jackfield.process.process import Process
from jackfield.process.resources import Resource
from jackfield.process.signature.signature import Signature
from jackfield.routing.feeds import Feed
from jackfield.routing.hooks import Hooks
from jackfield.routing.joining import Rule
from jackfield.schema.validator import Validator
from jackfield.similar import nearest

__all__ = ["Match", "Ours", "Route", "RoutingTable"]


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One endpoint with its process and its validators.

    `narrow` is `input:` alone, checked on each message where there is one that the decoder of `signature`
    does not check already. `whole` is signature and `input:` together; it is asked only to name what is wrong.
    `example` is the first message of the examples that is taken, else one that is made up, and None where that did not
    work; `example_raw` the same as it stands in errors.
    `groups` are the patterns of the groups that its connections are in.
    `in_place` says that a message can be answered in the step that reads it: the process is a plain function.
    `actions` are the routes of an endpoint's actions by name. Process and signature of the endpoint are then stand-ins:
    what all actions take and give.
    `feed` is what speaks on each of its connections. Without a `process` of its own it takes no messages.
    `hooks` are called at the begin and at the end of each connection.
    `events` are the schemas of what `events` of the endpoint names.
    """

    endpoint: Endpoint
    process: Process
    signature: Signature
    pattern: url.Pattern
    narrow: Validator | None
    whole: Validator
    example: Mapping[str, Any] | None
    example_raw: msgspec.Raw | None
    in_place: bool
    groups: tuple[Pattern, ...] = ()
    actions: Mapping[str, Route] = field(default_factory=dict)
    feed: Feed | None = None
    hooks: Hooks = field(default_factory=Hooks)
    events: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.endpoint.name


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the decoded text of its path parameters."""

    route: Route
    params: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    """One position in the tree of segments; a fixed segment is tried before the parameter."""

    fixed: dict[str, _Node] = field(default_factory=dict)
    param: _Node | None = None
    route: Route | None = None

    def add(self, route: Route) -> None:
        node = self
        for segment in route.pattern.segments:
            if segment.is_param:
                node.param = node.param or _Node()
                node = node.param
            else:
                node = node.fixed.setdefault(segment.text, _Node())
        node.route = route

    def find(self, segments: Sequence[str]) -> Route | None:
        if not segments:
            return self.route
        head, rest = segments[0], segments[1:]
        below = self.fixed.get(head)
        found = below.find(rest) if below else None
        if found is None and self.param is not None:
            found = self.param.find(rest)
        return found


@dataclass(frozen=True, slots=True)
class Ours:
    """Endpoints of Jackfield itself, of URLs without parameters, with their groups and the feeds of these."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    groups: tuple[Declared, ...] = ()
    feeds: Mapping[str, Feed] = field(default_factory=dict)


class RoutingTable:
    """All routes of one generation, and what `groups` declares. `hash` changes with the plan's meaning and any process.

    `verify` is the function that `auth.verify` names, None where it names none. `feeds` are those of groups, by the
    texts of their patterns, and `joining` says who may join them.
    """

    __slots__ = (
        "_plain",
        "_root",
        "catalog",
        "events",
        "feeds",
        "groups",
        "hash",
        "joining",
        "ours",
        "plan",
        "routes",
        "verify",
        "warnings",
    )

    def __init__(
        self,
        plan: Plan,
        catalog: Catalog,
        routes: Iterable[Route],
        warnings: Iterable[Problem],
        verify: Callable[..., Any] | None = None,
        groups: tuple[Declared, ...] = (),
        feeds: Mapping[str, Feed] | None = None,
        joining: Mapping[str, Rule] | None = None,
        events: Mapping[str, Mapping[str, dict[str, Any]]] | None = None,
    ) -> None:
        self.plan = plan
        self.catalog = catalog
        self.verify = verify
        self.groups = groups
        self.feeds: Mapping[str, Feed] = feeds or {}
        self.joining: Mapping[str, Rule] = joining or {}
        self.events: Mapping[str, Mapping[str, dict[str, Any]]] = events or {}
        self.routes: Mapping[str, Route] = {}
        self.warnings = tuple(warnings)
        self.hash = hashlib.sha256(f"{plan.hash} {catalog.hash}".encode()).hexdigest()[:12]
        self.ours = Ours()
        self._root = _Node()
        # a URL without parameters, in the normal form that nearly every client sends, needs no walk
        self._plain: dict[bytes, Match] = {}
        self.add(*routes)

    def add(self, *routes: Route) -> None:
        """Add routes while the table is not live yet; their names and addresses must be new."""
        self.routes = {**self.routes, **{route.name: route for route in routes}}
        self._plain |= {one.pattern.normal.encode(): Match(one, {}) for one in routes if not one.pattern.params}
        for route in routes:
            self._root.add(route)

    def adopt(self, ours: Ours) -> None:
        """Have our own endpoints as well: each is found and entered like all others, and stands in no list."""
        self.ours = ours
        self._plain |= {one.pattern.normal.encode(): Match(one, {}) for one in ours.routes.values()}

    def route(self, name: str) -> Route | None:
        """The endpoint of a name, also where it is ours."""
        return self.routes.get(name) or self.ours.routes.get(name)

    def feed(self, pattern: str) -> Feed:
        """The feed of a pattern, also where that is ours. Raises KeyError."""
        return self.feeds.get(pattern) or self.ours.feeds[pattern]

    @property
    def all_groups(self) -> tuple[Declared, ...]:
        """`groups` and ours."""
        return self.groups + self.ours.groups

    def match(self, raw_path: bytes) -> Match | None:
        """The route for a request path (percent-encoded, without query), or None."""
        plain = self._plain.get(raw_path)
        if plain is not None:
            return plain
        segments = url.split(raw_path)
        if segments is None or url.reserved(segments, self.plan.auth.path):
            return None  # a URL such as /{a}/{b} has no say over addresses that are ours
        route = self._root.find(segments)
        if route is None:
            return None
        pairs = zip(route.pattern.segments, segments, strict=True)
        return Match(route, {part.text: text for part, text in pairs if part.is_param})

    def nearest(self, raw_path: bytes) -> str:
        """The URL that looks most like this path, or an empty text."""
        asked = url.decoded(raw_path)  # also of a path that has no normal form
        if asked is None:
            return ""  # no address begins like that; what is wrong with it says more
        known = [route.endpoint.url for route in self.routes.values()]
        return nearest(asked, known, cutoff=0.5)

    def declared(self, route: Route) -> tuple[Declared, ...]:
        """The patterns under `groups:` that a connection may be in: by its endpoint's `group`, or by group.join."""
        chooses = any(is_join(one.process) for one in (route, *route.actions.values()))
        return tuple(
            one
            for one in self.groups
            if any(one.pattern.may_meet(pattern) for pattern in route.groups)
            or (chooses and one.pattern.text in self.joining)
        )

    def resources(self, only: Route | None = None) -> tuple[Resource, ...]:
        """The resources that routes, feeds and hooks use, each once; those of `only` one and what may speak on it.

        Not what they need in their turn: see `resources.in_order`.
        """
        routes = self.routes.values() if only is None else (only, *only.actions.values())
        chooses = only is None or any(is_join(route.process) for route in routes)
        spoken = [route.feed for route in routes if route.feed is not None]
        for one in self.groups:
            joined = chooses and (only is None or one.pattern.text in self.joining)
            if one.feed and (
                joined or any(one.pattern.may_meet(groups) for route in routes for groups in route.groups)
            ):
                spoken.append(self.feeds[one.pattern.text])
        asked = [rule.process for rule in self.joining.values() if chooses and rule.process is not None]
        hooks = [hook for route in routes for hook in route.hooks.both]
        signatures = [route.signature for route in routes] + [hook.signature for hook in hooks]
        signatures += [feed.signature for feed in (*spoken, *asked)]
        return tuple({r.name: r for signature in signatures for r in signature.resources}.values())
