"""What a publish changes, told before it or after it: endpoints, groups, settings, pages, connections, feeds, calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from jackfield.errors import Closing
from jackfield.routing.table import RoutingTable
from jackfield.server.gateway import Gateway
from jackfield.server.handshake.revocation import Verdict

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

    `groups` are the patterns under `groups:` that are new, gone or declared otherwise, or whose feed, process of
    `may_join` or type of an event is another; `pages` counts the files of the site that are. What is alive:
    `feeds_anew` are feeds of groups that begin anew, `feeds_ended` those that end. What goes on in the code that it
    began in: `feeds_kept` of connections, `waits`, which are calls that wait for their client, `tasks` of connections,
    and the other `calls`.
    """

    hash: str
    generation: int
    dry_run: bool
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    groups: tuple[str, ...]
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
    warnings: tuple[str, ...]

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
        generation=live.generation.number + 1,
        dry_run=dry_run,
        added=tuple(name for name in new.routes if name not in old.routes),
        changed=tuple(name for name in both if _endpoint(old, name) != _endpoint(new, name)),
        removed=tuple(name for name in old.routes if name not in new.routes),
        groups=tuple(text for text in {**new.plan.groups, **old.plan.groups} if _group(old, text) != _group(new, text)),
        settings=tuple(_settings(old, new)),
        pages=pages,
        closes=tuple(Closes(*key, count) for key, count in leaving.items()),
        open=len(live.hub),
        feeds_anew=anew,
        feeds_ended=feeds.total() - anew,
        feeds_kept=alive.feeds,
        waits=alive.waits,
        tasks=alive.tasks,
        calls=alive.calls,
        warnings=tuple(str(problem) for problem in new.warnings),
    )


def _endpoint(table: RoutingTable, name: str) -> tuple[object, ...]:
    """What an endpoint consists of; another value is reported as a change."""
    route = table.routes[name]
    users = (route, route.feed, *route.hooks.both, *route.actions.values())
    digests = [table.catalog.digests.get(one.process.name, "") for one in users if one is not None]
    return route.endpoint, route.signature.shape, route.events, digests


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
