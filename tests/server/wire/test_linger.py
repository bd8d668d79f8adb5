"""A close frame of ours arrives, however much the client is still sending: no reset overtakes it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest

from jackfield.config.plan import Limits
from jackfield.server.wire.frames import CloseDetector
from tests.server.frames import CLOSE, PING, TEXT, masked, request
from tests.server.sockets import EchoServer, Peer, Recorder, Scope, Still, echo_server, listening, wired
from tests.walk.test_tls import certificate

GOING = masked(CLOSE, struct.pack("!H", 1000))
MORE = 3_000_000
BREAKS: dict[str, tuple[bytes, int]] = {
    "too long": (masked(TEXT, b"", length=MORE) + b"x" * MORE, 1009),
    "too long in fragments": (masked(TEXT, b"x" * 600, fin=False) + masked(0, b"x" * 600) + b"x" * MORE, 1009),
    "not masked": (b"\x81\x05hello" + b"x" * MORE, 1002),
    "an unknown opcode": (masked(3, b"x" * MORE), 1002),
    "no UTF-8": (masked(TEXT, b"\xff") + masked(TEXT, b"x" * 100) * 30_000, 1007),
    "a receiver that fails": (masked(TEXT, b"fail") + masked(TEXT, b"x" * 100) * 30_000, 1011),
}


@pytest.fixture(autouse=True)
def little_patience() -> None:
    """In place of the folder's: here a client has the second that it has in life."""


def answer(recorder: Recorder, text: bytes) -> bytes | None:
    if text == b"fail":
        raise RuntimeError("as it should")
    return None


async def sends_all_and_then_reads(direct: EchoServer, peer: Peer, data: bytes, code: int) -> None:
    """As a client does that looks at what has come when it has sent its message, and not before."""
    await direct.recorder()
    peer.writer.transport.set_write_buffer_limits(0)
    await peer.send(data)  # fails where we have closed on what was not read
    frame = await peer.frame()
    assert (frame.opcode, frame.closes[0]) == (CLOSE, code)
    await peer.send(GOING)
    await peer.ended()


@pytest.mark.parametrize(("sent", "code"), BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
async def test_who_sends_much_more_is_reported_why_we_closed(
    sent: bytes, code: int, over_tls: bool, tmp_path: Path
) -> None:
    tls = None
    if over_tls:
        cert, key = certificate(tmp_path)
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(cert, key)
        tls = ours, ssl.create_default_context(cafile=str(cert))
    async with echo_server("direct", tls, ws_max_size=1_000) as direct:
        direct.act = answer
        peer = await direct.here(upgrade=True)
        own = peer.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await sends_all_and_then_reads(direct, peer, sent, code)


async def test_who_is_refused_while_it_sends_already_can_read_why() -> None:
    async def refuses(_scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403, "headers": [(b"x-why", b"so")]})
        await send({"type": "websocket.http.response.body", "body": b"no"})

    async with listening(refuses) as here:
        peer = await here()
        peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.writer.transport.set_write_buffer_limits(0)
        await peer.send(request() + masked(TEXT, b"x" * MORE))
        status, headers, body = await peer.answer()
        assert (status, headers["x-why"], headers["connection"], body) == (403, "so", "close", b"no")
        peer.writer.write_eof()
        await peer.ended()


@pytest.mark.parametrize("stop", [False, True], ids=["a fault", "a stop"])
async def test_the_clients_close_ends_it_at_once(stop: bool) -> None:
    async with echo_server("direct", ws_max_size=1_000) as direct:
        peer, recorder = await direct.peer()
        if stop:
            direct.here.shutdown()
        else:
            await peer.send(masked(TEXT, b"\xff"))
        assert (await peer.frame()).opcode == CLOSE
        timer = recorder.protocol.close_timer
        assert timer is not None, "whoever says nothing more is not waited for without end"
        await peer.send(masked(TEXT, b"one more") + GOING)
        await peer.ended()
        assert timer.cancelled() or timer.when() > asyncio.get_running_loop().time(), "it ended without the timer"


def test_silence_ends_it_and_so_does_a_time_without_end() -> None:
    protocol, wire, _, loop = wired()
    protocol.data_received(masked(TEXT, b"\xff"))
    assert (protocol.close_sent, wire.closed, wire.reading) == (True, False, True)
    protocol.data_received(b"\x81")
    assert loop.later is not None
    loop.run_later()
    assert wire.closed

    class Late(Still):
        now = 0.0

        def time(self) -> float:
            return self.now

    late = Late()
    protocol, wire, _, _ = wired(loop=late)
    protocol.data_received(masked(TEXT, b"\xff"))
    before = late.later
    protocol.data_received(b"\x81")
    assert late.later is not before, "it still sends: it has its time again"
    late.now = protocol.close_timeout + 1
    before = late.later
    protocol.data_received(b"\xfe")
    assert late.later is before, "but not for ever"


@pytest.mark.parametrize(
    ("begun", "lingers"), [(b"", False), (b"\x81\xfe", True), (masked(TEXT, b"a", fin=False), True)]
)
def test_who_answers_no_ping_is_read_on_where_a_message_has_begun(begun: bytes, lingers: bool) -> None:
    """Its pong may stand behind that message, and so does what it still sends."""
    protocol, wire, _, loop = wired()
    protocol.data_received(begun)
    protocol.tune(Limits())
    protocol.schedule_ping()
    for _ in range(3):
        loop.run_later()
    assert (protocol.close_sent, wire.closed) == (True, not lingers)


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize("length", [0, 2, 125, 126, 65_536])
def test_the_close_is_found_behind_frames_of_any_length(piece: int, length: int) -> None:
    found = CloseDetector()
    data = masked(TEXT, b"\x88\x80" * (length // 2)) + masked(PING, b"") + b"\x81\x02hi" + masked(CLOSE, b"\x03\xe8")
    ends = [found.ends(data[place : place + piece]) for place in range(0, len(data), piece)]
    assert ends == [False] * (len(ends) - 1) + [True]


def test_many_frames_are_not_looked_at_without_end() -> None:
    found = CloseDetector()
    assert not found.ends(masked(TEXT, b"") * 5_000 + GOING)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"\x81\x05hello", "a frame is not masked; a client masks each (RFC 6455, section 5.1)"),
        (masked(3, b""), "a frame has an opcode that RFC 6455, section 5.2 does not know"),
        (b"\xc1\x80abcd", "a frame has a reserved bit, and no extension was agreed on (RFC 6455, section 5.2)"),
        (
            masked(PING, b"x" * 126),
            "a close, ping or pong is fragmented, too long or not well-formed (RFC 6455, section 5.5)",
        ),
        (
            masked(CLOSE, b"\0"),
            "a close, ping or pong is fragmented, too long or not well-formed (RFC 6455, section 5.5)",
        ),
        (masked(0, b""), "the fragments of a message are out of order (RFC 6455, section 5.4)"),
        (masked(TEXT, b"", length=1_001), "a message is longer than 1,000 bytes, twice limits.message"),
        (
            masked(TEXT, b"x" * 900, fin=False) + masked(0, b"x" * 101),
            "a message is longer than 1,000 bytes, twice limits.message",
        ),
        (masked(CLOSE, struct.pack("!H", 1000) + b"\xff"), "a text is not UTF-8"),
        (masked(TEXT, b"\xff"), "a text frame is not UTF-8"),
    ],
)
async def test_the_reason_is_ours(sent: bytes, reason: str) -> None:
    async with echo_server("direct", ws_max_size=1_000) as direct:
        peer, recorder = await direct.peer()
        await peer.send(sent)
        assert (await peer.frame()).closes[1] == reason
        await peer.send(GOING)
        await peer.ended()
        await recorder.ended()
        assert recorder.reasons == [reason]
