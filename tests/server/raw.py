"""A WebSocket client made of bytes, which can also send what no client may."""

from __future__ import annotations

import asyncio
import base64
import struct
from dataclasses import dataclass

from .served import LIMIT

KEY = base64.b64encode(b"0123456789abcdef").decode()
UPGRADE = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True)
class Frame:
    opcode: int
    data: bytes

    @property
    def closes(self) -> tuple[int, str]:
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.data[:2])[0], self.data[2:].decode()


@dataclass
class Peer:
    """The client's end of one connection; every wait has a limit."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next HTTP answer: status, headers, body."""
        async with asyncio.timeout(LIMIT):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return int(lines[0].split()[1]), headers, body

    async def frame(self) -> Frame:
        async with asyncio.timeout(LIMIT):
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first & 0x0F, await self.reader.readexactly(length))

    async def message(self) -> Frame:
        """The next frame that is no ping; pings are answered."""
        while (frame := await self.frame()).opcode == PING:
            await self.send(masked(PONG, frame.data))
        return frame

    async def ended(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(LIMIT):
            assert await self.reader.read() == b""


def masked(opcode: int, data: bytes, *, fin: bool = True, length: int | None = None) -> bytes:
    """A frame as a client sends it, masked with zeros (RFC 6455, section 5.3)."""
    size = len(data) if length is None else length
    head = bytes([opcode | (0x80 if fin else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", size)
    return head + b"\0\0\0\0" + data


def request(target: str = "/ws", method: str = "GET", version: str = "1.1", **headers: str | None) -> bytes:
    """An upgrade request; a header given as None is left out, one with other text is written so."""
    fields = dict(UPGRADE)
    for name, value in headers.items():
        fields[name.replace("_", "-")] = value  # type: ignore[assignment]  # None stands for its absence
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {target} HTTP/{version}", *lines, "", ""]).encode("latin-1")
