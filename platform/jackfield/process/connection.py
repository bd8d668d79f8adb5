"""The one public Connection, and the two small protocols it stands on."""

from __future__ import annotations

import operator
from collections.abc import Coroutine, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, overload

from jackfield import messages
from jackfield.groups.names import checked
from jackfield.identity import Identity

__all__ = [
    "GONE",
    "LONGEST",
    "Connection",
    "Gone",
    "Joined",
    "Outbox",
    "facts_of",
    "hand_over",
    "kept_headers",
    "outbox_of",
    "part",
    "with_params",
]


_Answer = TypeVar("_Answer")

LONGEST = 3600.0
"""Seconds that a process may wait for its client."""


class Gone(ConnectionError):
    """The client of a connection is gone, or the server stops: nothing more comes from it."""

    def __init__(self) -> None:
        super().__init__("the connection is over")


class Joined(Protocol):
    """What a Connection needs from its groups. Called on the loop's thread."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups that it is in, in the order of its joins."""

    async def join(self, name: str) -> bool:
        """Enter a group as soon as it is open; False where it is in it, or is over. Raises as Connection.join."""

    def leave(self, name: str) -> bool:
        """Leave a group; False where it is not in it."""

    def say(self, frame: bytes, *, to_others: bool) -> None:
        """Send a reply that became an event to the endpoint's first group; called by the dispatcher."""


class Outbox(Protocol):
    """What a Connection needs from the conversation behind it. The calls return at once.

    `send_event` and `close` may be called from any thread, the others belong on the loop's.
    """

    @property
    def membership(self) -> Joined:
        """The groups that it is in."""

    def send_event(self, event: object) -> None:
        """Queue one event for the client; called by processes. A full queue closes the connection 4408."""

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued has left; called by processes. A second call does nothing."""

    async def next(self, within: float) -> Mapping[str, Any]:
        """See Connection.next."""

    async def request(self, event: object, answer: Any, within: float) -> Any:
        """See Connection.request."""

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """See Connection.start."""

    @property
    def closed(self) -> bool:
        """See Connection.closed."""

    @property
    def owned(self) -> Awaited:
        """What waits for its end."""


class Awaited(Protocol):
    """What tells of the end of a connection."""

    async def until_over(self) -> None:
        """Wait until nothing more comes."""


class Connection:
    """One accepted WebSocket, as a process sees it.

    `identity` is ANONYMOUS where nobody is logged in. `params` holds the path parameters, converted.
    `query` holds the query string's last value per name. `visitor` is the login as `Groups` takes it; where nobody is
    logged in, an id that begins with `~`: a cookie keeps it over reloads where a group of the endpoint is named by
    `{visitor}`, else it is of this connection alone. `state` is a dict that lives as long as the connection, publishes
    included: keep plain data in it. `id` is short and safe to log.
    `address` is the client's network address as our proxies know it, `subprotocol` what was agreed on, else None.
    """

    __slots__ = (
        "__weakref__",
        "_headers",
        "_outbox",
        "address",
        "endpoint",
        "id",
        "identity",
        "params",
        "query",
        "state",
        "subprotocol",
        "visitor",
    )

    def __init__(
        self,
        outbox: Outbox,
        *,
        id: str,  # noqa: A002 - the public attribute's name
        endpoint: str,
        identity: Identity,
        params: Mapping[str, Any],
        query: Mapping[str, str],
        visitor: str = "",
        address: str = "",
        subprotocol: str | None = None,
        headers: bytes = b"",
    ) -> None:
        self._outbox = outbox
        self._headers = headers  # as `kept_headers` gives them: a dict for each of ten thousand would be large
        self.address = address
        self.subprotocol = subprotocol
        self.id = id
        self.endpoint = endpoint
        self.identity = identity
        self.params = params
        self.query = query
        self.visitor = visitor or identity.login
        self.state: dict[str, Any] = {}

    def send(self, event: object) -> None:
        """Queue an event, a mapping, dataclass, TypedDict or Struct that becomes one JSON object.

        Never waits and may be called from threads. After the close it does nothing. An event whose
        queue would pass `limits.queue` (1 MiB) closes the connection (4408). Raises TypeError or ValueError for what is
        not a JSON object. Where `messages` is text, binary or any, a str or bytes is sent as it is.
        """
        self._outbox.send_event(event)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that the connection is in, in the order of its joins."""
        return self._outbox.membership.names

    async def join(self, group: str) -> bool:
        """Enter a group, whose kept events come at once; gives False where the connection was in it.

        At most 100 groups for a connection. Raises ValueError for a name that no group can have, and Refusal
        `group_full`, or `group_forbidden` while the user is kept out.
        """
        return await self._outbox.membership.join(checked(group))

    async def leave(self, group: str) -> bool:
        """Leave a group: nothing of it is heard on return. Gives False where the connection was not in it."""
        return self._outbox.membership.leave(checked(group))

    async def next(self, *, within: float = 60) -> Mapping[str, Any]:
        """Wait for this client's next message: its values by the names of the process's parameters.

        For an async process or generator while it answers a message; the message begins no call of its own. Under
        `actions` it is the next one of the same action. Replies carry its "$id" from then on, and the message before is
        told `$done`. Meanwhile `limits.time` stands still. `within` is in seconds, at most an hour. Raises
        TimeoutError, ConnectionError when the connection is over, RuntimeError where no process can wait, with
        `limits.concurrency` above 1 for example.
        """
        return await self._outbox.next(_within(within))

    @overload
    async def request(self, event: object, *, answer: type[_Answer], within: float = 30) -> _Answer: ...

    @overload
    async def request(self, event: object, *, answer: Any = None, within: float = 30) -> Any: ...

    async def request(self, event: object, *, answer: Any = None, within: float = 30) -> Any:
        """Send an event with a number under "$request", and wait for what the client answers to it.

        The client sends `{"$answer": number, ...}`; gives the rest, as the type `answer` (a dataclass, TypedDict,
        Struct) or as a dict. One that does not fit is refused, and the request goes on. At most 16 are open.
        Meanwhile `limits.time` stands still. `within` is in seconds, at most an hour. Raises TimeoutError,
        ConnectionError when the connection is over, TypeError or ValueError for what is no event, RuntimeError for
        too many.
        """
        return await self._outbox.request(event, answer, _within(within))

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the request that opened it, names in lower case; several of one name are joined by commas.

        Read-only. Without those that may hold a credential: `cookie`, `authorization`, `proxy-authorization` and
        `sec-websocket-protocol`.
        """
        found: dict[str, str] = {}
        for line in self._headers.decode("latin-1").split("\n") if self._headers else ():
            name, _, value = line.partition(":")
            found[name] = f"{found[name]}, {value}" if name in found else value  # RFC 9110, section 5.3
        return MappingProxyType(found)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Begin a task that the connection owns: it is cancelled at its end, and has 5 s for its `finally`.

        At most 16 at a time. What it raises is an incident in the log. It may `request`. Before the 101 it begins with
        that. Belongs on the event loop. Raises RuntimeError for too many, ConnectionError when the connection is over.
        """
        self._outbox.start(coroutine)

    @property
    def closed(self) -> bool:
        """Whether nothing more comes: the client is gone, the connection was closed, or the server stops."""
        return self._outbox.closed

    async def wait_closed(self) -> None:
        """Wait until nothing more comes; at once where that is so already."""
        if not self._outbox.closed:
            await self._outbox.owned.until_over()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection after what was queued has left. Never waits; callable from threads.

        `code` is 1000 or 3000 to 4999 (RFC 6455, section 7.4.2), `reason` at most 123 bytes of UTF-8;
        ValueError otherwise, and TypeError for what is no whole number and no text.
        """
        self._outbox.close(_close_code(code), _close_reason(reason))


def _within(seconds: float) -> float:
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"within={seconds!r} is out of bounds: 0 to {LONGEST:g} seconds")
    return seconds


def _close_code(code: object) -> int:
    """The code as a plain int, whatever class of whole numbers it is of: a close frame is made of it later."""
    try:
        number = operator.index(code)  # type: ignore[arg-type]  # what is no number is what is looked for
    except Exception as exc:  # the class of the number is the process's own
        raise TypeError(f"a close code is a whole number such as 4000, not {_called(code)}") from exc
    if type(code) is bool:
        raise TypeError(f"a close code is a whole number such as 4000, not {code}")
    if number != 1000 and not 3000 <= number <= 4999:
        shown = number if abs(number) < _SHOWN else "of so many digits"  # Python prints no more than 4,300 of them
        raise ValueError(f"close code {shown} is not for applications; use 1000 or 3000 to 4999")
    return number


def _close_reason(reason: object) -> str:
    """The reason as a plain str that fits into a close frame (RFC 6455, section 5.5)."""
    if not isinstance(reason, str):
        raise TypeError(f"a close reason is a text, not {_called(reason)}; leave it out where there is none")
    try:
        text = str.encode(reason)  # of str itself: a class of the process's own may have another
    except UnicodeEncodeError:
        raise ValueError("the close reason holds half of a surrogate pair, which is not Unicode") from None
    if len(text) > 123:
        raise ValueError(f"the close reason is longer than 123 bytes: it has {len(text):,}")
    return text.decode()


def _called(value: object) -> str:
    return repr(value) if value is None or type(value) is float else f"a {type(value).__name__}"


_SHOWN = 10**20


_SECRET = frozenset({b"cookie", b"authorization", b"proxy-authorization", b"sec-websocket-protocol"})


def kept_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers of a request that a Connection shows, in the form in which it keeps them: a line for each.

    `headers` have lower-case names, and neither name nor value holds a line feed (RFC 9110, section 5.5).
    """
    return b"\n".join([b":".join(one) for one in headers if one[0] not in _SECRET])


def part(connection: Connection, kind: str = "json") -> None:
    """Part a Connection from its conversation, which is over: what is sent from here on goes nowhere.

    The two would hold each other in memory until the next garbage collection, which a server rarely runs.
    """
    connection._outbox = GONE if kind == "json" else _Gone(kind)


def hand_over(connection: Connection, outbox: Outbox) -> None:
    """Put another Outbox behind a Connection: the conversation, when it has its 101."""
    connection._outbox = outbox


def with_params(connection: Connection, params: Mapping[str, Any]) -> Connection:
    """The same connection for a process whose path parameters are others: those of the name of a group."""
    twin = Connection(
        connection._outbox,
        id=connection.id,
        endpoint=connection.endpoint,
        identity=connection.identity,
        params=params,
        query=connection.query,
        visitor=connection.visitor,
        address=connection.address,
        subprotocol=connection.subprotocol,
        headers=connection._headers,
    )
    twin.state = connection.state
    return twin


def outbox_of(connection: Connection) -> Outbox:
    """What stands behind a Connection, for our own code."""
    return connection._outbox


def facts_of(connection: Connection) -> Mapping[str, str]:
    """The fields of what a process logs while it works for a connection."""
    return {"endpoint": connection.endpoint, "connection": connection.id, "login": connection.identity.login}


class _Gone:
    """The outbox of a connection that has ended. An event is still looked at: a wrong one is wrong at any time.

    `kind` is what the messages of its endpoint were.
    """

    __slots__ = ("_kind",)
    names: tuple[str, ...] = ()
    closed = True

    def __init__(self, kind: str = "json") -> None:
        self._kind = kind

    @property
    def membership(self) -> _Gone:
        return self

    async def join(self, _name: str) -> bool:
        return False

    def leave(self, _name: str) -> bool:
        return False

    def say(self, _frame: bytes, *, to_others: bool) -> None:
        pass

    def send_event(self, event: object) -> None:
        messages.sent(event, self._kind)

    def close(self, code: int, reason: str) -> None:
        pass

    async def next(self, within: float) -> Mapping[str, Any]:
        raise Gone

    async def request(self, event: object, answer: Any, within: float) -> Any:
        messages.event(event)
        raise Gone

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        coroutine.close()
        raise Gone

    @property
    def owned(self) -> _Gone:
        return self

    async def until_over(self) -> None:
        pass


GONE: Outbox = _Gone()
"""What stands behind a connection that is over."""
