"""What a client sends, as bytes: requests, frames, what no client may send, and random streams of all that."""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import dataclass

KEY = base64.b64encode(b"0123456789abcdef").decode()
UPGRADE = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

SIZE_LIMIT = 400
"""The size limit of the streams, in bytes: small, so that streams cross it often."""


@dataclass(frozen=True)
class Frame:
    opcode: int
    data: bytes

    @property
    def closes(self) -> tuple[int, str]:
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.data[:2])[0], self.data[2:].decode()


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


WORDS = ("", "a", '{"message": "Привет"}', "жизнь", "🤝🤝", "x" * 125, "y" * 126, "я" * 63, "z" * 300, "\x00", "{}" * 9)
BAD = (b"\xff", b'{"a": "\xd0"}', b"\xed\xa0\x80", b"\xc0\xaf", "🤝".encode()[:3], b"ok\x80")
CODES = (1000, 1001, 1002, 1003, 1007, 1011, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)


def stream(dice: random.Random) -> bytes:
    """One client's bytes after the upgrade."""
    weights = (40, 10, 6, 14, 6, 3, 2, 2, 2)
    makers = (_text, _fragmented, _binary, _ping, _pong, _close, _bad_text, _violation, _too_long)
    made = b"".join(maker(dice) for maker in dice.choices(makers, weights, k=dice.randint(1, 14)))
    if dice.random() < 0.1:
        made += dice.choice((_frame(dice, TEXT, b"x" * 7, fin=False), b"")) + _too_long(dice)
    return _spoil(dice, made) if dice.random() < 0.25 else made


def cut(dice: random.Random, data: bytes) -> list[bytes]:
    """`data` as it may come from the network: whole, byte by byte, or in pieces of any size."""
    size = dice.choice((1, 2, 5, 20, 100, len(data) or 1))
    pieces = []
    while data:
        length = dice.randint(1, size) if size < len(data) else size
        pieces.append(data[:length])
        data = data[length:]
    return pieces


def _frame(
    dice: random.Random, opcode: int, data: bytes, *, fin: bool = True, bits: int = 0, masked: bool = True
) -> bytes:
    head = bytes(((0x80 if fin else 0) | bits | opcode,))
    mask = dice.randbytes(4) if masked else b""
    body = bytes(byte ^ mask[place & 3] for place, byte in enumerate(data)) if masked else data
    return head + _length(dice, len(data), 0x80 if masked else 0) + mask + body


def _length(dice: random.Random, length: int, bit: int) -> bytes:
    """The shortest form, as the RFC wants it; now and then a longer one, which the library takes."""
    longer = dice.random() < 0.05
    if length < 126 and not longer:
        return bytes((bit | length,))
    if length < 1 << 16 and not (longer and dice.random() < 0.5):
        return bytes((bit | 126,)) + struct.pack("!H", length)
    return bytes((bit | 127,)) + struct.pack("!Q", length)


def _text(dice: random.Random) -> bytes:
    return _frame(dice, TEXT, dice.choice(WORDS).encode())


def _binary(dice: random.Random) -> bytes:
    return _frame(dice, BINARY, dice.randbytes(dice.choice((0, 1, 30, 126, 200))))


def _ping(dice: random.Random) -> bytes:
    return _frame(dice, PING, dice.randbytes(dice.choice((0, 1, 4, 125))))


def _pong(dice: random.Random) -> bytes:
    return _frame(dice, PONG, dice.randbytes(dice.choice((0, 4, 125))))


def _close(dice: random.Random) -> bytes:
    code = struct.pack("!H", dice.choice(CODES))
    return _frame(dice, CLOSE, dice.choice((b"", b"\x03", code, code, code + "пока".encode(), code + b"\xff")))


def _bad_text(dice: random.Random) -> bytes:
    return _frame(dice, TEXT, dice.choice(BAD))


def _fragmented(dice: random.Random) -> bytes:
    """One message in several frames, cut inside of letters, with control frames and worse between them."""
    opcode = dice.choice((TEXT, TEXT, BINARY))
    whole = dice.choice(WORDS).encode() if dice.random() < 0.9 else dice.choice(BAD)
    parts = [whole[start : start + 7] for start in range(0, len(whole), 7)][:4] or [b""]
    made = []
    for place, part in enumerate(parts):
        made.append(_frame(dice, 0 if place else opcode, part, fin=place == len(parts) - 1))
        while dice.random() < 0.2:
            made.append(dice.choice((_ping, _ping, _pong))(dice))
        if dice.random() < 0.02:
            made.append(dice.choice((_text, _close, _too_long))(dice))
    if dice.random() < 0.05:
        made.pop()
    return b"".join(made)


def _violation(dice: random.Random) -> bytes:
    return dice.choice(
        (
            _frame(dice, dice.choice((3, 7, 11, 15)), b"opcode"),
            _frame(dice, TEXT, b"bits", bits=dice.choice((0x10, 0x20, 0x40, 0x70))),
            _frame(dice, TEXT, b"unmasked", masked=False),
            _frame(dice, 0, b"nothing to continue", fin=dice.random() < 0.5),
            _frame(dice, PING, dice.randbytes(126)),
            _frame(dice, dice.choice((PING, CLOSE)), b"", fin=False),
        )
    )


def _too_long(dice: random.Random) -> bytes:
    length = dice.choice((SIZE_LIMIT - 2, SIZE_LIMIT, SIZE_LIMIT + 1, 70_000, 1 << 62, (1 << 64) - 1))
    if length == SIZE_LIMIT:
        return _frame(dice, TEXT, b"=" * SIZE_LIMIT)
    head = bytes((dice.choice((0x81, 0x82, 0x01, 0x80, 0x00, 0x89)),))
    return head + _length(dice, length, 0x80) + dice.randbytes(dice.choice((0, 4, 50)))


def _spoil(dice: random.Random, data: bytes) -> bytes:
    spoilt = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(len(spoilt)) if spoilt else 0
        match dice.randrange(4):
            case 0 if spoilt:
                spoilt[place] ^= 1 << dice.randrange(8)
            case 1:
                del spoilt[place : place + dice.randint(1, 3)]
            case 2:
                spoilt[place:place] = dice.randbytes(dice.randint(1, 3))
            case _:
                del spoilt[len(spoilt) - dice.randint(0, min(20, len(spoilt))) :]
    return bytes(spoilt)
