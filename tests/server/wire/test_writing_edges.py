"""What only the direct path has: how reads are cut, replies that leave in one write, uvicorn's faults mended."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import cast

import pytest

from jackfield.config.plan import Limits
from jackfield.server.wire.reading import WebSocketProtocol
from jackfield.server.wire.writing import CORK
from tests.server.frames import CLOSE, PING, PONG, TEXT, Frame, masked
from tests.server.sockets import BOUNDLESS, EchoServer, Recorder, Still, Wire, accept, begin, echo_server, opened, wired

GOING = masked(CLOSE, struct.pack("!H", 1000))


@pytest.fixture
async def direct() -> AsyncIterator[EchoServer]:
    async with echo_server("direct") as made:
        yield made


# one read


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_a_short_read_that_only_looks_like_a_whole_frame(length: int) -> None:
    protocol, wire, recorder, _ = wired()
    protocol.data_received(bytes((0x81, length + 122)).ljust(length, b"\0"))  # not masked
    assert wire.written.startswith(b"\x88")
    assert protocol.close_sent
    assert recorder.heard == []


def test_a_length_in_a_longer_form_than_it_needs() -> None:
    protocol, wire, _, _ = wired()
    protocol.data_received(b"\x81\xfe\0\x7c\0\0\0\0" + b"x" * 124)
    protocol.data_received(b"\x81\xff" + b"\0" * 7 + b"\x01\0\0\0\0y")
    assert bytes(wire.written) == b"\x81\x7c" + b"x" * 124 + b"\x81\x01y"


@pytest.mark.parametrize("disturb", [True, False])
def test_the_end_of_a_frame_that_looks_like_a_frame_of_its_own(disturb: bool) -> None:
    protocol, _, recorder, _ = wired()
    protocol.data_received(b"\x81\x88\xff\xff\xff\xff")
    if disturb:  # each of these looks anew at whether a frame may be taken
        protocol.pause()
        protocol.resume()
        protocol.tune(Limits(ping=None))
    protocol.data_received(b"\x81\x82\xff\xff\xff\xff\x97\x96")
    assert recorder.heard == ["~}\0\0\0\0hi"]


# events that many get in one step


def test_an_event_takes_the_shortest_way_where_nothing_stands_against_it() -> None:
    protocol, wire, recorder, loop = wired()
    protocol.post("никак".encode())
    assert recorder.events == ["никак".encode()], "nobody said how long it may be"
    protocol.post_limit = 8
    protocol.post(b"12345678")
    protocol.post(b"123456789")
    assert recorder.events[1:] == [b"123456789"]
    protocol.hold()
    protocol.write(b"reply")
    protocol.post(b"behind")
    for act in loop.soon:
        act()
    assert bytes(wire.written).endswith(b"\x81\x0812345678\x81\x09123456789\x81\x05reply\x81\x06behind")


def test_an_event_in_the_middle_of_a_read_stays_behind_the_replies_before_it() -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        protocol.post(b"event " + text)
        return text

    protocol, wire, recorder, _ = wired(act)
    protocol.post_limit = 100
    protocol.data_received(masked(TEXT, b"one") + masked(TEXT, b"two"))
    assert bytes(wire.written) == b"\x81\x09event one\x81\x03one\x81\x09event two\x81\x03two"
    assert recorder.events == [b"event one", b"event two"]


def test_the_receiver_hears_of_an_event_that_the_network_did_not_take() -> None:
    protocol, wire, recorder, _ = wired(fills=True)
    protocol.post_limit, wire.buffered = 100, 77
    protocol.post(b"one")
    assert (recorder.waiting, recorder.events) == ([77], [])
    protocol.post(b"two")
    assert recorder.events == [b"two"], "within the limits of the receiver"


def test_nothing_is_posted_behind_a_close() -> None:
    protocol, wire, recorder, _ = wired()
    protocol.post_limit = 100
    protocol.close(1012, "")
    written = bytes(wire.written)
    protocol.post(b"late")
    assert (bytes(wire.written), recorder.events) == (written, [b"late"])


# replies in one write


@pytest.mark.parametrize("number", [1, 2, 16])
@pytest.mark.parametrize("word", [b"{}", b"x" * 125, b"x" * 126, "я".encode() * 500])
@pytest.mark.parametrize("events", [0, 3])
def test_the_replies_to_one_read_leave_in_one_write(number: int, word: bytes, events: int) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        for _ in range(events):
            recorder.transport.write(b"event")
        return text

    protocol, wire, recorder, _ = wired(act)
    protocol.data_received(masked(TEXT, word) * number)
    assert wire.writes == 1
    head = bytes((0x81, len(word))) if len(word) < 126 else b"\x81\x7e" + struct.pack("!H", len(word))
    assert bytes(wire.written) == (b"\x81\x05event" * events + head + word) * number
    assert len(recorder.heard) == number


def test_what_is_held_leaves_in_one_write_with_the_next_turn_of_the_loop() -> None:
    protocol, wire, _, loop = wired()
    loop.turn()
    for word in (b"one", b"two"):
        protocol.hold()
        protocol.write(word)
    assert wire.writes == 0
    loop.turn()
    assert (wire.writes, bytes(wire.written)) == (1, b"\x81\x03one\x81\x03two")
    protocol.write(b"three")
    assert wire.writes == 2, "nothing is held any more"


@pytest.mark.parametrize("last", ["resume", "empty"])
def test_what_waits_to_be_read_is_read_when_the_hold_ends(last: str) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes | None:
        if text == b"0":
            protocol.pause()
        return text

    protocol, wire, recorder, loop = wired(act)
    loop.turn()
    protocol.data_received(b"".join(masked(TEXT, str(number).encode()) for number in range(18)))
    assert recorder.heard == ["0"]
    if last == "empty":
        protocol.pause_writing()
        protocol.resume()
    protocol.hold()
    if last == "empty":
        protocol.resume_writing()
    else:
        protocol.resume()
    loop.turn()
    assert recorder.heard == [str(number) for number in range(18)], "nothing more has to come for that"
    assert wire.written.endswith(b"\x81\x0217")


@pytest.mark.parametrize("ending", ["close", "loss"])
def test_what_is_held_at_the_end(ending: str) -> None:
    protocol, wire, _, loop = wired()
    protocol.hold()
    protocol.write(b"last")
    if ending == "close":
        protocol.close(1000, "")
        assert bytes(wire.written) == b"\x81\x04last\x88\x02\x03\xe8"
    else:
        wire.close()
        protocol.connection_lost(None)
    before = wire.writes
    loop.turn()
    assert wire.writes == before


def test_a_message_without_an_answer_writes_nothing() -> None:
    protocol, wire, recorder, _ = wired(lambda recorder, text: None)
    protocol.data_received(masked(TEXT, b"{}"))
    protocol.data_received(masked(TEXT, b"{}") * 3)
    assert len(recorder.heard) == 4
    assert wire.writes == 0


def test_large_replies_to_one_read_do_not_pile_up() -> None:
    protocol, wire, _, _ = wired(lambda recorder, text: b"x" * CORK)
    protocol.data_received(masked(TEXT, b"{}") * 5)
    assert 3 <= wire.writes <= 5
    assert len(wire.written) == 5 * (CORK + 10)


@pytest.mark.parametrize("number", [1, 3])
def test_an_answer_to_a_network_that_is_full_goes_through_the_receivers_limits(number: int) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        recorder.transport.write(b"x" * (CORK + 1))  # leaves at once, and fills the network
        return text

    protocol, wire, recorder, _ = wired(act, fills=True)
    protocol.data_received(masked(TEXT, b"late") * number)
    assert recorder.written == [b"late"]
    assert wire.written.endswith(b"\x81\x04late")
    assert len(recorder.heard) == 1, "nothing more is handed on"
    while wire.full:
        wire.empty()
    assert len(recorder.heard) == number
    assert recorder.written == [b"late"] * number


@pytest.mark.parametrize("number", [1, 3])
def test_an_answer_that_fills_the_network_is_the_last_one(number: int) -> None:
    protocol, wire, recorder, _ = wired(lambda recorder, text: b"x" * (CORK + 1), fills=True)
    protocol.data_received(masked(TEXT, b"1") * number)
    assert len(recorder.heard) == 1
    assert not wire.reading
    wire.empty()
    assert len(recorder.heard) == min(number, 2)


@pytest.mark.parametrize("number", [1, 3])
def test_an_answer_given_with_a_pause_leaves_and_the_next_waits(number: int) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        recorder.transport.pause()
        return text

    protocol, wire, recorder, _ = wired(act)
    protocol.data_received(masked(TEXT, b"1") * number)
    assert bytes(wire.written) == b"\x81\x011"
    protocol.resume()
    assert len(recorder.heard) == min(number, 2)


@pytest.mark.parametrize("number", [1, 3])
def test_an_answer_given_with_a_close_is_dropped(number: int) -> None:
    def act(recorder: Recorder, text: bytes) -> bytes:
        recorder.transport.close(4001, "")
        return text

    protocol, wire, recorder, _ = wired(act)
    protocol.data_received(masked(TEXT, b"1") * number)
    assert bytes(wire.written) == b"\x88\x02" + struct.pack("!H", 4001)
    assert recorder.heard == ["1"]


def _ours(recorder: Recorder) -> WebSocketProtocol:
    assert isinstance(recorder.protocol, WebSocketProtocol)
    return recorder.protocol


# violations


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (masked(TEXT, b"\xff"), 1007),
        (b"\x81\x7e", 1002),
        (masked(3, b""), 1002),
        (masked(TEXT, b"", length=1 << 40), 1009),
    ],
)
async def test_replies_made_before_a_violation_in_the_same_read_arrive(
    direct: EchoServer, broken: bytes, code: int
) -> None:
    peer, recorder = await direct.peer()
    direct.here.state.connections.copy().pop().conn.max_message_size = BOUNDLESS  # type: ignore[union-attr]  # ours
    await peer.send(masked(TEXT, "раз".encode()) + masked(TEXT, b"2") + broken + masked(TEXT, b"never"))
    assert [(await peer.frame()).data.decode() for _ in range(2)] == ["раз", "2"]
    assert (await peer.frame()).closes[0] == code
    await peer.ended()
    assert await recorder.ended() == code
    assert recorder.heard == ["раз", "2"]


async def test_replies_made_before_a_close_in_the_same_read_arrive(direct: EchoServer) -> None:
    peer, recorder = await direct.peer()
    await peer.send(masked(TEXT, b"1") + masked(PING, b"?") + masked(TEXT, b"2") + GOING + masked(TEXT, b"never"))
    frames = [await peer.frame() for _ in range(4)]
    assert frames == [Frame(TEXT, b"1"), Frame(PONG, b"?"), Frame(TEXT, b"2"), Frame(CLOSE, GOING[6:])]
    assert await recorder.ended() == 1000
    assert recorder.heard == ["1", "2"]


async def test_a_limit_below_the_shortest_header_holds(direct: EchoServer) -> None:
    direct.before_accept = lambda recorder: _ours(recorder).tune(Limits(message=5, ping=None))
    peer, recorder = await direct.peer()
    await peer.send(masked(TEXT, b"0123456789"))
    assert (await peer.frame()).data == b"0123456789"
    await peer.send(masked(TEXT, b"0123456789a"))
    assert (await peer.frame()).closes[0] == 1009
    assert await recorder.ended() == 1009


async def test_a_limit_that_a_publish_lowers_holds_at_once(direct: EchoServer) -> None:
    peer, recorder = await direct.peer()
    await peer.send(masked(TEXT, b"x" * 100))
    assert (await peer.frame()).data == b"x" * 100
    _ours(recorder).tune(Limits(message=5, ping=None))
    await peer.send(masked(TEXT, b"x" * 100))
    assert (await peer.frame()).closes[0] == 1009


# a client that takes little


def test_a_client_that_takes_little_has_time_again() -> None:
    protocol, wire, _, loop = wired(lambda recorder, text: b"x" * 1_000, fills=True)
    wire.buffered = 70_000
    protocol.data_received(masked(TEXT, b""))
    for taken in (1, 500):
        wire.buffered -= taken
        loop.run_later(2)
        assert not protocol.close_sent
    protocol.write(b"y" * 1_000)
    wire.buffered += 1_004 - 10  # it took ten bytes while an event was poured on top
    loop.run_later(2)  # the limit, and the last look at what the client took
    assert not protocol.close_sent
    protocol.write(b"y" * 1_000)
    wire.buffered += 1_004
    loop.run_later(2)
    assert wire.written.endswith(b"nothing was read for 30 s")


def test_what_a_client_took_while_our_loop_stood_still_gives_it_time_again() -> None:
    protocol, wire, _, loop = wired(lambda recorder, text: b"x" * 1_000, fills=True)
    wire.buffered = 70_000
    protocol.data_received(masked(TEXT, b""))
    loop.run_later()
    wire.buffered -= 500  # the network reports it after the timer
    loop.run_later()
    assert not protocol.close_sent


# keepalive


async def test_a_publish_switches_pings_off_and_on_again(caplog: pytest.LogCaptureFixture) -> None:
    async with echo_server("direct", ws_ping_interval=0.02, ws_ping_timeout=0.02) as server:
        peer, recorder = await server.peer()
        assert (await peer.frame()).opcode == PING
        _ours(recorder).tune(Limits(ping=None))  # one is on its way, and nobody answers it
        assert recorder.protocol.pong_timer is recorder.protocol.ping_timer is None
        await peer.send(masked(TEXT, b"still here"))
        assert await peer.frame() == Frame(TEXT, b"still here")
        _ours(recorder).tune(Limits(ping=0.02))
        assert (await peer.frame()).opcode == PING
        assert (await peer.frame()).closes[0] == 1011
        assert await recorder.ended() == 1006, "the client is gone, and that is no fault of ours"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def unanswered(protocol: WebSocketProtocol, sent: bytes) -> None:
    """Ping, hear `sent` instead of a pong, and come to the end of the time for it."""
    protocol.ping_interval = protocol.ping_timeout = 20
    protocol.send_keepalive_ping()
    if sent:
        protocol.data_received(sent)
    if protocol.read_paused:  # the application takes it
        protocol.read_paused = False
        protocol.transport.resume_reading()
    protocol.keepalive_timeout()
    if protocol.pong_timer is not None:  # nothing came for the last look either
        cast("Still", protocol.loop).run_later()


@pytest.mark.parametrize(
    "sent", [masked(TEXT, b"1"), masked(TEXT, b"1") * 3, masked(TEXT, b"x" * 500), masked(TEXT, b"1", fin=False)]
)
def test_a_client_that_speaks_need_not_answer_pings(sent: bytes) -> None:
    protocol, wire, _, _ = wired()
    unanswered(protocol, sent)
    assert not protocol.close_sent
    unanswered(protocol, b"")
    assert wire.written.endswith(b"\x03\xf3no pong came within 20 s")


def test_a_client_that_speaks_need_not_answer_pings_over_plain_asgi_either() -> None:
    protocol = opened(WebSocketProtocol, Still(), BOUNDLESS)
    wire = Wire(protocol)
    begin(protocol, wire)
    accept(protocol, wire)
    unanswered(protocol, masked(TEXT, b"1"))
    assert not protocol.close_sent
    unanswered(protocol, b"")
    assert protocol.close_sent


def test_what_came_while_our_loop_stood_still_is_seen_before_a_client_counts_as_gone() -> None:
    """A loop that was late calls its timers before it reads: the pong may be there, unread."""
    protocol, wire, _, loop = wired()
    protocol.ping_interval = protocol.ping_timeout = 20
    protocol.send_keepalive_ping()
    protocol.keepalive_timeout()
    assert not protocol.close_sent, "there is one more look"
    protocol.data_received(masked(TEXT, b"late"))
    loop.run_later()
    assert not protocol.close_sent
    assert protocol.ping_timer is not None, "and a new interval"
    unanswered(protocol, b"")
    assert wire.written.endswith(b"no pong came within 20 s")
