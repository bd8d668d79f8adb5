"""The listener: uvicorn with our protocols, our signals and our way to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from jackfield.errors import PlanError
from jackfield.logs import log
from jackfield.server.node import Node
from jackfield.server.options import Options
from jackfield.server.protocol import WebSocketProtocol
from jackfield.server.upgrade import HttpProtocol

__all__ = ["bind", "listen"]

BACKLOG = 2048

CLOSING_LIMIT = 1.0
"""Seconds that clients have after the drain to take the rest and to answer the close frame."""


def bind(options: Options) -> socket.socket:
    """The listening socket, taken before anything is loaded. Raises OSError, for a port in use above all."""
    host = options.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, options.port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


async def listen(node: Node, listener: socket.socket, started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM. SIGHUP publishes. `started` is called when connections are taken."""
    server = _Server(_config(node), node, started)
    with _signals(server, node):
        await server.serve(sockets=[listener])


def _config(node: Node) -> uvicorn.Config:
    options = node.options
    return uvicorn.Config(
        node.gateway,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        lifespan="off",  # the node is open already, and outlives the listener
        interface="asgi3",
        log_config=None,
        access_log=False,  # it has query strings in it
        server_header=False,
        proxy_headers=bool(options.behind_proxy),
        forwarded_allow_ips=list(options.behind_proxy),
        ws_per_message_deflate=False,
        ssl_certfile=options.tls_cert or None,
        ssl_keyfile=options.tls_key or None,
        timeout_graceful_shutdown=5,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, node: Node, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._node = node
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is being answered, then close 1012; uvicorn alone would cut replies off."""
        stopping = asyncio.ensure_future(self._drain())
        while not stopping.done() and not self.force_exit:
            await asyncio.wait((stopping,), timeout=0.1)
        stopping.cancel()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        gateway = self._node.gateway
        await gateway.drain(self._node.options.drain)
        # what was answered last is still on its way to slow readers; uvicorn would drop it
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_LIMIT):
                while len(gateway.hub):  # noqa: ASYNC110 - the hub tells nobody that it is empty
                    await asyncio.sleep(0.02)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn raises them again at its end, before the node could close."""
        yield


@contextlib.contextmanager
def _signals(server: _Server, node: Node) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    publishing: set[asyncio.Task[None]] = set()

    def stop() -> None:
        server.force_exit = server.should_exit  # the second one does not wait
        server.should_exit = True

    def publish() -> None:
        task = loop.create_task(_publish(node))
        publishing.add(task)
        task.add_done_callback(publishing.discard)

    handled: dict[int, Callable[[], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if hasattr(signal, "SIGHUP"):
        handled[signal.SIGHUP] = publish
    try:
        for number, act in handled.items():
            loop.add_signal_handler(number, act)
    except NotImplementedError:  # Windows has no loop signals
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stop))
    try:
        yield
    finally:
        for task in publishing:
            task.cancel()
        with contextlib.suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)  # a second signal ends at once whatever still closes


async def _publish(node: Node) -> None:
    if node.options.locked:
        log.warning("publish_refused", reason="the server was started with --locked")
        return
    try:
        await node.publisher.publish()
    except PlanError as exc:
        for problem in exc.problems:
            log.error("publish_problem", problem=str(problem))
    except Exception:  # noqa: BLE001 - the root of this task; logged with its stack
        log.exception("publish_failed")
