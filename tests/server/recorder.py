"""A receiver on a real listener, over either transport, and one on the direct path without a network."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection

from jackfield.messages import judge_utf8
from jackfield.server.wire.over_asgi import AsgiTransport
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.transport import EXTENSION, Socket, Transport
from tests.server.sockets import Still, Wire, accept, begin, opened

from .listening import Listening, Scope, listening
from .raw import Peer
from .served import LIMIT

__all__ = ["BINARY", "BOUNDLESS", "Act", "EchoServer", "Recorder", "echo_server", "wired"]

BINARY = "(binary)"
"""What is heard where a binary message came."""

BOUNDLESS = 1 << 20
"""A size limit that no test here comes near."""


class Recorder:
    """A receiver that notes what it hears and echoes it, unless the test answers otherwise."""

    def __init__(self, transport: Transport, protocol: WebSocketsSansIOProtocol, act: Act) -> None:
        self.heard: list[str] = []
        self.written: list[bytes] = []
        self.codes: list[int] = []
        self.reasons: list[str] = []
        self.transport = transport
        self.protocol = protocol
        self._act = act
        self._changed = asyncio.Event()

    def received(self, text: bytes) -> bytes | None:
        judge_utf8(text)
        self._note(text.decode())
        return self._act(self, text)

    def received_binary(self) -> None:
        self._note(BINARY)
        self.transport.write(BINARY.encode())

    def write(self, text: bytes) -> None:
        self.written.append(text)
        self.transport.write(text)

    def lost(self, code: int, reason: str = "") -> None:
        self.codes.append(code)
        self.reasons.append(reason)
        self._changed.set()

    def _note(self, text: str) -> None:
        self.heard.append(text)
        self._changed.set()

    async def hears(self, number: int) -> None:
        """Wait until so many messages have come."""
        await self._until(lambda: len(self.heard) >= number)

    async def ended(self) -> int:
        """Wait until the connection is lost; gives the code that was told."""
        await self._until(lambda: bool(self.codes))
        assert len(self.codes) == 1
        return self.codes[0]

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


Act = Callable[[Recorder, bytes], bytes | None]


def echo(_recorder: Recorder, text: bytes) -> bytes:
    return text


@dataclass
class EchoServer:
    """A listener whose connections are all heard by a Recorder; set what differs before the first client comes."""

    kind: str
    act: Act = echo
    before_accept: Callable[[Recorder], object] = lambda recorder: None
    before_attach: Callable[[Recorder], Any] | None = None
    recorders: asyncio.Queue[Recorder] = field(default_factory=asyncio.Queue)
    here: Listening = field(init=False)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """The application."""
        assert scope["type"] == "websocket"
        await receive()
        socket: Socket | None = scope["extensions"].get(EXTENSION)
        transport: Transport = AsgiTransport(receive, send) if socket is None else socket
        recorder = Recorder(transport, receive.__self__, self.act)
        self.before_accept(recorder)
        self.recorders.put_nowait(recorder)
        await send({"type": "websocket.accept"})
        if self.before_attach is not None:
            await self.before_attach(recorder)
        if socket is not None:
            socket.attach(recorder)
        else:
            assert isinstance(transport, AsgiTransport)
            await transport.run(recorder)

    async def peer(self) -> tuple[Peer, Recorder]:
        """A client made of bytes, and who hears it."""
        peer = await self.here(upgrade=True)
        return peer, await self.recorder()

    async def client(self, *, compression: str | None = None) -> tuple[ClientConnection, Recorder]:
        """A client as people use it, and who hears it."""
        client = await self.here.client(compression=compression)
        return client, await self.recorder()

    async def recorder(self) -> Recorder:
        """Who hears the connection that was opened last."""
        async with asyncio.timeout(LIMIT):
            return await self.recorders.get()


@contextlib.asynccontextmanager
async def echo_server(
    kind: str, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None, **settings: Any
) -> AsyncIterator[EchoServer]:
    """An EchoServer on the direct path, or over plain ASGI as any server offers it, here uvicorn with its own class."""
    made = EchoServer(kind)
    ws = WebSocketProtocol if kind == "direct" else WebSocketsSansIOProtocol
    async with listening(made, ws, tls, **settings) as made.here:
        yield made


def wired(
    act: Act = echo, *, kind: type[Recorder] = Recorder, fills: bool = False, loop: Still | None = None
) -> tuple[WebSocketProtocol, Wire, Recorder, Still]:
    """A connection without a network, attached; where it `fills`, the network takes one write."""
    loop = loop or Still()
    protocol = opened(WebSocketProtocol, loop, BOUNDLESS)
    wire = Wire(protocol)
    begin(protocol, wire)
    accept(protocol, wire)
    wire.may_fill = lambda: fills
    recorder = kind(protocol, protocol, act)
    protocol.attach(recorder)
    return protocol, wire, recorder, loop
