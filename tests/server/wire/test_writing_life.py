"""The life of a connection on the direct path: before its receiver, with one that fails, and its end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield.server.wire import patched as websocket_module
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.writing import CORK
from tests.server.frames import BINARY, CLOSE, TEXT, Frame, masked, request
from tests.server.served import until
from tests.server.sockets import (
    BINARY_HEARD,
    BOUNDLESS,
    EchoServer,
    Peer,
    Recorder,
    Scope,
    Still,
    Wire,
    accept,
    begin,
    echo_server,
    listening,
    opened,
    wired,
)

GOING = masked(CLOSE, struct.pack("!H", 1000))


@pytest.fixture
async def direct() -> AsyncIterator[EchoServer]:
    async with echo_server("direct") as made:
        yield made


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


# the beginning


@pytest.mark.parametrize("attaching", [True, False])
@pytest.mark.parametrize("together", [True, False])
async def test_what_a_client_sends_before_our_101_waits_for_it(
    direct: EchoServer, caplog: pytest.LogCaptureFixture, attaching: bool, together: bool
) -> None:
    gate = asyncio.Event()

    async def slow(scope: Scope, receive: Any, send: Any) -> None:
        async def held(message: Any) -> None:
            await gate.wait()
            await send(message)

        if attaching:
            await direct(scope, receive, held)
            return
        await receive()
        await held({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    sent = b"".join(masked(TEXT, word.encode()) for word in ("рано", "1", "2"))
    async with listening(slow) as here:
        peer = await here()
        await peer.send(request() + sent[:3] if together else request())
        await until(lambda: any(isinstance(one, WebSocketProtocol) for one in here.state.connections))
        if not together:
            await peer.send(sent[:3])
        (ours,) = here.state.connections
        assert isinstance(ours, WebSocketProtocol)
        await until(lambda: ours._rest)
        await peer.send(sent[3:])
        gate.set()
        assert (await peer.answer())[0] == 101
        assert [(await peer.frame()).data.decode() for _ in range(3)] == ["рано", "1", "2"]
    assert faults(caplog) == []


def test_what_came_before_our_101_is_taken_before_what_comes_next() -> None:
    loop = Still()
    protocol = opened(WebSocketProtocol, loop, BOUNDLESS)
    wire = Wire(protocol)
    begin(protocol, wire)
    protocol.data_received(masked(TEXT, b"1"))
    accept(protocol, wire)
    protocol.data_received(masked(TEXT, b"2"))  # a loop may read before it does what was to be done soon
    loop.turn()
    assert [protocol.queue.get_nowait()["text"] for _ in range(2)] == ["1", "2"]  # type: ignore[typeddict-item]


@pytest.mark.parametrize("place", [0, 3, 9])
async def test_messages_between_the_accept_and_the_receiver_are_handed_over(direct: EchoServer, place: int) -> None:
    gate = asyncio.Event()
    direct.before_attach = lambda recorder: gate.wait()
    peer, recorder = await direct.peer()
    second = masked(TEXT, "второе".encode())
    await peer.send(masked(TEXT, b"1") + masked(BINARY, b"") + second[:place])
    await until(lambda: recorder.protocol.queue.qsize() == 2)
    gate.set()
    await peer.send(second[place:] + masked(TEXT, b"3"))
    assert [(await peer.frame()).data.decode() for _ in range(4)] == ["1", BINARY_HEARD, "второе", "3"]


async def test_a_client_that_leaves_before_the_receiver_comes(direct: EchoServer) -> None:
    gate = asyncio.Event()
    direct.before_attach = lambda recorder: gate.wait()
    peer, recorder = await direct.peer()
    await peer.send(GOING)
    await until(lambda: recorder.protocol.disconnected)
    gate.set()
    assert await recorder.ended() == 1000


async def test_an_idle_connection_holds_no_task_and_no_scope(direct: EchoServer) -> None:
    peer, recorder = await direct.peer()
    await until(lambda: not direct.here.state.tasks)
    assert not hasattr(recorder.protocol, "scope")
    await peer.send(masked(TEXT, b"alive"))
    assert (await peer.frame()).data == b"alive"


async def test_an_application_may_close_by_asgi_after_it_attached(direct: EchoServer) -> None:
    async def closing(scope: Scope, receive: Any, send: Any) -> None:
        await direct(scope, receive, send)
        await send({"type": "websocket.close", "code": 4002})

    async with listening(closing) as here:
        peer = await here(upgrade=True)
        recorder = await direct.recorder()
        assert (await peer.frame()).closes[0] == 4002
        await peer.send(masked(TEXT, b"never") + masked(CLOSE, struct.pack("!H", 4002)))
        await peer.ended()
        assert await recorder.ended() == 4002
        assert recorder.heard == []


# a receiver that fails


def fail(_recorder: Recorder, text: bytes) -> bytes:
    if text == b"fine":
        return text
    raise RuntimeError("секрет")


class Deaf(Recorder):
    """Fails where the others only note."""

    def received_binary(self, _payload: bytes) -> None:
        raise RuntimeError("секрет")


@pytest.mark.parametrize(
    "sent",
    [
        masked(TEXT, b"bad"),
        masked(TEXT, b"x" * 500),
        masked(TEXT, b"fine") + masked(TEXT, b"bad") + masked(TEXT, b"never"),
        masked(TEXT, b"b", fin=False) + masked(0, b"ad"),
        masked(TEXT, b"fine") + masked(TEXT, b"b", fin=False) + masked(0, b"ad") + masked(TEXT, b"never"),
    ],
)
@pytest.mark.parametrize("cutting", [True, False])
async def test_a_receiver_that_fails_is_logged_and_reported_as_1011(
    caplog: pytest.LogCaptureFixture, sent: bytes, cutting: bool
) -> None:
    async with echo_server("direct", ws_per_message_deflate=not cutting) as server:
        server.act = fail
        peer, recorder = await (server.peer() if cutting else compressed(server))
        await peer.send(sent)
        frame = await peer.frame()
        if sent.startswith(masked(TEXT, b"fine")):
            assert frame == Frame(TEXT, b"fine")
            frame = await peer.frame()
        assert frame.closes == (1011, "")
        await peer.ended()
        assert await recorder.ended() == 1011
    assert "never" not in recorder.heard
    (reported,) = faults(caplog)
    assert "receiver_failed" in reported


async def compressed(server: EchoServer) -> tuple[Peer, Recorder]:
    """A client that may compress, and does not."""
    peer = await server.here()
    await peer.send(request(Sec_WebSocket_Extensions="permessage-deflate"))
    status, headers, _ = await peer.answer()
    assert status == 101
    assert "permessage-deflate" in headers["sec-websocket-extensions"]
    return peer, await server.recorder()


async def test_a_receiver_that_fails_with_what_came_before_it(
    direct: EchoServer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()
    direct.act = fail
    direct.before_attach = lambda recorder: gate.wait()
    peer, recorder = await direct.peer()
    await peer.send(masked(TEXT, b"bad"))
    await until(lambda: not recorder.protocol.queue.empty())
    gate.set()
    assert (await peer.frame()).closes[0] == 1011
    await peer.ended()
    assert await recorder.ended() == 1011
    assert len(faults(caplog)) == 1


def test_a_receiver_that_fails_at_a_binary_message_or_in_its_own_write(caplog: pytest.LogCaptureFixture) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        recorder.transport.write(b"x" * (CORK + 1))
        return text

    class Mute(Recorder):
        def write(self, text: bytes) -> None:
            raise RuntimeError("секрет")

    for kind, sent in ((Deaf, masked(BINARY, b"")), (Mute, masked(TEXT, b"")), (Mute, masked(TEXT, b"") * 2)):
        caplog.clear()
        protocol, wire, recorder, _ = wired(act, kind=kind, fills=True)
        protocol.data_received(sent)
        assert protocol.close_sent
        assert wire.written.endswith(b"\x88\x02\x03\xf3")
        protocol.connection_lost(None)
        assert recorder.codes == [1011]
        assert len(faults(caplog)) == 1


async def test_an_application_that_fails_after_it_attached(
    direct: EchoServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(scope: Scope, receive: Any, send: Any) -> None:
        await direct(scope, receive, send)
        raise RuntimeError("секрет")

    async with listening(failing) as here:
        peer = await here(upgrade=True)
        recorder = await direct.recorder()
        assert (await peer.frame()).closes[0] == 1011
        await peer.ended()
        assert await recorder.ended() == 1011
    (reported,) = faults(caplog)
    assert "application_failed" in reported


# the end


def test_a_stop_while_the_clients_close_is_answered() -> None:
    protocol, wire, recorder, _ = wired()
    protocol.data_received(GOING)
    protocol.shutdown()
    assert bytes(wire.written) == b"\x88\x02\x03\xe8"
    protocol.connection_lost(None)
    assert recorder.codes == [1000]


async def test_a_stop_does_not_wait_for_a_client_that_takes_nothing(
    direct: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "STUCK", 0.02)
    direct.act = lambda recorder, text: b"x" * 200_000
    peer, recorder = await direct.peer()
    for _ in range(200):
        peer.writer.write(masked(TEXT, b"more"))
    await until(lambda: not recorder.protocol.writable.is_set())
    recorder.transport.close(4001, "")  # this one would be given much longer
    direct.here.shutdown()
    assert await recorder.ended() == 4001


async def test_a_client_that_takes_not_even_our_close_is_cut_off(direct: EchoServer) -> None:
    direct.act = lambda recorder, text: b"x" * 200_000
    peer, recorder = await direct.peer()
    recorder.protocol.close_timeout = 0.02
    for _ in range(200):
        peer.writer.write(masked(TEXT, b"more"))
    await until(lambda: not recorder.protocol.writable.is_set())
    recorder.transport.close(4001, "")
    assert await recorder.ended() == 4001  # the client has read nothing
