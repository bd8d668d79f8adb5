"""The ASGI application: upgrades go to the handshake, all else to plain HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.process.groups import Groups
from jackfield.process.table import keep
from jackfield.server.asgi import Application, Receive, Scope, Send
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.console.endpoint import Console
from jackfield.server.feeds import ConnectionFeeds, GroupFeeds
from jackfield.server.generation import Generation
from jackfield.server.handshake import revocation
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.hooks import Hooks
from jackfield.server.handshake.upgrade import Upgrade
from jackfield.server.joining import Joining
from jackfield.server.live import Held, Live, Member
from jackfield.server.observe.tracing import Tracing
from jackfield.server.options import Options
from jackfield.server.unmatched import Unmatched
from jackfield.server.web.routes import Routes

__all__ = ["Gateway", "open_gateway"]


class Gateway:
    """One node's application. `live` is its state, `callers` identifies its callers, `backend` carries out Groups.

    `console` is what open pages hear.
    """

    def __init__(self, live: Live, callers: Callers, dispatcher: Dispatcher, *, tracing: Tracing | None = None) -> None:
        self.live = live
        self.callers = callers
        self.backend = Joining(live, dispatcher)
        dispatcher.groups = Groups(self.backend)
        live.generation.groups.speak(self.backend)
        self._feeds = GroupFeeds(live, dispatcher)
        live.groups.feeds.runner = self._feeds
        self._spoken = ConnectionFeeds(live, dispatcher)
        self._hooks = Hooks(live, dispatcher)
        upgrade: Application = Upgrade(live, callers, dispatcher, self._spoken, self._hooks)
        self._upgrade = upgrade if tracing is None else tracing.around(upgrade)
        self._routes = Routes(live, callers)
        if live.has_sessions:
            live.sessions.changes.subscribe(lambda change: revocation.session_changed(live, change))
            live.sessions.attend(lambda: {member.identity.session for member in live.hub})
        self.console = Console(live)
        live.generation.table.adopt(self.console.ours)
        live.groups.declare(live.generation.table.all_groups, feeds=live.generation.table.plan.limits.feeds)
        self._count_plan()

    def install(self, generation: Generation) -> Generation:
        """Make `generation` live for every message and handshake from now on; gives the one before."""
        generation.table.adopt(self.console.ours)
        before, self.live.generation = self.live.generation, generation
        before.groups.fall_silent()
        generation.groups.speak(self.backend)
        generation.table.catalog.go_live()
        self.live.groups.declare(generation.table.all_groups, feeds=generation.table.plan.limits.feeds)
        self._hooks.renew(before)
        auth = generation.table.plan.auth
        if self.live.has_sessions:
            self.live.sessions.tune(lifetime=auth.session, idle=auth.idle)
        self.callers.tune(auth)
        self._count_plan()
        return before

    def held(self, generation: Generation | None, members: Iterable[Member]) -> Iterator[tuple[Member, Held]]:
        """What of each of `members` goes on in a generation, or in any."""
        feeds = self._spoken.held(generation)
        for member in members:
            yield member, Held(*member.holds(generation), feeds[member])

    @property
    def alive(self) -> Held:
        """What goes on, but for feeds of groups. The calls are those of the live generation, with those of hooks."""
        live = self.live.generation
        _, waits, tasks, feeds = self._sum(None)
        others = sum(self._sum(live)[1:]) + self._feeds.held(live).total()
        return Held(live.calls - others, waits, tasks, feeds)

    def _sum(self, generation: Generation | None) -> Held:
        found = [held for _, held in self.held(generation, self.live.hub)]
        return Held(*map(sum, zip(*found, strict=True))) if found else Held(0, 0, 0, 0)

    async def close_feeds(self) -> None:
        """End all generators that speak, and wait for the hooks; bounded, and done before what is live is retired."""
        await asyncio.gather(self._feeds.close(), self._spoken.close(), self._hooks.close(self.live.stop_limit))

    def _count_plan(self) -> None:
        table, metrics = self.live.generation.table, self.live.metrics
        metrics.plan_hash = table.hash
        for name in table.routes:
            metrics.meter(name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        await (self._upgrade if scope["type"] == "websocket" else self._routes)(scope, receive, send)


def open_gateway(
    options: Options,
    sessions: Sessions | None,
    generation: Generation,
    dispatcher: Dispatcher,
    *,
    tracing: Tracing | None = None,
    folder: Path = Path(),
    open_store: Callable[[], Awaitable[Store]] | None = None,
    clock: Callable[[], float] = time.time,
    tokens: Tokens | None = None,
) -> Gateway:
    """A gateway for the project in `folder`. `sessions` are of our own login, None where that is off.

    `open_store` opens the store of service keys in that case; without it there are none then. `tokens` sign the ids of
    visitors; without them these end with the process.
    """
    live = Live(options, sessions, generation, lag_clock=dispatcher.clock, clock=clock, tokens=tokens)
    callers = Callers(live, sessions, folder=folder, open_store=open_store)
    live.data, live.unmatched = folder / keep.FOLDER, Unmatched(callers.authorities.keys.store)
    dispatcher.unmatched = live.unmatched.note
    return Gateway(live, callers, dispatcher, tracing=tracing)
