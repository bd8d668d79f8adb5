"""What a client sends right behind its request, or before our 101: answered at once, and not with its next bytes."""

from __future__ import annotations

import asyncio
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest

from jackfield.server.wire.reading import WebSocketProtocol
from tests.server.frames import BINARY, CLOSE, PING, PONG, TEXT, masked, request
from tests.server.served import until
from tests.server.sockets import BINARY_HEARD, Peer, Scope, echo_server, listening
from tests.walk.test_tls import certificate

HI = masked(TEXT, b"hi")
DEFLATE = "permessage-deflate"
GOING = struct.pack("!H", 1000)

Answer = list[tuple[int, bytes]]

EARLY: dict[str, tuple[bytes, Answer]] = {
    "a message": (HI, [(TEXT, b"hi")]),
    "several": (HI + masked(TEXT, b"x" * 300) + HI, [(TEXT, b"hi"), (TEXT, b"x" * 300), (TEXT, b"hi")]),
    "a large one": (masked(TEXT, b"y" * 60_000), [(TEXT, b"y" * 60_000)]),
    "fragments": (masked(TEXT, b"h", fin=False) + masked(0, b"i"), [(TEXT, b"hi")]),
    "a ping": (masked(PING, b"p"), [(PONG, b"p")]),
    "a ping before a message": (masked(PING, b"p") + HI, [(PONG, b"p"), (TEXT, b"hi")]),
    "a binary message": (masked(BINARY, b"b"), [(TEXT, BINARY_HEARD.encode())]),
    "a close": (masked(CLOSE, GOING), [(CLOSE, GOING)]),
    "a message and a part of the next": (HI + HI[:3], [(TEXT, b"hi")]),
}
"""What comes early, and the frames that answer it while nothing more comes."""

each = pytest.mark.parametrize(("early", "wanted"), EARLY.values(), ids=EARLY)


async def answers(peer: Peer, number: int) -> Answer:
    assert (await peer.answer())[0] == 101
    frames = [await peer.frame() for _ in range(number)]
    return [(frame.opcode, frame.data) for frame in frames]


@each
@pytest.mark.parametrize("offered", [None, DEFLATE])
async def test_what_comes_in_one_packet_with_the_request(early: bytes, wanted: Answer, offered: str | None) -> None:
    async with echo_server("direct", ws_per_message_deflate=offered is not None) as direct:
        peer = await direct.here()
        await peer.send(request(Sec_WebSocket_Extensions=offered) + early)
        assert await answers(peer, len(wanted)) == wanted


@each
@pytest.mark.parametrize("place", [1, 5])
async def test_its_first_bytes_come_with_the_request_and_the_others_later(
    early: bytes, wanted: Answer, place: int
) -> None:
    async with echo_server("direct") as direct:
        peer = await direct.here()
        await peer.send(request() + early[:place])
        assert (await peer.answer())[0] == 101
        await peer.send(early[place:])
        frames = [await peer.frame() for _ in wanted]
        assert [(frame.opcode, frame.data) for frame in frames] == wanted


@each
@pytest.mark.parametrize("attaching", [True, False])
async def test_what_comes_while_the_application_makes_up_its_mind(
    early: bytes, wanted: Answer, attaching: bool
) -> None:
    gate = asyncio.Event()

    async def plainly(receive: Any, send: Any) -> None:
        """What a receiver does, without one."""
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message.get("text") or BINARY_HEARD})

    async with echo_server("direct") as direct:

        async def slow(scope: Scope, receive: Any, send: Any) -> None:
            async def held(message: Any) -> None:
                if message["type"] == "websocket.accept":
                    await gate.wait()
                await send(message)

            await (direct(scope, receive, held) if attaching else plainly(receive, held))

        async with listening(slow) as here:
            peer = await here()
            await peer.send(request())
            await until(lambda: any(isinstance(one, WebSocketProtocol) for one in here.state.connections))
            (ours,) = here.state.connections
            assert isinstance(ours, WebSocketProtocol)
            await peer.send(early)
            await until(lambda: ours._rest)
            gate.set()
            assert await answers(peer, len(wanted)) == wanted


async def test_over_tls_as_well(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(cert, key)
    theirs = ssl.create_default_context(cafile=str(cert))
    async with echo_server("direct", tls=(ours, theirs)) as direct:
        peer = await direct.here()
        await peer.send(request() + HI)
        assert await answers(peer, 1) == [(TEXT, b"hi")]
