"""Examples against a server that runs somewhere: the same walk, carried by WebSockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from jackfield import messages
from jackfield.addresses import is_loopback
from jackfield.config.plan import Endpoint, Step
from jackfield.errors import CODES, Refusal
from jackfield.routing.table import Route, RoutingTable
from jackfield.testing.client import ERROR, Closed
from jackfield.testing.examples import Case, caller_of
from jackfield.testing.target import PushFailed, TargetClient

__all__ = ["Live", "NoServer", "Outside"]

OPEN_LIMIT = 10.0
"""Seconds for a handshake."""

CLOSE_LIMIT = 2.0
"""Seconds that a server has to answer a close frame."""

MOST = 16 * 1024 * 1024
"""Bytes of one message that are taken; no `limits.queue` of a test is as long."""

_OF_GROUPS = messages.OUR_EVENTS - {"session_expiring"}

_SHOWN = 60  # letters of a frame that is not ours

_END = "end of the example"
"""The "$id" of the message that is sent last; no endpoint takes it, so its answer comes after all others."""


class NoServer(Exception):
    """No server answers at the address, or one that is not Jackfield."""


class Outside(Protocol):
    """Another program that may send events to the server."""

    def __call__(
        self, frame: bytes, /, *, group: str | None, login: str | None, endpoint: str | None
    ) -> Awaitable[int]:
        """Send one; gives the number of connections that get it. Raises PushFailed and NoServer."""


class Live:
    """A server at `address`, like `wss://desk.example.com/rt`; `table` is the project whose examples are run.

    `tokens` are by login; the one under "" stands for every login without a token of its own. They are sent as the
    cookie. `outside` carries out what is pushed, None where there is no service key.
    """

    def __init__(
        self, address: str, table: RoutingTable, tokens: Mapping[str, str], outside: Outside | None = None
    ) -> None:
        self._address = address.rstrip("/")
        self._table = table
        self._tokens = tokens
        self._outside = outside

    def token(self, login: str) -> str | None:
        """The token for a login, None where there is none."""
        return self._tokens.get(login, self._tokens.get(""))

    def skip(self, case: Case) -> str:
        """Why a case cannot be run: a client must be logged in without a token for it, or a push has no key."""
        logins = dict.fromkeys(caller_of(guest, case.operation)[0] for guest in case.example.guests.values())
        missing = [login for login in logins if login is not None and self.token(login) is None]
        if missing:
            return f"no token for {' and '.join(missing)}"
        pushes = any(step.kind == "push" for step in case.example.steps)
        return "no service key for what it pushes" if pushes and self._outside is None else ""

    async def push(self, group: str, event: object, /) -> int:
        """See Target."""
        return await self._push(messages.group_event(event), group, None, None)

    async def fresh_groups(self) -> None:
        """The server's groups are as they are; see `fitted`."""

    async def push_to(self, login: str, event: object, endpoint: str | None = None, /) -> int:
        """See Target."""
        return await self._push(messages.event(event), None, login, endpoint)

    async def _push(self, frame: bytes, group: str | None, login: str | None, endpoint: str | None) -> int:
        if self._outside is None:
            raise PushFailed("there is no service key")
        return await self._outside(frame, group=group, login=login, endpoint=endpoint)

    def fitted(self, case: Case) -> Case:
        """The case without what a group tells of itself: who was there before is not the example's to say."""
        if not self._table.groups:
            return case
        kept = {at: step for at, step in enumerate(case.example.steps) if not _is_of_group(step)}
        steps = [replace(s, value=_plain(s.value)) if _is_object(s) else s for s in kept.values()]
        places = {number: case.places[at] for number, at in enumerate(kept)}
        return replace(case, example=replace(case.example, steps=tuple(steps)), places=places)

    async def reach(self, path: str) -> None:
        """Connect to `path` without a credential. Raises NoServer where no Jackfield answers."""
        try:
            socket = await _socket(self._address + path, {})
        except Refusal:
            return
        await socket.close()

    @asynccontextmanager
    async def connect(
        self,
        endpoint: str,
        *,
        login: str | None,
        roles: Iterable[str],
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> AsyncIterator[TargetClient]:
        """See Target. The token's own roles hold, whatever the example says. Raises NoServer, too."""
        route = self._table.routes[endpoint]
        address = self._address + self._path(route, params, query)
        socket = await _socket(address, self._headers(route.endpoint, login))
        try:
            many = route.signature.replies == "many"
            if route.endpoint.messages != "json":
                yield _RemoteOfPayloads(socket, many=many, texts=route.endpoint.messages != "binary")
            else:
                ordered = route.endpoint.limits.concurrency == 1
                yield _Remote(socket, many=many, groups=bool(self._table.groups), ordered=ordered)
        finally:  # not `async with socket`: that reports a failed example to the server as our internal error
            await socket.close()

    def _path(self, route: Route, params: Mapping[str, str], query: Mapping[str, str]) -> str:
        path = route.pattern.normal
        for param, text in params.items():
            path = path.replace(f"{{{param}}}", quote(text, safe=""))
        return f"{path}?{urlencode(query)}" if query else path

    def _headers(self, endpoint: Endpoint, login: str | None) -> dict[str, str]:
        headers = {}
        token = None if login is None else self.token(login)
        if token is not None:
            headers["Cookie"] = f"{self._table.plan.auth.cookie}={token}"
        if endpoint.origins.required:
            own = "http" + self._address.removeprefix("ws")
            allowed = [one for one in endpoint.origins.allowed if "*" not in one]
            headers["Origin"] = allowed[0] if allowed else "://".join((urlsplit(own).scheme, urlsplit(own).netloc))
        return headers


async def _socket(address: str, headers: Mapping[str, str]) -> ClientConnection:
    """A connection to `address`. Raises Refusal and NoServer."""
    try:
        return await connect(
            address,
            additional_headers=headers,
            open_timeout=OPEN_LIMIT,
            close_timeout=CLOSE_LIMIT,
            proxy=None if is_loopback(urlsplit(address).hostname or "") else True,
            compression=None,
            max_size=MOST,
        )
    except InvalidStatus as exc:
        raise _refusal(exc, address) from None
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as exc:
        raise NoServer(f"no connection to {address}: {exc or 'it took too long'}") from exc


class _Remote:
    """One client that has entered; see TargetClient. `many` says that one message may be answered by several.

    With `groups` it does not hear what these tell of themselves; see Live.fitted. `ordered`: answers come in order.
    """

    def __init__(self, socket: ClientConnection, *, many: bool, groups: bool = False, ordered: bool = True) -> None:
        self._socket = socket
        self._many = many
        self._groups = groups
        self._ordered = ordered
        self._unanswered = 0

    async def send(self, message: Mapping[str, Any] | str | bytes, /) -> None:
        try:
            # as short as `check` and the client in process count it for limits.message
            await self._socket.send(msgspec.json.encode(message).decode())
        except ConnectionClosed as exc:
            raise _closed(exc) from None
        self._unanswered += messages.aside(msgspec.json.encode(message)) is None

    async def receive(self, within: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(within):
                found = _object(await self._socket.recv())
                while self._groups and found.get("event") in _OF_GROUPS:
                    found = _object(await self._socket.recv())
        except ConnectionClosed as exc:
            raise _closed(exc) from None
        if self._groups:
            found = _plain(found)
        if "event" not in found:
            self._unanswered = max(0, self._unanswered - 1)
        return found

    async def rest(self, within: float) -> list[dict[str, Any]]:
        """What has come, and what comes of messages that have no answer yet.

        For that a message is sent that no endpoint takes: it is answered when all before it are, or begun at least.
        """
        waits = self._many or self._unanswered > 0
        found: list[dict[str, Any]] = []
        ended = False
        try:
            async with asyncio.timeout(within if waits else 0.0):
                if waits:
                    await self.send({"$id": _END, "$end": True})
                while not ended or not (self._ordered or self._unanswered == 0):
                    one = await self.receive(within)
                    if one.get("$id") == _END:
                        ended = True
                    else:
                        found.append(one)
            return found
        except (TimeoutError, Closed):
            return found[:-1] if waits and found and _is_of_rate(found[-1]) else found

    @property
    def closed(self) -> Closed | None:
        return _closing(self._socket)


class _RemoteOfPayloads:
    """The same where messages are no JSON; `texts` may be payloads, too. Nothing could be sent that no process gets."""

    def __init__(self, socket: ClientConnection, *, many: bool, texts: bool) -> None:
        self._socket = socket
        self._many = many
        self._texts = texts
        self._unanswered = 0

    async def send(self, message: Mapping[str, Any] | str | bytes, /) -> None:
        assert isinstance(message, str | bytes), "an example of such an endpoint sends payloads"
        try:
            await self._socket.send(message)
        except ConnectionClosed as exc:
            raise _closed(exc) from None
        self._unanswered += 1

    async def receive(self, within: float) -> Any:
        try:
            async with asyncio.timeout(within):
                frame = await self._socket.recv()
        except ConnectionClosed as exc:
            raise _closed(exc) from None
        is_payload = isinstance(frame, bytes) or (self._texts and not frame.startswith(ERROR))
        found: Any = frame if is_payload else _object(frame)
        self._unanswered -= is_payload or "error" in found
        return found

    async def rest(self, within: float) -> list[Any]:
        """What has come, and what comes until each message has an answer, or the time is over."""
        found = []
        with suppress(TimeoutError, Closed):
            async with asyncio.timeout(within):
                while self._many or self._unanswered > 0:
                    found.append(await self.receive(within))
        with suppress(TimeoutError, Closed):
            while True:
                found.append(await self.receive(0.0))
        return found

    @property
    def closed(self) -> Closed | None:
        return _closing(self._socket)


def _closing(socket: ClientConnection) -> Closed | None:
    return None if socket.close_code is None else Closed(socket.close_code, socket.close_reason or "")


def _is_object(step: Step) -> bool:
    return step.kind == "expect" and isinstance(step.value, Mapping)


def _is_of_group(step: Step) -> bool:
    return _is_object(step) and step.value.get("event") in _OF_GROUPS


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """An event without its number and time, which count what was said before; anything else as it is."""
    return {key: value for key, value in message.items() if "event" not in message or key not in ("$n", "$time")}


def _object(frame: str | bytes) -> dict[str, Any]:
    """The JSON object of a frame. Raises NoServer for anything else."""
    found: Any = None
    with suppress(ValueError, RecursionError):  # json's faults, and those of UTF-8, are ValueErrors
        found = json.loads(frame)  # whole numbers of any length, as Client has them
    if not isinstance(found, dict):
        raise NoServer(f"the server sends what is no JSON object, so it is not Jackfield: {frame[:_SHOWN]!r}")
    return found


def _is_of_rate(message: Mapping[str, Any]) -> bool:
    """Whether it may be the answer to our own last message: limits.rate counts that too, before its "$id" is read."""
    error = message.get("error")
    return isinstance(error, Mapping) and error.get("code") == "rate_limited" and "$id" not in message


def _closed(exc: ConnectionClosed) -> Closed:
    # 1006 (RFC 6455, section 7.1.5): the connection was lost without a close frame
    return Closed(1006, "the connection was lost") if exc.rcvd is None else Closed(exc.rcvd.code, exc.rcvd.reason)


def _refusal(exc: InvalidStatus, address: str) -> Exception:
    """The Refusal that an HTTP answer is; NoServer for one that Jackfield did not send."""
    answer = exc.response
    code = answer.headers.get("Jackfield-Error", "")
    try:
        body = json.loads(answer.body or b"{}")
    except (ValueError, RecursionError):
        body = {}
    if code not in CODES or CODES[code].status != answer.status_code or not isinstance(body, dict):
        return NoServer(f"{address} answers {answer.status_code}, and not as Jackfield does")
    return Refusal(code, str(body.get("detail", "")), str(body.get("fix", "")))
