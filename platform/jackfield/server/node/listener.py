"""The listener: our signals, and uvicorn with our protocols, or with its own where ours have not what they need."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import uvicorn

from jackfield import files
from jackfield.errors import PlanError
from jackfield.logs import log
from jackfield.server.node.node import Node, log_problems
from jackfield.server.node.uvicorn_config import BACKLOG, Stop
from jackfield.server.node.uvicorn_fallback import PlainServer
from jackfield.server.options import Options
from jackfield.server.wire import guards, private_names

__all__ = ["CertificateLocked", "bind", "check_certificate", "listen"]

MAX_PEM = 1_048_576
"""Bytes that the file of a certificate or of its key may have."""

_TESTED = (
    "clients are served without the fast path and its guards; install the uvicorn, websockets and h11 that were tested"
)


class CertificateLocked(Exception):
    """The certificate's key is protected by a passphrase, which a server cannot be asked for."""


def check_certificate(cert: str, key: str) -> None:
    """Whether a certificate and its key can be used. Raises OSError, ssl.SSLError or CertificateLocked."""

    def passphrase() -> str:
        """Asked for when the key is encrypted; OpenSSL would ask on the terminal."""
        raise CertificateLocked("the key is protected by a passphrase; give one without")

    # OpenSSL would wait at a pipe, and read a device for ever
    chain, secret = (files.read(path, MAX_PEM) for path in (cert, key))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, passphrase)
    except ssl.SSLError as exc:
        exc.strerror = _pem_fault(chain, secret) or _TLS_WORDS.get(exc.reason, exc.strerror)
        raise


_TLS_WORDS = {"KEY_VALUES_MISMATCH": "the key is not that of the certificate"}


def _pem_fault(chain: bytes, key: bytes) -> str:
    """What a file has not that OpenSSL wants in it (RFC 7468), which it does not name; or nothing."""
    no_chain, no_key = b"CERTIFICATE-----" not in chain, b"PRIVATE KEY-----" not in key
    if no_chain and no_key and b"CERTIFICATE-----" in key and b"PRIVATE KEY-----" in chain:
        return "the first holds the key and the second the certificate; swap them"
    if no_chain:
        return "the first holds no certificate in the form PEM"
    return "the second holds no private key in the form PEM" if no_key else ""


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
    missing = private_names.missing()
    if not missing:
        server = import_module("jackfield.server.node.uvicorn_server").Server(node, started, stopping, admin)
        with _signals(server, node, server.config):
            await server.serve(sockets=[listener])
        return
    log.warning("served_plainly", missing=", ".join(missing), fix=_TESTED)
    plain = PlainServer(node, missing, started, stopping)
    with _signals(plain, node, plain.config) as arm:
        await plain.serve(listener, admin, arm)


@contextlib.contextmanager
def _signals(server: Stop, node: Node, config: uvicorn.Config) -> Iterator[Callable[[], object]]:
    """Our signals, by handlers of Python itself: uvloop gets none while an exception is on its way out of its run.

    Gives what takes them again.
    """
    loop = asyncio.get_running_loop()
    publishing: set[asyncio.Task[None]] = set()

    def stop(_number: int, _frame: object) -> None:
        server.force_exit = server.should_exit  # the second one does not wait
        server.should_exit = True

    def renew(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(publish)

    def publish() -> None:
        task = loop.create_task(_renew(config, node))
        publishing.add(task)
        task.add_done_callback(publishing.discard)

    handled: dict[int, Callable[[int, object], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if hasattr(signal, "SIGHUP"):
        handled[signal.SIGHUP] = renew

    def take() -> dict[int, Any]:
        return {number: signal.signal(number, act) for number, act in handled.items()}

    before = take()
    try:
        yield take
    finally:
        for task in publishing:
            task.cancel()
        for number, act in before.items():
            signal.signal(number, act)  # a second SIGTERM ends at once whatever still closes


async def _renew(config: uvicorn.Config, node: Node) -> None:
    """What SIGHUP asks for: the certificate, the keys and the files anew; each stays as it is where it cannot."""
    options = node.options
    if config.ssl is not None:
        try:
            check_certificate(options.tls_cert, options.tls_key)  # apart, so that half a pair changes nothing
            config.ssl.load_cert_chain(options.tls_cert, options.tls_key)
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
        log_problems(exc)
    except Exception:  # noqa: BLE001 - the root of this task; logged with its stack
        log.exception("publish_failed")
