"""Heads and lengths of frames, without a connection."""

from __future__ import annotations

import pytest

from jackfield.messages import Binary
from jackfield.server.wire.frames import COMPRESSED, HEADS, PLAIN, bytes_needed, framed, long_head
from jackfield.server.wire.writing import Cork
from tests.server.frames import CLOSE, PING, TEXT, masked


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_head_of_a_long_text(length: int, head: bytes) -> None:
    assert long_head(length) == head


def test_the_head_of_a_short_text() -> None:
    assert (HEADS[0], HEADS[125], len(HEADS)) == (b"\x81\x00", b"\x81\x7d", 126)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_needed_whole_and_of_its_head_first_what_has_the_length(length: int) -> None:
    frame = masked(TEXT, b"x" * length)
    size = 2 if length < 126 else 4 if length < 65_536 else 10
    assert bytes_needed(b"--" + frame, 2, length, PLAIN) == len(frame)
    assert bytes_needed(frame[:1], 0, length, PLAIN) == 2
    assert bytes_needed(frame[: size - 1], 0, length, PLAIN) == (2 if size == 2 else size)
    assert bytes_needed(frame[:size], 0, length, PLAIN) == len(frame)


@pytest.mark.parametrize(
    "head",
    [
        b"\x81\x05",  # no mask
        b"\x83\x80",  # an unknown opcode
        b"\xc1\x80",  # a reserved bit
        b"\x09\x80",  # a ping in fragments
        masked(TEXT, b"", length=1_001)[:4],
    ],
)
def test_a_head_that_is_a_violation_needs_nothing(head: bytes) -> None:
    assert bytes_needed(head, 0, 1_000, PLAIN) == 0


def test_compressed_frames_are_allowed_where_that_was_agreed_on() -> None:
    assert bytes_needed(b"\xc1\x80", 0, 1_000, COMPRESSED) == 6
    assert {masked(opcode, b"")[0] for opcode in (TEXT, PING, CLOSE)} < PLAIN < COMPRESSED


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_binary_payload_is_framed_as_one(size: int) -> None:
    payload = Binary(b"\xff" * size)
    text = framed(b"a" * size)
    assert framed(payload) == b"\x82" + text[1 : len(text) - size] + payload
    cork = Cork()
    cork.put(payload)
    assert cork.pull() == framed(payload)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_text_is_framed_anew_where_it_is_another(size: int) -> None:
    one, other = b"a" * size, b"b" * size
    for text in (one, one, other, one):
        head = HEADS[size] if size < 126 else long_head(size)
        assert framed(text) == head + text
    assert framed(one) is framed(one), "an event is framed once for all who hear it"
