"""The public Connection after its conversation has ended."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest

from jackfield.identity import ANONYMOUS
from jackfield.process.connection import GONE, Awaited, Connection, Joined, kept_headers, part, with_params


class Outbox:
    """Notes what it gets, and knows its Connection as a conversation does."""

    def __init__(self) -> None:
        self.reported: list[object] = []
        self.connection = Connection(self, id="c1", endpoint="say", identity=ANONYMOUS, params={}, query={})

    def send_event(self, event: object) -> None:
        self.reported.append(event)

    def close(self, code: int, reason: str) -> None:
        self.reported.append((code, reason))

    async def next(self, within: float) -> Mapping[str, Any]:
        return {"within": within}

    async def request(self, event: object, answer: Any, within: float) -> Any:
        return event, answer, within

    closed = False

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.reported.append(coroutine)

    @property
    def owned(self) -> Awaited:
        return GONE.owned

    @property
    def membership(self) -> Joined:
        return GONE.membership


async def test_what_is_sent_after_the_end_goes_nowhere() -> None:
    outbox = Outbox()
    connection = outbox.connection
    connection.state["заметка"] = 1
    connection.send({"event": "привет"})
    part(connection)
    connection.send({"event": "поздно"})
    connection.close(4000, "поздно")
    with pytest.raises(ConnectionError):
        await connection.next()
    with pytest.raises(ConnectionError):
        await connection.request({"event": "поздно"})
    assert outbox.reported == [{"event": "привет"}]
    assert connection.state == {"заметка": 1}


async def test_the_end_is_told_and_nothing_begins_after_it() -> None:
    connection = Outbox().connection
    assert not connection.closed
    part(connection)
    assert connection.closed
    await connection.wait_closed()
    with pytest.raises(ConnectionError):
        connection.start(connection.wait_closed())


def test_headers_are_those_of_the_request_without_credentials_and_those_of_the_upgrade() -> None:
    sent = [
        (b"host", b"a.example:8000"),
        (b"cookie", b"gen_app_auth_token=x"),
        (b"authorization", b"Bearer x"),
        (b"proxy-authorization", b"Basic x"),
        (b"sec-websocket-protocol", b"jackfield.v1, bearer.x"),
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"sec-websocket-version", b"13"),
        (b"x-tag", b"a: b"),
        (b"x-tag", "Привет".encode()),
        (b"x-empty", b""),
    ]
    one = Connection(
        GONE,
        id="c1",
        endpoint="say",
        identity=ANONYMOUS,
        params={},
        query={},
        headers=kept_headers(sent),
        address="::1",
    )
    wanted = {"host": "a.example:8000", "x-tag": "a: b, " + "Привет".encode().decode("latin-1"), "x-empty": ""}
    assert one.headers == wanted
    with pytest.raises(TypeError):
        one.headers["host"] = "b"  # type: ignore[index]  # that it is read-only is what is tried
    assert (with_params(one, {"a": 1}).headers, with_params(one, {}).address) == (wanted, "::1")
    assert Connection(GONE, id="c2", endpoint="say", identity=ANONYMOUS, params={}, query={}).headers == {}
    assert weakref.ref(one)() is one


def test_a_wrong_event_is_wrong_after_the_end_too() -> None:
    connection = Outbox().connection
    part(connection)
    with pytest.raises((TypeError, ValueError)):
        connection.send("no object")
    with pytest.raises(ValueError, match="not for applications"):
        connection.close(1006)


@pytest.mark.parametrize(
    ("code", "reason", "kind", "reported"),
    [
        (1000.0, "", TypeError, "a close code is a whole number such as 4000, not 1000.0"),
        (True, "", TypeError, "not True"),
        ("4000", "", TypeError, "not a str"),
        (None, "", TypeError, "not None"),
        (-1, "", ValueError, "close code -1 is not for applications"),
        pytest.param(10**6000, "", ValueError, "of so many digits is not for applications", id="huge"),
        (4000, None, TypeError, "a close reason is a text, not None; leave it out"),
        (4000, b"", TypeError, "not a bytes"),
        (4000, "\ud83d", ValueError, "half of a surrogate pair"),
        (4000, "x" * 124, ValueError, "longer than 123 bytes: it has 124"),
    ],
)
@pytest.mark.parametrize("over", [False, True])
def test_a_close_that_cannot_be_says_why(code: Any, reason: Any, kind: type, reported: str, over: bool) -> None:
    outbox = Outbox()
    if over:
        part(outbox.connection)
    with pytest.raises(kind, match=reported):
        outbox.connection.close(code, reason)
    assert outbox.reported == []


def test_the_two_are_freed_without_a_search() -> None:
    outbox = Outbox()
    seen = weakref.ref(outbox)
    gc.disable()
    try:
        part(outbox.connection)
        del outbox
        assert seen() is None
    finally:
        gc.enable()


async def test_a_connection_that_is_over_is_in_no_group() -> None:
    connection = Connection(GONE, id="c1", endpoint="say", identity=ANONYMOUS, params={}, query={})
    assert (await connection.join("room:1"), await connection.leave("room:1"), connection.groups) == (False, False, ())
    with pytest.raises(ValueError, match="no name of a group"):
        await connection.join("room 1")
