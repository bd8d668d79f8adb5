"""Messages in fragments: how many there may be, what ends them early, and a close between two of them."""

from __future__ import annotations

import struct

import pytest

from jackfield.server.wire.fragments import FRAGMENT_BYTES, FRAGMENTS
from tests.server.frames import BINARY, CLOSE, PING, TEXT, masked
from tests.server.sockets import BINARY_HEARD, Still, Wire, wired

CONT = 0
NORMAL = struct.pack("!H", 1000)


class Hasty(Still):
    """A loop with so much time between two looks at it that fragments have no rate."""

    now = 0.0

    def time(self) -> float:
        self.now += 1.0
        return self.now


def fragments(size: int, number: int, *, opcode: int = TEXT, fin: bool = True) -> bytes:
    """A message in `number` fragments of `size` bytes each."""
    parts = [masked(CONT if n else opcode, b"x" * size, fin=fin and n == number - 1) for n in range(number)]
    return b"".join(parts)


def closes(wire: Wire) -> int:
    """The code of the close frame, which is all that was sent; 0 where nothing was."""
    if not wire.written:
        return 0
    assert wire.written[0] == 0x80 | CLOSE
    return int(struct.unpack("!H", wire.written[2:4])[0])


@pytest.mark.shows("REL-16")
def test_a_long_message_may_come_in_as_many_fragments_as_its_bytes_need() -> None:
    protocol, wire, recorder, _ = wired(lambda recorder, text: None, loop=Hasty())
    for _ in range(2):
        protocol.data_received(fragments(FRAGMENT_BYTES, 5 * FRAGMENTS))
        protocol.data_received(fragments(FRAGMENT_BYTES, 5 * FRAGMENTS, opcode=BINARY))
    assert [len(text) for text in recorder.heard] == [5 * FRAGMENTS * FRAGMENT_BYTES, len(BINARY_HEARD)] * 2
    assert wire.reading


@pytest.mark.shows("MS-6")
@pytest.mark.parametrize(("size", "most"), [(0, 1024), (1, 1040), (48, 4096)], ids=["empty", "1", "48"])
def test_fragments_that_bring_less_than_they_cost_are_bounded_in_number(size: int, most: int) -> None:
    protocol, wire, recorder, _ = wired(lambda recorder, text: None, loop=Hasty())
    protocol.data_received(fragments(size, most))
    assert [len(text) for text in recorder.heard] == [size * most]
    protocol.data_received(fragments(size, most, fin=False))
    assert closes(wire) == 0
    protocol.data_received(masked(CONT, b"x" * size))
    assert closes(wire) == 1009
    assert not wire.reading
    assert len(recorder.heard) == 1


def test_what_a_message_had_to_spare_is_not_the_next_ones() -> None:
    protocol, wire, recorder, _ = wired(lambda recorder, text: None, loop=Hasty())
    protocol.data_received(fragments(100_000, 2) + fragments(0, FRAGMENTS + 1))
    assert closes(wire) == 1009
    assert len(recorder.heard) == 1


@pytest.mark.shows("REL-16")
@pytest.mark.parametrize(
    "parts",
    [
        [(TEXT, b"\xce\xba\xff")],
        [(TEXT, "жизнь".encode()), (CONT, b"\xf4\x90\x80\x80")],
        [(TEXT, "🤝".encode()[:2]), (CONT, b""), (CONT, b"x")],
        [(TEXT, "я".encode()[:1]), (PING, b""), (CONT, "я".encode()[:1])],
    ],
    ids=["the first", "the second", "a letter that breaks off", "half a letter twice"],
)
def test_a_text_is_closed_in_the_fragment_that_makes_it_none(parts: list[tuple[int, bytes]]) -> None:
    protocol, wire, recorder, _ = wired()
    *before, (opcode, last) = parts
    protocol.data_received(b"".join(masked(kind, data, fin=kind == PING) for kind, data in before))
    wire.written.clear()  # the pong
    protocol.data_received(masked(opcode, last, fin=False))
    assert closes(wire) == 1007
    assert recorder.heard == []
    protocol.data_received(masked(CONT, b"x") + masked(CLOSE, NORMAL))
    assert wire.closed, "its close is found among what is dropped"


@pytest.mark.shows("REL-16")
def test_a_text_that_ends_inside_of_a_letter_is_closed_and_bytes_are_no_text() -> None:
    protocol, wire, recorder, _ = wired(lambda recorder, text: None)
    protocol.data_received(masked(BINARY, b"\xff", fin=False) + masked(CONT, b"\xff"))
    assert recorder.heard == [BINARY_HEARD]
    wire.written.clear()
    protocol.data_received(masked(TEXT, b"x", fin=False) + masked(CONT, "я".encode()[:1]))
    assert closes(wire) == 1007


@pytest.mark.shows("REL-16")
def test_a_close_between_two_fragments_is_answered_and_their_message_is_dropped() -> None:
    protocol, wire, recorder, _ = wired()
    protocol.data_received(masked(TEXT, "при".encode(), fin=False))
    protocol.data_received(masked(CLOSE, NORMAL) + masked(CONT, "вет".encode()))
    assert closes(wire) == 1000
    assert wire.closed
    assert recorder.heard == []
    protocol.connection_lost(None)
    assert recorder.codes == [1000]


def test_a_close_between_two_fragments_is_looked_at_like_every_other() -> None:
    protocol, wire, _, _ = wired()
    protocol.data_received(masked(TEXT, b"x", fin=False) + masked(CLOSE, struct.pack("!H", 999)))
    assert closes(wire) == 1002


def test_after_our_close_the_rest_of_a_message_changes_nothing() -> None:
    protocol, wire, _, _ = wired()
    protocol.data_received(masked(TEXT, b"x", fin=False))
    protocol.close(4408, "idle")
    protocol.data_received(masked(CONT, b"\xff") + masked(CLOSE, NORMAL))
    assert closes(wire) == 4408
    assert wire.closed
