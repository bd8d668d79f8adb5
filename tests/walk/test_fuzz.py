"""Hostile bytes for a few seconds: the server lives, its log stays calm, and others do not notice."""

from __future__ import annotations

import base64
import random
import socket as network
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import Server, ask, write

pytestmark = pytest.mark.walk

SECONDS = 2.0
"""How long each kind of hostility lasts; the seed makes a failure repeatable."""

HEAD = [
    b"GET /ws/echo HTTP/1.1",
    b"Host: 127.0.0.1",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)),
    b"Cookie: gen_app_auth_token=abc.def",
    b"Origin: http://127.0.0.1",
]


@pytest.fixture
def server(tmp_path: Path, start: Callable[..., Server]) -> Server:
    write(
        tmp_path,
        endpoints="endpoints: {echo: {url: /ws/echo, process: echo.say, auth: public}}\n",
        echo='from jackfield import process\n@process(reply="text")\ndef say(text: str) -> str:\n    return text\n',
    )
    return start(tmp_path)


@contextmanager
def unharmed(server: Server) -> Iterator[None]:
    """Who was there before notices nothing, who comes after is served, and the log has no fault to tell of."""
    with server.socket("/ws/echo") as good:
        assert ask(good, text="Привет") == {"text": "Привет"}
        yield
        assert ask(good, text="Как дела?") == {"text": "Как дела?"}
    with server.socket("/ws/echo") as new:
        assert ask(new, text="новый") == {"text": "новый"}
    assert server.process.poll() is None
    assert server.stop() == 0
    bad = [
        number for number, line in enumerate(server.lines) if "Traceback" in line or "[error" in line or "Error" in line
    ]
    assert not bad, "\n".join(server.lines[bad[0] : bad[0] + 40])


def connected(server: Server) -> network.socket:
    raw = network.create_connection(("127.0.0.1", int(server.http.rsplit(":", 1)[1])), timeout=5)
    raw.settimeout(5)
    return raw


def answer(raw: network.socket) -> bytes:
    """All that comes until the end; a reset is an end as well."""
    seen = b""
    try:
        while part := raw.recv(65536):
            seen += part
    except ConnectionError:
        pass
    return seen


def opened(server: Server) -> network.socket:
    raw = connected(server)
    raw.sendall(b"\r\n".join([*HEAD[:6], b"", b""]))
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += raw.recv(4096)
    assert seen.startswith(b"HTTP/1.1 101 "), seen
    return raw


def frame(chance: random.Random, payload: bytes, opcode: int) -> bytes:
    """One masked frame (RFC 6455, section 5.2), now and then with bits that break the rules."""
    first = (
        opcode
        | (0x80 if chance.random() < 0.8 else 0)
        | (chance.choice((0, 0x10, 0x40)) if chance.random() < 0.1 else 0)
    )
    mask = 0x80 if chance.random() < 0.95 else 0
    size = len(payload) if chance.random() < 0.95 else chance.choice((0, 125, 1 << 20, (1 << 63) - 1, (1 << 64) - 1))
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    key = bytes(chance.randrange(256) for _ in range(4))
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def payloads(chance: random.Random) -> Iterator[bytes]:
    good = '{"text": "Привет", "$id": 7}'.encode()
    pieces: list[Any] = [
        good,
        b"",
        b"[" * 200,
        b'{"text": NaN}',
        b'{"text": "\\ud800"}',
        b"\xff\xfe",
        b'{"text": 1e999}',
    ]
    while True:
        text = bytearray(chance.choice(pieces))
        for _ in range(chance.randrange(4)):
            if text:
                text[chance.randrange(len(text))] = chance.randrange(256)
        yield bytes(text)


def test_frames(server: Server) -> None:
    with unharmed(server):
        send_frames(server)


def send_frames(server: Server) -> None:
    chance = random.Random(20250101)
    payload = payloads(chance)
    end = time.monotonic() + SECONDS
    rounds = 0
    while time.monotonic() < end:
        with opened(server) as raw:
            try:
                for _ in range(chance.randrange(1, 30)):
                    opcode = chance.choice((1, 1, 1, 1, 0, 2, 8, 9, 10, 3, 15))
                    raw.sendall(frame(chance, next(payload), opcode))
                if chance.random() < 0.5:
                    raw.sendall(bytes(chance.randrange(256) for _ in range(chance.randrange(64))))
                if chance.random() < 0.5:
                    raw.shutdown(network.SHUT_WR)
                    answer(raw)
            except OSError:
                pass  # it closed on us, as it should
        rounds += 1
    assert rounds > 20


def test_handshakes(server: Server) -> None:
    with unharmed(server):
        seen = send_handshakes(server)
    assert {b"HTTP/1.1 400 ", b"HTTP/1.1 404 "} <= seen
    assert not any(status.startswith(b"HTTP/1.1 5") for status in seen), seen


def send_handshakes(server: Server) -> set[bytes]:
    chance = random.Random(20250102)
    odd = [b"\x00", b"\n", b"\r", b" ", b"\xff", "ж".encode(), b"%00", b"%2e%2e/", b"?", b"#", b":", b"," * 100]
    end = time.monotonic() + SECONDS
    seen: set[bytes] = set()
    rounds = 0
    while time.monotonic() < end:
        lines = list(HEAD)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(lines))
            act = chance.randrange(4)
            if act == 0:
                lines.insert(place, lines[place])
            elif act == 1 and len(lines) > 1:
                lines.pop(place)
            elif act == 2:
                at = chance.randrange(len(lines[place]) + 1)
                lines[place] = lines[place][:at] + chance.choice(odd) + lines[place][at:]
            else:
                lines[place] = lines[place].swapcase()
        with connected(server) as raw:
            try:
                raw.sendall(b"\r\n".join([*lines, b"", b""]))
                raw.shutdown(network.SHUT_WR)
                seen.add(answer(raw)[:13])
            except ConnectionError:
                pass
        rounds += 1
    assert rounds > 50
    return seen


def test_bytes_that_are_nothing(server: Server) -> None:
    chance = random.Random(20250103)
    with unharmed(server):
        for _ in range(100):
            with connected(server) as raw:
                raw.sendall(chance.randbytes(chance.randrange(1, 3000)))
                raw.shutdown(network.SHUT_WR)
                assert answer(raw)[:13] in (b"", b"HTTP/1.1 400 ")
