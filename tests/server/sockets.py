"""Who speaks and who listens: a client made of bytes, a real listener on loopback, a receiver that notes what it hears.

Without a network there are a loop in which no time passes, and a transport that keeps what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websockets

from jackfield.messages import judge_utf8
from jackfield.server.node.uvicorn_server import open_listener
from jackfield.server.wire.eviction import SharedState
from jackfield.server.wire.http1 import HttpProtocol
from jackfield.server.wire.over_asgi import AsgiTransport
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.transport import EXTENSION, Socket, Transport

from .frames import PING, PONG, Frame, masked, request
from .served import LIMIT, until

Kind = TypeVar("Kind", bound=WebSocketsSansIOProtocol)
Scope = MutableMapping[str, Any]

BINARY_HEARD = "(binary)"
"""What is heard where a binary message came."""

BOUNDLESS = 1 << 20
"""A size limit that no test here comes near."""

SILENT = logging.getLogger("jackfield.tests.silent")
SILENT.setLevel(logging.CRITICAL + 1)


@dataclass
class Peer:
    """The client's end of one connection; every wait has a limit."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next HTTP answer: status, headers, body."""
        async with asyncio.timeout(LIMIT):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return int(lines[0].split()[1]), headers, body

    async def frame(self) -> Frame:
        async with asyncio.timeout(LIMIT):
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first & 0x0F, await self.reader.readexactly(length))

    async def message(self) -> Frame:
        """The next frame that is no ping; pings are answered."""
        while (frame := await self.frame()).opcode == PING:
            await self.send(masked(PONG, frame.data))
        return frame

    async def ended(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(LIMIT):
            assert await self.reader.read() == b""


class Listening:
    """Where clients connect to. Those of one test are closed with it."""

    def __init__(
        self,
        listener: socket.socket,
        state: SharedState,
        stack: contextlib.AsyncExitStack,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.state = state
        self._stack = stack
        self._tls = tls

    async def __call__(self, *, upgrade: bool = False, source: str = "127.0.0.1") -> Peer:
        """A client made of bytes, from the address `source`; `upgrade` is asked for, and its 101 awaited."""
        local = (source, 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self._tls, local_addr=local)
        self._stack.push_async_callback(_close, writer)
        peer = Peer(reader, writer)
        if upgrade:
            await peer.send(request())
            status, _, _ = await peer.answer()
            assert status == 101
        return peer

    async def client(self, *, compression: str | None = None) -> ClientConnection:
        """A client as people use it."""
        url = f"{'ws' if self._tls is None else 'wss'}://127.0.0.1:{self.port}/ws"
        opening = connect_websockets(url, compression=compression, ssl=self._tls, proxy=None, ping_interval=None)
        return await self._stack.enter_async_context(opening)

    def shutdown(self) -> None:
        """What uvicorn does with open connections when it stops."""
        for connection in list(self.state.connections):
            connection.shutdown()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def listening(
    app: Any,
    ws: type[WebSocketsSansIOProtocol] = WebSocketProtocol,
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
    **settings: Any,
) -> AsyncIterator[Listening]:
    """Serve an ASGI application; `settings` are uvicorn's, `tls` the server's and the client's side."""
    settings = {"proxy_headers": False, "ws_ping_interval": None, "ws_per_message_deflate": False, **settings}
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=ws,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        **settings,
    )
    config.load()
    state = SharedState()
    state.default_headers = config.encoded_headers
    config.ssl = None if tls is None else tls[0]
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    # uvicorn.Server without its loop of ticks, which costs each test a fifth of a second
    server = await open_listener(config, state, {}, listener)
    async with contextlib.AsyncExitStack() as stack:
        here = Listening(listener, state, stack, None if tls is None else tls[1])
        try:
            yield here
        finally:
            server.close()
            here.shutdown()
            await stack.aclose()
            async with asyncio.timeout(LIMIT):
                await asyncio.gather(*state.tasks, return_exceptions=True)
                await server.wait_closed()
            await until(lambda: state.idle.count == 0)  # whoever is gone is counted no more


class Wire(asyncio.Transport):
    """The network's end: keeps what is written, hands on nothing that comes after the close."""

    def __init__(self, protocol: WebSocketsSansIOProtocol, may_fill: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.reading = True
        self.full = False
        self.writes = 0
        self.buffered = 0  # bytes that the network has not taken, as the test says
        self.late = 0  # messages that were heard since the network is full
        self._protocol = protocol
        self.may_fill = may_fill

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            return
        self.written += data
        self.writes += 1
        if data and not self.full and self.may_fill():
            self.full = True
            self.late = 0
            self._protocol.pause_writing()

    def empty(self) -> None:
        """The client has read everything."""
        if self.full:
            self.full = False
            self._protocol.resume_writing()

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert self.reading or self.closed, "paused twice"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading or self.closed, "resumed twice"
        self.reading = True

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Still:
    """A loop in which no time passes; what is to be called soon or later is called by hand."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.later: Callable[[], object] | None = None  # what was asked for last

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[None]:
        work.close()
        return cast("asyncio.Future[None]", self)

    def add_done_callback(self, _act: object) -> None:
        pass

    def call_soon(self, act: Callable[[], object]) -> None:
        self.soon.append(act)

    def call_later(self, _delay: float, act: Callable[..., object], *arguments: object) -> Still:
        self.later = functools.partial(act, *arguments)
        return self

    def cancel(self) -> None:
        self.later = None

    def run_later(self, times: int = 1) -> None:
        """Call what was asked for last, and as often what that asks for."""
        for _ in range(times):
            assert self.later is not None
            self.later()

    def time(self) -> float:
        return 0.0

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for act in soon:
            act()


async def _nobody(_scope: object, _receive: object, _send: object) -> None:
    """The application; its place is taken by the test."""


_config = uvicorn.Config(_nobody, lifespan="off", interface="asgi3", log_config=None, ws_per_message_deflate=False)
_config.load()


def opened(kind: type[Kind], loop: Still, limit: int) -> Kind:
    """A protocol with the size limit `limit`, not connected yet."""
    made = kind(_config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    made.logger = SILENT
    made.conn.max_message_size = limit
    if isinstance(made, WebSocketProtocol):
        made.clock = lambda: 0.0  # else a read has several turns where this machine is slow
    return made


def begin(protocol: WebSocketsSansIOProtocol, wire: Wire) -> None:
    """Bring the upgrade request."""
    protocol.connection_made(wire)
    protocol.data_received(request())
    protocol.queue.get_nowait()


def accept(protocol: WebSocketsSansIOProtocol, wire: Wire) -> None:
    """Send the accept; it waits for nothing."""
    sending = protocol.send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    try:
        sending.send(None)
    except StopIteration:
        wire.written.clear()
        wire.writes = 0
        return
    raise AssertionError("the accept waited")


class Recorder:
    """A receiver that notes what it hears and echoes it, unless the test answers otherwise."""

    def __init__(self, transport: Transport, protocol: WebSocketsSansIOProtocol, act: Act) -> None:
        self.heard: list[str] = []
        self.written: list[bytes] = []
        self.events: list[bytes] = []  # that did not take the shortest way
        self.waiting: list[int] = []
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

    def received_binary(self, _payload: bytes) -> None:
        self._note(BINARY_HEARD)
        self.transport.write(BINARY_HEARD.encode())

    def write(self, text: bytes) -> None:
        self.written.append(text)
        self.transport.write(text)

    def hear(self, text: bytes) -> None:
        self.events.append(text)
        self.transport.write(text)

    def wrote(self, pending: int) -> None:
        self.waiting.append(pending)

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
