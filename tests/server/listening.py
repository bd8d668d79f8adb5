"""A real listener on loopback in the test's own loop, without uvicorn's server around it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websockets

from jackfield.server.node.uvicorn_server import open_listener
from jackfield.server.wire.eviction import SharedState
from jackfield.server.wire.http1 import HttpProtocol
from jackfield.server.wire.reading import WebSocketProtocol

from .raw import Peer, request
from .served import LIMIT, until

__all__ = ["Listening", "Scope", "listening"]

Scope = MutableMapping[str, Any]


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
