"""Bounds for clients that are not authenticated yet, and for those that have vanished.

Strategy. A connection costs a descriptor and some memory from its first byte on, so what is bounded here is
bounded before a credential is asked for: the time that a request may take, the number of connections,
and how long the kernel keeps bytes for a client that takes none. What is refused in numbers is logged
once a minute, and counted.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import sys
from contextlib import suppress
from functools import cache

from jackfield.server.observe.throttled import EXHAUSTED

if sys.platform != "win32":
    import resource

__all__ = [
    "GRACE",
    "MORE_ROOM",
    "PLAIN",
    "RECEIVE_BUFFER",
    "RECEIVE_BUFFER_MOST",
    "REQUEST_LIMIT",
    "UNSENT",
    "UNTAKEN_LIMIT",
    "cut_off",
    "harden",
    "look_at_descriptors",
    "most_connections",
    "most_in_all",
    "raise_descriptor_limit",
    "widen",
]

REQUEST_LIMIT = 5.0
"""Seconds from the accept, TLS included, to the end of a head; the same once more for its body."""

UNTAKEN_LIMIT = 30.0
"""Seconds that the kernel keeps what a client does not take or acknowledge."""

GRACE = 0.1
"""Seconds between a time limit and its consequence: uvloop looks at its timers before it reads, so what a client sent
in time, while our loop stood still, would count as not sent.
"""

RECEIVE_BUFFER = 48 * 1024
"""Bytes from a client that the kernel keeps until we read; its own bound is some megabytes. A connection sends no more
than that in one round trip, except where `limits.message` is larger."""

RECEIVE_BUFFER_MOST = 4 * 1024 * 1024
"""Bytes of it for an endpoint with larger messages, at most."""

UNSENT = 128 * 1024
"""Bytes that the kernel takes for a client beyond those on their way; the rest waits with us and is counted. Its own
bound is some megabytes for each client."""

PLAIN = 32
"""Connections for plain HTTP alone, where WebSockets have taken all others."""

_OWN = 64  # descriptors that are no connections: the store, the log, threads, what processes open
_OWN_PART = 16  # and one of so many besides
_ENOUGH = 131_072  # descriptors that one event loop has a use for; containers often allow a thousand million
_LINGER_NONE = struct.pack("ii", 1, 0)  # struct linger: on, zero seconds


MORE_ROOM = "raise the limit of open files (ulimit -n), or run more nodes"
"""What to do where connections are too many."""


def harden(listener: socket.socket) -> None:
    """Bound what the kernel keeps for connections that `listener` accepts, in both directions (RFC 5482 for one).

    Set once here instead of on each connection, which inherits it. Other systems than Linux have no limit of the time
    for which bytes wait to be taken, and may take more of them. What is on its way is left to the kernel, so that a
    fast line over a long distance is filled; a fixed SO_SNDBUF would end that.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNTAKEN_LIMIT * 1000))


def widen(transport: asyncio.Transport, message: int) -> None:
    """Let one message of `message` bytes come in one round trip."""
    found = transport.get_extra_info("socket")
    if found is not None:
        with suppress(OSError):  # the connection is gone already
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, min(message, RECEIVE_BUFFER_MOST))


def cut_off(transport: asyncio.Transport) -> None:
    """End a connection now. What a client has not taken is dropped in the kernel as well: no orphan waits for it."""
    found = transport.get_extra_info("socket")
    if found is not None and transport.get_write_buffer_size():
        with suppress(OSError):  # the connection is gone already
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    transport.abort()


@cache
def most_connections() -> int:
    """WebSockets that this process takes at once: what its descriptors allow, less those for everything else.

    PLAIN more are taken for plain HTTP. Asked once; the limit is not lowered while the server runs.
    """
    if sys.platform == "win32":
        return _ENOUGH
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = _ENOUGH if soft == resource.RLIM_INFINITY else soft
    return max(1, descriptors - max(_OWN, descriptors // _OWN_PART) - PLAIN)


def most_in_all() -> int:
    """Connections of any kind that this process takes at once."""
    return most_connections() + PLAIN


def raise_descriptor_limit() -> None:
    """Take as many descriptors as this process may have; the usual 1,024 are for programs of another kind."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it: then the old limit holds
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    most_connections.cache_clear()


def look_at_descriptors() -> None:
    """Log that no descriptor is left; to be called about once a second.

    uvloop reports nothing: it accepts connections then and closes them at once.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as exc:
        if exc.errno not in (errno.EMFILE, errno.ENFILE):
            return  # a sandbox without that file, for example: a look that fails must not end the server
        fix = "raise the limit of open files (ulimit -n, LimitNOFILE= in systemd), or close what processes leave open"
        EXHAUSTED.warn(reason=exc.strerror, fix=fix)
