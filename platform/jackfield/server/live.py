"""What is live on this node: the generation, the connections, the sessions, the counts. The rooms above share it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jackfield.auth.refused import Refusals, Refused
from jackfield.auth.sessions import Sessions
from jackfield.auth.tokens import Tokens
from jackfield.clocks import watched
from jackfield.config.plan import Limits
from jackfield.errors import Refusal
from jackfield.groups.group import Listener
from jackfield.groups.groups import Groups
from jackfield.groups.hub import Hub
from jackfield.groups.hub import Member as Counted
from jackfield.groups.names import CONSOLE
from jackfield.identity import ADMIN, Identity
from jackfield.logs import log
from jackfield.process.connection import Connection
from jackfield.server.editing.project_files import ProjectFiles
from jackfield.server.generation import Generation
from jackfield.server.observe import redact
from jackfield.server.observe.lag import Lag
from jackfield.server.observe.metrics import Metrics
from jackfield.server.observe.rings import Rings
from jackfield.server.options import Options
from jackfield.server.outboxes import Outboxes, Pending
from jackfield.server.request import Caller, Request, Standing
from jackfield.server.unmatched import Unmatched

__all__ = ["GroupMember", "Held", "Live", "Member", "Publishing", "Told"]


class Held(NamedTuple):
    """How much of a connection goes on in a generation. `waits` are calls that wait for their client, or did so."""

    calls: int
    waits: int
    tasks: int
    feeds: int


class GroupMember(Listener, Protocol):
    """An open connection in its groups."""

    def ask(self, name: str) -> bool:
        """Enter a group that `may_join` lets the client into; False where it is over. Raises Refusal."""

    def leave(self, name: str) -> bool:
        """Leave a group; False where it is not in it."""

    def move(self, names: tuple[str, ...]) -> None:
        """Be in these groups instead of those that the endpoint gave before. Raises Refusal `group_full`."""


class Heard(Protocol):
    """What came from a client, and how long it has been silent."""

    came: int
    """Messages that came."""

    def silent(self, now: float) -> float | None:
        """Seconds since its last message; None where none came."""


class Member(Counted, Protocol):
    """An open connection, as publishes, changes of sessions and a stop see it. Implemented by the conversation.

    None of the methods waits or fails, but for `drain`, which waits for the answers.
    """

    @property
    def connection(self) -> Connection:
        """The connection, as processes see it."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and its seat is all that is left."""

    began: float
    """When it began, by Live.passed."""

    @property
    def outbox(self) -> Pending:
        """What waits for the client."""

    @property
    def bucket(self) -> Heard:
        """The pace of its messages."""

    @property
    def now(self) -> Callable[[], float]:
        """The clock of that."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that it is in."""

    @property
    def standing(self) -> Standing:
        """What the connection entered with; checked again when the plan or the caller changes."""

    @property
    def membership(self) -> GroupMember:
        """The groups that it is in."""

    def holds(self, generation: Generation | None) -> tuple[int, int, int]:
        """How many calls work in a generation, or in any, how many wait for the client, and how many tasks go on."""

    def hear(self, frame: bytes) -> None:
        """Queue the frame of an event."""

    def end(self, name: str, reason: str = "") -> None:
        """Close with a code of the table of errors; messages that wait are not answered."""

    def adapt(self, params: Mapping[str, Any], limits: Limits) -> None:
        """Take over what a publish changed."""

    def become(self, identity: Identity) -> None:
        """Take over other roles or another end of the session."""

    def watch_session(self, warning: float | None) -> None:
        """Arm the timer of the session's end; the event comes `warning` seconds before it."""

    def move_session(self) -> None:
        """Arm that timer for the identity's new end, where it was armed before."""

    def clock_was_set(self) -> None:
        """The wall clock was set: end with the session where it is over sooner now."""

    async def drain(self) -> None:
        """Take no more messages, answer those that are here, then close 1012."""


class Told(Protocol):
    """What a publish did, or would do."""

    @property
    def lines(self) -> list[str]:
        """As `jackfield publish` prints it."""

    def as_json(self) -> dict[str, Any]:
        """All of it, by name."""


class Publishing(Protocol):
    """What makes the project's files live. Implemented by the publisher."""

    async def publish(self, *, dry_run: bool = False, back: bool = False, by: str = "") -> Told:
        """Make the files live, or with `back` what was live before; `by` is the login. Raises PlanError."""

    async def changed(self) -> list[str]:
        """The files that are not as they were when what is live was read."""

    async def published(self) -> list[dict[str, Any]]:
        """What is kept for the way back, the newest first, as `GET /api/published` lists it."""


class Live:
    """One node's state. `generation` is swapped in one assignment; `clock` gives seconds since the epoch.

    `tested` is the file that remembers how the examples went; None where there is none.
    """

    def __init__(
        self,
        options: Options,
        sessions: Sessions | None,
        generation: Generation,
        *,
        lag_clock: Callable[[], float] = time.perf_counter,
        clock: Callable[[], float] = time.time,
        tokens: Tokens | None = None,
    ) -> None:
        self.options = options
        self.tokens = tokens or Tokens([secrets.token_bytes(32)], clock=clock)  # signs what is no session
        self.generation = generation
        self.hub: Hub[Member] = Hub()
        self.groups = Groups(clock=clock)
        self.groups.declare(generation.table.groups, feeds=generation.table.plan.limits.feeds)
        self.lag = Lag(clock=lag_clock)
        self.metrics = Metrics(self.hub, self.lag, self.groups, lambda: self.generation.table.catalog.collectors())
        self.rings = Rings(self.metrics.meters, self.lag, lambda: self.hub.clients)
        self.outboxes = Outboxes(options.outbox)
        self.refusals = Refusals()
        self.ready = True  # False from the beginning of a stop
        self.stops_at: float | None = None  # by `passed`, when a stop waits no longer
        self.clock = watched(clock)
        self.began = self.published_at = self.clock()
        self.fell_back: str | None = None  # the problems of the files, where an older plan serves since the start
        self.passed: Callable[[], float] = time.monotonic  # seconds that nobody sets
        self.folder: Path | None = None
        self.tested: Path | None = None
        self.publishing: Publishing | None = None
        self.files: ProjectFiles | None = None  # those that may be edited, with `options.edit`
        self.data: Path | None = None  # the folder of what tables keep
        self.unmatched: Unmatched | None = None  # messages that no row of a table was for
        self._sessions = sessions

    @property
    def sessions(self) -> Sessions:
        """The sessions of our own login. Only for callers who know that it is on (`auth.login`)."""
        assert self._sessions is not None, "auth.login is off"
        return self._sessions

    @property
    def has_sessions(self) -> bool:
        """Whether our own login was on at the start; a plan cannot bring it back without a store."""
        return self._sessions is not None

    @property
    def stop_limit(self) -> float:
        """Seconds that a stop waits from now on for what is owed."""
        return self.options.drain if self.stops_at is None else self.stops_at - self.passed()

    def check_ready(self) -> None:
        """Raise Refusal `not_ready` during a stop."""
        if not self.ready:
            raise Refusal("not_ready", retry_after=1)

    @property
    def elsewhere(self) -> str:
        """Where metrics, documents and administration are, if not on the public listener; "" if they are there.

        A site keeps them away: a fault in one of its pages acts as whoever opens it.
        """
        if self.options.admin_port is not None:
            return "Ask the listener of --admin-port."
        if not self.options.apart and not self.generation.table.plan.site:
            return ""
        if self.options.embedded:
            return "Use the command line, jackfield status for one, or a service key to send."
        return "Start with --admin-port, and ask that."

    def away(self, sentence: str) -> Refusal:
        """What answers who asks in public for what is `elsewhere`; the sentence says whom it is for."""
        if self.options.embedded:
            nobody = "Beside a site this is open to nobody inside another application, whatever the role."
            return Refusal("not_found", nobody, self.elsewhere)
        return Refusal("role_required", sentence, self.elsewhere)

    def check_ours(self, endpoint: str, request: Request) -> None:
        """Raise Refusal for the page's own connections where the administration is elsewhere."""
        if endpoint == CONSOLE and self.elsewhere and not request.local:
            raise self.away(f"What the page shows of a running server is for the role {ADMIN}.")

    def may_read_documents(self, request: Request, caller: Caller) -> bool:
        """Whether the documents are open to this caller; with an admin port or a site, on that port alone."""
        if request.local or self.elsewhere:
            return request.local
        return isinstance(caller, Identity) and ADMIN in caller.roles

    def refuse(self, request: Request, refusal: Refusal, caller: Caller = None) -> None:
        """Keep a refusal for `jackfield refusals`, log it, and give it the id by which it is asked for."""
        match = self.generation.table.match(request.raw_path)
        refused = self.refusals.note(
            Refused(
                time=self.clock(),
                path=redact.path(request.raw_path.decode("latin-1")),
                code=refusal.code,
                status=refusal.status,
                detail=redact.typed(refusal.detail),
                login=refusal.login or (caller.login if isinstance(caller, Identity) else ""),
                client=request.client,
                origin=redact.origins(request.values(b"origin")),
                endpoint=match.route.name if match else "",
                fix=redact.typed(refusal.fix),
                tried=refusal.tried,
                cause=refusal.cause,
            )
        )
        refusal.id = refused.id
        log.info(
            "refused",
            code=refused.code,
            status=refused.status,
            path=refused.path,
            login=refused.login,
            client=refused.client,
            origin=refused.origin,
            refusal=refused.id,
        )
