"""What a publish changes, told before it or after it: endpoints, groups, settings, pages, connections, feeds, calls."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sized
from dataclasses import asdict, dataclass
from typing import Any

from jackfield.errors import Closing
from jackfield.process.python.sources import of_project
from jackfield.routing.table import RoutingTable
from jackfield.server.gateway import Gateway
from jackfield.server.handshake.revocation import Verdict
from jackfield.server.publish.outcome import outcome

__all__ = ["Closes", "Report", "report"]

_SETTINGS = ("title", "auth", "roles", "limits", "site")


@dataclass(frozen=True, slots=True)
class Closes:
    """Open connections of one endpoint that a publish closes, and how."""

    endpoint: str
    code: int
    reason: str
    connections: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a publish did, or would do. `open` counts all connections before it.

    `groups_added` and `groups_removed` are patterns of groups, under `groups:` or at an endpoint, `groups_renamed`
    pairs of two that one endpoint names, the one before and the one after. `groups` are those that are declared
    otherwise, or whose feed, process of `may_join` or type of an event is another; `pages` counts the files of the site
    that are. What is alive: `feeds_anew` are feeds of groups that begin anew, `feeds_ended` those that end. What goes
    on in the code that it began in: `feeds_kept` of connections, `waits`, which are calls that wait for their client,
    `tasks` of connections, and the other `calls`. `before` is the hash of what it takes the place of, and `lost` names
    the resources whose data in memory goes with that.
    """

    hash: str
    before: str
    generation: int
    dry_run: bool
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    groups_added: tuple[str, ...]
    groups_renamed: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    groups_removed: tuple[str, ...]
    settings: tuple[str, ...]
    pages: int
    closes: tuple[Closes, ...]
    open: int
    feeds_anew: int
    feeds_ended: int
    feeds_kept: int
    waits: int
    tasks: int
    calls: int
    lost: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The report for people, as `jackfield publish` prints it."""
        return outcome(self.as_json()).splitlines()

    def as_json(self) -> dict[str, Any]:
        """The report as the control connection carries it."""
        return asdict(self)


def report(gateway: Gateway, new: RoutingTable, verdicts: Iterable[Verdict], pages: int, *, dry_run: bool) -> Report:
    """What becomes of what is live where `new` takes its place; asked before the swap."""
    live = gateway.live
    old = live.generation.table
    both = [name for name in new.routes if name in old.routes]
    leaving = Counter((member.endpoint, end.number, end.reason) for member, end in verdicts if isinstance(end, Closing))
    feeds, alive = live.groups.feeds.heard(), gateway.alive
    anew = sum(number for pattern, number in feeds.items() if pattern in new.feeds)
    return Report(
        hash=new.hash,
        before=old.hash,
        generation=live.generation.number + 1,
        dry_run=dry_run,
        added=tuple(name for name in new.routes if name not in old.routes),
        changed=tuple(name for name in both if _endpoint(old, name) != _endpoint(new, name)),
        removed=tuple(name for name in old.routes if name not in new.routes),
        **_groups(old, new),
        settings=tuple(_settings(old, new)),
        pages=pages,
        closes=tuple(Closes(*key, count) for key, count in leaving.items()),
        open=live.hub.clients,
        feeds_anew=anew,
        feeds_ended=feeds.total() - anew,
        feeds_kept=alive.feeds,
        waits=alive.waits,
        tasks=alive.tasks,
        calls=alive.calls,
        lost=tuple(sorted(name for name, value in live.generation.resources.items() if _holds(value))),
        warnings=tuple(str(problem) for problem in new.warnings),
    )


_CONTAINERS: tuple[type[Sized], ...] = (dict, list, set, deque, bytearray)


def _holds(value: object) -> bool:
    """Whether a resource is data in memory: a container with something in it, or an object of the project with one."""
    inside = [value]
    if of_project(type(value).__module__):
        inside += getattr(value, "__dict__", {}).values()
    found = ((one, kind) for one in inside for kind in _CONTAINERS if issubclass(type(one), kind))
    return any(kind.__len__(one) for one, kind in found)  # type: ignore[arg-type]  # len() may be the author's


def _endpoint(table: RoutingTable, name: str) -> tuple[object, ...]:
    """What an endpoint consists of; another value is reported as a change."""
    route = table.routes[name]
    users = (route, route.feed, *route.hooks.both, *route.actions.values())
    digests = [table.catalog.digests.get(one.process.name, "") for one in users if one is not None]
    return route.endpoint, route.signature.shape, route.events, digests


def _groups(old: RoutingTable, new: RoutingTable) -> dict[str, Any]:
    """The fields of the report that are of patterns."""
    before, after = _patterns(old), _patterns(new)
    pairs = [
        pair
        for name in old.routes.keys() & new.routes.keys()
        for pair in zip(old.routes[name].endpoint.group, new.routes[name].endpoint.group, strict=False)
    ]
    renamed = {one: other for one, other in pairs if one not in after and other not in before}
    return {
        "groups_added": tuple(text for text in after if text not in before and text not in renamed.values()),
        "groups_renamed": tuple((text, renamed[text]) for text in before if text in renamed),
        "groups": tuple(text for text in after if text in before and _group(old, text) != _group(new, text)),
        "groups_removed": tuple(text for text in before if text not in after and text not in renamed),
    }


def _patterns(table: RoutingTable) -> dict[str, None]:
    """The patterns of a plan, in their order there."""
    at_endpoints = (text for route in table.routes.values() for text in route.endpoint.group)
    return dict.fromkeys((*table.plan.groups, *at_endpoints))


def _group(table: RoutingTable, text: str) -> tuple[object, ...]:
    """The same of a pattern under `groups:`."""
    rule, feed = table.joining.get(text), table.feeds.get(text)
    users = (feed, None if rule is None else rule.process)
    digests = [table.catalog.digests.get(one.process.name, "") for one in users if one is not None]
    return table.plan.groups.get(text), table.events.get(text), digests


def _settings(old: RoutingTable, new: RoutingTable) -> Iterator[str]:
    for name in _SETTINGS:
        code = [table.catalog.digests.get(table.plan.auth.verify) if name == "auth" else None for table in (old, new)]
        if getattr(old.plan, name) != getattr(new.plan, name) or code[0] != code[1]:
            yield name
