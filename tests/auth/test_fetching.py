"""Documents of other servers: whatever one sends, it is over in time, costs little and holds up nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import chain, repeat

import pytest

from jackfield.auth import fetching
from jackfield.auth.fetching import NotFetched, fetch
from tests.auth.conftest import until

LIMIT = 20.0
MOST = 256 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

Parts = Iterable[bytes]


class Other:
    """A server that sends these bytes to whoever asks."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self.asked: list[bytes] = []
        self.sent = 0
        self.over = asyncio.Event()
        self.address = ""
        self._parts = parts

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            for part in self._parts():
                writer.write(part)
                self.sent += len(part)
                await writer.drain()
            await reader.read()
        writer.close()
        self.over.set()


@contextlib.asynccontextmanager
async def other(parts: Callable[[], Parts]) -> AsyncIterator[Other]:
    made = Other(parts)
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
    async with server:
        yield made


def with_length(body: bytes, *fields: bytes) -> list[bytes]:
    return [HEAD, *fields, b"Content-Length: %d\r\n\r\n" % len(body), body]


def packed(size: int, times: int) -> bytes:
    data = b" " * size
    for _ in range(times):
        data = gzip.compress(data)
    return data


def endless(head: bytes, part: bytes, most: int = 64 << 20) -> Callable[[], Iterator[bytes]]:
    return lambda: chain([head], repeat(part, most // len(part)))


async def test_it_asks_for_what_is_not_packed_and_takes_what_comes() -> None:
    async with other(lambda: with_length(b'{"keys": []}')) as server:
        assert await fetch(server.address, most=MOST, time_limit=LIMIT) == b'{"keys": []}'
    (asked,) = server.asked
    assert b"\r\naccept-encoding: identity\r\n" in asked.lower()
    async with other(lambda: with_length(packed(100, 1), b"Content-Encoding: gzip\r\n")) as server:
        assert await fetch(server.address, most=MOST, time_limit=LIMIT) == b" " * 100


HOSTILE: dict[str, tuple[Callable[[], Parts], str]] = {
    "a bomb": (lambda: with_length(packed(32 << 20, 1), b"Content-Encoding: gzip\r\n"), "longer than 262,144 bytes"),
    "a bomb in a bomb": (lambda: with_length(packed(32 << 20, 2), b"Content-Encoding: gzip, gzip\r\n"), "gzip, once"),
    "in two headers": (
        lambda: with_length(packed(32 << 20, 2), b"Content-Encoding: gzip\r\n", b"Content-Encoding: gzip\r\n"),
        "gzip, once",
    ),
    "another coding": (lambda: with_length(b"\x0b\x02\x80", b"Content-Encoding: br\r\n"), "gzip, once"),
    "a packed transfer": (
        lambda: [HEAD, b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"5\r\nabcde\r\n0\r\n\r\n"],
        "Transfer-Encoding",
    ),
    "a body without end": (endless(HEAD + b"\r\n", b" " * 65_536), "longer than 262,144 bytes"),
    "chunks of one byte": (endless(CHUNKED, b"1\r\n \r\n" * 10_000), "more than 4,096 parts"),
    "a chunk without end": (endless(CHUNKED + b"fffffff\r\n", b" " * 65_536), "longer than 262,144 bytes"),
    "headers without end": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 5_000), "."),
    "a header without end": (endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65_536), "."),
    "trailers without end": (endless(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 5_000), "."),
    "a redirect": (lambda: [b"HTTP/1.1 302 Found\r\nLocation: /jwks\r\nContent-Length: 0\r\n\r\n"], "302, not 200"),
    "nonsense": (lambda: [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n"], "."),
}


@pytest.mark.parametrize(("parts", "reported"), HOSTILE.values(), ids=HOSTILE)
async def test_whatever_comes_is_over_before_much_of_it_came(parts: Callable[[], Parts], reported: str) -> None:
    ready = list(parts()) if reported in ("gzip, once", "longer than 262,144 bytes") else None
    async with other(parts if ready is None else lambda: ready) as server:
        tracemalloc.start()
        try:
            with pytest.raises(NotFetched, match=reported):
                await fetch(server.address, most=MOST, time_limit=LIMIT)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        async with asyncio.timeout(LIMIT):
            await server.over.wait()
        assert peak < 8 << 20
        assert server.sent < 16 << 20, "nobody reads to its end what has none"


@pytest.mark.parametrize(
    "parts",
    [
        list,
        lambda: [HEAD],
        lambda: [HEAD, b"Content-Length: 10\r\n\r\n{"],
        endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 2_000, 1 << 40),
    ],
    ids=["nothing", "half a head", "half a body", "interim answers without end"],
)
async def test_what_does_not_come_to_its_end_is_given_up(parts: Callable[[], Parts]) -> None:
    async with other(parts) as server:
        with pytest.raises(NotFetched, match=r"no answer within 0\.3 s"):
            await fetch(server.address, most=MOST, time_limit=0.3)


async def test_it_is_read_on_a_thread_of_its_own_and_ends_with_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, ended = list[int](), threading.Event()
    get = fetching._get

    async def noted(*given: object, **more: object) -> bytes:
        threads.append(threading.get_ident())
        try:
            return await get(*given, **more)  # type: ignore[arg-type]  # passed on as they came
        finally:
            ended.set()

    monkeypatch.setattr(fetching, "_get", noted)
    async with other(lambda: [HEAD]) as server:
        waiting = asyncio.create_task(fetch(server.address, most=MOST, time_limit=LIMIT))
        await until(lambda: server.asked)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(ended.wait, LIMIT), "long before its time limit"
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize(
    "address",
    ["http://keys.example/jwks", "ftp://127.0.0.1/x", "http://127.0.0.1.evil.example/", "http://[", "data://x"],
)
async def test_what_is_fetched_travels_through_tls(address: str) -> None:
    with pytest.raises(NotFetched, match=r"https|Invalid"):
        await fetch(address, most=MOST, time_limit=LIMIT)
