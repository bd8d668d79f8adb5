"""A listener with TLS that counts connections before the handshake ends.

The loop's own calls a protocol only when the TLS handshake is over: a client that never begins it would hold a
descriptor that is not counted (see idle.py). So connections are accepted here, and are idle until then.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jackfield.server.wire import guards
from jackfield.server.wire.eviction import SharedState

__all__ = ["TlsListener"]

_AT_ONCE = 8  # connections that are accepted before others have their turn, and those that gave way are closed
_PAUSE = 0.1  # seconds until the next look when the system has no descriptor left; they wait in its queue
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Then = Callable[[float], asyncio.Protocol]
"""Makes the protocol of a connection after its TLS handshake, from the time of the accept by the loop's clock."""


class TlsListener:
    """Accepts on a listening socket; has the methods of asyncio's Server that end one."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext, state: SharedState, then: Then) -> None:
        self.context = context
        self.state = state
        self.then = then
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._watch()

    def close(self) -> None:
        """Take no more connections."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for: those that were accepted are the state's."""

    def _watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                if exc.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(self._listener.fileno())
                self._pause = self._loop.call_later(_PAUSE, self._watch)
                return
            accepted.setblocking(False)
            _TlsHandshake(self, accepted, address)


class _TlsHandshake:
    """A connection until its TLS handshake is over. Implements Evictable."""

    def __init__(self, listener: TlsListener, accepted: socket.socket, address: Any) -> None:
        self.address: str = address[0]
        self._listener = listener
        self._accepted = accepted
        self._taken = False  # by a transport, which closes it
        self._here = True
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        self._task = loop.create_task(self._open(loop))
        self._task.add_done_callback(self._done)
        state = listener.state
        state.tasks.add(self._task)
        state.connections.add(self)  # type: ignore[arg-type]  # of what is in there uvicorn asks for `shutdown` alone
        state.idle.begin(self, len(state.connections))
        state.idle.make_room(self, len(state.connections))  # one that has none is answered 503 after its handshake

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._taken = True
        context, limit = self._listener.context, guards.REQUEST_LIMIT
        with suppress(OSError):  # what the client does wrong in its handshake; TLS has reported it
            await loop.connect_accepted_socket(
                lambda: _Placeholder(self), self._accepted, ssl=context, ssl_handshake_timeout=limit
            )

    def established(self, transport: asyncio.Transport) -> None:
        """The handshake is over."""
        self._leave()
        protocol = self._listener.then(self._began)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)

    def evict(self) -> None:
        """See Evictable."""
        self._task.cancel()

    def shutdown(self) -> None:
        """Called by the server when it stops."""
        self._task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._listener.state.tasks.discard(task)
        self._leave()
        if not self._taken:
            self._accepted.close()

    def _leave(self) -> None:
        if self._here:
            self._here = False
            self._listener.state.connections.discard(self)
            self._listener.state.idle.end(self)


class _Placeholder(asyncio.Protocol):
    """Stands in for the protocol until the handshake is over: that costs more memory than an idle client should."""

    def __init__(self, handshake: _TlsHandshake) -> None:
        self._handshake = handshake

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """The TLS handshake is over."""
        self._handshake.established(transport)
