"""A client for tests, beside the server in one process: no network, no store, no sleeping.

    async with Client(".", "room", params={"room": "lobby"}, login="anna", roles=["support"]) as c:
        await c.send({"text": "Привет"})
        assert await c.receive() == {"room": "lobby", "text": "Привет"}

A Project is loaded once for several clients, who share it as they share a server. One that a Client loads for
itself is as fresh as a server that has just started.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from jackfield import messages
from jackfield.errors import PlanError
from jackfield.groups.names import checked
from jackfield.identity import Claims, Identity
from jackfield.routing.table import Route, RoutingTable
from jackfield.server.members import Members
from jackfield.testing.gateway import Caller, TestGateway, open_gateway
from jackfield.testing.scope import route_of, scope_of
from jackfield.testing.websocket import LEAVE_LIMIT, TestSocket

__all__ = ["ERROR", "Client", "Closed", "Project"]

ERROR = '{"error":{"code":"'
"""How the text of an error begins, among texts that may be payloads."""

_SHOWN = 200  # characters of a message in a sentence
_AFTER_FAILURE = 0.1  # seconds for a call that has begun, where the test has failed already


class Closed(Exception):
    """The server has closed the connection, with this `code` and `reason` (RFC 6455, section 7.4)."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}" if reason else str(code))


class Project:
    """The project in `folder`, loaded and open as long as `async with` lasts.

    - `resources` has fakes by a @resource function or its name, "shared.database": a fake is given to processes
      as if it had been yielded, and the resource itself is never opened.
    - `check_replies` compares each reply with the process's annotation, as `serve --check-replies` does.
    - `clock` gives the seconds by which `limits.rate` is counted. Other times are those of the event loop.

    Entering raises PlanError with all problems, and ValueError for a fake of no resource. Leaving closes
    clients that are still open, and raises TimeoutError where a process in a thread does not return.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] = ".",
        *,
        resources: Mapping[Any, Any] | None = None,
        check_replies: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._folder = Path(folder)
        self._resources = dict(resources or {})
        self._check_replies = check_replies
        self._clock = clock
        self._stack = AsyncExitStack()
        self._gateway: TestGateway | None = None
        self._clients: dict[Client, None] = {}

    @property
    def table(self) -> RoutingTable:
        """What was loaded: the routes by endpoint, the plan, the warnings."""
        return self._open_gateway().live.generation.table

    def connect(
        self,
        endpoint: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocols: Iterable[str] = (),
        login: str | None = None,
        roles: Iterable[str] = (),
        name: str = "",
        claims: Mapping[str, Any] | None = None,
        raise_errors: bool = False,
    ) -> Client:
        """One more client of this project, to be entered with `async with`; see Client."""
        return Client(
            self,
            endpoint,
            params=params,
            query=query,
            headers=headers,
            subprotocols=subprotocols,
            login=login,
            roles=roles,
            name=name,
            claims=claims,
            raise_errors=raise_errors,
        )

    def push(self, group: str, event: object) -> int:
        """Send an event to a group as other programs do; gives the number of connections that get it.

        Raises ValueError for a name that no group can have, and TypeError or ValueError for what is no event.
        """
        return Members(self._open_gateway().live).send(checked(group), messages.group_event(event), None)

    def push_to(self, login: str, event: object, endpoint: str | None = None) -> int:
        """Send an event to the connections of a user, or to those of one endpoint; gives their number."""
        return Members(self._open_gateway().live).send_to(login, messages.event(event), endpoint)

    async def fresh_groups(self) -> None:
        """Have clients that enter from here on meet no groups of those before: no kept event, state, ban or feed.

        What ended connections are owed, `on_disconnect`, is waited for. Who is connected stays in the groups before.
        """
        await self._open_gateway().fresh_groups()

    async def __aenter__(self) -> Self:
        """Load and open the project."""
        await self._enter()
        return self

    async def _enter(self, only: Callable[[RoutingTable], Route] | None = None) -> None:
        """Load and open the project, or `only` what one route of it needs; it may refuse the table before."""
        if self._gateway is not None:
            raise RuntimeError("this project is open already")
        folder = self._folder.resolve()
        try:
            self._gateway = await self._stack.enter_async_context(
                open_gateway(
                    folder, resources=self._resources, check_replies=self._check_replies, clock=self._clock, only=only
                )
            )
        except PlanError as exc:
            exc.add_note(f"The project is in {folder}.")
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open. The project can be entered again, and is loaded anew then."""
        for client in list(self._clients):
            self._stack.push_async_exit(client.__aexit__)
        self._gateway = None
        await self._stack.__aexit__(kind, exc, trace)

    def _open_gateway(self) -> TestGateway:
        if self._gateway is None:
            raise RuntimeError("the project is not open; enter it first: async with Project(…) as project")
        return self._gateway


class Client:
    """One connection to an endpoint, open as long as `async with` lasts.

    - `project` is a folder, which is then loaded for this client alone, or an open Project. Of a folder only those
      resources are opened that the endpoint's process takes.
    - `endpoint` is its name; it may be left out where the project has only one.
    - `params` are the values of the URL's parameters, `query` those behind the `?`; both as plain values.
    - `login`, `roles`, `name` and `claims` say who is logged in, without a password; without a login the client is
      anonymous.
    - `headers` of the upgrade, Origin for example, and `subprotocols` are judged as a server judges them. So is a
      credential there, by `auth.jwt` or `auth.verify`; there are no sessions of our own login here. Where the
      endpoint wants an Origin and none is given, it is that of the server's own pages.
    - `resources` and `check_replies` are as a Project has them.
    - `raise_errors` lets `receive` raise what a process raised, instead of giving the error `process_failed`.

    Entering raises what a Project raises, the Refusal of a caller who may not enter, and ValueError for an
    endpoint or a parameter that is not there. Leaving closes the connection; a call that has begun is finished, and
    where that takes more than five seconds it is cancelled and TimeoutError raised.
    """

    def __init__(
        self,
        project: Project | str | os.PathLike[str] = ".",
        endpoint: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocols: Iterable[str] = (),
        login: str | None = None,
        roles: Iterable[str] = (),
        name: str = "",
        claims: Mapping[str, Any] | None = None,
        resources: Mapping[Any, Any] | None = None,
        check_replies: bool = True,
        raise_errors: bool = False,
    ) -> None:
        self._own = not isinstance(project, Project)
        if isinstance(project, Project) and resources:
            raise ValueError("the resources belong to the project: Project(folder, resources={…})")
        if isinstance(roles, str):
            raise ValueError(f'roles is a list: roles=["{roles}"]')
        if (roles or name or claims) and not login:
            raise ValueError("roles, a name and claims are somebody's: give a login beside them")
        if not isinstance(project, Project):
            project = Project(project, resources=resources, check_replies=check_replies)
        self._project = project
        self._endpoint = endpoint
        self._upgrade = (params or {}, query or {}, headers or {}, tuple(subprotocols))
        said = Claims(msgspec.json.encode(claims or {}))
        self._identity = Identity(login, frozenset(roles), "test", None, name, said) if login else None
        self._raise_errors = raise_errors
        self._socket: TestSocket | None = None

    async def __aenter__(self) -> Self:
        """Open the connection."""
        if self._socket is not None:
            raise RuntimeError("this client is connected already; make another one for a second connection")
        if self._own:
            await self._project._enter(self._route)  # a typing error is reported before a database is opened
        try:
            gateway = self._project._open_gateway()
            socket = TestSocket(gateway, self._scope(gateway.live.generation.table), Caller(self._identity))
            await socket.open()
        except BaseException as exc:
            if self._own:
                await self._project.__aexit__(type(exc), exc, exc.__traceback__)
            raise
        self._socket = socket
        self._project._clients[self] = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the connection; a second call does nothing."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        self._project._clients.pop(self, None)
        try:
            in_time = await socket.leave(LEAVE_LIMIT if exc is None else _AFTER_FAILURE)
            if not in_time and exc is None:
                raise TimeoutError(
                    f"a process was still at work {LEAVE_LIMIT:g} s after its client had left, and was cancelled; "
                    f"{_last(socket)}"
                )
        finally:
            if self._own:
                await self._project.__aexit__(kind, exc, trace)

    def _route(self, table: RoutingTable) -> Route:
        """The route that is meant, once the request to it is known to be one. Raises as `_scope` does."""
        self._scope(table)
        return route_of(table, self._endpoint)

    def _scope(self, table: RoutingTable) -> dict[str, Any]:
        """The upgrade request. Raises ValueError for what this project does not have."""
        return scope_of(route_of(table, self._endpoint), *self._upgrade)

    @property
    def closed(self) -> Closed | None:
        """How the server has closed the connection; None while it has not."""
        ended = self._open_socket().closed
        return None if ended is None else Closed(*ended)

    @property
    def subprotocol(self) -> str | None:
        """The sub-protocol that the server has chosen."""
        return self._open_socket().subprotocol

    async def send(self, message: object) -> None:
        """Send one message: a mapping, dataclass or Struct, which becomes a JSON object.

        A `str` is sent as it is, as a text frame, and `bytes` as a binary one. Raises Closed.
        """
        socket = self._open_socket()
        if socket.over:
            raise _ended(socket)
        socket.send_frame(message if isinstance(message, str | bytes) else msgspec.json.encode(message).decode())

    async def receive(self, within: float = 1.0) -> Any:
        """The next reply, error or event, in order; waits `within` seconds at most.

        A dict; where messages are text, binary or any, a payload is a str or bytes, and an error a dict. Raises
        TimeoutError, and Closed after the last message.
        """
        socket = self._open_socket()
        try:
            text = await socket.next_frame(within)
        except TimeoutError:
            raise TimeoutError(f"nothing came within {within:g} s; {_last(socket)}{_became(socket)}") from None
        if text is None:
            raise _ended(socket)
        return self._read(text)

    async def ask(self, message: object, within: float = 1.0) -> Any:
        """Send one message and receive the next that comes."""
        await self.send(message)
        return await self.receive(within)

    async def cancel(self, message_id: str | int = True) -> None:
        """Take back the message with this "$id", or with True all that were sent; each is answered `cancelled`."""
        await self.send({"$cancel": message_id})

    async def answer(self, request: Mapping[str, Any], answer: object) -> None:
        """Answer a request, an event that was received, by a mapping, dataclass or Struct. ValueError for another."""
        if "$request" not in request:
            raise ValueError("this is no request: it has no $request")
        await self.send({**msgspec.to_builtins(answer), "$answer": request["$request"]})

    async def rest(self, within: float = 1.0) -> list[Any]:
        """All that is still to come: waits until every message that was sent is carried out, without a pause.

        Gives what came and was not received, `[]` where that is nothing; also after a close. What a process sends
        later, from a task of its own, is not waited for. Raises TimeoutError, and then nothing is lost.
        """
        socket = self._open_socket()
        try:
            return [self._read(text) for text in await socket.settle(within)]
        except TimeoutError:
            raise TimeoutError(
                f"messages were still at work after {within:g} s; {_last(socket)}{_became(socket)}"
            ) from None

    def _open_socket(self) -> TestSocket:
        if self._socket is None:
            raise RuntimeError("the client is not connected; enter it first: async with Client(…) as c")
        return self._socket

    def _read(self, text: str | bytes) -> Any:
        if isinstance(text, bytes):
            return text
        table = self._project._open_gateway().live.generation.table
        kind = route_of(table, self._endpoint).endpoint.messages
        if kind in ("text", "any") and not text.startswith(ERROR):
            return text
        found: dict[str, Any] = json.loads(text)
        error = found.get("error")
        if self._raise_errors and isinstance(error, dict) and error.get("code") == "process_failed":
            exc = self._project._open_gateway().failure(error.get("incident", ""))
            if isinstance(exc, Exception):
                exc.add_note("A process raised it; its client was told process_failed.")
                raise exc
            if exc is not None:
                raise RuntimeError(f"a process raised {type(exc).__name__}") from exc
        return found


def _ended(socket: TestSocket) -> Closed:
    return Closed(*(socket.closed or (1006, "the connection was lost")))


def _last(socket: TestSocket) -> str:
    """What was sent last, in words."""
    if socket.last is None:
        return "nothing was sent so far"
    shown = socket.last if isinstance(socket.last, str) else f"{len(socket.last):,} bytes"
    return f"the last message sent was {shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}…'}"


def _became(socket: TestSocket) -> str:
    """What became of the message that was sent last, in words; nothing where none was."""
    if socket.last is None:
        return ""
    return ", and it is still at work" if socket.is_at_work else "; it was carried out, and nothing more answers it"
