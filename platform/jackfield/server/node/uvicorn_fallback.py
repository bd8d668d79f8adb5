"""uvicorn as it is: what serves where it lacks something that ours stands on; see private_names.py.

Nothing is used here but what uvicorn documents, its settings above all. What is lost against our own listener is what
`application()` loses, too, and the bounds of connections without a caller; docs/deploy.md has the list.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from typing import Any

import uvicorn

from jackfield.server.asgi import Receive, Send
from jackfield.server.node.node import Node
from jackfield.server.node.uvicorn_config import Stop, answer_all, configure
from jackfield.server.options import Options
from jackfield.server.request import LISTENER

__all__ = ["PlainServer"]

_HTTP = "uvicorn.protocols.http.h11_impl.H11Protocol"
_WEBSOCKET = "uvicorn.protocols.websockets.websockets_sansio_impl.WebSocketsSansIOProtocol"


class PlainServer(Stop):
    """Serves a node until it should exit; `missing` are the names that uvicorn lacks."""

    def __init__(
        self, node: Node, missing: Collection[str], started: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        self._node = node
        self._http = "auto" if _HTTP in missing else "h11"
        self._ws = "auto" if _WEBSOCKET in missing else "websockets-sansio"
        self._started = started
        self._stopping = stopping
        self.config = configure(node.gateway, node.options, self._http, self._ws)

    async def serve(self, listener: socket.socket, admin: socket.socket | None, arm: Callable[[], object]) -> None:
        """`arm` makes the signals ours again, which each of uvicorn's servers takes when it begins."""
        servers, sockets = [uvicorn.Server(self.config)], [listener]
        options = self._node.options.admin
        if options is not None and admin is not None:
            config = configure(_by(self._node.gateway, options), options, self._http, self._ws)
            servers.append(uvicorn.Server(config))
            sockets.append(admin)
        loop = asyncio.get_running_loop()
        serving = [loop.create_task(one.serve(sockets=[at])) for one, at in zip(servers, sockets, strict=True)]
        try:
            await asyncio.sleep(0)  # all have begun then
            arm()
            self._started()
            while not self.should_exit and not any(one.done() for one in serving):
                await asyncio.wait(serving, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            self._stopping()
            await answer_all(self._node, self)
        finally:
            for one in servers:
                one.force_exit = self.force_exit
                one.should_exit = True
            await asyncio.gather(*serving)


def _by(app: Any, options: Options) -> Any:
    """The application, whose requests say by which listener they came."""

    async def by(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await app({**scope, "state": {**scope.get("state", {}), LISTENER: options}}, receive, send)

    return by
