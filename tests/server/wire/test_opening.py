"""The opening handshake, read once: what the application and the client see is what uvicorn's own class shows them."""

from __future__ import annotations

import base64
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from jackfield.server.wire import upgrade
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.transport import EXTENSION
from jackfield.server.wire.upgrade import _check_unusual, check_upgrade
from tests.server.frames import KEY, TEXT, UPGRADE, masked, request
from tests.server.served import until
from tests.server.sockets import Scope, listening

FIELDS = {
    "X-Many": "Привет".encode().decode("latin-1"),
    "Sec-WebSocket-Protocol": "one, two",
    "Cookie": "a=b; c=d",
    "Origin": "http://127.0.0.1",
    "Sec-WebSocket-Extensions": "permessage-deflate",
}
PATH = "/ws/%D0%B4%D0%BE%D0%BC?x=1&y=%20"


async def opened(ws: type[WebSocketsSansIOProtocol], accept: dict[str, Any], **settings: Any) -> tuple[Any, Any]:
    """The scope that an application got, and the 101 that its accept became."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        scopes.append(dict(scope, first=await receive()))
        await send({"type": "websocket.accept", **accept})
        await receive()

    async with listening(app, ws, **settings) as connect:
        peer = await connect()
        await peer.send(request(PATH, **FIELDS))
        status, headers, _ = await peer.answer()
    [scope] = scopes
    scope["client"] = scope["client"][0]
    del scope["server"]
    scope["extensions"] = {key: value for key, value in scope["extensions"].items() if key != EXTENSION}
    return scope, (status, headers)


@pytest.mark.parametrize(
    "accept",
    [
        {},
        {"subprotocol": "two"},
        {"headers": [(b"X-Told", b"yes"), (b"x-told", b"twice")]},
        {"subprotocol": "one", "headers": [(b"x-told", b"yes")]},
    ],
    ids=["bare", "subprotocol", "headers", "both"],
)
@pytest.mark.parametrize("root", ["", "/rt"])
@pytest.mark.parametrize("compressed", [False, True])
async def test_scope_and_101_are_those_of_uvicorn(accept: dict[str, Any], root: str, *, compressed: bool) -> None:
    settings: dict[str, Any] = {"root_path": root, "headers": [("X-Server", "ours"), ("date", "today")]}
    settings["ws_per_message_deflate"] = compressed
    assert await opened(WebSocketProtocol, accept, **settings) == await opened(
        WebSocketsSansIOProtocol, accept, **settings
    )


VALUES = {
    "Connection": ["Upgrade", "upgrade", "keep-alive, Upgrade", "keep-alive", "Upgrade, close", "", "Upgrade,"],
    "Upgrade": ["websocket", "WebSocket", "h2c", "websocket, h2c", "", "websocket/13"],
    "Sec-WebSocket-Key": [KEY, KEY[:-3] + "x==", KEY[:-4], KEY + "=", "", "=" * 24, KEY[:-1], "é" * 22 + "=="],
    "Sec-WebSocket-Version": ["13", "12", "13 ", "013", ""],
    "Sec-WebSocket-Protocol": ["one, two", "", ",", "a b", "@"],
    "Sec-WebSocket-Extensions": ["permessage-deflate", "@@"],
    "Origin": ["https://a", ""],
    "Content-Length": ["0", "1", "x"],
    "Transfer-Encoding": ["chunked"],
    "X": ["y", "y" * 3_999, "y" * 8_188, "y" * 8_189],
}
USUAL = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}


@given(
    st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 7), max_size=3),
    st.lists(st.sampled_from(sorted(VALUES)), max_size=1),
    st.sets(st.sampled_from(sorted(USUAL)), max_size=1),
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(["1.1", "1.0"]),
)
def test_what_is_taken_without_the_library_is_what_the_library_takes(
    changed: dict[str, int], twice: list[str], left_out: set[str], method: str, version: str
) -> None:
    fields = USUAL | {name: VALUES[name][number % len(VALUES[name])] for name, number in changed.items()}
    pairs = [*fields.items(), *((name, fields[name]) for name in twice if name in fields)]
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs if name not in left_out]
    found = check_upgrade(method, "/ws?x=1", version, headers)
    assert found == _check_unusual(method, "/ws?x=1", version, headers)


@pytest.mark.parametrize("name", [b"connection", b"cookie", b"sec-websocket-protocol", b"x-other"])
def test_a_control_character_that_another_server_let_pass_is_reported_without_the_value(name: bytes) -> None:
    usual = {key.lower().encode(): value.encode() for key, value in UPGRADE.items()}
    fields = {**usual, b"x-y": b"1", name: b"Upgrade, secret-17\x01"}
    found = check_upgrade("GET", "/ws", "1.1", [(b"x-y", b"2"), *fields.items()])
    assert isinstance(found, str)
    assert name.decode() in found.lower()
    assert "secret-17" not in found


def test_what_nearly_every_client_sends_is_taken_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "_check_unusual", None)
    for connection in ("Upgrade", "keep-alive, Upgrade"):
        headers = [(name.lower().encode(), value.encode()) for name, value in USUAL.items() if name != "Connection"]
        found = check_upgrade("GET", "/ws", "1.1", [*headers, (b"connection", connection.encode())])
        assert isinstance(found, upgrade.Upgrade)
        assert len(base64.b64decode(found.accept)) == 20


async def test_a_wrong_event_before_the_accept_does_no_harm() -> None:
    async def app(_scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        with pytest.raises(RuntimeError, match="Expected ASGI message"):
            await send({"type": "websocket.nonsense"})
        await send({"type": "websocket.accept"})

    async with listening(app) as connect:
        peer = await connect()
        await peer.send(request())
        assert (await peer.answer())[0] == 101


async def test_an_accept_after_a_refusal_has_begun_is_a_mistake() -> None:
    async def app(_scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
        with pytest.raises(RuntimeError):
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.http.response.body", "body": b""})

    async with listening(app) as connect:
        peer = await connect()
        await peer.send(request())
        assert (await peer.answer())[0] == 403


async def test_a_refusal_is_http() -> None:
    async def app(_scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403, "headers": [(b"content-length", b"3")]})
        await send({"type": "websocket.http.response.body", "body": b"no!"})

    async with listening(app) as connect:
        peer = await connect()
        await peer.send(request())
        status, _, body = await peer.answer()
        assert (status, body) == (403, b"no!")
        await peer.ended()


async def test_a_client_that_left_before_the_accept_is_reported_to_the_application() -> None:
    reported: list[str] = []
    waiting: list[Any] = []

    async def app(_scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        waiting.append(receive)
        reported.append((await receive())["type"])
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.accept"})
        reported.append("refused")

    async with listening(app) as connect:
        peer = await connect()
        await peer.send(request())
        await until(lambda: bool(waiting))
        peer.writer.close()
        await until(lambda: reported == ["websocket.disconnect", "refused"])


async def test_a_message_in_one_breath_with_the_request_is_heard() -> None:
    heard: list[Any] = []

    async def app(_scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        heard.append((await receive()).get("text"))

    async with listening(app) as connect:
        peer = await connect()
        await peer.send(request() + masked(TEXT, "Привет".encode()))
        await until(lambda: heard == ["Привет"])


class Recorder:
    """A receiver that can be referred to weakly."""

    def received(self, text: bytes) -> bytes | None:
        return text

    def received_binary(self, payload: bytes) -> None: ...

    def write(self, text: bytes) -> None: ...

    def lost(self, code: int, reason: str = "") -> None: ...


async def test_a_connection_that_ended_is_freed_without_a_search() -> None:
    seen: list[weakref.ref[Any]] = []

    async def app(scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        socket = scope["extensions"][EXTENSION]
        socket.attach(Recorder())
        seen.append(weakref.ref(socket.conn))

    async with listening(app) as connect:
        gc.collect()
        gc.disable()
        try:
            peer = await connect(upgrade=True)
            await peer.send(masked(TEXT, b"hello"))
            assert (await peer.message()).data == b"hello"
            assert seen[0]() is not None
            peer.writer.close()
            await until(lambda: seen[0]() is None)
        finally:
            gc.enable()
