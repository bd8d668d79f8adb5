"""One running server: everything behind the listener, opened in order and closed in the reverse one."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.clocks import watched
from jackfield.config import editor_schema
from jackfield.config.plan import AuthSettings
from jackfield.errors import PlanError
from jackfield.logs import log
from jackfield.routing import site_folder
from jackfield.routing.table import RoutingTable
from jackfield.server.connection.dispatch import Dispatcher
from jackfield.server.connection.session_timer import ClockWatch
from jackfield.server.editing.project_files import ProjectFiles
from jackfield.server.gateway import Gateway, open_gateway
from jackfield.server.generation import Generation
from jackfield.server.histories import HistoryKeeper
from jackfield.server.node.control import ControlServer
from jackfield.server.node.control_verbs import verbs
from jackfield.server.node.first_admin import LOGIN, FirstAdmin, make_first_admin
from jackfield.server.node.gc_tuning import Sweep, tuned
from jackfield.server.node.key_rotation import Rotation
from jackfield.server.observe.tracing import open_tracing
from jackfield.server.options import Options
from jackfield.server.publish.publisher import Archive, Publisher, build_in_thread, digest
from jackfield.server.publish.report import Report
from jackfield.server.publish.watch import watch
from jackfield.server.refusals import RefusalKeeper
from jackfield.server.status import addresses
from jackfield.state import State, write_private

__all__ = ["Node", "log_problems", "open_node"]


@dataclass(frozen=True, slots=True)
class Node:
    """What an open server consists of. `fell_back` holds the problems of the files where an older plan serves."""

    gateway: Gateway
    publisher: Publisher
    rotation: Rotation
    options: Options
    first_admin: FirstAdmin | None
    has_users: bool
    has_admin: bool
    fell_back: PlanError | None

    def tell_older_plan(self) -> None:
        """Log where an older plan serves than the files, and what is wrong with these."""
        if self.fell_back is not None:
            log_problems(self.fell_back)
            log.warning("serving_last_published", hash=self.gateway.live.generation.table.hash)


def log_problems(found: PlanError) -> None:
    """Log what is wrong with the files, a line each."""
    for problem in found.problems:
        log.error("publish_problem", problem=str(problem))


@asynccontextmanager
async def open_node(
    folder: Path,
    state: State,
    options: Options,
    *,
    report: Callable[[Report | PlanError], None] | None = None,
    admin_port: Callable[[], int] | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Node]:
    """Open a server's parts; `report` is called with what `--watch` published.

    `admin_port` takes a port for what a site keeps away from a listener that only this machine reaches. Without it
    no caller is shown that.

    Raises PlanError where neither the files nor what was last published can serve, StateError, and Refusal
    where the store does not answer.
    """
    clock = watched(clock)
    async with AsyncExitStack() as stack:
        archive = Archive(state.published)
        if not options.embedded:
            stack.enter_context(tuned())  # before the first generation, which would stay for ever otherwise
        gateway, start = await _open_gateway(stack, folder, state, archive, options, admin_port, clock)
        options = gateway.live.options

        sweep = Sweep(lambda: len(gateway.live.hub))
        stack.callback(sweep.close)

        def on_live(table: RoutingTable) -> None:
            _write_schemas(state, table)
            if not options.embedded:
                sweep.soon()

        publisher = Publisher(gateway, folder, archive, tried=start.tried, on_live=on_live)
        stack.push_async_callback(publisher.close)
        gateway.live.publishing = publisher
        gateway.live.files = ProjectFiles(folder) if options.edit else None
        stack.push_async_callback(gateway.close_feeds)
        rotation = Rotation(state, start.tokens)
        gateway.live.fell_back = None if start.fell_back is None else str(start.fell_back)
        control = ControlServer(state.server_json, verbs(gateway.live, publisher), addresses(options))
        await control.start()
        stack.push_async_callback(control.close)
        await stack.enter_async_context(_tending(gateway, publisher, folder, options, report, clock, start.keepers))
        on_live(gateway.live.generation.table)
        first = await _first_admin(gateway, options)  # last: a start that fails would lose the password
        yield Node(gateway, publisher, rotation, options, *first, start.fell_back)


@dataclass(frozen=True, slots=True)
class _Start:
    tokens: Tokens
    tried: str
    fell_back: PlanError | None
    keepers: tuple[HistoryKeeper, RefusalKeeper]


async def _open_gateway(
    stack: AsyncExitStack,
    folder: Path,
    state: State,
    archive: Archive,
    options: Options,
    admin_port: Callable[[], int] | None,
    clock: Callable[[], float],
) -> tuple[Gateway, _Start]:
    """The gateway with its first generation. A function of its own: nothing here may keep that one alive."""
    tokens = Tokens(state.keys(), clock=clock)
    generation, tried, fell_back = await _first_generation(folder, archive, options)
    unowned = await stack.enter_async_context(AsyncExitStack())
    unowned.push_async_callback(generation.retire, 0.0)
    if generation.site and options.local:
        options = replace(options, apart=True, admin_port=admin_port() if admin_port else None)
    sessions = await _open_sessions(stack, state, tokens, generation.table.plan.auth, clock)
    tracing = open_tracing(options.trace, os.environ)
    if tracing is not None:
        stack.push_async_callback(tracing.close)
    dispatcher = Dispatcher(check_replies=options.check_replies, traced=tracing.answers if tracing else None)
    stack.callback(dispatcher.close)
    gateway = open_gateway(
        *(options, sessions, generation, dispatcher),
        tracing=tracing,
        folder=folder,
        open_store=lambda: Store.open(state.store_url, clock),
        clock=clock,
        tokens=tokens,
    )
    gateway.live.tested = state.tested
    unowned.pop_all()
    stack.push_async_callback(_retire_live, gateway)
    stack.push_async_callback(gateway.callers.close)
    live, store, has_store = gateway.live, gateway.callers.authorities.keys.store, sessions is not None
    keeper = live.groups.histories.keeper = HistoryKeeper(live.groups.histories, store, has_store=has_store)
    refusals = live.refusals.keeper = RefusalKeeper(live.refusals, store, has_store=has_store)
    stack.push_async_callback(refusals.close)
    stack.push_async_callback(keeper.close)  # after all that sends, and before the store
    assert gateway.live.unmatched is not None
    stack.push_async_callback(gateway.live.unmatched.close)
    return gateway, _Start(tokens, tried, fell_back, (keeper, refusals))


async def _first_admin(gateway: Gateway, options: Options) -> tuple[FirstAdmin | None, bool, bool]:
    """The first user where one is made, whether there are users, and whether one is called like the first."""
    if not gateway.live.has_sessions:
        return None, True, False  # they belong to other programs
    sessions = gateway.live.sessions
    admin = await make_first_admin(sessions.store, sessions.passwords, sessions) if options.private else None
    logins = {user.login for user in await sessions.store.list()}
    return admin, bool(logins), LOGIN in logins


async def _open_sessions(
    stack: AsyncExitStack, state: State, tokens: Tokens, auth: AuthSettings, clock: Callable[[], float]
) -> Sessions | None:
    """Our own login and its store; None where the plan has it off."""
    if not auth.own:
        return None
    store = await Store.open(state.store_url, clock)
    stack.push_async_callback(store.close)
    passwords = Passwords()
    stack.push_async_callback(passwords.close)
    return Sessions(store, tokens, passwords, lifetime=auth.session, idle=auth.idle, clock=clock)


async def _first_generation(
    folder: Path, archive: Archive, options: Options
) -> tuple[Generation, str, PlanError | None]:
    """The first generation, the digest of the files, and their problems where an older plan serves."""
    tried = await asyncio.to_thread(digest, folder)
    table, source, fell_back = await _first_table(folder, archive, options)
    try:
        generation = await Generation.open(1, table)
    except BaseException:
        table.catalog.release()
        raise
    if fell_back is None:
        try:
            source = archive.path(await asyncio.to_thread(archive.keep, folder, tried))
        except OSError as exc:
            log.warning("publish_not_kept", reason=str(exc))
    generation.site = site_folder.served(table.plan, source, folder)
    return generation, tried, fell_back


async def _first_table(folder: Path, archive: Archive, options: Options) -> tuple[RoutingTable, Path, PlanError | None]:
    """The table from the files, or from what was last published where the files have problems; and from which."""
    try:
        return await build_in_thread(folder, 1, options), folder, None
    except PlanError as problems:
        names = await asyncio.to_thread(archive.names)
        if not names:
            raise
        with suppress(PlanError):
            copy = archive.path(names[-1])
            # without its traceback, whose frames would keep the broken modules
            return await build_in_thread(copy, 1, options, folder), copy, problems.with_traceback(None)
        raise  # the copy is of no use either; what to mend is in the files


def _write_schemas(state: State, table: RoutingTable) -> None:
    """The schemas that the first lines of the files name, so that editors complete them without a step."""
    made = editor_schema.both(table.plan, table.catalog.known)
    found = {state.endpoints_schema: made["endpoints"], state.examples_schema: made["examples"]}
    try:
        for path, content in found.items():
            write_private(path, json.dumps(content, ensure_ascii=False, indent=2), 0o644)
    except OSError as exc:
        log.warning("schema_not_written", reason=str(exc))


@asynccontextmanager
async def _tending(
    gateway: Gateway,
    publisher: Publisher,
    folder: Path,
    options: Options,
    report: Callable[[Report | PlanError], None] | None,
    clock: Callable[[], float],
    keepers: Iterable[HistoryKeeper | RefusalKeeper],
) -> AsyncIterator[None]:
    """The tasks that live as long as the server: owned here, cancelled and awaited at the end."""
    tasks = [asyncio.create_task(gateway.callers.watch()), asyncio.create_task(gateway.live.lag.watch())]
    tasks += [asyncio.create_task(keeper.watch()) for keeper in keepers]
    tasks.append(asyncio.create_task(gateway.live.rings.watch()))
    assert gateway.live.unmatched is not None
    tasks.append(asyncio.create_task(gateway.live.unmatched.watch()))
    tasks.append(asyncio.create_task(ClockWatch(clock, gateway.live.hub).watch()))
    if gateway.live.has_sessions:
        tasks.append(asyncio.create_task(gateway.live.sessions.watch()))
    if options.watch:
        tasks.append(asyncio.create_task(watch(publisher, folder, report or (lambda _outcome: None))))
    for task in tasks:
        task.add_done_callback(_log_if_failed)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("task_failed", exc_info=task.exception())


async def _retire_live(gateway: Gateway) -> None:
    await gateway.live.generation.retire(0.0)
