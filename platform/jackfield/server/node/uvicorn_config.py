"""What it takes to serve with our protocols and with uvicorn's own alike: its settings, and how a stop begins."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any

import uvicorn

from jackfield.logs import log
from jackfield.server.node.drain import stop_serving
from jackfield.server.node.node import Node
from jackfield.server.options import Options

__all__ = ["BACKLOG", "Stop", "answer_all", "configure"]

BACKLOG = 2048

CLOSING_LIMIT = 1.0
"""Seconds after the drain for clients to take the rest and answer the close frame."""


class Stop:
    """Whether it is time to stop, and whether what is still answered is waited for."""

    should_exit = False
    force_exit = False


def configure(app: Any, options: Options, http: Any, ws: Any) -> uvicorn.Config:
    """How uvicorn serves a listener with these options."""
    return uvicorn.Config(
        app,
        http=http,
        ws=ws,
        lifespan="off",  # the node is open already, and outlives the listener
        interface="asgi3",
        log_config=None,
        access_log=False,  # it has query strings in it
        server_header=False,
        proxy_headers=False,  # the gateway reads them, see request.py; uvicorn would believe loopback by default
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


async def answer_all(node: Node, stop: Stop) -> None:
    """Answer what is being answered, then close 1012; uvicorn alone would cut replies off."""
    draining = asyncio.ensure_future(_drain(node))
    while not draining.done() and not stop.force_exit:
        await asyncio.wait((draining,), timeout=0.1)
    draining.cancel()
    if stop.force_exit:
        node.gateway.live.stops_at = 0.0


async def _drain(node: Node) -> None:
    live, limit = node.gateway.live, node.options.drain
    log.info("stopping", connections=len(live.hub), limit=limit)
    await stop_serving(live, limit)
    # what was answered last is still on its way to slow readers; uvicorn would drop it
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_LIMIT):
            while len(live.hub):  # noqa: ASYNC110 - the hub has no event for being empty
                await asyncio.sleep(0.02)
