"""`/console/live`: the endpoint by which an open page hears what moves, made of the parts of which all are made.

Strategy: processes, hooks and the feed of a group are compiled like those of a project, and the tables of all
generations adopt the same route. Only here and in `Live.check_ours` does it differ from an endpoint of endpoints.yaml.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from jackfield.config import url
from jackfield.config.limits import Limits
from jackfield.config.plan import Access, Endpoint
from jackfield.groups.group import Declared
from jackfield.groups.names import CONSOLE, Pattern
from jackfield.identity import ADMIN
from jackfield.process.connection import Connection
from jackfield.process.process import Kind, Process
from jackfield.process.signature import signature
from jackfield.process.signature.signature import Signature
from jackfield.routing.feeds import Feed
from jackfield.routing.hooks import Hook, Hooks
from jackfield.routing.table import Ours, Route
from jackfield.schema.validator import Validator
from jackfield.server.console.moves import Moves
from jackfield.server.console.watching import Watching
from jackfield.server.live import Live

__all__ = ["AT", "PAGES", "Console"]

AT = "/console/live"
"""Where an open page hears what moves."""

PAGES = 100
"""Pages that may be open on one node."""

_QUEUE = 4 * 1024 * 1024  # bytes that may wait for a page


class Console:
    """The endpoint of one node. `ours` is what tables adopt."""

    def __init__(self, live: Live) -> None:
        self.moves = Moves(live)
        self.watching = Watching(live)
        pattern = Pattern(CONSOLE, (CONSOLE,), ())
        feed = _process("changes", self.changes, "async_generator")
        self.ours = Ours(
            {CONSOLE: self._route(pattern)},
            (Declared(pattern, feed=True),),
            {CONSOLE: Feed(feed, _signature(feed, events=True))},
        )

    def _route(self, group: Pattern) -> Route:
        process = _process("ask", self.ask)
        signed = _signature(process)
        enters, leaves = _process("state", self.state), _process("gone", self.gone)
        return Route(
            endpoint=Endpoint(
                CONSOLE,
                AT,
                process.name,
                access=Access("required", (ADMIN,)),
                group=(CONSOLE,),
                limits=Limits(connections=PAGES, queue=_QUEUE),
                summary="What moves on the server, for an open page",
            ),
            process=process,
            signature=signed,
            pattern=url.parse(AT),
            narrow=None,
            whole=Validator(signed.input_schema),
            example=None,
            example_raw=None,
            in_place=True,
            groups=(group,),
            hooks=Hooks(*(Hook(hook, _signature(hook, events=True)) for hook in (enters, leaves))),
        )

    def state(self) -> dict[str, Any]:
        """The first that a page hears."""
        return self.moves.state()

    async def changes(self) -> AsyncGenerator[dict[str, Any], None]:
        """What moves, for all pages at once."""
        async for found in self.moves.events(self.watching.look):
            yield found

    def ask(self, connection: Connection, watch: str = "", unwatch: str = "") -> dict[str, list[str]]:
        """Show the frames of a connection, or no more; gives the ids of those that are watched."""
        if unwatch:
            self.watching.end(unwatch, connection.id)
        if watch:
            self.watching.begin(watch, connection)
        return {"watching": self.watching.of(connection)}

    def gone(self, connection: Connection) -> None:
        """A page is gone."""
        self.watching.gone(connection)


def _process(name: str, function: Callable[..., Any], kind: Kind = "sync") -> Process:
    return Process(f"{CONSOLE}.{name}", function, kind, "result", False, "", f"jackfield: {CONSOLE}", 1, 1)


_compiled: dict[str, Signature] = {}  # a signature holds no function: all nodes of a program have the same


def _signature(process: Process, *, events: bool = False) -> Signature:
    if process.name not in _compiled:
        made, faults = signature.compile(process, (), events=events)
        assert made is not None, faults
        _compiled[process.name] = made
    return _compiled[process.name]
