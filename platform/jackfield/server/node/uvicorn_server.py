"""uvicorn's server with our protocols and our way to stop. Stands on what private_names.py lists."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import uvicorn

from jackfield.server.node.node import Node
from jackfield.server.node.uvicorn_config import BACKLOG, Stop, answer_all, configure
from jackfield.server.request import LISTENER
from jackfield.server.wire import guards
from jackfield.server.wire.eviction import SharedState
from jackfield.server.wire.http1 import HttpProtocol
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.tls import TlsListener

__all__ = ["Server", "open_listener"]


class Server(uvicorn.Server, Stop):
    """Serves a node until it should exit."""

    def __init__(
        self,
        node: Node,
        started: Callable[[], None],
        stopping: Callable[[], None],
        admin: socket.socket | None,
    ) -> None:
        super().__init__(configure(node.gateway, node.options, HttpProtocol, WebSocketProtocol))
        self.server_state: SharedState = SharedState()
        self._node = node
        self._started = started
        self._stopping = stopping
        self._admin = admin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen as the parent does, but for TLS, which would have a minute to begin (TR-6) and be counted after it."""
        app_state = self.lifespan.state
        self.servers = [await open_listener(self.config, self.server_state, app_state, one) for one in sockets or ()]
        self.started = True
        options = self._node.options.admin
        if options is not None and self._admin is not None:
            config = configure(self._node.gateway, options, HttpProtocol, WebSocketProtocol)
            config.load()
            # its requests say by which listener they came
            second = await open_listener(config, self.server_state, {LISTENER: options}, self._admin)
            self.servers.append(second)
        self._started()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; gives whether it is time to stop."""
        if counter % 10 == 0:
            guards.look_at_descriptors()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is being answered first."""
        self._stopping()
        await answer_all(self._node, self)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn raises them again at its end, before the node could close."""
        yield


async def open_listener(
    config: uvicorn.Config, state: SharedState, app_state: dict[str, Any], listener: socket.socket
) -> asyncio.Server:
    """Take connections from a listening socket, with TLS where the configuration has it."""

    def http(began: float | None = None) -> HttpProtocol:
        return HttpProtocol(config=config, server_state=state, app_state=app_state, began=began)

    loop, tls = asyncio.get_running_loop(), config.ssl
    if tls is None:
        return await loop.create_server(http, sock=listener, backlog=BACKLOG)
    try:
        return cast("asyncio.Server", TlsListener(listener, tls, state, http))
    except NotImplementedError:  # Windows has no loop that watches a socket for us
        limit = guards.REQUEST_LIMIT
        return await loop.create_server(http, sock=listener, ssl=tls, backlog=BACKLOG, ssl_handshake_timeout=limit)
