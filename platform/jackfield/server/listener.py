"""The listener: uvicorn with our protocols, our signals and our way to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, cast

import uvicorn

from jackfield import files
from jackfield.errors import PlanError
from jackfield.logs import log
from jackfield.server import guards
from jackfield.server.arrival import LISTENER
from jackfield.server.node import Node
from jackfield.server.options import Options
from jackfield.server.protocol import WebSocketProtocol
from jackfield.server.silent import Connected
from jackfield.server.tls import TlsListener
from jackfield.server.upgrade import HttpProtocol

__all__ = ["CertificateLocked", "bind", "check_certificate", "listen", "open_listener"]

BACKLOG = 2048

MAX_PEM = 1_048_576
"""Bytes that the file of a certificate or of its key may have."""

CLOSING_LIMIT = 1.0
"""Seconds that clients have after the drain to take the rest and to answer the close frame."""


class CertificateLocked(Exception):
    """The certificate's key is protected by a passphrase, which nobody is there to give."""


def check_certificate(cert: str, key: str) -> None:
    """Whether a certificate and its key can be used. Raises OSError, ssl.SSLError or CertificateLocked."""

    def passphrase() -> str:
        """Asked for when the key is encrypted; OpenSSL would ask on the terminal."""
        raise CertificateLocked("the key is protected by a passphrase; give one without")

    for path in (cert, key):
        files.read(path, MAX_PEM)  # OpenSSL would wait at a pipe, and read a device for ever
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, passphrase)


def bind(options: Options) -> socket.socket:
    """The listening socket, taken before anything is loaded. Raises OSError, for a port in use above all."""
    host = options.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        guards.harden(listener)
        listener.bind((host, options.port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


async def listen(
    node: Node,
    listener: socket.socket,
    started: Callable[[], None],
    stopping: Callable[[], None] = lambda: None,
    *,
    admin: socket.socket | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. SIGHUP has certificate and keys read anew, and publishes.

    `started` is called when connections are taken, `stopping` when the stop begins. `admin` is the socket of the
    admin port, where there is one.
    """
    guards.raise_descriptor_limit()
    server = _Server(node, started, stopping, admin)
    with _signals(server, node):
        await server.serve(sockets=[listener])


def _config(node: Node, options: Options) -> uvicorn.Config:
    """How uvicorn serves a listener with these options."""
    return uvicorn.Config(
        node.gateway,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        lifespan="off",  # the node is open already, and outlives the listener
        interface="asgi3",
        log_config=None,
        access_log=False,  # it has query strings in it
        server_header=False,
        proxy_headers=False,  # the gateway reads them, see arrival.py; uvicorn would believe loopback by default
        ws_per_message_deflate=False,
        ssl_certfile=options.tls_cert or None,
        ssl_keyfile=options.tls_key or None,
        ssl_context_factory=_tls if options.tls else None,
        timeout_graceful_shutdown=5,
    )


def _tls(_config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 (OWASP ASVS 5.0, 12.1.1), whatever the machine's OpenSSL would take besides."""
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Server(uvicorn.Server):
    def __init__(
        self,
        node: Node,
        started: Callable[[], None],
        stopping: Callable[[], None],
        admin: socket.socket | None,
    ) -> None:
        super().__init__(_config(node, node.options))
        self.server_state: Connected = Connected()
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
            config = _config(self._node, options)
            config.load()
            # its requests say by which listener they came
            second = await open_listener(config, self.server_state, {LISTENER: options}, self._admin)
            self.servers.append(second)
        self._started()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; tells whether it is time to stop."""
        if counter % 10 == 0:
            guards.look_at_descriptors()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is being answered, then close 1012; uvicorn alone would cut replies off."""
        self._stopping()
        stopping = asyncio.ensure_future(self._drain())
        while not stopping.done() and not self.force_exit:
            await asyncio.wait((stopping,), timeout=0.1)
        stopping.cancel()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        gateway, limit = self._node.gateway, self._node.options.drain
        log.info("stopping", connections=len(gateway.hub), limit=limit)
        await gateway.drain(limit)
        # what was answered last is still on its way to slow readers; uvicorn would drop it
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_LIMIT):
                while len(gateway.hub):  # noqa: ASYNC110 - the hub tells nobody that it is empty
                    await asyncio.sleep(0.02)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn raises them again at its end, before the node could close."""
        yield


async def open_listener(
    config: uvicorn.Config, state: Connected, app_state: dict[str, Any], listener: socket.socket
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


@contextlib.contextmanager
def _signals(server: _Server, node: Node) -> Iterator[None]:
    """Our signals, by handlers of Python itself: uvloop hears none while an exception is on its way out of its run."""
    loop = asyncio.get_running_loop()
    publishing: set[asyncio.Task[None]] = set()

    def stop(_number: int, _frame: object) -> None:
        server.force_exit = server.should_exit  # the second one does not wait
        server.should_exit = True

    def renew(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(publish)

    def publish() -> None:
        task = loop.create_task(_renew(server, node))
        publishing.add(task)
        task.add_done_callback(publishing.discard)

    handled: dict[int, Callable[[int, object], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if hasattr(signal, "SIGHUP"):
        handled[signal.SIGHUP] = renew
    before = {number: signal.signal(number, act) for number, act in handled.items()}
    try:
        yield
    finally:
        for task in publishing:
            task.cancel()
        for number, act in before.items():
            signal.signal(number, act)  # a second SIGTERM ends at once whatever still closes


async def _renew(server: _Server, node: Node) -> None:
    """What SIGHUP asks for: the certificate, the keys and the files anew; each stays as it is where it cannot."""
    options = node.options
    if server.config.ssl is not None:
        try:
            check_certificate(options.tls_cert, options.tls_key)  # apart, so that half a pair changes nothing
            server.config.ssl.load_cert_chain(options.tls_cert, options.tls_key)
            log.info("certificate_renewed", file=options.tls_cert)
        except (OSError, ssl.SSLError, CertificateLocked) as exc:
            log.error("certificate_not_renewed", file=options.tls_cert, reason=str(exc))
    await node.rotation.rotate()
    await _publish(node)


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
